//! TCP streams that end by themselves when nothing comes any more.
//!
//! lapin watches over a connection while it is open, by heartbeats. It watches neither over the handshake nor over the
//! farewell: with a peer that is silent and closes nothing, each would keep a thread and a socket for ever.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use async_rs::Tokio;
use async_rs::traits::{Executor, Reactor, RuntimeKit};
use async_rs::util::Task;
use futures_io::{AsyncRead, AsyncWrite};
use futures_util::task::AtomicWaker;
use tokio::io::DuplexStream;
use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt as _};

/// What lapin runs on: the current Tokio runtime, with streams that end after a silence.
#[derive(Debug, Clone)]
pub struct WatchedTcp {
    tokio: Tokio,
    /// How long nothing may come; `None`: for ever.
    patience: Option<Duration>,
}

impl WatchedTcp {
    /// Must be called inside a Tokio runtime.
    pub fn new(patience: Option<Duration>) -> Self {
        Self::on(Handle::current(), patience)
    }

    /// The same in another runtime.
    pub fn on(runtime: Handle, patience: Option<Duration>) -> Self {
        Self {
            tokio: Tokio::default().with_handle(runtime),
            patience,
        }
    }
}

impl RuntimeKit for WatchedTcp {}

impl Executor for WatchedTcp {
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

impl Reactor for WatchedTcp {
    type TcpStream = Stream;
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
            let attention = Arc::new(Attention::default());
            let stream = connecting.await?;
            if let Some(patience) = patience {
                attention.note();
                drop(kit.spawn(attend(Arc::downgrade(&attention), patience)));
            }
            Ok(Stream::Attended(Attended { stream, attention }))
        }
    }
}

/// What lapin reads from and writes to.
pub enum Stream {
    /// A socket.
    Attended(Attended<<Tokio as Reactor>::TcpStream>),
    /// The near end of a pipe, at whose far end is who has the socket.
    Piped(Compat<DuplexStream>),
}

impl Stream {
    pub fn piped(pipe: DuplexStream) -> Self {
        Self::Piped(pipe.compat())
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").finish_non_exhaustive()
    }
}

/// Does the same with either.
macro_rules! either {
    ($stream:expr, $inner:ident => $work:expr) => {
        match $stream.get_mut() {
            Stream::Attended($inner) => $work,
            Stream::Piped($inner) => $work,
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        either!(self, inner => Pin::new(inner).poll_read(context, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        either!(self, inner => Pin::new(inner).poll_write(context, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, inner => Pin::new(inner).poll_flush(context))
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, inner => Pin::new(inner).poll_close(context))
    }
}

/// When a stream was last heard of. Looked at by a task of the runtime: a timer that lapin's own thread polled would
/// panic there when the runtime ends first.
#[derive(Debug)]
struct Attention {
    begun: Instant,
    /// In milliseconds since `begun`.
    heard: AtomicU64,
    silent: AtomicBool,
    reader: AtomicWaker,
}

impl Default for Attention {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            heard: AtomicU64::new(0),
            silent: AtomicBool::new(false),
            reader: AtomicWaker::new(),
        }
    }
}

impl Attention {
    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn note(&self) {
        self.heard.store(self.now(), Ordering::Relaxed);
    }

    fn silence(&self) -> Duration {
        Duration::from_millis(self.now().saturating_sub(self.heard.load(Ordering::Relaxed)))
    }
}

/// Ends a stream when nothing came for that long; ends itself when the stream is gone.
async fn attend(attention: Weak<Attention>, patience: Duration) {
    while let Some(attention) = attention.upgrade() {
        let silence = attention.silence();
        if silence >= patience {
            attention.silent.store(true, Ordering::Release);
            attention.reader.wake();
            return;
        }
        drop(attention);
        tokio::time::sleep(patience - silence).await;
    }
}

/// A stream whose reading fails when nothing came for too long.
pub struct Attended<S> {
    stream: S,
    attention: Arc<Attention>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Attended<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(context, buffer) {
            self.attention.note();
            return Poll::Ready(read);
        }
        self.attention.reader.register(context.waker());
        if self.attention.silent.load(Ordering::Acquire) {
            return Poll::Ready(Err(io::Error::new(ErrorKind::TimedOut, "the broker is silent")));
        }
        Poll::Pending
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
