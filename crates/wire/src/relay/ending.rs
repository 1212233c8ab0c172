//! How a pump ends: nobody waits in vain, whatever ends it.

use std::io;
use std::sync::atomic::Ordering;
use std::task::{Context, Waker};

use futures_io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::error::TryRecvError;

use super::FrameRelay;
use crate::frame::FAREWELL;

impl<S: AsyncRead + AsyncWrite + Unpin> FrameRelay<S> {
    /// Whoever waits is reply.
    pub(crate) fn end(&mut self, why: &lapin::Error) {
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

    pub(crate) fn fail(&mut self, why: &lapin::Error) {
        let resolved = self
            .channels
            .iter_mut()
            .map(|unconfirmed| unconfirmed.close(why))
            .sum();
        self.resolve(resolved);
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Drop for FrameRelay<S> {
    /// Dropped while it still works: its runtime has ended, and lapin can't say the farewell any more. Nobody waits for
    /// an answer to this one.
    fn drop(&mut self) {
        if !self.state.ended.is_cancelled() && !std::thread::panicking() {
            self.outgoing.extend(&FAREWELL);
            // Whether the broker gets it makes no difference to any message.
            let _ = self
                .outgoing
                .empty(&mut Context::from_waker(Waker::noop()), &mut self.socket);
            self.state.runtime_ended.store(true, Ordering::Relaxed);
        }
        // After a panic its runtime lives on, and another connection can live there.
        self.end(&io::Error::new(io::ErrorKind::NotConnected, "its task was ended").into());
    }
}
