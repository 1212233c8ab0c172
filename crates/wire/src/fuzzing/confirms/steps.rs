//! Bytes of the fuzzer as publishes and frames. Most steps are well-formed frames with small numbers, so that random input
//! rarely ends with a violation at the first frame.

use lapin::types::ChannelId;

use crate::frame::{BODY, END, HEADER, METHOD, method};

pub(super) const CHANNEL: ChannelId = 2;

pub(super) enum Step {
    Publish,
    /// One whole frame.
    Frame(Vec<u8>),
}

/// The correlation id of a publish: never the number of another one.
pub(super) fn correlation_id(number: u64) -> u64 {
    1_000_000 + number
}

/// Takes one step from the input. `None` at its end.
pub(super) fn next(input: &mut &[u8]) -> Option<Step> {
    let bytes = match take(input)? % 10 {
        0..=2 => return Some(Step::Publish),
        3 | 4 => confirm(method::BASIC_ACK, take(input)?),
        5 => confirm(method::BASIC_NACK, take(input)?),
        6 => return_method(),
        7 => return_header(take(input)? % 8, take(input)? % 4),
        8 => frame(BODY, &vec![0; usize::from(take(input)? % 4)]),
        _ => any_frame(input)?,
    };
    Some(Step::Frame(bytes))
}

fn take(input: &mut &[u8]) -> Option<u8> {
    let (first, rest) = input.split_first()?;
    *input = rest;
    Some(*first)
}

/// The highest bit of the option confirms all publishes up to the tag; the lowest four bits are the tag.
fn confirm(method: (u16, u16), option: u8) -> Vec<u8> {
    let tag = u64::from(option & 0x0F).to_be_bytes();
    method_frame(method, &[&tag[..], &[option >> 7]].concat())
}

fn return_method() -> Vec<u8> {
    method_frame(method::BASIC_RETURN, b"\x01\x38\x08NO_ROUTE\x00\x01k")
}

/// A header with no property but the correlation id of publish `number`.
fn return_header(number: u8, body_size: u8) -> Vec<u8> {
    let correlation_id = correlation_id(number.into()).to_string();
    let length = u8::try_from(correlation_id.len()).unwrap_or(u8::MAX);
    let payload = [
        &[0, 60, 0, 0][..],
        &u64::from(body_size).to_be_bytes(),
        &0x0400_u16.to_be_bytes(),
        &[length],
        correlation_id.as_bytes(),
    ];
    frame(HEADER, &payload.concat())
}

/// A frame of any kind with a payload of any bytes.
fn any_frame(input: &mut &[u8]) -> Option<Vec<u8>> {
    let kinds = [METHOD, HEADER, BODY];
    let kind = kinds[usize::from(take(input)?) % kinds.len()];
    let length = usize::from(take(input)?).min(input.len());
    let (payload, rest) = input.split_at(length);
    *input = rest;
    Some(frame(kind, payload))
}

fn method_frame((class, method): (u16, u16), arguments: &[u8]) -> Vec<u8> {
    let payload = [&class.to_be_bytes()[..], &method.to_be_bytes(), arguments];
    frame(METHOD, &payload.concat())
}

fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let size = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&[kind], &CHANNEL.to_be_bytes()[..], &size, payload, &[END]].concat()
}
