//! The identity of a notice: two notices with the same digest are the same notice.

use sha2::{Digest as _, Sha256};

use crate::id::{Digest, NotifyType, PartnerId};
use crate::json::Json;

/// SHA-256 over `partner LF type LF canonical data`. Data counts as a JSON value: the order of keys, white space, escapes and the
/// spelling of numbers make no difference (`1.0` equals `1`; `"1"` does not).
pub fn of_notice(partner: PartnerId, notify_type: NotifyType, data: &Json<'_>) -> Digest {
    let mut hasher = Sha256::new();
    hasher.update(format!("{partner}\n{notify_type}\n"));
    hasher.update(data.canonical());
    Digest::new(&hasher.finalize())
}

/// The identity of a message that cannot be read as a notice: SHA-256 over its bytes.
pub fn of_bytes(bytes: &[u8]) -> Digest {
    Digest::new(&Sha256::digest(bytes))
}
