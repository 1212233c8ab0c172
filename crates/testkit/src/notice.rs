//! Builders of signed notices. They compute signatures without core, so that a mistake there can't agree with itself.

use md5::{Digest as _, Md5};
use serde_json::Value;

/// The partner id of the builders and of most vectors.
pub const PARTNER: i64 = 1_048_483;
/// The key of that partner in tests.
pub const KEY: &str = "k3y-for-tests-1048483";

/// The body of a notice; `data` is written compactly.
pub fn notice(notify_type: i64, data: &Value, key: &str) -> Vec<u8> {
    signed(notify_type, &data.to_string(), key)
}

/// The body of a notice with `data` exactly as given.
pub fn signed(notify_type: i64, data: &str, key: &str) -> Vec<u8> {
    let sign = sign(data, key);
    format!(r#"{{"notifyType":{notify_type},"sign":"{sign}","data":{data}}}"#).into_bytes()
}

/// `MD5(key + data)`, lower-case hex.
pub fn sign(data: &str, key: &str) -> String {
    hex::encode(Md5::digest(format!("{key}{data}")))
}
