//! From bytes to a notice that has been read but not yet believed.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::id::{InsureNum, NotifyType, PartnerId, TooLong, identifier_text};
use crate::json::{Json, JsonError};

/// Why bytes are no notice of the platform (document, section 1.3).
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum Malformed {
    #[error("not UTF-8")]
    NotUtf8,
    #[error("not an envelope: {0}")]
    NotAnEnvelope(String),
    #[error("data is no object")]
    DataNoObject,
    #[error("notifyType is no whole number")]
    BadNotifyType,
    #[error("no partnerId")]
    NoPartnerId,
}

impl From<JsonError> for Malformed {
    fn from(error: JsonError) -> Self {
        Self::NotAnEnvelope(error.to_string())
    }
}

/// `data` as it stood on the wire, and as the value it holds.
#[derive(Debug)]
pub struct RawData<'a> {
    /// The bytes of `data` as sent, which the platform has hashed.
    pub sent: &'a str,
    /// The same text, read: an object, or a string that holds one.
    pub value: Json<'a>,
}

/// An envelope that could be read. Nothing in it is to be believed before [`crate::signature::verify`].
#[derive(Debug)]
pub struct RawNotice<'a> {
    pub body: &'a Bytes,
    pub notify_type: NotifyType,
    /// As sent; hex digits of any case.
    pub sign: Cow<'a, str>,
    pub partner_id: PartnerId,
    pub data: RawData<'a>,
}

impl<'a> RawNotice<'a> {
    /// Reads the envelope. The whole of `data` is checked when the signature is; here only its partner is read.
    pub fn parse(body: &'a Bytes) -> Result<Self, Malformed> {
        let envelope = split_envelope(body)?;
        let notify_type = crate::id::integer(&Json::from_raw(envelope.notify_type)?)
            .map(NotifyType)
            .ok_or(Malformed::BadNotifyType)?;
        let data = RawData::read(envelope.data)?;
        let partner_id = {
            let object = data.object()?;
            object
                .get("partnerId")
                .and_then(PartnerId::from_json)
                .ok_or(Malformed::NoPartnerId)?
        };
        Ok(Self {
            body,
            notify_type,
            sign: envelope.sign,
            partner_id,
            data,
        })
    }
}

impl<'a> RawData<'a> {
    fn read(raw: &'a RawValue) -> Result<Self, Malformed> {
        match Json::from_raw(raw)? {
            value @ (Json::Object(_) | Json::String(_)) => Ok(Self {
                sent: raw.get(),
                value,
            }),
            _ => Err(Malformed::DataNoObject),
        }
    }

    /// Where `data` is a JSON string: its unescaped content.
    pub fn unescaped(&self) -> Option<&str> {
        match &self.value {
            Json::String(text) => Some(text),
            _ => None,
        }
    }

    /// The object that `data` is, or that the string holds.
    pub fn object(&self) -> Result<Cow<'_, Json<'_>>, Malformed> {
        match &self.value {
            Json::String(text) => match Json::parse(text) {
                Ok(object @ Json::Object(_)) => Ok(Cow::Owned(object)),
                _ => Err(Malformed::DataNoObject),
            },
            object => Ok(Cow::Borrowed(object)),
        }
    }
}

/// The proposal that `data` names; `Ok(None)` when it names none.
pub fn insure_num(data: &Json<'_>) -> Result<Option<InsureNum>, TooLong> {
    match data.get("insureNum").and_then(identifier_text) {
        Some(text) => InsureNum::parse(text),
        None => Ok(None),
    }
}

struct Envelope<'a> {
    notify_type: &'a RawValue,
    sign: Cow<'a, str>,
    data: &'a RawValue,
}

fn split_envelope(body: &[u8]) -> Result<Envelope<'_>, Malformed> {
    let text = std::str::from_utf8(body).map_err(|_| Malformed::NotUtf8)?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let not_an_envelope = |e: serde_json::Error| Malformed::NotAnEnvelope(e.to_string());
    let envelope = deserializer
        .deserialize_map(EnvelopeVisitor)
        .map_err(not_an_envelope)?;
    deserializer.end().map_err(not_an_envelope)?;
    Ok(envelope)
}

/// A string that is copied only if it has escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads the three documented keys, passes over unknown ones, and refuses any key that stands twice:
/// two `data` would leave open which of them was signed.
struct EnvelopeVisitor;

impl<'de> Visitor<'de> for EnvelopeVisitor {
    type Value = Envelope<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with notifyType, sign and data")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut notify_type, mut sign, mut data) = (None, None, None);
        let mut unknown = HashSet::new();
        while let Some(Text(key)) = map.next_key()? {
            let repeated = match &*key {
                "notifyType" => notify_type.replace(map.next_value()?).is_some(),
                "sign" => sign.replace(map.next_value::<Text<'_>>()?.0).is_some(),
                "data" => data.replace(map.next_value()?).is_some(),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    !unknown.insert(key)
                }
            };
            if repeated {
                return Err(A::Error::custom("a key stands twice"));
            }
        }
        Ok(Envelope {
            notify_type: notify_type.ok_or_else(|| A::Error::missing_field("notifyType"))?,
            sign: sign.ok_or_else(|| A::Error::missing_field("sign"))?,
            data: data.ok_or_else(|| A::Error::missing_field("data"))?,
        })
    }
}

#[cfg(test)]
mod tests;
