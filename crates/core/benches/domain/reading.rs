//! From bytes to a notice: `parse`, `verify`, `read`, `digest`.

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput};
use std::hint::black_box;
use xiebao_core::digest;
use xiebao_core::facts::Notice;
use xiebao_core::id::{NotifyType, PartnerId};
use xiebao_core::notice::RawNotice;
use xiebao_core::signature::{Form, verify};

use crate::notices::{body, insured, issued, json, keys, paid};

pub fn all(c: &mut Criterion) {
    parse(c);
    verified(c);
    read(c);
    digested(c);
}

/// Small, ordinary, a group contract, and an ordinary one with its data in a string.
fn bodies() -> [(&'static str, Bytes); 5] {
    [
        ("insured", body(1, &insured(), Form::Raw)),
        ("paid", body(2, &paid(), Form::Raw)),
        ("issued", body(3, &issued(2), Form::Raw)),
        ("issued, 50 policies", body(3, &issued(50), Form::Raw)),
        ("issued, in a string", body(3, &issued(2), Form::String)),
    ]
}

fn parse(c: &mut Criterion) {
    let mut group = c.benchmark_group("parse");
    for (name, body) in bodies() {
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |b| b.iter(|| RawNotice::parse(black_box(&body))));
    }
}

fn verified(c: &mut Criterion) {
    let mut group = c.benchmark_group("verify");
    for form in Form::ALL {
        let body = body(3, &issued(2), form);
        for count in [1, 3] {
            let keys = keys(count);
            let notice = || verify(RawNotice::parse(&body)?, &keys);
            assert_eq!(notice().expect("authentic").form(), form);
            group.bench_function(BenchmarkId::new(form.name(), count), |b| b.iter(notice));
        }
    }
}

fn read(c: &mut Criterion) {
    let mut group = c.benchmark_group("read");
    for (name, body) in bodies() {
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |b| b.iter(|| Notice::read(black_box(&body))));
    }
}

fn digested(c: &mut Criterion) {
    let mut group = c.benchmark_group("digest");
    for (name, text) in [("insured", insured()), ("issued", issued(2))] {
        let data = json(&text);
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| digest::of_notice(PartnerId(1_048_483), NotifyType(3), black_box(&data)))
        });
    }
}
