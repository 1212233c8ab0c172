//! A JSON tree that forgets nothing the signature and the digest need: the order of keys, keys that stand twice,
//! and the spelling of numbers. serde_json checks the grammar; this module only walks text already known to be JSON.

mod number;
mod write;

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::value::RawValue;
use thiserror::Error;

use write::Order;

/// Deepest nesting accepted. The platform's documents nest three levels; the bound keeps recursion harmless.
pub const MAX_DEPTH: usize = 64;

/// In bytes: what most texts of `data` fit in.
const USUAL_LENGTH: usize = 1_024;

/// A JSON value that borrows from the text it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json<'a> {
    Null,
    Bool(bool),
    /// The number as it is spelled.
    Number(&'a str),
    String(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    /// Members in received order; a key may stand twice.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// Why a text is no JSON value for this project.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum JsonError {
    #[error("not JSON: {0}")]
    Syntax(String),
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

impl<'a> Json<'a> {
    /// Reads one JSON text (RFC 8259). A lone surrogate escape is refused: it has no UTF-8 form.
    pub fn parse(text: &'a str) -> Result<Self, JsonError> {
        let raw: &RawValue = serde_json::from_str(text).map_err(|e| JsonError::Syntax(e.to_string()))?;
        Self::from_raw(raw)
    }

    /// Reads a text whose grammar serde_json has checked already.
    pub fn from_raw(raw: &'a RawValue) -> Result<Self, JsonError> {
        Walker {
            text: raw.get(),
            at: 0,
        }
        .value(0)
    }

    /// The member of that name; where the key stands twice, the last one (as the platform's own parser has it).
    pub fn get(&self, key: &str) -> Option<&Json<'a>> {
        match self {
            Json::Object(members) => members.iter().rev().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// The path of the first key that stands twice in one object, at any depth.
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

    /// One text for all spellings of the same value: keys sorted, numbers in one normal form.
    pub fn canonical(&self) -> String {
        let mut out = String::with_capacity(USUAL_LENGTH);
        write::value(&mut out, self, Order::Sorted, number::canonical);
        out
    }
}

/// Members of an object up to which looking at all of them is faster than hashing.
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

/// Walks valid JSON. Every branch that valid JSON cannot reach still returns an error rather than panic.
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
                return Err(self.lost());
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
            return Err(self.lost());
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
                None => return Err(self.lost()),
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
            return Err(self.lost());
        }
        self.at += length;
        Ok(Json::Number(&rest[..length]))
    }

    fn word(&mut self, word: &str, value: Json<'a>) -> Result<Json<'a>, JsonError> {
        self.at += word.len();
        Ok(value)
    }

    /// The next byte that is no white space; leaves `at` on it.
    fn peek(&mut self) -> Result<u8, JsonError> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Ok(*byte);
            }
            self.at += 1;
        }
        Err(self.lost())
    }

    fn lost(&self) -> JsonError {
        JsonError::Syntax(format!("unexpected text at byte {}", self.at))
    }
}

#[cfg(test)]
mod tests;
