//! One load on the receiver, and what it took.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::ensure;

use super::{Lengths, Receiver};
use crate::load::{self, Loaded};
use crate::usage::Usage;

/// Of the open loop: enough for answers that take 50 ms at 10,000 a second.
const OPEN_CONNECTIONS: usize = 512;

/// One measurement of the receiver.
#[derive(Debug, Clone)]
pub struct Measured {
    pub loaded: Loaded,
    /// Of the receiver, in milliseconds a thousand acknowledged notices.
    pub cpu_ms_per_1000: f64,
}

impl Receiver {
    pub async fn closed(&self, connections: usize, lengths: Lengths) -> anyhow::Result<Measured> {
        self.watched(self.post_to(self.address, connections, lengths))
            .await
    }

    /// As many connections, with another server that does nothing.
    pub async fn nothing_but_http(
        &self,
        server: SocketAddr,
        connections: usize,
        lengths: Lengths,
    ) -> anyhow::Result<f64> {
        Ok(self.post_to(server, connections, lengths).await?.rate)
    }

    async fn post_to(
        &self,
        server: SocketAddr,
        connections: usize,
        lengths: Lengths,
    ) -> anyhow::Result<Loaded> {
        let Lengths {
            warm_up,
            window,
            windows,
            ..
        } = lengths;
        let bodies = Arc::clone(&self.bodies);
        load::closed(server, &self.path, bodies, connections, warm_up, window, windows).await
    }

    pub async fn fixed(&self, rate: f64, lengths: Lengths) -> anyhow::Result<Measured> {
        let bodies = Arc::clone(&self.bodies);
        let load = load::open(
            self.address,
            &self.path,
            bodies,
            OPEN_CONNECTIONS,
            rate,
            lengths.warm_up,
            lengths.fixed,
        );
        self.watched(load).await
    }

    async fn watched(&self, load: impl Future<Output = anyhow::Result<Loaded>>) -> anyhow::Result<Measured> {
        let before = Usage::of(self.pid)?;
        let loaded = load.await?;
        let after = Usage::of(self.pid)?;
        ensure!(loaded.refused == 0, "{} notices were refused", loaded.refused);
        let cpu_ms = (after.cpu_seconds - before.cpu_seconds) * 1_000.0;
        let thousands = (loaded.answered as f64 / 1_000.0).max(f64::EPSILON);
        Ok(Measured {
            cpu_ms_per_1000: cpu_ms / thousands,
            loaded,
        })
    }
}

impl std::fmt::Display for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Loaded {
            rate,
            p50_ms,
            p99_ms,
            p999_ms,
            ..
        } = self.loaded;
        write!(
            f,
            "{rate:>8.0}/s  p50 {p50_ms:>6.2}  p99 {p99_ms:>6.2}  p99.9 {p999_ms:>6.2} ms  {:>5.1} ms CPU per 1,000",
            self.cpu_ms_per_1000
        )
    }
}
