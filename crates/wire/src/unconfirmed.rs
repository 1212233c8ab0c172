//! The publishes of a channel that have no outcome yet.

use std::collections::VecDeque;

use amq_protocol::frame::{AMQPFrame, parse_frame};
use lapin::BasicProperties;
use lapin::protocol::{AMQPClass, basic};
use lapin::types::ChannelId;
use tokio::sync::oneshot;

use crate::PublishError;
use crate::frame::{BODY, Confirm, Frame, HEADER, method};
use crate::{Outcome, close_reason};

/// A message that the broker returned because no queue was bound for it.
#[derive(Debug, Clone)]
pub struct Returned {
    /// The AMQP reply code: 312 for `NO_ROUTE`.
    pub reply_code: u16,
    /// The broker's text for the reply code.
    pub reply_text: String,
    /// The properties of the message as the broker returned them.
    pub properties: BasicProperties,
}

/// The unconfirmed publishes of one channel, in the order of their numbers. The broker numbers the publishes of a channel
/// from 1; a confirm names the number.
#[derive(Debug)]
pub(crate) struct UnconfirmedPublishes {
    pub channel: ChannelId,
    /// The number of the first publish in `open`.
    first: u64,
    /// `None`: it got its outcome before an earlier publish.
    open: VecDeque<Option<Open>>,
    returning: Option<Returning>,
    /// The reason, once the channel is closed.
    closed: Option<lapin::Error>,
}

#[derive(Debug)]
struct Open {
    correlation_id: u64,
    reply: oneshot::Sender<Outcome>,
    returned: Option<Box<Returned>>,
}

/// A returned message of which some frames have arrived.
#[derive(Debug)]
struct Returning {
    returned: Returned,
    /// Bytes of the body that have not arrived yet. `None` before the header.
    rest: Option<u64>,
}

/// The effect of a frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Handled {
    /// The frame does not concern publishes and belongs to lapin.
    NotOurs,
    /// The number of publishes that got their outcome.
    Resolved(u64),
    /// The channel is closed, and lapin needs the frame too. The number of publishes that failed by it.
    Closed(u64),
    /// The frame violates the protocol: the reason. No later confirm on this connection can be trusted, because a wrong one
    /// would report a lost message as stored.
    Violation(&'static str),
}

impl UnconfirmedPublishes {
    pub fn new(channel: ChannelId) -> Self {
        Self {
            channel,
            first: 1,
            open: VecDeque::new(),
            returning: None,
            closed: None,
        }
    }

    /// Adds a publish that is about to be written. If the channel is closed, it fails the publish and returns `false`: the
    /// frames must not be written.
    pub fn open(&mut self, correlation_id: u64, reply: oneshot::Sender<Outcome>) -> bool {
        if let Some(error) = &self.closed {
            // The caller may have left.
            let _ = reply.send(Err(error.clone().into()));
            return false;
        }
        let returned = None;
        self.open.push_back(Some(Open {
            correlation_id,
            reply,
            returned,
        }));
        true
    }

    pub fn handle_frame(&mut self, frame: Frame<'_>) -> Handled {
        if let Some(confirm) = frame.confirm() {
            return self.confirm(confirm);
        }
        match (frame.method(), frame.kind()) {
            (Some(method::BASIC_RETURN), _) => self.begin_return(frame),
            (Some(method::CHANNEL_CLOSE), _) => {
                Handled::Closed(self.close(&close_reason::on_closing_channel(frame)))
            }
            (None, HEADER | BODY) => self.continue_return(frame),
            // `frame.confirm()` could not read it.
            (Some(method::BASIC_ACK | method::BASIC_NACK), _) => Handled::Violation("a malformed confirm"),
            _ => Handled::NotOurs,
        }
    }

    /// Fails all open publishes, and every later one. Returns the number of open publishes.
    pub fn close(&mut self, why: &lapin::Error) -> u64 {
        self.closed.get_or_insert_with(|| why.clone());
        let mut resolved = 0;
        for open in self.open.drain(..).flatten() {
            let _ = open.reply.send(Err(why.clone().into()));
            resolved += 1;
        }
        resolved
    }

