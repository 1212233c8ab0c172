//! A notice as it stands in a file, made ready to be posted.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use thiserror::Error;
use xiebao_core::id::{PartnerId, identifier_text};
use xiebao_core::json::Json;
use xiebao_simulator::platform::Signer;

use crate::exit::Failure;

/// An HTTP body, with the type and proposal that it states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The HTTP body.
    pub body: Bytes,
    /// The type, as the file has it.
    pub notify_type: String,
    /// The proposal.
    pub insure_num: Option<String>,
}

/// Why a file holds no notices.
#[derive(Debug, Error)]
pub enum DraftError {
    #[error("is not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    #[error("holds no notice")]
    Empty,
    #[error("notice {0}: no notifyType and data, which a notice has")]
    NotANotice(usize),
    #[error("notice {0}: no partnerId in data, and so no key to sign with")]
    NoPartner(usize),
    #[error(transparent)]
    Key(Failure),
}

#[derive(Deserialize)]
struct Envelope<'t> {
    #[serde(borrow, rename = "notifyType")]
    notify_type: &'t RawValue,
    #[serde(borrow)]
    sign: Option<&'t RawValue>,
    #[serde(borrow)]
    data: &'t RawValue,
}

/// One notice, an array of them, or one after the other. Their `data` keeps every byte.
pub fn read(text: &str, signer: &dyn Fn(i64) -> Result<Signer, Failure>) -> Result<Vec<Draft>, DraftError> {
    let mut raws: Vec<&RawValue> = Vec::new();
    for raw in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        let raw = raw?;
        if raw.get().starts_with('[') {
            raws.extend(serde_json::from_str::<Vec<&RawValue>>(raw.get())?);
        } else {
            raws.push(raw);
        }
    }
    if raws.is_empty() {
        return Err(DraftError::Empty);
    }
    raws.iter()
        .zip(1..)
        .map(|(raw, place)| draft(raw, place, signer))
        .collect()
}

fn draft(
    raw: &RawValue,
    place: usize,
    signer: &dyn Fn(i64) -> Result<Signer, Failure>,
) -> Result<Draft, DraftError> {
    let envelope: Envelope<'_> =
        serde_json::from_str(raw.get()).map_err(|_| DraftError::NotANotice(place))?;
    let data = envelope.data.get();
    let unescaped: Option<String> = serde_json::from_str(data).ok();
    let signed_text = unescaped.as_deref().unwrap_or(data);
    let meaning = Json::parse(signed_text).unwrap_or(Json::Null);
    let body = match envelope.sign {
        Some(_) => raw.get().to_owned(),
        None => {
            let partner = meaning.get("partnerId").and_then(PartnerId::from_json);
            let partner = partner.ok_or(DraftError::NoPartner(place))?;
            let sign = signer(partner.0).map_err(DraftError::Key)?.sign(signed_text);
            format!(
                "{{\"notifyType\":{},\"sign\":\"{sign}\",\"data\":{data}}}",
                envelope.notify_type
            )
        }
    };
    Ok(Draft {
        body: Bytes::from(body),
        notify_type: envelope.notify_type.get().trim_matches('"').to_owned(),
        insure_num: meaning
            .get("insureNum")
            .and_then(identifier_text)
            .map(Cow::into_owned),
    })
}

#[cfg(test)]
mod tests {
    use xiebao_core::id::PartnerId;

    use super::*;

    fn signer(partner: i64) -> Result<Signer, Failure> {
        Ok(Signer::new(PartnerId(partner), format!("key of {partner}")))
    }

    fn bodies(text: &str) -> Vec<String> {
        let drafts = read(text, &signer).expect("notices");
        drafts
            .iter()
            .map(|draft| String::from_utf8_lossy(&draft.body).into_owned())
            .collect()
    }

    #[test]
    fn a_notice_without_sign_is_signed_over_its_data_as_it_stands() {
        let data = "{ \"partnerId\": 7.0,\"insureNum\":12 }";
        let drafts = read(&format!("{{\"data\":{data},\"notifyType\":26}}"), &signer).expect("a notice");
        let sign = Signer::new(PartnerId(7), "key of 7".to_owned()).sign(data);
        let body = format!("{{\"notifyType\":26,\"sign\":\"{sign}\",\"data\":{data}}}");
        assert_eq!(drafts[0].body, body);
        assert_eq!(
            (drafts[0].notify_type.as_str(), drafts[0].insure_num.as_deref()),
            ("26", Some("12"))
        );
    }

    #[test]
    fn data_in_a_string_is_signed_over_what_it_holds() {
        let bodies = bodies(r#"{"notifyType":1,"data":"{\"partnerId\":7}"}"#);
        let sign = Signer::new(PartnerId(7), "key of 7".to_owned()).sign("{\"partnerId\":7}");
        assert_eq!(
            bodies,
            [format!(
                r#"{{"notifyType":1,"sign":"{sign}","data":"{{\"partnerId\":7}}"}}"#
            )]
        );
    }

    #[test]
    fn a_signed_notice_is_sent_as_it_is() {
        let text = r#"{"sign":"x", "data":{},"notifyType":1}"#;
        assert_eq!(bodies(text), [text]);
    }

    #[test]
    fn arrays_and_lines_hold_several() {
        let one = r#"{"sign":"x","data":{},"notifyType":1}"#;
        assert_eq!(bodies(&format!("[{one},{one}]")), [one, one]);
        assert_eq!(bodies(&format!("{one}\n{one}\n")), [one, one]);
    }

    #[test]
    fn what_is_no_notice_is_named_by_its_place() {
        let error = |text| read(text, &signer).expect_err("no notices").to_string();
        assert!(error("").contains("no notice"));
        assert!(error("x").starts_with("is not JSON"));
        assert!(error(r#"[{"sign":"x","data":{},"notifyType":1}, 5]"#).starts_with("notice 2"));
        assert!(error(r#"{"data":{},"notifyType":1}"#).contains("partnerId"));
    }
}
