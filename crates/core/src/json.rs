//! A JSON tree that keeps everything the signature and the digest need: the order of keys, repeated keys and the spelling of
//! numbers. serde_json checks the grammar; this module only walks text that is already known to be JSON.

mod number;
mod write;

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::value::RawValue;
use thiserror::Error;

pub use number::{digits, whole};
use write::Order;

/// Maximum nesting, in levels. The platform's notices nest three; the limit bounds the recursion.
pub const MAX_DEPTH: usize = 64;

/// Initial capacity of a canonical text, in bytes. Most `data` fits.
const USUAL_LENGTH: usize = 1_024;

/// A JSON value that borrows from the text it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// The number as spelled.
    Number(&'a str),
    /// The unescaped text; borrowed if it has no escapes.
    String(Cow<'a, str>),
    /// The items.
    Array(Vec<Json<'a>>),
    /// Members in received order. A key may occur twice.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// A text cannot be read as JSON.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum JsonError {
    /// The grammar of RFC 8259 is violated.
    #[error("not JSON: {0}")]
    Syntax(String),
    /// More than [`MAX_DEPTH`] levels.
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

impl<'a> Json<'a> {
    /// Reads one JSON text (RFC 8259). A lone surrogate escape is an error, because it has no UTF-8 form.
    pub fn parse(text: &'a str) -> Result<Self, JsonError> {
        let raw: &RawValue = serde_json::from_str(text).map_err(|e| JsonError::Syntax(e.to_string()))?;
        Self::from_raw(raw)
    }

    /// Reads a text whose grammar serde_json has already checked.
    pub fn from_raw(raw: &'a RawValue) -> Result<Self, JsonError> {
        Walker {
            text: raw.get(),
            at: 0,
        }
        .value(0)
    }

    /// The member with that key. If the key occurs twice, the last one, as in the platform's own parser.
    pub fn get(&self, key: &str) -> Option<&Json<'a>> {
        match self {
            Json::Object(members) => members.iter().rev().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// The path of the first key that occurs twice in one object, at any depth.
    pub fn repeated_key(&self) -> Option<String> {
        match self {
            Json::Object(members) => repeated_in(members),
            Json::Array(items) => items.iter().find_map(Json::repeated_key),
            _ => None,
        }
    }

    /// The value without white space, in received order.
    pub fn compact(&self) -> String {
        let mut out = String::new();
        write::value(&mut out, self, Order::Received, number::as_spelled);
        out
    }

    /// The value without white space, keys sorted (by code point) at every level.
    pub fn sorted(&self) -> String {
        let mut out = String::new();
        write::value(&mut out, self, Order::Sorted, number::as_spelled);
        out
    }

    /// The same text for all spellings of a value: keys sorted, numbers in normal form.
    pub fn canonical(&self) -> String {
        let mut out = String::with_capacity(USUAL_LENGTH);
        write::value(&mut out, self, Order::Sorted, number::canonical);
        out
    }
}

/// Up to this many members, comparing all keys is faster than hashing them.
const FEW: usize = 32;

fn repeated_in(members: &[(Cow<'_, str>, Json<'_>)]) -> Option<String> {
    let mut seen = HashSet::new();
    for (i, (key, value)) in members.iter().enumerate() {
        let repeated = match members.len() {
            ..=FEW => members[..i].iter().any(|(earlier, _)| earlier == key),
            _ => !seen.insert(key.as_ref()),
        };
        if repeated {
            return Some(key.clone().into_owned());
        }
        if let Some(inner) = value.repeated_key() {
            return Some(format!("{key}.{inner}"));
        }
    }
    None
}

/// Walks valid JSON. Branches that valid JSON cannot reach return an error instead of panicking.
struct Walker<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Walker<'a> {
    fn value(&mut self, depth: usize) -> Result<Json<'a>, JsonError> {
        if depth > MAX_DEPTH {
            return Err(JsonError::TooDeep);
        }
        match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => Ok(Json::String(self.string()?)),
            b't' => self.word("true", Json::Bool(true)),
            b'f' => self.word("false", Json::Bool(false)),
            b'n' => self.word("null", Json::Null),
            _ => self.number(),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json<'a>, JsonError> {
        let mut members = Vec::new();
        self.at += 1;
        while self.peek()? != b'}' {
            if self.peek()? == b',' {
                self.at += 1;
                self.peek()?;
            }
            let key = self.string()?;
            if self.peek()? != b':' {
                return Err(self.unexpected());
            }
            self.at += 1;
            members.push((key, self.value(depth + 1)?));
        }
        self.at += 1;
        Ok(Json::Object(members))
    }

    fn array(&mut self, depth: usize) -> Result<Json<'a>, JsonError> {
        let mut items = Vec::new();
        self.at += 1;
        while self.peek()? != b']' {
            if self.peek()? == b',' {
                self.at += 1;
            }
            items.push(self.value(depth + 1)?);
        }
        self.at += 1;
        Ok(Json::Array(items))
    }

    fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        if bytes.get(start) != Some(&b'"') {
            return Err(self.unexpected());
        }
        let mut i = start + 1;
        let mut escaped = false;
        loop {
            match bytes.get(i) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    i += 2;
                }
                Some(_) => i += 1,
                None => return Err(self.unexpected()),
            }
        }
        self.at = i + 1;
        if !escaped {
            return Ok(Cow::Borrowed(&self.text[start + 1..i]));
        }
        let decoded: String =
            serde_json::from_str(&self.text[start..=i]).map_err(|e| JsonError::Syntax(e.to_string()))?;
        Ok(Cow::Owned(decoded))
    }

    fn number(&mut self) -> Result<Json<'a>, JsonError> {
        let rest = &self.text[self.at..];
        let length = rest
            .find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'))
            .unwrap_or(rest.len());
        if length == 0 {
            return Err(self.unexpected());
        }
        self.at += length;
        Ok(Json::Number(&rest[..length]))
    }

    fn word(&mut self, word: &str, value: Json<'a>) -> Result<Json<'a>, JsonError> {
        self.at += word.len();
        Ok(value)
    }

    /// Advances to the next byte that is not white space, and returns it.
    fn peek(&mut self) -> Result<u8, JsonError> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Ok(*byte);
            }
            self.at += 1;
        }
        Err(self.unexpected())
    }

    fn unexpected(&self) -> JsonError {
        JsonError::Syntax(format!("unexpected text at byte {}", self.at))
    }
}

#[cfg(test)]
mod tests;
