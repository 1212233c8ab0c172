//! The verdicts and their answers to the platform (its document, section 1.4).

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderName, HeaderValue};

const RESULT: HeaderName = HeaderName::from_static("x-notice-result");
const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=UTF-8");

/// The outcome of a request, in the order in which it is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Verdict {
    NotAllowed,
    TooLarge,
    Malformed,
    UnknownPartner,
    BadSignature,
    Ignored,
    DeadLettered,
    Accepted,
    Unavailable,
}

impl Verdict {
    /// The value of the header `x-notice-result`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotAllowed => "not_allowed",
            Self::TooLarge => "too_large",
            Self::Malformed => "malformed",
            Self::UnknownPartner => "unknown_partner",
            Self::BadSignature => "bad_signature",
            Self::Ignored => "ignored",
            Self::DeadLettered => "dead_lettered",
            Self::Accepted => "accepted",
            Self::Unavailable => "unavailable",
        }
    }

    /// Tells if the broker has the notice.
    pub const fn is_stored(self) -> bool {
        matches!(self, Self::Ignored | Self::DeadLettered | Self::Accepted)
    }

    /// The documented body. The reader of `failMsg` is the platform's staff.
    const fn body(self) -> &'static str {
        match self {
            Self::Ignored | Self::DeadLettered | Self::Accepted => r#"{"state":true}"#,
            Self::NotAllowed => r#"{"state":false,"failMsg":"来源地址未授权"}"#,
            Self::TooLarge => r#"{"state":false,"failMsg":"报文过大"}"#,
            Self::Malformed => r#"{"state":false,"failMsg":"报文格式错误"}"#,
            Self::UnknownPartner => r#"{"state":false,"failMsg":"渠道未开通"}"#,
            Self::BadSignature => r#"{"state":false,"failMsg":"签名验证失败"}"#,
            Self::Unavailable => r#"{"state":false,"failMsg":"服务暂不可用，请稍后重试"}"#,
        }
    }

    /// The answer. Its status is always 200, because the platform's client reads no other body. With `last` it closes the
    /// connection, so that the sender connects to another receiver.
    pub fn reply(self, last: bool) -> HttpResponse {
        let mut reply = HttpResponse::Ok();
        if last {
            reply.force_close();
        }
        reply
            .insert_header((RESULT, HeaderValue::from_static(self.name())))
            .insert_header((header::CONTENT_TYPE, JSON))
            .body(self.body())
    }
}
