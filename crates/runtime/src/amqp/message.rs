//! An envelope as a message of the broker.

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use xiebao_core::envelope::{Envelope, header};
use xiebao_core::reason::Reason;

use super::topology::{DEAD, NOTICES};

/// What is to be published: an envelope, and nothing else can be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'e> {
    pub envelope: &'e Envelope,
    /// Set for the dead-letter queue.
    pub death: Option<(Reason, &'e str)>,
}

impl Message<'_> {
    pub fn exchange(&self) -> &'static str {
        if self.death.is_some() { DEAD } else { NOTICES }
    }

    pub fn properties(&self) -> BasicProperties {
        let mut headers = FieldTable::default();
        let mut insert = |name: &str, value: &str| {
            headers.insert(name.into(), AMQPValue::LongString(value.into()));
        };
        self.envelope
            .headers()
            .iter()
            .for_each(|(name, value)| insert(name, value));
        if let Some((reason, detail)) = self.death {
            insert(header::DEAD_REASON, reason.name());
            insert(header::DEAD_DETAIL, detail);
        }
        let received_at = u64::try_from(self.envelope.received_at().timestamp()).unwrap_or_default();
        BasicProperties::default()
            .with_message_id(self.envelope.digest().as_str().into())
            .with_content_type("application/json".into())
            .with_timestamp(received_at)
            .with_headers(headers)
    }
}
