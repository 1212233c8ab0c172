use tokio::sync::oneshot::Receiver;
use tokio::sync::oneshot::error::TryRecvError;

use super::*;
use crate::frame::END;

const CHANNEL: ChannelId = 2;

fn new_channel() -> UnconfirmedPublishes {
    UnconfirmedPublishes::new(CHANNEL)
}

fn open(
    unconfirmed: &mut UnconfirmedPublishes,
    correlation_ids: impl IntoIterator<Item = u64>,
) -> Vec<Receiver<Outcome>> {
    let open_one = |correlation_id| {
        let (reply, outcome) = oneshot::channel();
        assert!(unconfirmed.open(correlation_id, reply));
        outcome
    };
    correlation_ids.into_iter().map(open_one).collect()
}

fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let size = u32::try_from(payload.len()).expect("small").to_be_bytes();
    let channel = CHANNEL.to_be_bytes();
    [&[kind], &channel[..], &size, payload, &[END]].concat()
}

fn handle_frame(unconfirmed: &mut UnconfirmedPublishes, bytes: &[u8]) -> Handled {
    let frame = Frame::first_of(bytes, false).expect("AMQP").expect("whole");
    unconfirmed.handle_frame(frame)
}

fn confirm(
    unconfirmed: &mut UnconfirmedPublishes,
    (class, method): (u16, u16),
    tag: u64,
    flags: u8,
) -> Handled {
    let payload = [
        &class.to_be_bytes()[..],
        &method.to_be_bytes(),
        &tag.to_be_bytes(),
        &[flags],
    ];
    handle_frame(unconfirmed, &frame(1, &payload.concat()))
}

/// The outcomes as letters: `+` stored, `-` nacked, `<` returned, `x` failed, `.` none yet.
fn letters(outcomes: &mut [Receiver<Outcome>]) -> String {
    let letter = |outcome: &mut Receiver<Outcome>| match outcome.try_recv() {
        Ok(Ok(())) => '+',
        Ok(Err(PublishError::Nacked)) => '-',
        Ok(Err(PublishError::Unroutable(_))) => '<',
        Ok(Err(PublishError::Broker(_) | PublishError::Invalid(_))) => 'x',
        Err(TryRecvError::Empty) => '.',
        Err(TryRecvError::Closed) => '?',
    };
    outcomes.iter_mut().map(letter).collect()
}

/// The frames of a returned message: the method, the header, and the body in two parts.
fn return_of(correlation_id: &str) -> [Vec<u8>; 4] {
    let method = [0, 60, 0, 50, 1, 56, 8];
    let text = b"NO_ROUTE\x00\x01k";
    let flags = 0x0400_u16.to_be_bytes();
    let length = u8::try_from(correlation_id.len()).expect("short");
    let header = [
        &[0, 60, 0, 0][..],
        &5_u64.to_be_bytes(),
        &flags,
        &[length],
        correlation_id.as_bytes(),
    ];
    [
        frame(1, &[&method[..], text].concat()),
        frame(2, &header.concat()),
        frame(3, b"abc"),
        frame(3, b"de"),
    ]
}

/// Returns the effect of the last frame.
fn handle_return(unconfirmed: &mut UnconfirmedPublishes, correlation_id: &str) -> Handled {
    let [method, header, begin, end] = return_of(correlation_id);
    for piece in [method, header, begin] {
        assert_eq!(handle_frame(unconfirmed, &piece), Handled::Resolved(0));
    }
    handle_frame(unconfirmed, &end)
}

#[test]
fn an_ack_of_a_range_a_single_ack_and_a_nack_reach_their_own_publishes() {
    let mut unconfirmed = new_channel();
    let mut outcomes = open(&mut unconfirmed, 100..106);
    assert_eq!(
        confirm(&mut unconfirmed, method::BASIC_ACK, 2, 1),
        Handled::Resolved(2)
    );
    // Out of order, as from several queues.
    assert_eq!(
        confirm(&mut unconfirmed, method::BASIC_ACK, 5, 0),
        Handled::Resolved(1)
    );
    assert_eq!(
        confirm(&mut unconfirmed, method::BASIC_NACK, 3, 0),
        Handled::Resolved(1)
    );
    assert_eq!(letters(&mut outcomes), "++-.+.");
    // The range includes publishes that already have their outcome.
    let mut rest = open(&mut unconfirmed, [200]);
    assert_eq!(
        confirm(&mut unconfirmed, method::BASIC_NACK, 6, 1),
        Handled::Resolved(2)
    );
    assert_eq!(letters(&mut outcomes[3..4]) + &letters(&mut outcomes[5..]), "--");
    assert_eq!(letters(&mut rest), ".");
}

#[test]
fn a_second_confirm_of_a_publish_resolves_nothing() {
    let mut unconfirmed = new_channel();
    let mut outcomes = open(&mut unconfirmed, [7, 8, 9]);
    assert_eq!(
        confirm(&mut unconfirmed, method::BASIC_ACK, 1, 0),
        Handled::Resolved(1)
    );
    assert_eq!(
        confirm(&mut unconfirmed, method::BASIC_ACK, 3, 0),
        Handled::Resolved(1)
    );
    for tag in [1, 3] {
        assert_eq!(
            confirm(&mut unconfirmed, method::BASIC_ACK, tag, 0),
            Handled::Resolved(0)
        );
    }
    assert_eq!(letters(&mut outcomes), "+.+");
}

