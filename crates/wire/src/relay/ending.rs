//! The end of a relay: every waiting publish gets an error, whatever ends the relay.

use std::io;
use std::sync::atomic::Ordering;
use std::task::{Context, Waker};

use futures_io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::error::TryRecvError;

use super::FrameRelay;
use crate::frame::CLOSE_CONNECTION;

impl<S: AsyncRead + AsyncWrite + Unpin> FrameRelay<S> {
    /// Fails all publishes, those in the command queue included, and marks the connection as ended.
    pub(crate) fn end(&mut self, error: &lapin::Error) {
        // Only the first error is the cause.
        let _ = self.state.error.set(error.clone());
        self.fail_publishes(error);
        self.state.ended.cancel();
        self.commands.close();
        // A command that another thread is sending right now would stay in the queue, and its caller would wait for ever.
        loop {
            match self.commands.try_recv() {
                Ok(command) => drop(command),
                Err(TryRecvError::Empty) => std::thread::yield_now(),
                Err(TryRecvError::Disconnected) => return,
            }
        }
    }

    pub(crate) fn fail_publishes(&mut self, error: &lapin::Error) {
        let resolved = self
            .channels
            .iter_mut()
            .map(|unconfirmed| unconfirmed.close(error))
            .sum();
        self.resolve(resolved);
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Drop for FrameRelay<S> {
    /// A relay dropped before its end has lost its runtime, and lapin can no longer close the connection. So the relay sends
    /// `connection.close` itself and does not wait for the answer.
    fn drop(&mut self) {
        if !self.state.ended.is_cancelled() && !std::thread::panicking() {
            self.outgoing.extend(&CLOSE_CONNECTION);
            // No message depends on whether the broker gets it.
            let _ = self
                .outgoing
                .write_to(&mut Context::from_waker(Waker::noop()), &mut self.socket);
            self.state.runtime_ended.store(true, Ordering::Relaxed);
        }
        // After a panic the runtime still works, so `runtime_ended` stays `false`: a new connection may use it.
        self.end(
            &io::Error::new(
                io::ErrorKind::NotConnected,
                "the task of the connection was dropped",
            )
            .into(),
        );
    }
}
