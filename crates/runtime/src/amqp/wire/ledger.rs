//! What was published on a channel and has not found its end.

use std::collections::VecDeque;

use amq_protocol::frame::{AMQPFrame, parse_frame};
use lapin::protocol::{AMQPClass, AMQPError, basic, channel};
use lapin::types::ChannelId;
use lapin::{BasicProperties, ErrorKind};
use tokio::sync::oneshot;

use super::super::confirm::PublishError;
use super::Outcome;
use super::frame::{BODY, Confirm, Frame, HEADER, method};

/// A message that came back because no queue was bound for it.
#[derive(Debug, Clone)]
pub struct Returned {
    pub reply_code: u16,
    pub reply_text: String,
    pub properties: BasicProperties,
}

/// The publishes of one channel in the order of their numbers.
#[derive(Debug)]
pub(super) struct Ledger {
    pub channel: ChannelId,
    /// The number of the first in `open`.
    first: u64,
    /// `None`: found its end before an earlier one.
    open: VecDeque<Option<Open>>,
    /// The one that is coming back, frame by frame, and how much of its body is still to come.
    returning: Option<(Returned, u64)>,
    closed: Option<lapin::Error>,
}

#[derive(Debug)]
struct Open {
    mark: u64,
    told: oneshot::Sender<Outcome>,
    returned: Option<Box<Returned>>,
}

/// What a frame of the channel has brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heeded {
    /// Nothing that concerns publishes: it is lapin's.
    NotOurs,
    /// So many publishes have found their end.
    Settled(u64),
    /// The same, and lapin must know of it too.
    Closed(u64),
}

impl Ledger {
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
    pub fn open(&mut self, mark: u64, told: oneshot::Sender<Outcome>) -> bool {
        if let Some(error) = &self.closed {
            // Whoever does not wait any more is not told.
            let _ = told.send(Err(error.clone().into()));
            return false;
        }
        let returned = None;
        self.open.push_back(Some(Open { mark, told, returned }));
        true
    }

    pub fn heed(&mut self, frame: Frame<'_>) -> Heeded {
        if let Some(confirm) = frame.confirm() {
            return Heeded::Settled(self.confirm(confirm));
        }
        match (frame.method(), frame.kind()) {
            (Some(method::BASIC_RETURN), _) => self.returning = begin_return(frame),
            (Some(method::CHANNEL_CLOSE), _) => return Heeded::Closed(self.close(&reason(frame))),
            (None, HEADER) if self.returning.is_some() => self.note_returned_header(frame),
            (None, BODY) if self.returning.is_some() => self.note_returned_body(frame.payload().len() as u64),
            _ => return Heeded::NotOurs,
        }
        Heeded::Settled(0)
    }

    /// Nothing of it will be confirmed any more.
    pub fn close(&mut self, why: &lapin::Error) -> u64 {
        self.closed.get_or_insert_with(|| why.clone());
        let mut settled = 0;
        for open in self.open.drain(..).flatten() {
            let _ = open.told.send(Err(why.clone().into()));
            settled += 1;
        }
        settled
    }

    fn confirm(&mut self, confirm: Confirm) -> u64 {
        let mut settled = 0;
        if confirm.multiple {
            // Zero: all there are.
            while self.first <= confirm.tag || (confirm.tag == 0 && !self.open.is_empty()) {
                let Some(open) = self.open.pop_front() else { break };
                self.first += 1;
                settled += u64::from(settle(open, confirm.stored));
            }
        } else if let Some(place) = self.place(confirm.tag) {
            settled += u64::from(settle(place.take(), confirm.stored));
        }
        while let Some(None) = self.open.front() {
            self.open.pop_front();
            self.first += 1;
        }
        settled
    }

    fn place(&mut self, tag: u64) -> Option<&mut Option<Open>> {
        let index = usize::try_from(tag.checked_sub(self.first)?).ok()?;
        self.open.get_mut(index)
    }

    fn note_returned_header(&mut self, frame: Frame<'_>) {
        if let Some((returned, rest)) = &mut self.returning
            && let Ok((_, AMQPFrame::Header(_, header))) = parse_frame(frame.bytes)
        {
            returned.properties = header.properties;
            *rest = header.body_size;
        }
        self.note_returned_body(0);
    }

    /// The broker sends all of a message that comes back before it confirms it, so it finds its publish still open.
    fn note_returned_body(&mut self, length: u64) {
        let Some((returned, rest)) = &mut self.returning else {
            return;
        };
        *rest = rest.saturating_sub(length);
        if *rest > 0 {
            return;
        }
        let mark = mark_of(&returned.properties);
        let returned = self.returning.take().map(|(returned, _)| Box::new(returned));
        let mut open = self.open.iter_mut().flatten();
        if let Some(open) = open.find(|open| Some(open.mark) == mark) {
            open.returned = returned;
        }
    }
}

/// Tells the publisher; whether there was one to tell.
fn settle(open: Option<Open>, stored: bool) -> bool {
    let Some(open) = open else { return false };
    let outcome = match (open.returned, stored) {
        (Some(returned), _) => Err(PublishError::Unroutable(returned)),
        (None, true) => Ok(()),
        (None, false) => Err(PublishError::Nacked),
    };
    let _ = open.told.send(outcome);
    true
}

fn mark_of(properties: &BasicProperties) -> Option<u64> {
    properties.correlation_id().as_ref()?.as_str().parse().ok()
}

fn begin_return(frame: Frame<'_>) -> Option<(Returned, u64)> {
    match parse_frame(frame.bytes) {
        Ok((_, AMQPFrame::Method(_, AMQPClass::Basic(basic::AMQPMethod::Return(method))))) => {
            let returned = Returned {
                reply_code: method.reply_code,
                reply_text: method.reply_text.to_string(),
                properties: BasicProperties::default(),
            };
            Some((returned, 0))
        }
        _ => None,
    }
}

/// Why the broker closes a channel.
fn reason(frame: Frame<'_>) -> lapin::Error {
    match parse_frame(frame.bytes) {
        Ok((_, AMQPFrame::Method(_, AMQPClass::Channel(channel::AMQPMethod::Close(close))))) => {
            complaint(close.reply_code, close.reply_text.as_str())
        }
        _ => complaint(0, "the channel was closed"),
    }
}

/// A broker's complaint as lapin would have it.
pub(super) fn complaint(code: u16, text: &str) -> lapin::Error {
    match AMQPError::from_id(code, text.into()) {
        Some(error) => ErrorKind::ProtocolError(error).into(),
        None => std::io::Error::other(text.to_owned()).into(),
    }
}

#[cfg(test)]
mod tests;
