//! Values that must not appear in logs, errors or panics.

use std::fmt;

use url::Url;

/// A secret text. Its `Debug` shows nothing; [`Secret::expose`] is easy to search for.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The address without its password: `amqp://xiebao:***@broker:5672/%2f`. Text that is not an address is not shown at all,
/// because any part of it may be the password.
pub fn without_password(address: &str) -> String {
    match Url::parse(address) {
        // A comma in a host is a malformed list; the text after it may be anything.
        Ok(mut url) if url.has_host() && !url.host_str().is_some_and(|host| host.contains(',')) => {
            if url.password().is_some() && url.set_password(Some("***")).is_err() {
                return "(not shown)".to_owned();
            }
            url.set_query(None);
            url.to_string()
        }
        _ => "(not shown)".to_owned(),
    }
}
