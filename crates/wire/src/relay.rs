//! The task that stands between lapin and the socket.

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

use crate::buffer::Buffer;
use crate::close_reason;
use crate::frame::{Frame, HEARTBEAT, method};
use crate::unconfirmed::{Handled, UnconfirmedPublishes};
use crate::{Order, Publish, State, Wire};

mod ending;

/// So many bytes may wait to be written before no more publishes are taken.
const OUTGOING_LIMIT: usize = 256 * 1024;
/// Publishes taken at a time, which counts as one step of the task.
const BATCH: usize = 16;
/// How often lapin is reply that the broker lives: much more often than any heartbeat. What it does not see, it would
/// miss.
const HEARTBEAT_TO_LAPIN: Duration = Duration::from_secs(1);

/// Passes frames between lapin and the socket, and publishes.
pub(crate) struct FrameRelay<S: AsyncRead + AsyncWrite + Unpin> {
    socket: S,
    lapin: Compat<DuplexStream>,
    orders: mpsc::UnboundedReceiver<Order>,
    batch: Vec<Order>,
    channels: Vec<UnconfirmedPublishes>,
    /// Whole frames, to be written.
    outgoing: Buffer,
    /// What the socket has taken may wait in it, as it does under TLS.
    unflushed: bool,
    incoming: Buffer,
    from_lapin: Buffer,
    to_lapin: Buffer,
    heartbeat_sent_at: Instant,
    /// lapin has ended; what it said last is still to be written.
    leaving: bool,
    /// Why the broker closes the connection, if it has said so.
    close_reason: Option<lapin::Error>,
    state: Arc<State>,
}

/// Whether a step has moved anything.
type Moved = Result<bool, lapin::Error>;

impl<S: AsyncRead + AsyncWrite + Unpin> FrameRelay<S> {
    pub fn between(lapin: DuplexStream, socket: S) -> (Wire, Self) {
        let (sender, orders) = mpsc::unbounded_channel();
        let state = Arc::<State>::default();
        let pump = Self {
            socket,
            lapin: lapin.compat(),
            orders,
            batch: Vec::with_capacity(BATCH),
            channels: Vec::new(),
            outgoing: Buffer::default(),
            unflushed: false,
            incoming: Buffer::default(),
            from_lapin: Buffer::default(),
            to_lapin: Buffer::default(),
            heartbeat_sent_at: Instant::now(),
            leaving: false,
            close_reason: None,
            state: Arc::clone(&state),
        };
        (
            Wire {
                orders: sender,
                state,
            },
            pump,
        )
    }

    /// Until either side ends, or the connection is given up.
    pub async fn run(mut self) {
        let ended = self.state.ended.clone();
        let pumping = poll_fn(|context| self.turn(context));
        let why = match ended.run_until_cancelled(pumping).await {
            Some(why) => why,
            None => io::Error::new(io::ErrorKind::TimedOut, "the connection was given up").into(),
        };
        // What the broker said about it says more than how it ended.
        let why = self.close_reason.take().unwrap_or(why);
        self.end(&why);
    }

    /// Goes on until nothing moves; says why it can't go on.
    fn turn(&mut self, context: &mut Context<'_>) -> Poll<lapin::Error> {
        loop {
            match self.step(context) {
                Ok(true) => {}
                Ok(false) => return Poll::Pending,
                Err(why) => return Poll::Ready(why),
            }
        }
    }

    fn step(&mut self, context: &mut Context<'_>) -> Moved {
        let mut moved = self.take_orders(context);
        moved |= self.take_from_lapin(context)?;
        match self.write(context) {
            Ok(written) => moved |= written,
            Err(error) => {
                self.read_last_frames(context);
                return Err(error);
            }
        }
        if self.leaving && self.outgoing.len() == 0 && !self.unflushed {
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the connection was closed").into());
        }
        moved |= self.read(context)?;
        moved |= self.give_to_lapin(context)?;
        Ok(moved)
    }

    fn take_orders(&mut self, context: &mut Context<'_>) -> bool {
        let mut moved = false;
        while !self.leaving && self.outgoing.len() < OUTGOING_LIMIT {
            let mut batch = std::mem::take(&mut self.batch);
            let taken = self.orders.poll_recv_many(context, &mut batch, BATCH);
            batch.drain(..).for_each(|order| self.obey(order));
            self.batch = batch;
            match taken {
                Poll::Ready(count) if count > 0 => moved = true,
                // None: nobody publishes any more, but lapin still has its farewell to say.
                _ => break,
            }
        }
        moved
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Adopt(channel) => {
                // A number that was free again begins anew.
                self.abandon(channel);
                self.channels.push(UnconfirmedPublishes::new(channel));
            }
            Order::Publish(publish) => self.publish(publish),
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
            // It is not waited for; nor is it a sign of life.
            false => _ = self.state.ordered.fetch_sub(1, Ordering::Relaxed),
        }
    }

    fn abandon(&mut self, channel: ChannelId) {
        let gone = self
            .channels
            .extract_if(.., |unconfirmed| unconfirmed.channel == channel);
        let why = io::Error::new(io::ErrorKind::NotConnected, "its channel is gone").into();
        let resolved = gone.map(|mut unconfirmed| unconfirmed.close(&why)).sum();
        self.resolve(resolved);
    }

    fn resolve(&self, count: u64) {
        if count > 0 {
            self.state.resolved.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// Whole frames only, since publishes go between them.
    fn take_from_lapin(&mut self, context: &mut Context<'_>) -> Moved {
        let mut moved = false;
        while !self.leaving
            && let Poll::Ready(read) = self.from_lapin.fill(context, &mut self.lapin)
        {
            self.leaving = !read?;
            moved = true;
            while let Some(frame) = Frame::first_of(self.from_lapin.data(), self.channels.is_empty())? {
                self.outgoing.extend(frame.bytes);
                let length = frame.bytes.len();
                self.from_lapin.consume(length);
            }
        }
        Ok(moved)
    }

    fn write(&mut self, context: &mut Context<'_>) -> Moved {
        let moved = self.outgoing.empty(context, &mut self.socket)?;
        self.unflushed |= moved;
        if self.unflushed
            && let Poll::Ready(flushed) = Pin::new(&mut self.socket).poll_flush(context)
        {
            flushed?;
            self.unflushed = false;
        }
        Ok(moved)
    }

    /// The socket takes nothing more, but may still have confirms, and why the broker has closed it.
    fn read_last_frames(&mut self, context: &mut Context<'_>) {
        while let Ok(true) = self.read(context) {}
        // lapin may not be there to read them.
        let _ = self.give_to_lapin(context);
    }

    fn give_to_lapin(&mut self, context: &mut Context<'_>) -> Moved {
        Ok(self.to_lapin.empty(context, &mut self.lapin)?)
    }

    fn read(&mut self, context: &mut Context<'_>) -> Moved {
        let Poll::Ready(read) = self.incoming.fill(context, &mut self.socket) else {
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
            Handled::Violation(what) => return Err(io::Error::other(what).into()),
        }
        if frame.method() == Some(method::CONNECTION_CLOSE) {
            let why = close_reason::on_closing_connection(frame);
            self.fail(&why);
            self.close_reason = Some(why);
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
