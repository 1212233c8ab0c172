//! A bound on the bytes that a connection reads ahead of their consumer. lapin keeps every delivery that it has read, however
//! many bytes they are, and the broker's own bound counts messages.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::task::Context;
use std::time::Duration;

use futures_util::task::AtomicWaker;

/// Bytes that may be read before the consumer has caught up.
const AHEAD: usize = 2 * 1024 * 1024;
/// A closed gate lets this many bytes through in each interval: both sides end a connection on which nothing moves.
const LET_THROUGH: usize = 64 * 1024;
const INTERVAL: Duration = Duration::from_secs(1);

/// Stops reading while the consumer holds too many bytes.
#[derive(Debug)]
pub struct ReadGate {
    /// Bytes that the consumer may hold.
    limit: AtomicUsize,
    held: AtomicUsize,
    /// Bytes read since the consumer caught up.
    ahead: AtomicUsize,
    /// The next read passes in any case.
    lets_one_through: AtomicBool,
    reader: AtomicWaker,
}

impl ReadGate {
    /// Closes while the consumer holds at least `limit` bytes.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit: AtomicUsize::new(limit),
            held: AtomicUsize::new(0),
            ahead: AtomicUsize::new(0),
            lets_one_through: AtomicBool::new(false),
            reader: AtomicWaker::new(),
        })
    }

    /// The consumer holds so many bytes more.
    pub fn hold(&self, bytes: usize) {
        self.held.fetch_add(bytes, Ordering::AcqRel);
    }

    /// The consumer holds so many bytes less.
    pub fn release(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::AcqRel);
        self.reader.wake();
    }

    /// The consumer has taken everything that was read.
    pub fn catch_up(&self) {
        if self.ahead.swap(0, Ordering::AcqRel) >= AHEAD {
            self.reader.wake();
        }
    }

    /// Opens for good.
    pub fn open(&self) {
        self.limit.store(usize::MAX, Ordering::Release);
        self.reader.wake();
    }

    fn is_open(&self) -> bool {
        let limit = self.limit.load(Ordering::Acquire);
        limit == usize::MAX
            || self.held.load(Ordering::Acquire) < limit && self.ahead.load(Ordering::Acquire) < AHEAD
    }

    /// Bytes that may be read now; `None`: the reader is woken when the gate opens.
    pub(crate) fn room(&self, context: &Context<'_>) -> Option<usize> {
        if self.is_open() {
            return Some(usize::MAX);
        }
        self.reader.register(context.waker());
        if self.is_open() {
            return Some(usize::MAX);
        }
        let passes = self.lets_one_through.swap(false, Ordering::AcqRel);
        passes.then_some(LET_THROUGH)
    }

    fn let_one_through(&self) {
        self.lets_one_through.store(true, Ordering::Release);
        self.reader.wake();
    }

    pub(crate) fn note_read(&self, bytes: usize) {
        self.ahead.fetch_add(bytes, Ordering::AcqRel);
    }
}

/// Keeps the connection behind a closed gate alive. Ends when the gate is dropped.
pub(crate) async fn let_through(gate: Weak<ReadGate>) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        let Some(gate) = gate.upgrade() else { return };
        gate.let_one_through();
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn room(gate: &ReadGate) -> Option<usize> {
        gate.room(&Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_consumer_that_holds_too_much_closes_it_and_opens_it_again() {
        let gate = ReadGate::new(100);
        gate.hold(99);
        assert!(room(&gate).is_some());
        gate.hold(1);
        assert_eq!(room(&gate), None);
        gate.release(1);
        assert!(room(&gate).is_some());
        gate.hold(500);
        gate.open();
        assert!(room(&gate).is_some());
    }

    #[test]
    fn nothing_is_read_far_ahead_of_the_consumer() {
        let gate = ReadGate::new(100);
        gate.note_read(AHEAD);
        assert_eq!(room(&gate), None);
        gate.catch_up();
        assert!(room(&gate).is_some());
    }

    #[test]
    fn a_closed_gate_lets_a_little_through_now_and_then() {
        let gate = ReadGate::new(0);
        assert_eq!(room(&gate), None);
        gate.let_one_through();
        assert_eq!(room(&gate), Some(LET_THROUGH));
        assert_eq!(room(&gate), None);
    }
}
