//! The examination of a body: which bytes were hashed, which key and form match, or why none does.

mod words;

use bytes::Bytes;
use md5::Md5;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use xiebao_core::facts;
use xiebao_core::id::Step;
use xiebao_core::lang::Lang;
use xiebao_core::notice::{Malformed, RawNotice, insure_num};
use xiebao_core::signature::{Form, Keys, SignatureError, text_of, verify};

/// The verdict of a receiver on the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SignatureVerdict {
    /// It is right.
    Authentic,
    /// The body is not a notice.
    Malformed,
    /// No key of the partner is configured.
    UnknownPartner,
    /// It is wrong under every key.
    BadSignature,
}

/// The examination of a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Examination {
    /// The verdict of a receiver.
    pub signature: SignatureVerdict,
    /// Why it is not authentic, in English.
    pub problem: Option<String>,
    /// A mistake of the sender that would explain it.
    pub hint: Option<Hint>,
    /// The stated type.
    pub notify_type: Option<i64>,
    /// The stated partner.
    pub partner_id: Option<i64>,
    /// The stated proposal.
    pub insure_num: Option<String>,
    /// How many keys the partner has.
    pub keys: usize,
    /// The index of the key that matched; 0 is the current one.
    pub key_index: Option<usize>,
    /// The `message_id` of an authentic notice.
    pub digest: Option<String>,
    /// The texts that may have been signed, in the order in which they are tried.
    pub texts: Vec<Text>,
    /// Why a worker would not apply it.
    pub rejection: Option<Rejection>,
}

/// A mistake of the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Hint {
    /// `sign` is not 32 hexadecimal digits.
    SignIsNoMd5,
    /// It is `MD5(data + key)` instead of `MD5(key + data)`.
    KeyBehindData,
    /// It is `MD5(data)`, without the key.
    NoKey,
}

/// A text that may have been signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Text {
    /// Its form, as in `raw` or `compact`.
    pub form: &'static str,
    /// Length in UTF-8.
    pub bytes: usize,
    /// The first digits of its SHA-256, to compare texts by. The key is not part of it.
    pub sha256: String,
    /// Its first 60 characters.
    pub begins: String,
    /// The signature is over this text.
    pub matches: bool,
}

/// Why a worker would not apply a notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rejection {
    /// The group of causes.
    pub reason: String,
    /// The cause in detail, in English.
    pub detail: String,
}

impl Examination {
    /// The examination of a body that is not a notice.
    pub fn malformed(error: &Malformed) -> Self {
        Self {
            signature: SignatureVerdict::Malformed,
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

    /// The examination of a notice. `current_key`: the current key of its partner, to try the usual mistakes with.
    pub fn of(raw: RawNotice<'_>, body: &Bytes, keys: &Keys, current_key: Option<&str>) -> Self {
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
        let hint = hint(&raw, current_key);
        let verified = verify(raw, keys);
        let matched = verified.as_ref().ok().map(|notice| notice.form().name());
        texts
            .iter_mut()
            .for_each(|text| text.matches = Some(text.form) == matched);
        let signature = match &verified {
            Ok(_) => SignatureVerdict::Authentic,
            Err(SignatureError::UnknownPartner) => SignatureVerdict::UnknownPartner,
            Err(SignatureError::BadSignature) => SignatureVerdict::BadSignature,
            Err(SignatureError::Malformed(_)) => SignatureVerdict::Malformed,
        };
        Self {
            signature,
            problem: verified.as_ref().err().map(ToString::to_string),
            hint: hint.filter(|_| signature == SignatureVerdict::BadSignature),
            notify_type: Some(notify_type.0),
            partner_id: Some(partner_id.0),
            insure_num: number.map(|number| number.to_string()),
            keys: keys.0.get(&partner_id).map_or(0, Vec::len),
            key_index: verified.as_ref().ok().map(|notice| notice.key_index()),
            digest: verified.as_ref().ok().map(|notice| notice.digest().to_string()),
            texts,
            // The workers keep notices of undocumented types without reading them.
            rejection: Step::of(notify_type).and_then(|_| rejection(body)),
        }
    }

    /// A worker would apply the notice, or keep it.
    pub fn is_sound(&self) -> bool {
        self.signature == SignatureVerdict::Authentic && self.rejection.is_none()
    }

    /// The examination as text.
    pub fn page(&self, lang: Lang) -> String {
        words::of(self, lang)
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

fn hint(raw: &RawNotice<'_>, key: Option<&str>) -> Option<Hint> {
    if raw.sign.len() != 32 || !raw.sign.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(Hint::SignIsNoMd5);
    }
    let is_sign = |parts: &[&str]| md5_hex(parts).eq_ignore_ascii_case(&raw.sign);
    Form::ALL
        .into_iter()
        .filter_map(|form| text_of(raw, form))
        .find_map(|text| match key {
            _ if is_sign(&[&text]) => Some(Hint::NoKey),
            Some(key) if is_sign(&[&text, key]) => Some(Hint::KeyBehindData),
            _ => None,
        })
}

fn md5_hex(parts: &[&str]) -> String {
    let mut hasher = Md5::new();
    parts.iter().for_each(|part| hasher.update(part.as_bytes()));
    hex::encode(hasher.finalize())
}

#[cfg(test)]
mod tests;
