//! The proxies between services and servers: one for each process and connection, so that each can be broken alone.

use std::collections::BTreeMap;

use url::Url;
use xiebao_testkit::{Half, Proxy};

use crate::kind::{Action, Connection};
use crate::plan::{Detail, Fault, ProcessCounts};

#[derive(Debug)]
pub struct Proxies {
    by_connection: BTreeMap<(Connection, usize), Proxy>,
    amqp: String,
    database: String,
}

impl Proxies {
    /// Starts all proxies.
    ///
    /// # Panics
    /// If no port is free.
    pub async fn start(processes: ProcessCounts, amqp: &str, database: &str) -> anyhow::Result<Self> {
        let mut by_connection = BTreeMap::new();
        for connection in Connection::ALL {
            let upstream = authority(if connection == Connection::WorkerDatabase {
                database
            } else {
                amqp
            })?;
            for which in 0..processes.of(connection.owner()) {
                by_connection.insert((connection, which), Proxy::start(upstream.clone()).await);
            }
        }
        Ok(Self {
            by_connection,
            amqp: amqp.to_owned(),
            database: database.to_owned(),
        })
    }

    /// The address of the server for one process, by way of its proxy.
    pub fn address(&self, connection: Connection, which: usize) -> String {
        let url = if connection == Connection::WorkerDatabase {
            &self.database
        } else {
            &self.amqp
        };
        self.by_connection[&(connection, which)].instead_of(url)
    }

    fn hit(&self, connection: Connection, which: Option<usize>) -> impl Iterator<Item = &Proxy> {
        let proxies = self.by_connection.iter();
        proxies
            .filter(move |((other, number), _)| {
                *other == connection && which.is_none_or(|which| which == *number)
            })
            .map(|(_, proxy)| proxy)
    }

    pub fn break_connections(&self, connection: Connection, fault: &Fault) {
        for proxy in self.hit(connection, fault.which) {
            match (fault.kind.action, fault.detail) {
                (Action::Delay, Detail::Late(by)) => proxy.delay(by),
                (Action::Stall, _) => proxy.stall(),
                (Action::Reset, _) => proxy.reset(),
                (Action::HalfClose, Detail::ToServer) => proxy.half_close(Half::ToServer),
                (Action::HalfClose, _) => proxy.half_close(Half::ToClient),
                (Action::Kill | Action::Stop | Action::Delay, _) => {}
            }
        }
    }

    /// Ends a fault. Half-closed and stranded connections stay so, until their ends notice.
    pub fn repair(&self, connection: Connection, fault: &Fault) {
        for proxy in self.hit(connection, fault.which) {
            if fault.detail == Detail::Stranded {
                proxy.strand();
            }
            proxy.resume();
        }
    }
}

/// `host:port`
fn authority(url: &str) -> anyhow::Result<String> {
    let url = Url::parse(url)?;
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => Ok(format!("{host}:{port}")),
        _ => anyhow::bail!("an address without host or port"),
    }
}
