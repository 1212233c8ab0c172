//! The task between lapin and the socket: copies frames both ways, writes publishes and handles their confirms.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_io::{AsyncRead, AsyncWrite};
use lapin::types::ChannelId;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt as _};

use crate::Wire;
use crate::buffer::Buffer;
use crate::close_reason;
use crate::frame::{Frame, HEARTBEAT, method};
use crate::unconfirmed::{Handled, UnconfirmedPublishes};
use crate::wire::{Command, Publish, State};

mod ending;

/// The relay takes no more publishes while at least this many bytes wait to be written.
const OUTGOING_LIMIT: usize = 256 * 1024;
/// Commands received at a time. Tokio counts them as one unit of the task's budget.
const BATCH: usize = 16;
/// Interval of the heartbeats that the relay sends to lapin while the broker sends anything. lapin does not see the confirms,
/// and without these heartbeats it would take the broker for dead. Shorter than any heartbeat interval.
const HEARTBEAT_TO_LAPIN: Duration = Duration::from_secs(1);

/// Copies frames between lapin and the socket, and inserts publishes.
pub(crate) struct FrameRelay<S: AsyncRead + AsyncWrite + Unpin> {
    socket: S,
    lapin: Compat<DuplexStream>,
    commands: mpsc::UnboundedReceiver<Command>,
    batch: Vec<Command>,
    channels: Vec<UnconfirmedPublishes>,
    /// Whole frames for the socket.
    outgoing: Buffer,
    /// The socket may hold written bytes until it is flushed, as TLS does.
    unflushed: bool,
    incoming: Buffer,
    from_lapin: Buffer,
    to_lapin: Buffer,
    heartbeat_sent_at: Instant,
    /// lapin has closed its end of the pipe; its last frames are still to be written.
    closing: bool,
    /// The reason in the broker's `connection.close`.
    close_reason: Option<lapin::Error>,
    state: Arc<State>,
}

/// `true` if a step moved any bytes or commands.
type Moved = Result<bool, lapin::Error>;

impl<S: AsyncRead + AsyncWrite + Unpin> FrameRelay<S> {
    /// Creates a relay and its handle.
    pub fn between(lapin: DuplexStream, socket: S) -> (Wire, Self) {
        let (sender, commands) = mpsc::unbounded_channel();
        let state = Arc::<State>::default();
        let relay = Self {
            socket,
            lapin: lapin.compat(),
            commands,
            batch: Vec::with_capacity(BATCH),
            channels: Vec::new(),
            outgoing: Buffer::default(),
            unflushed: false,
            incoming: Buffer::default(),
            from_lapin: Buffer::default(),
            to_lapin: Buffer::default(),
            heartbeat_sent_at: Instant::now(),
            closing: false,
            close_reason: None,
            state: Arc::clone(&state),
        };
        (Wire::new(sender, state), relay)
    }

    /// Runs until lapin or the socket ends, or the token [`Wire::ended`] is cancelled.
    pub async fn run(mut self) {
        let ended = self.state.ended.clone();
        let relaying = poll_fn(|context| self.poll_steps(context));
        let error = match ended.run_until_cancelled(relaying).await {
            Some(error) => error,
            None => io::Error::new(io::ErrorKind::TimedOut, "the connection was abandoned").into(),
        };
        // The broker's reason is more precise than the error of the socket.
        let error = self.close_reason.take().unwrap_or(error);
        self.end(&error);
    }

    /// Repeats steps until nothing moves. Ready with the error that ends the relay.
    fn poll_steps(&mut self, context: &mut Context<'_>) -> Poll<lapin::Error> {
        loop {
            match self.step(context) {
                Ok(true) => {}
                Ok(false) => return Poll::Pending,
                Err(error) => return Poll::Ready(error),
            }
        }
    }

    fn step(&mut self, context: &mut Context<'_>) -> Moved {
        let mut moved = self.receive_commands(context);
        moved |= self.read_from_lapin(context)?;
        match self.write_to_socket(context) {
            Ok(written) => moved |= written,
            Err(error) => {
                self.read_last_frames(context);
                return Err(error);
            }
        }
        if self.closing && self.outgoing.len() == 0 && !self.unflushed {
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the connection was closed").into());
        }
        moved |= self.read_from_socket(context)?;
        moved |= self.write_to_lapin(context)?;
        Ok(moved)
    }

    fn receive_commands(&mut self, context: &mut Context<'_>) -> bool {
        let mut moved = false;
        while !self.closing && self.outgoing.len() < OUTGOING_LIMIT {
            let mut batch = std::mem::take(&mut self.batch);
            let received = self.commands.poll_recv_many(context, &mut batch, BATCH);
            batch.drain(..).for_each(|command| self.execute(command));
            self.batch = batch;
            match received {
                Poll::Ready(count) if count > 0 => moved = true,
                // Zero: all handles are dropped, but lapin still has to close the connection.
                _ => break,
            }
        }
        moved
    }

