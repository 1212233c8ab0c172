use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::frame::END;

const CASES: u32 = 2_048;

/// Whole frames of random kinds, channels and payloads.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop::sample::select(vec![1, 2, 3, 8]);
    let frame = (kind, any::<u16>(), vec(any::<u8>(), 0..40));
    vec(frame, 0..12).prop_map(|frames| frames.into_iter().flat_map(frame_bytes).collect())
}

fn frame_bytes((kind, channel, payload): (u8, u16, Vec<u8>)) -> Vec<u8> {
    let size = u32::try_from(payload.len()).expect("short").to_be_bytes();
    [&[kind], &channel.to_be_bytes()[..], &size, &payload, &[END]].concat()
}

/// Mostly publishes, whole returned messages and confirms, with other steps between them.
fn steps() -> impl Strategy<Value = Vec<u8>> {
    let step = prop_oneof![
        Just(vec![0]),
        (0..8_u8).prop_map(|number| vec![6, 7, number, 3, 8, 3]),
        (3..6_u8, any::<bool>(), 0..8_u8)
            .prop_map(|(op, multiple, tag)| vec![op, u8::from(multiple) << 7 | tag]),
        vec(any::<u8>(), 0..3),
    ];
    (1..8_usize, vec(step, 0..40))
        .prop_map(|(publishes, steps)| [vec![0; publishes], steps.concat()].concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn any_bytes_give_the_same_frames_whatever_chunks_they_arrive_in(input in vec(any::<u8>(), 0..300)) {
        read_frames(&input);
    }

    #[test]
    fn frames_with_one_byte_changed_are_read_the_same_in_any_chunks(
        option in any::<u8>(),
        mut stream in frames(),
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        if !stream.is_empty() {
            let place = place.index(stream.len());
            stream[place] = byte;
        }
        read_frames(&[&[option][..], &stream].concat());
    }

    #[test]
    fn no_sequence_of_frames_confirms_a_publish_without_an_ack_of_its_own(input in vec(any::<u8>(), 0..400)) {
        handle_frames(&input);
    }

    #[test]
    fn no_sequence_of_returns_and_confirms_confirms_a_returned_publish(input in steps()) {
        handle_frames(&input);
    }
}

#[test]
fn the_checks_reach_frames_and_confirms() {
    let stream = [frame_bytes((1, 2, vec![0; 9])), frame_bytes((8, 0, Vec::new()))].concat();
    assert_eq!(read_frames(&[&[6][..], &stream].concat()), 2);
    // Three publishes; the second comes back with a body of 3 bytes; an ack of all three.
    assert_eq!(handle_frames(&[0, 0, 0, 6, 7, 2, 3, 8, 3, 3, 0x83]), 2);
    // Two publishes; a nack of the first, an ack of the second.
    assert_eq!(handle_frames(&[0, 0, 5, 1, 3, 2]), 1);
}