#[test]
fn a_confirm_of_a_message_that_was_never_published_is_a_violation() {
    for (tag, flags) in [(3, 0), (3, 1), (u64::MAX, 0), (u64::MAX, 1), (0, 0), (0, 1)] {
        let mut unconfirmed = new_channel();
        let mut outcomes = open(&mut unconfirmed, [7, 8]);
        let handled = confirm(&mut unconfirmed, method::BASIC_ACK, tag, flags);
        assert!(matches!(handled, Handled::Violation(_)), "{handled:?}");
        assert_eq!(letters(&mut outcomes), "..");
    }
    for length in [2, 10] {
        let bytes = frame(1, &[&[0, 60, 0, 80][..], &vec![0; length]].concat());
        assert!(matches!(
            handle_frame(&mut new_channel(), &bytes),
            Handled::Violation(_)
        ));
    }
}

#[test]
fn a_returned_message_fails_its_own_publish_although_the_ack_covers_it() {
    let mut unconfirmed = new_channel();
    let mut outcomes = open(&mut unconfirmed, 40..44);
    assert_eq!(handle_return(&mut unconfirmed, "42"), Handled::Resolved(0));
    assert_eq!(letters(&mut outcomes), "....");
    assert_eq!(
        confirm(&mut unconfirmed, method::BASIC_ACK, 4, 1),
        Handled::Resolved(4)
    );
    let Ok(Err(PublishError::Unroutable(returned))) = outcomes[2].try_recv() else {
        panic!("the third was returned");
    };
    assert_eq!(
        (returned.reply_code, returned.reply_text.as_str()),
        (312, "NO_ROUTE")
    );
    assert_eq!(returned.properties.correlation_id(), &Some("42".into()));
    outcomes.remove(2);
    assert_eq!(letters(&mut outcomes), "+++");
}

#[test]
fn a_returned_message_without_a_publish_is_a_violation() {
    for correlation_id in ["77", "not a number", ""] {
        let mut unconfirmed = new_channel();
        let mut outcomes = open(&mut unconfirmed, [1, 2]);
        let handled = handle_return(&mut unconfirmed, correlation_id);
        assert!(matches!(handled, Handled::Violation(_)), "{handled:?}");
        assert_eq!(letters(&mut outcomes), "..");
    }
}

#[test]
fn a_returned_message_with_frames_out_of_place_is_a_violation() {
    let bad_header = frame(2, &[0, 60, 0]);
    let long_body = frame(3, b"more than five");
    let ack = frame(1, &[&[0, 60, 0, 80][..], &1_u64.to_be_bytes(), &[0]].concat());
    let pieces = return_of("1");
    let cases = [
        // a body before its header, a malformed header, two headers, a body that is too long
        [&pieces[..1], &pieces[2..3]].concat(),
        [&pieces[..1], &[bad_header]].concat(),
        [&pieces[..2], &pieces[1..2]].concat(),
        [&pieces[..2], &[long_body]].concat(),
        // a confirm, or another returned message, before the last frame
        [&pieces[..2], &[ack]].concat(),
        [&pieces[..2], &pieces[..1]].concat(),
        // a truncated method
        vec![frame(1, &[0, 60, 0, 50, 1])],
    ];
    for case in cases {
        let mut unconfirmed = new_channel();
        let mut outcomes = open(&mut unconfirmed, [1, 2]);
        let handled: Vec<Handled> = case
            .iter()
            .map(|bytes| handle_frame(&mut unconfirmed, bytes))
            .collect();
        assert!(
            matches!(handled.last(), Some(Handled::Violation(_))),
            "{handled:?}"
        );
        assert_eq!(letters(&mut outcomes), "..");
    }
}

#[test]
fn a_closed_channel_fails_its_open_publishes_and_every_later_one() {
    let mut unconfirmed = new_channel();
    let mut outcomes = open(&mut unconfirmed, 0..3);
    confirm(&mut unconfirmed, method::BASIC_ACK, 1, 0);
    let text = b"\x01\x93\x0eACCESS_REFUSED\x00\x00\x00\x00";
    let close = frame(1, &[&[0, 20, 0, 40][..], text].concat());
    assert_eq!(handle_frame(&mut unconfirmed, &close), Handled::Closed(2));
    assert_eq!(letters(&mut outcomes), "+xx");
    let (reply, mut outcome) = oneshot::channel();
    assert!(!unconfirmed.open(9, reply));
    let Ok(Err(PublishError::Broker(error))) = outcome.try_recv() else {
        panic!("the publish fails");
    };
    assert!(
        error.to_string().contains("ACCESS_REFUSED") || error.to_string().contains("ACCESS-REFUSED"),
        "{error}"
    );
}

#[test]
fn frames_that_do_not_concern_publishes_belong_to_lapin() {
    let mut unconfirmed = new_channel();
    // channel.open-ok, and a header and a body without a returned message
    for bytes in [
        frame(1, &[0, 20, 0, 11, 0, 0, 0, 0]),
        frame(2, &[0; 14]),
        frame(3, b"x"),
    ] {
        assert_eq!(handle_frame(&mut unconfirmed, &bytes), Handled::NotOurs);
    }
}
