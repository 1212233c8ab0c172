//! The largest message that the broker takes (`max_message_size`). The protocol does not tell it, so it is learned from the
//! broker's refusal, which closes a channel with everything that is in flight on it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lapin::ErrorKind;
use tokio::time::Instant;

use crate::trouble::Trouble;

/// How long a limit is believed: somebody may raise it.
const BELIEVED_FOR: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(crate) struct SizeLimit(Mutex<Option<(usize, Instant)>>);

impl SizeLimit {
    /// Checks a message with a body of this size.
    ///
    /// # Errors
    /// [`Trouble::Unsendable`].
    pub fn check(&self, bytes: usize) -> Result<(), Trouble> {
        match self.known() {
            Some(limit) if bytes > limit => Err(Trouble::Unsendable(format!(
                "the message has {bytes} bytes, and max_message_size of the broker is {limit}"
            ))),
            _ => Ok(()),
        }
    }

    /// Learns the limit if the error states it, and returns whether it does.
    pub fn learn(&self, error: &lapin::Error) -> bool {
        let Some(limit) = stated_by(error) else {
            return false;
        };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none_or(|(before, at)| before != limit || at.elapsed() >= BELIEVED_FOR) {
            tracing::warn!(
                amqp.max_message_size = limit,
                "the broker refuses larger messages"
            );
        }
        *known = Some((limit, Instant::now()));
        true
    }

    fn known(&self) -> Option<usize> {
        let known = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .filter(|(_, at)| at.elapsed() < BELIEVED_FOR)
            .map(|(limit, _)| limit)
    }
}

/// The limit that a refusal states: "message size 100000 is larger than configured max size 65536".
pub(crate) fn stated_by(error: &lapin::Error) -> Option<usize> {
    let ErrorKind::ProtocolError(complaint) = error.kind() else {
        return None;
    };
    let text = complaint.get_message().as_str();
    let (_, limit) = text.split_once("message size ")?.1.rsplit_once(" max size ")?;
    let digits = limit.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use lapin::protocol::AMQPError;

    use super::*;

    fn refusal(text: &str) -> lapin::Error {
        let complaint = AMQPError::from_id(406, text.into()).expect("a known code");
        ErrorKind::ProtocolError(complaint).into()
    }

    #[test]
    fn a_refusal_teaches_the_limit() {
        let limit = SizeLimit::default();
        assert_eq!(limit.check(100_000), Ok(()));
        assert!(limit.learn(&refusal(
            "PRECONDITION_FAILED - message size 100000 is larger than configured max size 65536",
        )));
        assert_eq!(limit.check(65_536), Ok(()));
        assert!(matches!(limit.check(65_537), Err(Trouble::Unsendable(_))));
    }

    #[test]
    fn other_refusals_teach_nothing() {
        for text in [
            "PRECONDITION_FAILED - unknown delivery tag 7",
            "message size",
            "max size 5",
        ] {
            assert_eq!(stated_by(&refusal(text)), None, "{text}");
        }
    }
}
