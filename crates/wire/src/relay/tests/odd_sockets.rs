//! Relays on sockets with rare faults.

use super::*;

/// A socket that keeps written bytes until it is flushed, whose first flush is pending, and whose writes may fail or panic.
#[derive(Debug, Default)]
struct OddSocket {
    kept: Vec<u8>,
    flushed: Arc<std::sync::Mutex<Vec<u8>>>,
    flush_was_pending: bool,
    to_read: Option<Vec<u8>>,
    fails: bool,
    panics: bool,
}

impl AsyncRead for OddSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self.to_read.take() {
            Some(bytes) => {
                buffer[..bytes.len()].copy_from_slice(&bytes);
                Poll::Ready(Ok(bytes.len()))
            }
            None => Poll::Pending,
        }
    }
}

impl AsyncWrite for OddSocket {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        assert!(!self.panics, "the test wants this panic");
        if self.fails {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        self.kept.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !std::mem::replace(&mut self.flush_was_pending, true) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let kept = std::mem::take(&mut self.kept);
        self.flushed.lock().expect("whole").extend(kept);
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Starts a relay on the socket. Returns its handle, lapin's end of the pipe, and the task.
fn start_on(socket: OddSocket) -> (Wire, DuplexStream, tokio::task::JoinHandle<()>) {
    let (lapin, far) = tokio::io::duplex(1_024);
    let (wire, relay) = FrameRelay::between(far, socket);
    wire.adopt(CHANNEL);
    (wire, lapin, tokio::spawn(relay.run()))
}

#[tokio::test]
async fn a_pending_flush_is_repeated() {
    let flushed = Arc::<std::sync::Mutex<Vec<u8>>>::default();
    let socket = OddSocket {
        flushed: Arc::clone(&flushed),
        ..OddSocket::default()
    };
    let (wire, _lapin, _running) = start_on(socket);
    let _outcome = publish(&wire, 1);
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(*flushed.lock().expect("whole"), frames(b"body"));
}

#[tokio::test]
async fn the_brokers_reason_is_reported_although_a_write_has_failed_first() {
    let text = b"\x01\x40\x11CONNECTION_FORCED\0\0\0\0";
    let size = u8::try_from(4 + text.len()).expect("short");
    let close = [&[1, 0, 0, 0, 0, 0, size, 0, 10, 0, 50][..], text, &[END]].concat();
    let socket = OddSocket {
        fails: true,
        to_read: Some(close),
        ..OddSocket::default()
    };
    let (wire, _lapin, running) = start_on(socket);
    let outcomes = publish(&wire, 1);
    running.await.expect("it ends");
    for outcome in outcomes {
        assert_failed(outcome).await;
    }
    let error = wire.error().expect("a reason").to_string();
    assert!(error.contains("FORCED"), "{error}");
}

#[tokio::test]
async fn a_relay_that_panics_fails_its_publishes_and_keeps_its_runtime() {
    let socket = OddSocket {
        panics: true,
        ..OddSocket::default()
    };
    let (wire, _lapin, running) = start_on(socket);
    let outcomes = publish(&wire, 1);
    assert!(running.await.expect_err("it panics").is_panic());
    for outcome in outcomes {
        assert_failed(outcome).await;
    }
    assert!(wire.ended().is_cancelled() && !wire.lost_its_runtime());
}
