//! An envelope as a message of the broker.

use std::borrow::Cow;

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use xiebao_core::attempts::{Attempts, Delay};
use xiebao_core::envelope::{Envelope, header};
use xiebao_core::reason::Reason;

use super::confirm::marked;
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

/// The same as the broker takes it.
#[derive(Debug)]
pub(super) struct Outgoing<'e> {
    pub exchange: &'static str,
    pub routing_key: Cow<'e, str>,
    pub body: &'e [u8],
    pub mark: u64,
    pub properties: BasicProperties,
}

impl<'e> Outgoing<'e> {
    pub fn new(
        exchange: &'static str,
        routing_key: impl Into<Cow<'e, str>>,
        body: &'e [u8],
        properties: BasicProperties,
    ) -> Self {
        let (mark, properties) = marked(properties);
        Self {
            exchange,
            routing_key: routing_key.into(),
            body,
            mark,
            properties,
        }
    }
}

impl<'e> From<Message<'e>> for Outgoing<'e> {
    fn from(message: Message<'e>) -> Self {
        let envelope = message.envelope;
        Self::new(
            message.exchange(),
            envelope.routing_key(),
            envelope.body(),
            message.properties(),
        )
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
