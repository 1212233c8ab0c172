//! The claims of a refused request about itself. Only those with a digest are authentic.

use actix_web::web::Bytes;
use xiebao_core::id::identifier_text;
use xiebao_core::json::Json;
use xiebao_core::notice::RawNotice;

use super::Refusal;

/// Claimed identifiers; `None` where the request does not state one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Claims {
    pub insure_num: Option<String>,
    pub notify_type: Option<i64>,
    pub partner_id: Option<i64>,
    /// Only for an authentic notice.
    pub digest: Option<String>,
}

impl Claims {
    /// The claims of an authentic notice as verified, of any other request as far as its body can be read.
    pub fn of(refusal: &Refusal<'_>) -> Self {
        let known = Self {
            notify_type: refusal.notify_type.map(|number| number.0),
            partner_id: refusal.partner.map(|partner| partner.0),
            ..Self::default()
        };
        match (&refusal.authentic, refusal.body) {
            (Some((digest, insure_num)), _) => Self {
                digest: Some(digest.clone()),
                insure_num: insure_num.clone(),
                ..known
            },
            (None, Some(body)) => Self {
                insure_num: number(body),
                ..known
            },
            (None, None) => known,
        }
    }

    /// Tells if the signature was correct.
    pub fn is_authentic(&self) -> bool {
        self.digest.is_some()
    }
}

/// The proposal number in a body; `None` if there is none or the body cannot be read.
fn number(body: &Bytes) -> Option<String> {
    if let Ok(raw) = RawNotice::parse(body) {
        return raw.data.object().ok().and_then(|data| stated(&data));
    }
    let whole = Json::parse(std::str::from_utf8(body).ok()?).ok()?;
    match whole.get("data")? {
        Json::String(text) => stated(&Json::parse(text).ok()?),
        data => stated(data),
    }
}

fn stated(data: &Json<'_>) -> Option<String> {
    let text = data.get("insureNum").and_then(identifier_text)?;
    xiebao_core::refused::claimed(&text)
}