    fn execute(&mut self, command: Command) {
        match command {
            Command::Adopt(channel) => {
                // lapin reuses the number of a closed channel, and its publishes are numbered from 1 again.
                self.remove_channel(channel);
                self.channels.push(UnconfirmedPublishes::new(channel));
            }
            Command::Publish(publish) => self.publish(publish),
        }
    }

    fn publish(&mut self, publish: Publish) {
        let Publish {
            channel,
            frames,
            correlation_id,
            reply,
        } = publish;
        let unconfirmed = self
            .channels
            .iter_mut()
            .find(|unconfirmed| unconfirmed.channel == channel);
        let open = unconfirmed.filter(|_| !reply.is_closed());
        match open.is_some_and(|unconfirmed| unconfirmed.open(correlation_id, reply)) {
            true => self.outgoing.extend(&frames),
            // It waits for no confirm, and must not count as resolved either: that would look like an answer of the broker.
            false => _ = self.state.published.fetch_sub(1, Ordering::Relaxed),
        }
    }

    fn remove_channel(&mut self, channel: ChannelId) {
        let removed = self
            .channels
            .extract_if(.., |unconfirmed| unconfirmed.channel == channel);
        let error = io::Error::new(io::ErrorKind::NotConnected, "the channel was closed").into();
        let resolved = removed.map(|mut unconfirmed| unconfirmed.close(&error)).sum();
        self.resolve(resolved);
    }

    fn resolve(&self, count: u64) {
        if count > 0 {
            self.state.resolved.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// Copies only whole frames, because publishes go between them.
    fn read_from_lapin(&mut self, context: &mut Context<'_>) -> Moved {
        let mut moved = false;
        while !self.closing
            && let Poll::Ready(read) = self.from_lapin.read_from(context, &mut self.lapin)
        {
            self.closing = !read?;
            moved = true;
            while let Some(frame) = Frame::first_of(self.from_lapin.data(), self.channels.is_empty())? {
                self.outgoing.extend(frame.bytes);
                let length = frame.bytes.len();
                self.from_lapin.consume(length);
            }
        }
        Ok(moved)
    }

    fn write_to_socket(&mut self, context: &mut Context<'_>) -> Moved {
        let moved = self.outgoing.write_to(context, &mut self.socket)?;
        self.unflushed |= moved;
        if self.unflushed
            && let Poll::Ready(flushed) = Pin::new(&mut self.socket).poll_flush(context)
        {
            flushed?;
            self.unflushed = false;
        }
        Ok(moved)
    }

    /// A socket that fails to write may still hold confirms and the broker's reason for closing it.
    fn read_last_frames(&mut self, context: &mut Context<'_>) {
        while let Ok(true) = self.read_from_socket(context) {}
        // lapin may have ended.
        let _ = self.write_to_lapin(context);
    }

    fn write_to_lapin(&mut self, context: &mut Context<'_>) -> Moved {
        Ok(self.to_lapin.write_to(context, &mut self.lapin)?)
    }

    fn read_from_socket(&mut self, context: &mut Context<'_>) -> Moved {
        let Poll::Ready(read) = self.incoming.read_from(context, &mut self.socket) else {
            return Ok(false);
        };
        if !read? {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was closed").into());
        }
        let mut incoming = std::mem::take(&mut self.incoming);
        let handled = self.handle_frames(&mut incoming);
        self.incoming = incoming;
        handled?;
        self.send_lapin_heartbeat();
        Ok(true)
    }

    fn handle_frames(&mut self, incoming: &mut Buffer) -> Result<(), lapin::Error> {
        while let Some(frame) = Frame::first_of(incoming.data(), self.channels.is_empty())? {
            self.handle_frame(frame)?;
            let length = frame.bytes.len();
            incoming.consume(length);
        }
        Ok(())
    }

    fn handle_frame(&mut self, frame: Frame<'_>) -> Result<(), lapin::Error> {
        let unconfirmed = self
            .channels
            .iter_mut()
            .find(|unconfirmed| unconfirmed.channel == frame.channel());
        match unconfirmed.map_or(Handled::NotOurs, |unconfirmed| unconfirmed.handle_frame(frame)) {
            Handled::Resolved(count) => {
                self.resolve(count);
                return Ok(());
            }
            Handled::Closed(count) => self.resolve(count),
            Handled::NotOurs => {}
            Handled::Violation(reason) => return Err(io::Error::other(reason).into()),
        }
        if frame.method() == Some(method::CONNECTION_CLOSE) {
            let reason = close_reason::on_closing_connection(frame);
            self.fail_publishes(&reason);
            self.close_reason = Some(reason);
        }
        self.to_lapin.extend(frame.bytes);
        Ok(())
    }

    fn send_lapin_heartbeat(&mut self) {
        if !self.channels.is_empty() && self.heartbeat_sent_at.elapsed() > HEARTBEAT_TO_LAPIN {
            self.heartbeat_sent_at = Instant::now();
            self.to_lapin.extend(&HEARTBEAT);
        }
    }
}

#[cfg(test)]
mod tests;
