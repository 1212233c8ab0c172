//! TCP streams with a read timeout.
//!
//! lapin checks heartbeats only while a connection is open. The handshake and the close have no timeout: with a peer that
//! sends nothing and closes nothing, each would keep a thread and a socket for ever.

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

use crate::gate::{self, ReadGate};

/// A Tokio runtime as lapin needs it, with TCP streams whose reads fail after a time without data.
#[derive(Debug, Clone)]
pub struct WatchedTcp {
    tokio: Tokio,
    /// `None`: no timeout.
    read_timeout: Option<Duration>,
    /// `None`: the streams read whatever comes.
    gate: Option<Arc<ReadGate>>,
}

impl WatchedTcp {
    /// Uses the current Tokio runtime. A stream fails when it receives nothing for `read_timeout` (`None`: never).
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub fn new(read_timeout: Option<Duration>) -> Self {
        Self::on(Handle::current(), read_timeout)
    }

    /// Does the same with the runtime `runtime`.
    pub fn on(runtime: Handle, read_timeout: Option<Duration>) -> Self {
        Self {
            tokio: Tokio::default().with_handle(runtime),
            read_timeout,
            gate: None,
        }
    }

    /// The same, whose streams read what this gate lets through.
    #[must_use]
    pub fn behind(self, gate: Option<Arc<ReadGate>>) -> Self {
        Self { gate, ..self }
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
        let (connecting, read_timeout) = (self.tokio.tcp_connect_addr(address), self.read_timeout);
        let (kit, gate) = (self.clone(), self.gate.clone());
        async move {
            let watch = Arc::new(ReadWatch::default());
            let stream = connecting.await?;
            if let Some(read_timeout) = read_timeout {
                watch.record_read();
                drop(kit.spawn(fail_after_silence(Arc::downgrade(&watch), read_timeout)));
            }
            if let Some(gate) = &gate {
                drop(kit.spawn(gate::let_through(Arc::downgrade(gate))));
            }
            Ok(Stream::Socket(WatchedStream { stream, watch, gate }))
        }
    }
}

/// A stream that lapin reads and writes.
pub enum Stream {
    /// A socket.
    Socket(WatchedStream<<Tokio as Reactor>::TcpStream>),
    /// One end of a pipe. The relay has the other end, and the socket.
    Pipe(Compat<DuplexStream>),
}

impl Stream {
    pub(crate) fn pipe(pipe: DuplexStream) -> Self {
        Self::Pipe(pipe.compat())
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").finish_non_exhaustive()
    }
}

/// Applies the same expression to either stream.
macro_rules! either {
    ($stream:expr, $inner:ident => $work:expr) => {
        match $stream.get_mut() {
            Stream::Socket($inner) => $work,
            Stream::Pipe($inner) => $work,
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

/// The time of the last read of a stream. A task of the runtime checks it: lapin polls the stream on a thread of its own,
/// and a timer polled there panics if the runtime shuts down first.
#[derive(Debug)]
struct ReadWatch {
    start: Instant,
    /// In milliseconds since `start`.
    last_read: AtomicU64,
    timed_out: AtomicBool,
    reader: AtomicWaker,
}

impl Default for ReadWatch {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            last_read: AtomicU64::new(0),
            timed_out: AtomicBool::new(false),
            reader: AtomicWaker::new(),
        }
    }
}

impl ReadWatch {
    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn record_read(&self) {
        self.last_read.store(self.now(), Ordering::Relaxed);
    }

    fn silence(&self) -> Duration {
        Duration::from_millis(self.now().saturating_sub(self.last_read.load(Ordering::Relaxed)))
    }
}

/// Fails the reads of a stream after `read_timeout` without data. Ends when the stream is dropped.
async fn fail_after_silence(watch: Weak<ReadWatch>, read_timeout: Duration) {
    while let Some(watch) = watch.upgrade() {
        let silence = watch.silence();
        if silence >= read_timeout {
            watch.timed_out.store(true, Ordering::Release);
            watch.reader.wake();
            return;
        }
        drop(watch);
        tokio::time::sleep(read_timeout - silence).await;
    }
}

/// A stream with a read timeout.
pub struct WatchedStream<S> {
    stream: S,
    watch: Arc<ReadWatch>,
    gate: Option<Arc<ReadGate>>,
}

impl<S: AsyncRead + Unpin> AsyncRead for WatchedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let room = match &self.gate {
            Some(gate) => match gate.room(context) {
                Some(room) => room.min(buffer.len()),
                None => return Poll::Pending,
            },
            None => buffer.len(),
        };
        if let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(context, &mut buffer[..room]) {
            self.watch.record_read();
            if let (Some(gate), Ok(count)) = (&self.gate, &read) {
                gate.note_read(*count);
            }
            return Poll::Ready(read);
        }
        self.watch.reader.register(context.waker());
        if self.watch.timed_out.load(Ordering::Acquire) {
            return Poll::Ready(Err(io::Error::new(
                ErrorKind::TimedOut,
                "the broker sends nothing",
            )));
        }
        Poll::Pending
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WatchedStream<S> {
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
