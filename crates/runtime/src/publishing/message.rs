//! An envelope as a message of the broker.

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use xiebao_amqp::Message;
use xiebao_amqp::topology::{DEAD, NOTICES, RETRY};
use xiebao_core::attempts::{Attempts, Delay};
use xiebao_core::envelope::{Envelope, header};
use xiebao_core::reason::Reason;

/// Where an envelope goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Destination<'e> {
    /// To the workers.
    Notices,
    /// Back to the workers after a delay.
    Retry { attempts: &'e Attempts, delay: Delay },
    /// To the dead letters.
    DeadLetters {
        reason: Reason,
        detail: &'e str,
        attempts: &'e Attempts,
    },
}

/// The message that carries this envelope there.
pub(super) fn message<'e>(envelope: &'e Envelope, destination: Destination<'_>) -> Message<'e> {
    let mut headers = FieldTable::default();
    for (name, value) in envelope.headers().into_iter().chain(destination.headers()) {
        headers.insert(name.into(), AMQPValue::LongString(value.into()));
    }
    Message {
        exchange: destination.exchange(),
        routing_key: envelope.routing_key().into(),
        body: envelope.body(),
        properties: BasicProperties::default()
            .with_content_type("application/json".into())
            .with_message_id(envelope.digest().as_str().into())
            .with_timestamp(u64::try_from(envelope.received_at().timestamp()).unwrap_or_default())
            .with_headers(headers),
    }
}

impl Destination<'_> {
    fn exchange(self) -> &'static str {
        match self {
            Self::Notices => NOTICES,
            Self::Retry { delay, .. } => retry_exchange(delay),
            Self::DeadLetters { .. } => DEAD,
        }
    }

    fn headers(self) -> Vec<(&'static str, String)> {
        let (mut headers, attempts) = match self {
            Self::Notices => return vec![],
            Self::Retry { attempts, .. } => (vec![], attempts),
            Self::DeadLetters {
                reason,
                detail,
                attempts,
            } => (
                vec![
                    (header::DEAD_REASON, reason.name().to_owned()),
                    (header::DEAD_DETAIL, detail.to_owned()),
                ],
                attempts,
            ),
        };
        if attempts.count() > 0 {
            headers.push((header::ATTEMPTS, attempts.count().to_string()));
            headers.push((header::ATTEMPT_LOG, attempts.log()));
        }
        headers
    }
}

/// The exchange in which a notice waits this long.
fn retry_exchange(delay: Delay) -> &'static str {
    match RETRY.iter().find(|(length, _)| *length == delay.length()) {
        Some((_, name)) => name,
        None => unreachable!("every delay has an exchange"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_delay_has_an_exchange_and_every_exchange_a_delay() {
        let used: Vec<&str> = Delay::ALL.into_iter().map(retry_exchange).collect();
        assert_eq!(used, RETRY.map(|(_, name)| name));
    }
}
