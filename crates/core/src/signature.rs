//! The only module that makes a verified notice.
//!
//! `sign = MD5(key + data)`, according to the platform's document, section 1.3. The platform offers nothing better than MD5 over a
//! secret prefix; `docs/security.md` describes the protection around it. A length extension fails, because the appended bytes are
//! neither UTF-8 nor JSON, and the slice that is hashed is the slice that is parsed.

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

/// A key that the platform shares with a partner. No output of this type contains its value.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// `None` for blank text, because anyone could sign with an empty key.
    pub fn new(secret: impl Into<String>) -> Option<Self> {
        let secret = secret.into();
        (!secret.trim().is_empty()).then_some(Self(secret))
    }

    /// The signature of `data`: lower-case hex of `MD5(utf8(key + data))`.
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

/// The keys of each partner, the current key first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys(pub BTreeMap<PartnerId, Vec<Key>>);

/// The texts of `data` that a signature may cover, in the order in which they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Form {
    /// The text as sent.
    Raw,
    /// Rewritten without white space, keys in received order.
    Compact,
    /// Rewritten without white space, keys sorted at every level.
    Sorted,
    /// The unescaped content, if `data` is a JSON string.
    String,
}

impl Form {
    /// All forms, in the order in which they are tried.
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

    /// `None` for any other text.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.name() == name)
    }
}

/// A notice that cannot be verified.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum SignatureError {
    /// The partner has no key.
    #[error("no key is configured for this partner")]
    UnknownPartner,
    /// No key of the partner gives that signature for any form.
    #[error("no key of the partner gives this signature for any accepted text")]
    BadSignature,
    /// `data` is not an object.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

/// A notice that was signed with a key of its partner. Only [`verify`] makes one.
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

    /// `notifyType` of the platform. The signature does not cover it.
    pub fn notify_type(&self) -> NotifyType {
        self.notify_type
    }

    /// `partnerId` of the platform.
    pub fn partner_id(&self) -> PartnerId {
        self.partner_id
    }

    /// The proposal number: `Ok(None)` if the notice names none, `Err` if the number is longer than its column.
    pub fn insure_num(&self) -> Result<Option<&InsureNum>, TooLong> {
        self.insure_num.as_ref().map(Option::as_ref).map_err(|e| *e)
    }

    /// Identity of the notice; see [`crate::digest`].
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The text that was signed.
    pub fn form(&self) -> Form {
        self.form
    }

    /// Index of the partner's key that matched; 0 is the current key.
    pub fn key_index(&self) -> usize {
        self.key_index
    }
}

/// Verifies a notice: `sign` must be the MD5 of one of the accepted texts under one of the partner's keys.
///
/// # Errors
///
/// See [`SignatureError`]. The notice is then not authentic, or cannot be checked.
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
        // Try every key, even after a match, so that the time does not reveal which key matched.
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

/// The text of `data` in that form; `None` if the form does not apply.
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
