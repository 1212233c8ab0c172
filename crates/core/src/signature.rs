//! The sole maker of a verified notice.
//!
//! The platform's document, section 1.3: `sign = MD5(key + data)`. MD5 over a secret prefix is what the platform
//! offers; what can be done around it is said in `docs/security.md`. In particular a length extension cannot pass,
//! because what it appends is neither UTF-8 nor JSON, and the very slice that is hashed is the one that is parsed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use md5::{Digest as _, Md5};
use subtle::ConstantTimeEq;
use thiserror::Error;

use crate::digest;
use crate::id::{Digest, InsureNum, NotifyType, PartnerId, TooLong};
use crate::notice::{self, Malformed, RawNotice};

/// A key that the platform shares with a partner. Its value is in no output of this type.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// `None` for blank text: an empty key would let anyone sign.
    pub fn new(secret: impl Into<String>) -> Option<Self> {
        let secret = secret.into();
        (!secret.trim().is_empty()).then_some(Self(secret))
    }

    /// Lower-case hex of `MD5(utf8(key + data))`.
    pub fn sign(&self, data: &str) -> String {
        hex::encode(self.md5(data))
    }

    fn md5(&self, data: &str) -> [u8; 16] {
        let mut hasher = Md5::new();
        hasher.update(self.0.as_bytes());
        hasher.update(data.as_bytes());
        hasher.finalize().into()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// The keys of each partner, the current one first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys(pub BTreeMap<PartnerId, Vec<Key>>);

/// Which text of `data` the signature was made over, in the order in which they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Form {
    /// The bytes as sent.
    Raw,
    /// Re-written without white space, in received order.
    Compact,
    /// The same with keys sorted at every level.
    Sorted,
    /// `data` is a JSON string: its unescaped content.
    String,
}

impl Form {
    pub const ALL: [Form; 4] = [Form::Raw, Form::Compact, Form::Sorted, Form::String];

    /// The value of the header `x-signature-form`.
    pub const fn name(self) -> &'static str {
        match self {
            Form::Raw => "raw",
            Form::Compact => "compact",
            Form::Sorted => "sorted",
            Form::String => "string",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.name() == name)
    }
}

/// Why a notice is not believed.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum SignatureError {
    #[error("no key is configured for this partner")]
    UnknownPartner,
    #[error("the signature fits none of the accepted texts under none of the partner's keys")]
    BadSignature,
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

/// A notice that came from who holds a key of its partner. Only [`verify`] makes one.
#[derive(Debug, Clone)]
pub struct VerifiedNotice {
    body: Bytes,
    notify_type: NotifyType,
    partner_id: PartnerId,
    insure_num: Result<Option<InsureNum>, TooLong>,
    digest: Digest,
    form: Form,
    key_index: usize,
}

impl VerifiedNotice {
    /// The HTTP body, byte for byte.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    pub fn notify_type(&self) -> NotifyType {
        self.notify_type
    }

    pub fn partner_id(&self) -> PartnerId {
        self.partner_id
    }

    /// `Ok(None)`: the notice names no proposal. `Err`: a number that no column holds.
    pub fn insure_num(&self) -> Result<Option<&InsureNum>, TooLong> {
        self.insure_num.as_ref().map(Option::as_ref).map_err(|e| *e)
    }

    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    pub fn form(&self) -> Form {
        self.form
    }

    /// Which of the partner's keys matched: 0 is the current one.
    pub fn key_index(&self) -> usize {
        self.key_index
    }
}

/// Believes a notice if its `sign` is the MD5 of one of the accepted texts under one of the partner's keys.
pub fn verify(raw: RawNotice<'_>, keys: &Keys) -> Result<VerifiedNotice, SignatureError> {
    let partner_keys = keys
        .0
        .get(&raw.partner_id)
        .ok_or(SignatureError::UnknownPartner)?;
    let (form, key_index) = first_match(&raw, partner_keys).ok_or(SignatureError::BadSignature)?;
    let object = raw.data.object()?;
    Ok(VerifiedNotice {
        insure_num: notice::insure_num(&object),
        digest: digest::of_notice(raw.partner_id, raw.notify_type, &object),
        body: raw.body.clone(),
        notify_type: raw.notify_type,
        partner_id: raw.partner_id,
        form,
        key_index,
    })
}

fn first_match(raw: &RawNotice<'_>, keys: &[Key]) -> Option<(Form, usize)> {
    let wanted = decode_sign(&raw.sign)?;
    for form in Form::ALL {
        let Some(text) = text_of(raw, form) else { continue };
        // Every key is tried with the same work, so that the time tells nothing about which one is near.
        let mut found = None;
        for (index, key) in keys.iter().enumerate() {
            if bool::from(key.md5(&text).ct_eq(&wanted)) {
                found = found.or(Some(index));
            }
        }
        if let Some(index) = found {
            return Some((form, index));
        }
    }
    None
}

/// The text of `data` in one form; `None` where the form does not apply.
pub fn text_of<'r>(raw: &'r RawNotice<'_>, form: Form) -> Option<Cow<'r, str>> {
    match form {
        Form::Raw => Some(Cow::Borrowed(raw.data.sent)),
        Form::Compact => Some(Cow::Owned(raw.data.value.compact())),
        Form::Sorted => Some(Cow::Owned(raw.data.value.sorted())),
        Form::String => raw.data.unescaped().map(Cow::Borrowed),
    }
}

fn decode_sign(sign: &str) -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    hex::decode_to_slice(sign, &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests;
