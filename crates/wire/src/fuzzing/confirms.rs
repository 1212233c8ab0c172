//! Frames that a broker sends on one channel with unconfirmed publishes.

mod steps;

use amq_protocol::frame::{AMQPFrame, parse_frame};
use lapin::protocol::AMQPClass;
use lapin::protocol::basic::AMQPMethod;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use crate::frame::Frame;
use crate::unconfirmed::{Handled, UnconfirmedPublishes};
use crate::{Outcome, PublishError};
use steps::{CHANNEL, Step};

/// Runs the publishes and frames that the input describes, and checks each outcome against a reading of the frames by
/// amq-protocol: a publish counts as stored only when an ack of its number arrives and its own correlation id did not come
/// back before. Returns the number of publishes that count as stored.
///
/// # Panics
/// When a property does not hold.
pub fn handle_frames(mut input: &[u8]) -> usize {
    let mut trial = Trial {
        unconfirmed: UnconfirmedPublishes::new(CHANNEL),
        publishes: Vec::new(),
        returning: None,
        returned: Vec::new(),
        closed: false,
        stored: 0,
    };
    while let Some(step) = steps::next(&mut input) {
        match step {
            Step::Publish => trial.publish(),
            Step::Frame(bytes) if trial.handle(&bytes) => {}
            // The relay ends the connection after a violation.
            Step::Frame(_) => break,
        }
    }
    trial.end()
}

struct Trial {
    unconfirmed: UnconfirmedPublishes,
    /// By number, which begins at 1. `None`: has its outcome.
    publishes: Vec<Option<oneshot::Receiver<Outcome>>>,
    returning: Option<Returning>,
    /// The correlation ids of the messages that came back whole.
    returned: Vec<u64>,
    closed: bool,
    stored: usize,
}

/// A message that is coming back. Both are unknown before its header.
#[derive(Default)]
struct Returning {
    correlation_id: Option<u64>,
    bytes_left: Option<u64>,
}

/// A confirm, as amq-protocol reads it.
struct Confirm {
    tag: u64,
    multiple: bool,
    stored: bool,
}

impl Trial {
    fn publish(&mut self) {
        let (reply, outcome) = oneshot::channel();
        let number = self.publishes.len() as u64 + 1;
        let opened = self.unconfirmed.open(steps::correlation_id(number), reply);
        assert_eq!(opened, !self.closed);
        if opened {
            self.publishes.push(Some(outcome));
        }
    }

    /// Returns `false` after a violation.
    fn handle(&mut self, bytes: &[u8]) -> bool {
        let Ok(Some(frame)) = Frame::first_of(bytes, false) else {
            panic!("the steps make whole frames");
        };
        let handled = self.unconfirmed.handle_frame(frame);
        self.follow_return(bytes);
        let resolved = self.check_outcomes(confirm(bytes).as_ref(), &handled);
        match handled {
            Handled::Resolved(count) => assert_eq!(count, resolved),
            Handled::Closed(count) => {
                assert_eq!(count, resolved);
                self.closed = true;
            }
            Handled::NotOurs | Handled::Violation(_) => assert_eq!(resolved, 0),
        }
        !matches!(handled, Handled::Violation(_))
    }

    fn follow_return(&mut self, bytes: &[u8]) {
        match (parse_frame(bytes), &mut self.returning) {
            (Ok((_, AMQPFrame::Method(_, AMQPClass::Basic(AMQPMethod::Return(_))))), _) => {
                self.returning = Some(Returning::default());
            }
            (Ok((_, AMQPFrame::Header(_, header))), Some(returning)) => {
                let correlation_id = header.properties.correlation_id().as_ref();
                returning.correlation_id = correlation_id.and_then(|id| id.as_str().parse().ok());
                returning.bytes_left = Some(header.body_size);
            }
            (Ok((_, AMQPFrame::Body(_, body))), Some(returning)) => {
                let left = returning.bytes_left.unwrap_or_default();
                returning.bytes_left = Some(left.saturating_sub(body.len() as u64));
            }
            _ => {}
        }
        if let Some(returning) = self
            .returning
            .take_if(|returning| returning.bytes_left == Some(0))
        {
            self.returned.extend(returning.correlation_id);
        }
    }

    /// Returns the number of publishes that have got their outcome.
    fn check_outcomes(&mut self, confirm: Option<&Confirm>, handled: &Handled) -> u64 {
        let mut resolved = 0;
        for (slot, number) in self.publishes.iter_mut().zip(1..) {
            let Some(outcome) = slot else { continue };
            let outcome = match outcome.try_recv() {
                Ok(outcome) => outcome,
                Err(TryRecvError::Empty) => continue,
                Err(TryRecvError::Closed) => panic!("publish {number} was dropped"),
            };
            *slot = None;
            resolved += 1;
            self.stored += usize::from(outcome.is_ok());
            let came_back = self.returned.contains(&steps::correlation_id(number));
            let confirmed = confirm.filter(|confirm| confirm.covers(number));
            let stored = confirmed.map(|confirm| confirm.stored);
            match outcome {
                Ok(()) => assert!(stored == Some(true) && !came_back, "publish {number}"),
                Err(PublishError::Nacked) => assert!(stored == Some(false) && !came_back, "publish {number}"),
                Err(PublishError::Unroutable(_)) => {
                    assert!(stored.is_some() && came_back, "publish {number}")
                }
                Err(PublishError::Broker(_)) => assert!(matches!(handled, Handled::Closed(_))),
                Err(PublishError::Invalid(error)) => panic!("publish {number} was sent: {error}"),
            }
        }
        resolved
    }

    /// Checks that the end of the connection confirms nothing and leaves no publish waiting.
    fn end(self) -> usize {
        drop(self.unconfirmed);
        for mut outcome in self.publishes.into_iter().flatten() {
            assert!(matches!(outcome.try_recv(), Err(TryRecvError::Closed)));
        }
        self.stored
    }
}

impl Confirm {
    fn covers(&self, number: u64) -> bool {
        match self.multiple {
            true => number <= self.tag,
            false => number == self.tag,
        }
    }
}

fn confirm(bytes: &[u8]) -> Option<Confirm> {
    let Ok((_, AMQPFrame::Method(_, AMQPClass::Basic(method)))) = parse_frame(bytes) else {
        return None;
    };
    let (tag, multiple, stored) = match method {
        AMQPMethod::Ack(ack) => (ack.delivery_tag, ack.multiple, true),
        AMQPMethod::Nack(nack) => (nack.delivery_tag, nack.multiple, false),
        _ => return None,
    };
    Some(Confirm {
        tag,
        multiple,
        stored,
    })
}
