//! An envelope as a message of the broker.

use std::borrow::Cow;

use xiebao_core::attempts::{Attempts, Delay};
use xiebao_core::envelope::{Envelope, header};
use xiebao_core::reason::Reason;

use super::confirm::next_mark;
use super::topology::{DEAD, NOTICES, retry_exchange};
use super::wire::{About, Properties};

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
    pub properties: Properties,
}

impl<'e> From<Message<'e>> for Outgoing<'e> {
    fn from(message: Message<'e>) -> Self {
        Self {
            exchange: message.exchange(),
            routing_key: message.envelope.routing_key().into(),
            body: message.envelope.body(),
            properties: message.properties(),
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

    fn properties(&self) -> Properties {
        let envelope = self.envelope;
        let about = About {
            message_id: envelope.digest().as_str(),
            content_type: "application/json",
            timestamp: u64::try_from(envelope.received_at().timestamp()).unwrap_or_default(),
            headers: &self.headers(),
        };
        Properties::of_notice(next_mark(), &about)
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = self.envelope.headers();
        if let Way::Away(reason, detail, _) = self.way {
            headers.push((header::DEAD_REASON, reason.name().to_owned()));
            headers.push((header::DEAD_DETAIL, detail.to_owned()));
        }
        if let Way::Away(_, _, attempts) | Way::Again(attempts, _) = self.way
            && attempts.count() > 0
        {
            headers.push((header::ATTEMPTS, attempts.count().to_string()));
            headers.push((header::ATTEMPT_LOG, attempts.log()));
        }
        headers
    }
}
