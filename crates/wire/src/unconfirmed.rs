//! What was published on a channel and has not found its end.

use std::collections::VecDeque;

use amq_protocol::frame::{AMQPFrame, parse_frame};
use lapin::BasicProperties;
use lapin::protocol::{AMQPClass, basic};
use lapin::types::ChannelId;
use tokio::sync::oneshot;

use crate::PublishError;
use crate::frame::{BODY, Confirm, Frame, HEADER, method};
use crate::{Outcome, close_reason};

/// A message that came back because no queue was bound for it.
#[derive(Debug, Clone)]
pub struct Returned {
    pub reply_code: u16,
    pub reply_text: String,
    pub properties: BasicProperties,
}

/// The publishes of one channel in the order of their numbers.
#[derive(Debug)]
pub(crate) struct UnconfirmedPublishes {
    pub channel: ChannelId,
    /// The number of the first in `open`.
    first: u64,
    /// `None`: found its end before an earlier one.
    open: VecDeque<Option<Open>>,
    returning: Option<Returning>,
    closed: Option<lapin::Error>,
}

#[derive(Debug)]
struct Open {
    correlation_id: u64,
    reply: oneshot::Sender<Outcome>,
    returned: Option<Box<Returned>>,
}

/// A message that is coming back, frame by frame.
#[derive(Debug)]
struct Returning {
    returned: Returned,
    /// How much of its body is still to come; unknown before its header.
    rest: Option<u64>,
}

/// What a frame of the channel has brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Handled {
    /// Nothing that concerns publishes: it is lapin's.
    NotOurs,
    /// So many publishes have found their end.
    Resolved(u64),
    /// The same, and lapin must know of it too.
    Closed(u64),
    /// What can't be understood. No confirm on this connection can be believed any more: the message that it may be about
    /// would count as stored.
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

    /// Takes note of a publish that is about to be written. Says `false`, and tells the publisher, when it must not be
    /// written because the channel is closed.
    pub fn open(&mut self, correlation_id: u64, reply: oneshot::Sender<Outcome>) -> bool {
        if let Some(error) = &self.closed {
            // Whoever does not wait any more is not reply.
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
            (None, HEADER | BODY) => self.go_on_returning(frame),
            // An acknowledgement that can't be read is one as well.
            (Some(method::BASIC_ACK | method::BASIC_NACK), _) => {
                Handled::Violation("a confirm that can't be read")
            }
            _ => Handled::NotOurs,
        }
    }

    /// Nothing of it will be confirmed any more.
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
            return Handled::Violation("a confirm within a message that comes back");
        }
        if self.closed.is_some() {
            return Handled::Resolved(0);
        }
        // Zero means all there are, those too that are not even written; the broker never says so.
        if confirm.tag == 0 || confirm.tag >= self.first + self.open.len() as u64 {
            return Handled::Violation("a confirm of what was never published");
        }
        let mut resolved = 0;
        if confirm.multiple {
            while self.first <= confirm.tag {
                let Some(open) = self.open.pop_front() else { break };
                self.first += 1;
                resolved += u64::from(resolve(open, confirm.stored));
            }
        } else if let Some(place) = self.place(confirm.tag) {
            resolved += u64::from(resolve(place.take(), confirm.stored));
        }
        while let Some(None) = self.open.front() {
            self.open.pop_front();
            self.first += 1;
        }
        Handled::Resolved(resolved)
    }

    fn place(&mut self, tag: u64) -> Option<&mut Option<Open>> {
        let index = usize::try_from(tag.checked_sub(self.first)?).ok()?;
        self.open.get_mut(index)
    }

    fn begin_return(&mut self, frame: Frame<'_>) -> Handled {
        match returned(frame) {
            Some(returned) if self.returning.is_none() => {
                self.returning = Some(Returning { returned, rest: None });
                Handled::Resolved(0)
            }
            _ => Handled::Violation("a message that comes back and can't be read"),
        }
    }

    /// Nothing else than what comes back has a header or a body: nothing is consumed on the channel.
    fn go_on_returning(&mut self, frame: Frame<'_>) -> Handled {
        let Some(mut returning) = self.returning.take() else {
            return Handled::NotOurs;
        };
        if !returning.read(frame) {
            return Handled::Violation("a message that comes back and can't be read");
        }
        if returning.rest != Some(0) {
            self.returning = Some(returning);
            return Handled::Resolved(0);
        }
        self.note_returned(returning.returned)
    }

    /// The broker sends all of a message that comes back before it confirms it, so it finds its publish still open.
    fn note_returned(&mut self, returned: Returned) -> Handled {
        let correlation_id = correlation_id_of(&returned.properties);
        let mut open = self.open.iter_mut().flatten();
        match open.find(|open| Some(open.correlation_id) == correlation_id) {
            Some(open) => open.returned = Some(Box::new(returned)),
            None if self.closed.is_some() => {}
            None => return Handled::Violation("a message that comes back and was never published"),
        }
        Handled::Resolved(0)
    }
}

impl Returning {
    /// Whether the frame could be what comes next.
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

/// Tells the publisher; whether there was one to tell.
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

fn returned(frame: Frame<'_>) -> Option<Returned> {
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