    fn confirm(&mut self, confirm: Confirm) -> Handled {
        if self.returning.is_some() {
            return Handled::Violation("a confirm inside a returned message");
        }
        if self.closed.is_some() {
            return Handled::Resolved(0);
        }
        // Tag 0 means all publishes so far, and could include one that is not written yet. RabbitMQ never sends it.
        if confirm.tag == 0 || confirm.tag >= self.first + self.open.len() as u64 {
            return Handled::Violation("a confirm of a message that was never published");
        }
        let mut resolved = 0;
        if confirm.multiple {
            while self.first <= confirm.tag {
                let Some(open) = self.open.pop_front() else { break };
                self.first += 1;
                resolved += u64::from(resolve(open, confirm.stored));
            }
        } else if let Some(slot) = self.slot(confirm.tag) {
            resolved += u64::from(resolve(slot.take(), confirm.stored));
        }
        while let Some(None) = self.open.front() {
            self.open.pop_front();
            self.first += 1;
        }
        Handled::Resolved(resolved)
    }

    fn slot(&mut self, tag: u64) -> Option<&mut Option<Open>> {
        let index = usize::try_from(tag.checked_sub(self.first)?).ok()?;
        self.open.get_mut(index)
    }

    fn begin_return(&mut self, frame: Frame<'_>) -> Handled {
        match read_return(frame) {
            Some(returned) if self.returning.is_none() => {
                self.returning = Some(Returning { returned, rest: None });
                Handled::Resolved(0)
            }
            _ => Handled::Violation("a malformed returned message"),
        }
    }

    /// Nothing is consumed on the channel, so only a returned message has a header or a body.
    fn continue_return(&mut self, frame: Frame<'_>) -> Handled {
        let Some(mut returning) = self.returning.take() else {
            return Handled::NotOurs;
        };
        if !returning.read(frame) {
            return Handled::Violation("a malformed returned message");
        }
        if returning.rest != Some(0) {
            self.returning = Some(returning);
            return Handled::Resolved(0);
        }
        self.attach_return(returning.returned)
    }

    /// The broker sends the whole returned message before its confirm, so its publish is still open.
    fn attach_return(&mut self, returned: Returned) -> Handled {
        let correlation_id = correlation_id_of(&returned.properties);
        let mut open = self.open.iter_mut().flatten();
        match open.find(|open| Some(open.correlation_id) == correlation_id) {
            Some(open) => open.returned = Some(Box::new(returned)),
            None if self.closed.is_some() => {}
            None => return Handled::Violation("a returned message that was never published"),
        }
        Handled::Resolved(0)
    }
}

impl Returning {
    /// Returns `false` if the frame cannot be the next one of the message.
    fn read(&mut self, frame: Frame<'_>) -> bool {
        let rest = match (self.rest, frame.kind()) {
            (None, HEADER) => match parse_frame(frame.bytes) {
                Ok((_, AMQPFrame::Header(_, header))) => {
                    self.returned.properties = header.properties;
                    Some(header.body_size)
                }
                _ => None,
            },
            (Some(rest), BODY) => rest.checked_sub(frame.payload().len() as u64),
            _ => None,
        };
        self.rest = rest;
        rest.is_some()
    }
}

/// Sends the outcome to the caller. Returns `false` if the publish already had one.
fn resolve(open: Option<Open>, stored: bool) -> bool {
    let Some(open) = open else { return false };
    let outcome = match (open.returned, stored) {
        (Some(returned), _) => Err(PublishError::Unroutable(returned)),
        (None, true) => Ok(()),
        (None, false) => Err(PublishError::Nacked),
    };
    let _ = open.reply.send(outcome);
    true
}

fn correlation_id_of(properties: &BasicProperties) -> Option<u64> {
    properties.correlation_id().as_ref()?.as_str().parse().ok()
}

fn read_return(frame: Frame<'_>) -> Option<Returned> {
    match parse_frame(frame.bytes) {
        Ok((_, AMQPFrame::Method(_, AMQPClass::Basic(basic::AMQPMethod::Return(method))))) => {
            Some(Returned {
                reply_code: method.reply_code,
                reply_text: method.reply_text.to_string(),
                properties: BasicProperties::default(),
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
