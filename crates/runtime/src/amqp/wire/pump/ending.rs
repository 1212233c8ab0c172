//! How a pump ends: nobody waits in vain, whatever ends it.

use std::io;
use std::sync::atomic::Ordering;
use std::task::{Context, Waker};

use futures_io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::error::TryRecvError;

use super::super::frame::FAREWELL;
use super::Pump;

impl<S: AsyncRead + AsyncWrite + Unpin> Pump<S> {
    /// Whoever waits is told.
    pub(super) fn end(&mut self, why: &lapin::Error) {
        // The first reason is the true one.
        let _ = self.state.why.set(why.clone());
        self.fail(why);
        self.state.ended.cancel();
        self.orders.close();
        // One that is being ordered at this moment would outlive the pump, and whoever waits for it would wait in vain.
        loop {
            match self.orders.try_recv() {
                Ok(order) => drop(order),
                Err(TryRecvError::Empty) => std::thread::yield_now(),
                Err(TryRecvError::Disconnected) => return,
            }
        }
    }

    pub(super) fn fail(&mut self, why: &lapin::Error) {
        let settled = self.ledgers.iter_mut().map(|ledger| ledger.close(why)).sum();
        self.settle(settled);
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Drop for Pump<S> {
    /// Dropped while it still works: its runtime has ended, and lapin can't say the farewell any more. Nobody waits for
    /// an answer to this one.
    fn drop(&mut self) {
        if !self.state.ended.is_cancelled() && !std::thread::panicking() {
            self.outgoing.extend(&FAREWELL);
            // Whether the broker gets it makes no difference to any message.
            let _ = self
                .outgoing
                .empty(&mut Context::from_waker(Waker::noop()), &mut self.socket);
            self.state.homeless.store(true, Ordering::Relaxed);
        }
        // After a panic its runtime lives on, and another connection can live there.
        self.end(&io::Error::new(io::ErrorKind::NotConnected, "its task was ended").into());
    }
}
