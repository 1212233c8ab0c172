//! Ports that no other test and no outgoing connection takes.

use std::fs::read_to_string;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::RangeInclusive;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr as UnixAddress, UnixListener};
use std::sync::{Mutex, PoisonError};

use rand::seq::IndexedRandom as _;

/// Ports to draw from. `scripts/services` gives its servers ports from 20000 on.
const RANGE: RangeInclusive<u16> = 10_000..=19_999;
const ATTEMPTS: usize = 1_000;

/// The locks of this process, held until it ends.
static RESERVATIONS: Mutex<Vec<UnixListener>> = Mutex::new(Vec::new());

/// A loopback address that nobody listens on, reserved for this process until it ends.
///
/// A program under test gets its port before it starts, so it can't use port 0. Binding port 0 here and
/// passing the number on has a race: the kernel may give the port to an outgoing connection or to another test before
/// the program listens. So the port lies outside of `ip_local_port_range`, and a lock keeps other tests from drawing it.
///
/// # Panics
/// If no port is free.
pub fn free_address() -> SocketAddr {
    let candidates = candidates(outgoing_ports());
    let mut rng = rand::rng();
    for _ in 0..ATTEMPTS {
        let Some(&port) = candidates.choose(&mut rng) else {
            break;
        };
        if let Some(address) = reserve(port) {
            return address;
        }
    }
    panic!("no free port between {} and {}", RANGE.start(), RANGE.end());
}

/// The lock is a socket with an abstract name: like a port it belongs to the network namespace, and the kernel
/// releases it when the process ends, however it ends.
fn reserve(port: u16) -> Option<SocketAddr> {
    let name = UnixAddress::from_abstract_name(format!("xiebao-testkit-port-{port}")).ok()?;
    let lock = UnixListener::bind_addr(&name).ok()?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    // A program outside of the tests may listen there.
    TcpListener::bind(address).ok()?;
    RESERVATIONS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(lock);
    Some(address)
}

/// Where outgoing connections may use the whole range, the lock alone must do.
fn candidates(outgoing: Option<RangeInclusive<u16>>) -> Vec<u16> {
    let apart = |port: &u16| outgoing.as_ref().is_none_or(|range| !range.contains(port));
    let candidates: Vec<u16> = RANGE.filter(apart).collect();
    if candidates.is_empty() {
        RANGE.collect()
    } else {
        candidates
    }
}

/// The ports that the kernel gives to outgoing connections.
fn outgoing_ports() -> Option<RangeInclusive<u16>> {
    let text = read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut ports = text.split_whitespace().map(str::parse);
    Some(ports.next()?.ok()?..=ports.next()?.ok()?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_port_is_given_once_and_lies_outside_the_range_of_outgoing_connections() {
        let ports: BTreeSet<u16> = (0..100).map(|_| free_address().port()).collect();
        assert_eq!(ports.len(), 100);
        let outgoing = outgoing_ports().expect("Linux says which ports it gives away");
        if !RANGE.clone().all(|port| outgoing.contains(&port)) {
            assert!(ports.iter().all(|port| !outgoing.contains(port)), "{ports:?}");
        }
        assert!(
            ports.into_iter().all(|port| reserve(port).is_none()),
            "a lock is gone"
        );
    }

    #[test]
    fn a_port_that_a_program_listens_on_is_not_given() {
        let listener = RANGE
            .rev()
            .find_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok());
        let address = listener.as_ref().map(TcpListener::local_addr);
        let address = address.expect("a free port").expect("it is bound");
        assert_eq!(reserve(address.port()), None);
    }

    #[test]
    fn the_whole_range_is_used_where_outgoing_connections_use_it_too() {
        assert_eq!(candidates(Some(1_024..=65_535)).len(), RANGE.len());
        assert_eq!(candidates(Some(15_000..=60_999)).len(), 5_000);
        assert_eq!(candidates(None).len(), RANGE.len());
    }
}
