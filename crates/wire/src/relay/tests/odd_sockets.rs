//! Pumps on sockets that do what real ones do rarely.

use super::*;

/// A socket that takes bytes and keeps them until it is flushed, which it is not at the first try; that fails to write when
/// reply to; or that panics.
#[derive(Debug, Default)]
struct Odd {
    kept: Vec<u8>,
    flushed: Arc<std::sync::Mutex<Vec<u8>>>,
    refused_once: bool,
    to_read: Option<Vec<u8>>,
    fails: bool,
    panics: bool,
}

impl AsyncRead for Odd {
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

impl AsyncWrite for Odd {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        assert!(!self.panics, "as it was reply to");
        if self.fails {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        self.kept.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !std::mem::replace(&mut self.refused_once, true) {
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

/// The way to a pump on such a socket, its lapin, and its end.
fn odd(socket: Odd) -> (Wire, DuplexStream, tokio::task::JoinHandle<()>) {
    let (lapin, far) = tokio::io::duplex(1_024);
    let (wire, pump) = FrameRelay::between(far, socket);
    wire.adopt(CHANNEL);
    (wire, lapin, tokio::spawn(pump.run()))
}

#[tokio::test]
async fn a_flush_that_was_not_done_at_once_is_not_forgotten() {
    let flushed = Arc::<std::sync::Mutex<Vec<u8>>>::default();
    let socket = Odd {
        flushed: Arc::clone(&flushed),
        ..Odd::default()
    };
    let (wire, _lapin, _running) = odd(socket);
    let _outcome = publish(&wire, 1);
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(*flushed.lock().expect("whole"), frames(b"body"));
}

#[tokio::test]
async fn what_the_broker_said_is_why_although_writing_has_failed_first() {
    let text = b"\x01\x40\x11CONNECTION_FORCED\0\0\0\0";
    let size = u8::try_from(4 + text.len()).expect("short");
    let close = [&[1, 0, 0, 0, 0, 0, size, 0, 10, 0, 50][..], text, &[END]].concat();
    let socket = Odd {
        fails: true,
        to_read: Some(close),
        ..Odd::default()
    };
    let (wire, _lapin, running) = odd(socket);
    let outcomes = publish(&wire, 1);
    running.await.expect("it ends");
    for outcome in outcomes {
        failed(outcome).await;
    }
    let why = wire.why().expect("a reason").to_string();
    assert!(why.contains("FORCED"), "{why}");
}

#[tokio::test]
async fn one_that_panics_fails_what_is_in_flight_and_keeps_its_home() {
    let socket = Odd {
        panics: true,
        ..Odd::default()
    };
    let (wire, _lapin, running) = odd(socket);
    let outcomes = publish(&wire, 1);
    assert!(running.await.expect_err("it panics").is_panic());
    for outcome in outcomes {
        failed(outcome).await;
    }
    assert!(wire.ended().is_cancelled() && !wire.lost_its_runtime());
}
