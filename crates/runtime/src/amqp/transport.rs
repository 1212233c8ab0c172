//! TCP streams that end by themselves when nothing comes any more.
//!
//! lapin watches over a connection while it is open, by heartbeats. It watches neither over the handshake nor over the
//! farewell: with a peer that is silent and closes nothing, each would keep a thread and a socket for ever.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_rs::Tokio;
use async_rs::traits::{Executor, Reactor, RuntimeKit};
use async_rs::util::Task;
use futures_io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep};

/// What lapin runs on: the current Tokio runtime, with streams that end after a silence.
#[derive(Debug, Clone)]
pub(super) struct Kit {
    tokio: Tokio,
    /// How long nothing may come; `None`: for ever.
    patience: Option<Duration>,
}

impl Kit {
    /// Must be called inside a Tokio runtime.
    pub fn new(patience: Option<Duration>) -> Self {
        Self {
            tokio: Tokio::current(),
            patience,
        }
    }
}

impl RuntimeKit for Kit {}

impl Executor for Kit {
    type Task<T: Send + 'static> = <Tokio as Executor>::Task<T>;

    fn block_on<T, F: Future<Output = T>>(&self, work: F) -> T {
        self.tokio.block_on(work)
    }

    fn spawn<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        &self,
        work: F,
    ) -> Task<Self::Task<T>> {
        self.tokio.spawn(work)
    }

    fn spawn_blocking<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(
        &self,
        work: F,
    ) -> Task<Self::Task<T>> {
        self.tokio.spawn_blocking(work)
    }
}

impl Reactor for Kit {
    type TcpStream = Attended<<Tokio as Reactor>::TcpStream>;
    type Sleep = <Tokio as Reactor>::Sleep;

    fn register<H: io::Read + io::Write + AsFd + AsRawFd + Send + 'static>(
        &self,
        socket: H,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Send + Unpin + 'static> {
        self.tokio.register(socket)
    }

    fn sleep(&self, duration: Duration) -> Self::Sleep {
        self.tokio.sleep(duration)
    }

    fn interval(
        &self,
        duration: Duration,
    ) -> impl futures_util::Stream<Item = std::time::Instant> + Send + 'static {
        self.tokio.interval(duration)
    }

    fn tcp_connect_addr(
        &self,
        address: SocketAddr,
    ) -> impl Future<Output = io::Result<Self::TcpStream>> + Send + 'static {
        let (connecting, patience) = (self.tokio.tcp_connect_addr(address), self.patience);
        let kit = self.clone();
        async move {
            let stream = connecting.await?;
            Ok(Attended {
                stream,
                heard: Instant::now(),
                silence: patience.map(|patience| (patience, Box::pin(kit.sleep(patience)))),
            })
        }
    }
}

/// A stream whose reading fails when nothing came for too long.
pub(super) struct Attended<S> {
    stream: S,
    heard: Instant,
    silence: Option<(Duration, Pin<Box<Sleep>>)>,
}

impl<S> fmt::Debug for Attended<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attended").finish_non_exhaustive()
    }
}

impl<S> Attended<S> {
    /// Ready once nothing came for too long. The timer is moved only when it rings, not at every read.
    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some((patience, timer)) = &mut self.silence else {
            return Poll::Pending;
        };
        loop {
            ready!(timer.as_mut().poll(context));
            if self.heard.elapsed() >= *patience {
                return Poll::Ready(());
            }
            timer.as_mut().reset(self.heard + *patience);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Attended<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(context, buffer) {
            self.heard = Instant::now();
            return Poll::Ready(read);
        }
        ready!(self.poll_silence(context));
        Poll::Ready(Err(io::Error::new(ErrorKind::TimedOut, "the broker is silent")))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Attended<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(context)
    }
}
