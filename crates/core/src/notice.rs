//! From bytes to a notice that is read, but not yet verified.

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

/// Bytes that cannot be read as a notice of the platform (document, section 1.3).
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum Malformed {
    /// The body is not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// The body is not a JSON object, lacks a documented key, or repeats a key.
    #[error("not an envelope: {0}")]
    NotAnEnvelope(String),
    /// `data` is neither an object nor a string that holds one.
    #[error("data is not an object")]
    DataNoObject,
    /// `notifyType` is not a whole number within 64 bits.
    #[error("notifyType is not a whole number")]
    BadNotifyType,
    /// `data` has no `partnerId` that is a whole number.
    #[error("no partnerId")]
    NoPartnerId,
}

impl From<JsonError> for Malformed {
    fn from(error: JsonError) -> Self {
        Self::NotAnEnvelope(error.to_string())
    }
}

/// `data`: the text on the wire, and its value.
#[derive(Debug)]
pub struct RawData<'a> {
    /// The text of `data` as sent. The platform hashes this text.
    pub sent: &'a str,
    /// The value of that text: an object, or a string that holds one.
    pub value: Json<'a>,
}

/// A readable envelope. Do not trust its content before [`verify`](crate::signature::verify).
#[derive(Debug)]
pub struct RawNotice<'a> {
    /// The HTTP body, byte for byte.
    pub body: &'a Bytes,
    /// `notifyType`.
    pub notify_type: NotifyType,
    /// `sign` as sent: hex digits in either case.
    pub sign: Cow<'a, str>,
    /// `partnerId` in `data`.
    pub partner_id: PartnerId,
    /// `data`.
    pub data: RawData<'a>,
}

impl<'a> RawNotice<'a> {
    /// Reads the envelope, and of `data` only the partner: the content counts once the signature is verified.
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

    /// The unescaped content, if `data` is a JSON string.
    pub fn unescaped(&self) -> Option<&str> {
        match &self.value {
            Json::String(text) => Some(text),
            _ => None,
        }
    }

    /// The object: `data` itself, or the content of the string.
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

/// The proposal that `data` names; `Ok(None)` if it names none, `Err` if the number is longer than its column.
pub fn insure_num(data: &Json<'_>) -> Result<Option<InsureNum>, TooLong> {
    match data.get("insureNum").and_then(identifier_text) {
        Some(text) => InsureNum::parse(&text),
        None => Ok(None),
    }
}

/// The documented keys of the body.
struct EnvelopeKeys<'a> {
    notify_type: &'a RawValue,
    sign: Cow<'a, str>,
    data: &'a RawValue,
}

fn split_envelope(body: &[u8]) -> Result<EnvelopeKeys<'_>, Malformed> {
    let text = std::str::from_utf8(body).map_err(|_| Malformed::NotUtf8)?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let not_an_envelope = |e: serde_json::Error| Malformed::NotAnEnvelope(e.to_string());
    let envelope = deserializer
        .deserialize_map(EnvelopeVisitor)
        .map_err(not_an_envelope)?;
    deserializer.end().map_err(not_an_envelope)?;
    Ok(envelope)
}

/// A string. It is copied only if it has escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads the three documented keys and skips unknown ones. Any repeated key is an error: with two `data`, the signature could belong
/// to either.
struct EnvelopeVisitor;

impl<'de> Visitor<'de> for EnvelopeVisitor {
    type Value = EnvelopeKeys<'de>;

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
                return Err(A::Error::custom("a key occurs twice"));
            }
        }
        Ok(EnvelopeKeys {
            notify_type: notify_type.ok_or_else(|| A::Error::missing_field("notifyType"))?,
            sign: sign.ok_or_else(|| A::Error::missing_field("sign"))?,
            data: data.ok_or_else(|| A::Error::missing_field("data"))?,
        })
    }
}

#[cfg(test)]
mod tests;
