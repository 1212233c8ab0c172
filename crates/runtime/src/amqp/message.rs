//! An envelope as a message of the broker.

use bytes::Bytes;
use lapin::BasicProperties;
use lapin::message::BasicReturnMessage;
use lapin::types::{AMQPValue, FieldTable};
use xiebao_core::attempts::{Attempts, Delay};
use xiebao_core::envelope::{Envelope, header};
use xiebao_core::reason::Reason;

use super::topology::{DEAD, NOTICES, retry_exchange};

/// What is to be published: an envelope, and nothing else can be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'e> {
    pub envelope: &'e Envelope,
    pub way: Way<'e>,
}

/// Where it goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way<'e> {
    /// To be applied.
    Forth,
    /// To be applied again after a while.
    Again(&'e Attempts, Delay),
    /// Not to be applied, for that reason and in those words, after those attempts.
    Away(Reason, &'e str, &'e Attempts),
}

/// The same as the broker takes it, borrowing nothing: a publish outlives its caller. It is made of a [`Message`],
/// or of one that came back.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub exchange: String,
    pub routing_key: String,
    pub body: Bytes,
    pub properties: BasicProperties,
}

impl From<Message<'_>> for Outgoing {
    fn from(message: Message<'_>) -> Self {
        Self {
            exchange: message.exchange().to_owned(),
            routing_key: message.envelope.routing_key(),
            body: message.envelope.body().clone(),
            properties: message.properties(),
        }
    }
}

impl From<BasicReturnMessage> for Outgoing {
    fn from(returned: BasicReturnMessage) -> Self {
        let delivery = returned.delivery;
        Self {
            exchange: delivery.exchange.to_string(),
            routing_key: delivery.routing_key.to_string(),
            body: delivery.data.into(),
            properties: delivery.properties,
        }
    }
}

impl Message<'_> {
    fn exchange(&self) -> &'static str {
        match self.way {
            Way::Forth => NOTICES,
            Way::Again(_, delay) => retry_exchange(delay),
            Way::Away(..) => DEAD,
        }
    }

    fn properties(&self) -> BasicProperties {
        let mut headers = FieldTable::default();
        let mut insert = |name: &str, value: &str| {
            headers.insert(name.into(), AMQPValue::LongString(value.into()));
        };
        self.envelope
            .headers()
            .iter()
            .for_each(|(name, value)| insert(name, value));
        if let Way::Away(reason, detail, _) = self.way {
            insert(header::DEAD_REASON, reason.name());
            insert(header::DEAD_DETAIL, detail);
        }
        if let Way::Away(_, _, attempts) | Way::Again(attempts, _) = self.way
            && attempts.count() > 0
        {
            insert(header::ATTEMPTS, &attempts.count().to_string());
            insert(header::ATTEMPT_LOG, &attempts.log());
        }
        let received_at = u64::try_from(self.envelope.received_at().timestamp()).unwrap_or_default();
        BasicProperties::default()
            .with_message_id(self.envelope.digest().as_str().into())
            .with_content_type("application/json".into())
            .with_timestamp(received_at)
            .with_headers(headers)
    }
}
