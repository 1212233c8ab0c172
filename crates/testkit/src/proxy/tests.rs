use std::io::ErrorKind;
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::*;

const SOON: Duration = Duration::from_secs(5);
/// Bytes that have not come after this time do not come.
const NEVER: Duration = Duration::from_millis(200);

/// An echo server, and how it saw each of its connections end.
struct Echo {
    address: SocketAddr,
    ends: tokio::sync::mpsc::UnboundedReceiver<Result<usize, ErrorKind>>,
}

async fn echo() -> Echo {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let (sender, ends) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let sender = sender.clone();
            tokio::spawn(async move {
                let mut buffer = [0; 1024];
                loop {
                    let read = stream.read(&mut buffer).await;
                    match read {
                        Ok(length) if length > 0 => {
                            let _ = stream.write_all(&buffer[..length]).await;
                        }
                        end => {
                            let _ = sender.send(end.map_err(|error| error.kind()));
                            // Its own side stays open until the end of the test.
                            return std::future::pending().await;
                        }
                    }
                }
            });
        }
    });
    Echo { address, ends }
}

async fn connected() -> (Proxy, Echo, TcpStream) {
    let echo = echo().await;
    let proxy = Proxy::start(echo.address.to_string()).await;
    let mut stream = TcpStream::connect(proxy.address())
        .await
        .expect("the proxy accepts");
    assert_eq!(exchange(&mut stream).await, Some(()));
    (proxy, echo, stream)
}

/// `None` if no echo came in time.
async fn exchange(stream: &mut TcpStream) -> Option<()> {
    stream.write_all(b"ping").await.ok()?;
    let mut buffer = [0; 4];
    timeout(SOON, stream.read_exact(&mut buffer)).await.ok()?.ok()?;
    (&buffer == b"ping").then_some(())
}

#[tokio::test]
async fn a_delay_counts_in_both_directions_and_ends() {
    let (proxy, _echo, mut stream) = connected().await;
    proxy.delay(Duration::from_millis(100));
    let begun = Instant::now();
    assert_eq!(exchange(&mut stream).await, Some(()));
    assert!(
        begun.elapsed() >= Duration::from_millis(200),
        "{:?}",
        begun.elapsed()
    );
    proxy.resume();
    let begun = Instant::now();
    assert_eq!(exchange(&mut stream).await, Some(()));
    assert!(
        begun.elapsed() < Duration::from_millis(100),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn delayed_bytes_wait_in_parallel() {
    let (proxy, _echo, mut stream) = connected().await;
    proxy.delay(Duration::from_millis(300));
    let begun = Instant::now();
    for _ in 0..10 {
        stream.write_all(b"ping").await.expect("it is taken");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut buffer = [0; 40];
    timeout(SOON, stream.read_exact(&mut buffer))
        .await
        .expect("in time")
        .expect("all of it");
    // One after the other would take six seconds.
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_reset_ends_both_sides_and_new_connections_until_the_proxy_resumes() {
    let (proxy, mut echo, mut stream) = connected().await;
    proxy.reset();
    let mut buffer = [0; 4];
    let end = timeout(SOON, stream.read(&mut buffer)).await.expect("in time");
    assert_eq!(
        end.expect_err("no orderly end").kind(),
        ErrorKind::ConnectionReset
    );
    let end = timeout(SOON, echo.ends.recv()).await.expect("in time");
    assert_eq!(end, Some(Err(ErrorKind::ConnectionReset)));

    let mut new = TcpStream::connect(proxy.address())
        .await
        .expect("the proxy accepts");
    let end = timeout(SOON, new.read(&mut buffer)).await.expect("in time");
    assert_eq!(
        end.expect_err("no orderly end").kind(),
        ErrorKind::ConnectionReset
    );

    proxy.resume();
    let mut new = TcpStream::connect(proxy.address())
        .await
        .expect("the proxy accepts");
    assert_eq!(exchange(&mut new).await, Some(()));
}

#[tokio::test]
async fn half_closed_to_the_client_the_server_still_receives_bytes() {
    let (proxy, mut echo, mut stream) = connected().await;
    proxy.half_close(Half::ToClient);
    let mut buffer = [0; 4];
    let end = timeout(SOON, stream.read(&mut buffer)).await.expect("in time");
    assert_eq!(end.expect("an orderly end"), 0);
    stream.write_all(b"more").await.expect("it is taken");
    assert!(
        timeout(NEVER, echo.ends.recv()).await.is_err(),
        "the server received FIN"
    );
    drop(stream);
    assert_eq!(
        timeout(SOON, echo.ends.recv()).await.expect("in time"),
        Some(Ok(0))
    );
}

#[tokio::test]
async fn half_closed_to_the_server_the_client_receives_no_fin_and_new_connections_work() {
    let (proxy, mut echo, mut stream) = connected().await;
    proxy.half_close(Half::ToServer);
    assert_eq!(
        timeout(SOON, echo.ends.recv()).await.expect("in time"),
        Some(Ok(0))
    );
    let mut buffer = [0; 4];
    stream.write_all(b"lost").await.expect("it is dropped");
    assert!(
        timeout(NEVER, stream.read(&mut buffer)).await.is_err(),
        "the client received FIN"
    );
    let mut new = TcpStream::connect(proxy.address())
        .await
        .expect("the proxy accepts");
    assert_eq!(exchange(&mut new).await, Some(()));
}

#[tokio::test]
async fn a_stalled_connection_resumes_and_a_stranded_one_does_not() {
    let (proxy, _echo, mut stream) = connected().await;
    proxy.stall();
    stream.write_all(b"ping").await.expect("it is taken");
    let mut buffer = [0; 4];
    assert!(timeout(NEVER, stream.read(&mut buffer)).await.is_err());
    proxy.resume();
    timeout(SOON, stream.read_exact(&mut buffer))
        .await
        .expect("in time")
        .expect("the echo");
    proxy.strand();
    stream.write_all(b"ping").await.expect("it is taken");
    assert!(timeout(NEVER, stream.read(&mut buffer)).await.is_err());
    let mut new = TcpStream::connect(proxy.address())
        .await
        .expect("the proxy accepts");
    assert_eq!(exchange(&mut new).await, Some(()));
}
