//! The source address of a request, and the check that it may post notices.

use std::net::{IpAddr, SocketAddr};

use actix_web::http::header::HeaderMap;
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The address that a request came from: the peer's or, if the peer is a trusted proxy, the right-most address in
/// `X-Forwarded-For` that is not a trusted proxy. `None` if the header is unreadable there, because the proxy's own
/// address would admit anyone.
pub(crate) fn address(peer: Option<SocketAddr>, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let mut source = peer?.ip().to_canonical();
    if !contains(trusted, source) {
        return Some(source);
    }
    let lines: Vec<&str> = headers
        .get_all(FORWARDED_FOR)
        .map(|v| v.to_str().ok())
        .collect::<Option<_>>()?;
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        source = parse_hop(hop.trim())?;
        if !contains(trusted, source) {
            break;
        }
    }
    Some(source)
}

/// Tells if notices from this source are accepted. An empty list accepts any.
pub(crate) fn is_allowed(source: Option<IpAddr>, allow: &[IpNet]) -> bool {
    allow.is_empty() || source.is_some_and(|source| contains(allow, source))
}

fn contains(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

/// Parses an address with or without a port.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let bare = hop
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(hop);
    let address = bare
        .parse()
        .ok()
        .or_else(|| hop.parse().ok().map(|socket: SocketAddr| socket.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests;
