//! What there is to say about a body.

use bytes::Bytes;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use xiebao_core::facts;
use xiebao_core::id::Step;
use xiebao_core::notice::{Malformed, RawNotice, insure_num};
use xiebao_core::signature::{Form, Keys, SignatureError, text_of, verify};

use xiebao_simulator::platform::Signer;

/// How it stands with the signature: the verdicts of the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    Authentic,
    Malformed,
    UnknownPartner,
    BadSignature,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Examination {
    pub signature: Finding,
    /// Why it is not authentic.
    pub problem: Option<String>,
    /// A mistake of the sender that would explain it.
    pub hint: Option<Hint>,
    pub notify_type: Option<i64>,
    pub partner_id: Option<i64>,
    pub insure_num: Option<String>,
    /// How many keys the partner has.
    pub keys: usize,
    /// Which of them matched; 0 is the current one.
    pub key_index: Option<usize>,
    /// The `message_id` of an authentic notice.
    pub digest: Option<String>,
    /// The texts that may have been signed, in the order in which they are tried.
    pub texts: Vec<Text>,
    /// What an authentic notice would be refused for.
    pub rejection: Option<Rejection>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Hint {
    /// `sign` is no 32 hexadecimal digits.
    SignIsNoMd5,
    /// `MD5(data + key)` instead of `MD5(key + data)`.
    KeyBehindData,
    /// The key was left out.
    NoKey,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Text {
    pub form: &'static str,
    /// Length in UTF-8.
    pub bytes: usize,
    /// The first digits of its SHA-256, to compare texts by. Of the key there is nothing in it.
    pub sha256: String,
    pub begins: String,
    pub matches: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rejection {
    pub reason: String,
    pub detail: String,
}

impl Examination {
    pub fn malformed(error: &Malformed) -> Self {
        Self {
            signature: Finding::Malformed,
            problem: Some(error.to_string()),
            hint: None,
            notify_type: None,
            partner_id: None,
            insure_num: None,
            keys: 0,
            key_index: None,
            digest: None,
            texts: Vec::new(),
            rejection: None,
        }
    }

    /// `signer` holds the current key, to try the usual mistakes with.
    pub fn of(raw: RawNotice<'_>, body: &Bytes, keys: &Keys, signer: Option<&Signer>) -> Self {
        let (notify_type, partner_id) = (raw.notify_type, raw.partner_id);
        let number = raw
            .data
            .object()
            .ok()
            .and_then(|object| insure_num(&object).ok().flatten());
        let mut texts: Vec<Text> = Form::ALL
            .into_iter()
            .filter_map(|form| text(&raw, form))
            .collect();
        let hint = hint(&raw, signer);
        let verified = verify(raw, keys);
        let matched = verified.as_ref().ok().map(|notice| notice.form().name());
        texts
            .iter_mut()
            .for_each(|text| text.matches = Some(text.form) == matched);
        let signature = match &verified {
            Ok(_) => Finding::Authentic,
            Err(SignatureError::UnknownPartner) => Finding::UnknownPartner,
            Err(SignatureError::BadSignature) => Finding::BadSignature,
            Err(SignatureError::Malformed(_)) => Finding::Malformed,
        };
        Self {
            signature,
            problem: verified.as_ref().err().map(ToString::to_string),
            hint: hint.filter(|_| signature == Finding::BadSignature),
            notify_type: Some(notify_type.0),
            partner_id: Some(partner_id.0),
            insure_num: number.map(|number| number.to_string()),
            keys: keys.0.get(&partner_id).map_or(0, Vec::len),
            key_index: verified.as_ref().ok().map(|notice| notice.key_index()),
            digest: verified.as_ref().ok().map(|notice| notice.digest().to_string()),
            texts,
            // A type that nobody has documented is kept as it is.
            rejection: Step::of(notify_type).and_then(|_| rejection(body)),
        }
    }
}

fn rejection(body: &Bytes) -> Option<Rejection> {
    let rejection = facts::Notice::read(body).err()?;
    Some(Rejection {
        reason: rejection.reason.to_string(),
        detail: rejection.detail,
    })
}

fn text(raw: &RawNotice<'_>, form: Form) -> Option<Text> {
    let text = text_of(raw, form)?;
    Some(Text {
        form: form.name(),
        bytes: text.len(),
        sha256: hex::encode(&Sha256::digest(text.as_bytes())[..6]),
        begins: text
            .chars()
            .take(60)
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect(),
        matches: false,
    })
}

fn hint(raw: &RawNotice<'_>, signer: Option<&Signer>) -> Option<Hint> {
    if raw.sign.len() != 32 || !raw.sign.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(Hint::SignIsNoMd5);
    }
    let is_sign = |sign: String| sign.eq_ignore_ascii_case(&raw.sign);
    Form::ALL
        .into_iter()
        .filter_map(|form| text_of(raw, form))
        .find_map(|text| match signer {
            _ if is_sign(Signer::without_key(&text)) => Some(Hint::NoKey),
            Some(signer) if is_sign(signer.sign_behind(&text)) => Some(Hint::KeyBehindData),
            _ => None,
        })
}

#[cfg(test)]
mod tests;
