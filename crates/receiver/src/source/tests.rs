use actix_web::http::header::{HeaderName, HeaderValue};

use super::*;

fn forwarded(lines: &[&'static str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(
            HeaderName::from_static(FORWARDED_FOR),
            HeaderValue::from_static(line),
        );
    }
    headers
}

fn networks(texts: &[&str]) -> Vec<IpNet> {
    texts
        .iter()
        .map(|text| text.parse().expect("a network"))
        .collect()
}

fn source(peer: &str, lines: &[&'static str], trusted: &[&str]) -> Option<String> {
    let peer = Some(peer.parse().expect("a socket address"));
    address(peer, &forwarded(lines), &networks(trusted)).map(|ip| ip.to_string())
}

#[test]
fn the_header_of_an_untrusted_peer_is_ignored() {
    assert_eq!(
        source("203.0.113.9:1", &["10.1.1.1"], &["10.0.0.0/8"]).as_deref(),
        Some("203.0.113.9")
    );
    assert_eq!(
        source("203.0.113.9:1", &["10.1.1.1"], &[]).as_deref(),
        Some("203.0.113.9")
    );
}

#[test]
fn behind_trusted_proxies_the_right_most_other_address_is_the_source() {
    let trusted = ["10.0.0.0/8"];
    assert_eq!(
        source("10.0.0.1:1", &["198.51.100.7"], &trusted).as_deref(),
        Some("198.51.100.7")
    );
    assert_eq!(
        source("10.0.0.1:1", &["1.2.3.4, 198.51.100.7, 10.9.9.9"], &trusted).as_deref(),
        Some("198.51.100.7")
    );
    assert_eq!(
        source("10.0.0.1:1", &["1.2.3.4", "198.51.100.7"], &trusted).as_deref(),
        Some("198.51.100.7")
    );
}

#[test]
fn a_proxy_that_forwards_nothing_is_its_own_source() {
    assert_eq!(
        source("10.0.0.1:1", &[], &["10.0.0.0/8"]).as_deref(),
        Some("10.0.0.1")
    );
}

#[test]
fn ports_brackets_and_mapped_addresses_are_parsed() {
    let trusted = ["10.0.0.0/8"];
    assert_eq!(
        source("10.0.0.1:1", &["198.51.100.7:5000"], &trusted).as_deref(),
        Some("198.51.100.7")
    );
    assert_eq!(
        source("10.0.0.1:1", &["[2001:db8::7]:5000"], &trusted).as_deref(),
        Some("2001:db8::7")
    );
    assert_eq!(
        source("10.0.0.1:1", &["[2001:db8::7]"], &trusted).as_deref(),
        Some("2001:db8::7")
    );
    assert_eq!(
        source("[::ffff:10.0.0.1]:1", &["198.51.100.7"], &trusted).as_deref(),
        Some("198.51.100.7")
    );
}

#[test]
fn an_unreadable_forwarded_address_is_never_allowed() {
    assert_eq!(source("10.0.0.1:1", &["unknown"], &["10.0.0.0/8"]), None);
    assert!(!is_allowed(None, &networks(&["0.0.0.0/0"])));
}

#[test]
fn an_empty_list_allows_every_address_and_a_list_only_its_own() {
    let address = Some("198.51.100.7".parse().expect("an address"));
    assert!(is_allowed(address, &[]));
    assert!(is_allowed(address, &networks(&["198.51.100.0/24"])));
    assert!(!is_allowed(address, &networks(&["10.0.0.0/8", "::/0"])));
}
