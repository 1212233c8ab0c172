//! The proxies between the services and their servers: one a process and link, so that each can be cut off alone.

use std::collections::BTreeMap;

use url::Url;
use xiebao_testkit::{Half, Proxy};

use crate::kind::{Action, Link};
use crate::plan::{Crew, Detail, Fault};

#[derive(Debug)]
pub struct Wires {
    proxies: BTreeMap<(Link, usize), Proxy>,
    amqp: String,
    database: String,
}

impl Wires {
    /// # Panics
    /// When there is no free port.
    pub async fn lay(crew: Crew, amqp: &str, database: &str) -> anyhow::Result<Self> {
        let mut proxies = BTreeMap::new();
        for link in Link::ALL {
            let upstream = authority(if link == Link::WorkerDatabase {
                database
            } else {
                amqp
            })?;
            for which in 0..crew.of(link.owner()) {
                proxies.insert((link, which), Proxy::start(upstream.clone()).await);
            }
        }
        Ok(Self {
            proxies,
            amqp: amqp.to_owned(),
            database: database.to_owned(),
        })
    }

    /// The address that one process is given for the other end of a link.
    pub fn address(&self, link: Link, which: usize) -> String {
        let url = if link == Link::WorkerDatabase {
            &self.database
        } else {
            &self.amqp
        };
        self.proxies[&(link, which)].instead_of(url)
    }

    fn hit(&self, link: Link, which: Option<usize>) -> impl Iterator<Item = &Proxy> {
        let proxies = self.proxies.iter();
        proxies
            .filter(move |((other, number), _)| *other == link && which.is_none_or(|which| which == *number))
            .map(|(_, proxy)| proxy)
    }

    pub fn break_off(&self, link: Link, fault: &Fault) {
        for proxy in self.hit(link, fault.which) {
            match (fault.kind.action, fault.detail) {
                (Action::Delay, Detail::Late(by)) => proxy.delay(by),
                (Action::Stall, _) => proxy.stall(),
                (Action::Reset, _) => proxy.reset(),
                (Action::HalfClose, Detail::ServerHearsNothing) => proxy.half_close(Half::ToServer),
                (Action::HalfClose, _) => proxy.half_close(Half::ToClient),
                (Action::Kill | Action::Stop | Action::Delay, _) => {}
            }
        }
    }

    /// What is half-closed or stranded stays so: it is for its ends to notice.
    pub fn mend(&self, link: Link, fault: &Fault) {
        for proxy in self.hit(link, fault.which) {
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
