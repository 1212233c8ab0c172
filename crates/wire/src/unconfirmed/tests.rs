use tokio::sync::oneshot::Receiver;
use tokio::sync::oneshot::error::TryRecvError;

use super::*;
use crate::frame::END;

const CHANNEL: ChannelId = 2;

fn ledger() -> UnconfirmedPublishes {
    UnconfirmedPublishes::new(CHANNEL)
}

fn open(ledger: &mut UnconfirmedPublishes, marks: impl IntoIterator<Item = u64>) -> Vec<Receiver<Outcome>> {
    let open_one = |correlation_id| {
        let (reply, outcome) = oneshot::channel();
        assert!(ledger.open(correlation_id, reply));
        outcome
    };
    marks.into_iter().map(open_one).collect()
}

fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let size = u32::try_from(payload.len()).expect("small").to_be_bytes();
    let channel = CHANNEL.to_be_bytes();
    [&[kind], &channel[..], &size, payload, &[END]].concat()
}

fn handle_frame(ledger: &mut UnconfirmedPublishes, bytes: &[u8]) -> Handled {
    let frame = Frame::first_of(bytes, false).expect("no garble").expect("whole");
    ledger.handle_frame(frame)
}

fn confirm(ledger: &mut UnconfirmedPublishes, (class, method): (u16, u16), tag: u64, flags: u8) -> Handled {
    let payload = [
        &class.to_be_bytes()[..],
        &method.to_be_bytes(),
        &tag.to_be_bytes(),
        &[flags],
    ];
    handle_frame(ledger, &frame(1, &payload.concat()))
}

/// What each was reply: `+` stored, `-` refused, `<` came back, `x` failed, `.` nothing yet.
fn reply(outcomes: &mut [Receiver<Outcome>]) -> String {
    let letter = |outcome: &mut Receiver<Outcome>| match outcome.try_recv() {
        Ok(Ok(())) => '+',
        Ok(Err(PublishError::Nacked)) => '-',
        Ok(Err(PublishError::Unroutable(_))) => '<',
        Ok(Err(PublishError::Broker(_))) => 'x',
        Err(TryRecvError::Empty) => '.',
        Err(TryRecvError::Closed) => '?',
    };
    outcomes.iter_mut().map(letter).collect()
}

/// A message that comes back: the method, its header, and its body in two parts.
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

/// Returns what the last piece has brought.
fn come_back(ledger: &mut UnconfirmedPublishes, correlation_id: &str) -> Handled {
    let [method, header, begin, end] = return_of(correlation_id);
    for piece in [method, header, begin] {
        assert_eq!(handle_frame(ledger, &piece), Handled::Resolved(0));
    }
    handle_frame(ledger, &end)
}

#[test]
fn a_range_a_single_confirm_and_a_refusal_reach_those_whom_they_are_for() {
    let mut ledger = ledger();
    let mut outcomes = open(&mut ledger, 100..106);
    assert_eq!(
        confirm(&mut ledger, method::BASIC_ACK, 2, 1),
        Handled::Resolved(2)
    );
    // Out of order, as from several queues.
    assert_eq!(
        confirm(&mut ledger, method::BASIC_ACK, 5, 0),
        Handled::Resolved(1)
    );
    assert_eq!(
        confirm(&mut ledger, method::BASIC_NACK, 3, 0),
        Handled::Resolved(1)
    );
    assert_eq!(reply(&mut outcomes), "++-.+.");
    // A range runs over what has found its end before.
    let mut rest = open(&mut ledger, [200]);
    assert_eq!(
        confirm(&mut ledger, method::BASIC_NACK, 6, 1),
        Handled::Resolved(2)
    );
    assert_eq!(reply(&mut outcomes[3..4]) + &reply(&mut outcomes[5..]), "--");
    assert_eq!(reply(&mut rest), ".");
}

#[test]
fn a_confirm_of_what_is_known_already_settles_nothing() {
    let mut ledger = ledger();
    let mut outcomes = open(&mut ledger, [7, 8, 9]);
    assert_eq!(
        confirm(&mut ledger, method::BASIC_ACK, 1, 0),
        Handled::Resolved(1)
    );
    assert_eq!(
        confirm(&mut ledger, method::BASIC_ACK, 3, 0),
        Handled::Resolved(1)
    );
    for tag in [1, 3] {
        assert_eq!(
            confirm(&mut ledger, method::BASIC_ACK, tag, 0),
            Handled::Resolved(0)
        );
    }
    assert_eq!(reply(&mut outcomes), "+.+");
}

#[test]
fn a_confirm_of_what_was_never_published_leads_astray() {
    for (tag, flags) in [(3, 0), (3, 1), (u64::MAX, 0), (u64::MAX, 1), (0, 0), (0, 1)] {
        let mut ledger = ledger();
        let mut outcomes = open(&mut ledger, [7, 8]);
        let handled = confirm(&mut ledger, method::BASIC_ACK, tag, flags);
        assert!(matches!(handled, Handled::Violation(_)), "{handled:?}");
        assert_eq!(reply(&mut outcomes), "..");
    }
    for length in [2, 10] {
        let bytes = frame(1, &[&[0, 60, 0, 80][..], &vec![0; length]].concat());
        assert!(matches!(
            handle_frame(&mut ledger(), &bytes),
            Handled::Violation(_)
        ));
    }
}

#[test]
fn what_comes_back_fails_its_own_publish_though_it_is_confirmed_with_others() {
    let mut ledger = ledger();
    let mut outcomes = open(&mut ledger, 40..44);
    assert_eq!(come_back(&mut ledger, "42"), Handled::Resolved(0));
    assert_eq!(reply(&mut outcomes), "....");
    assert_eq!(
        confirm(&mut ledger, method::BASIC_ACK, 4, 1),
        Handled::Resolved(4)
    );
    let Ok(Err(PublishError::Unroutable(returned))) = outcomes[2].try_recv() else {
        panic!("the third came back");
    };
    assert_eq!(
        (returned.reply_code, returned.reply_text.as_str()),
        (312, "NO_ROUTE")
    );
    assert_eq!(returned.properties.correlation_id(), &Some("42".into()));
    outcomes.remove(2);
    assert_eq!(reply(&mut outcomes), "+++");
}

#[test]
fn what_comes_back_to_nobody_leads_astray() {
    for correlation_id in ["77", "no correlation_id of ours", ""] {
        let mut ledger = ledger();
        let mut outcomes = open(&mut ledger, [1, 2]);
        let handled = come_back(&mut ledger, correlation_id);
        assert!(matches!(handled, Handled::Violation(_)), "{handled:?}");
        assert_eq!(reply(&mut outcomes), "..");
    }
}

#[test]
fn what_comes_back_in_pieces_that_do_not_fit_leads_astray() {
    let bad_header = frame(2, &[0, 60, 0]);
    let long_body = frame(3, b"more than five");
    let ack = frame(1, &[&[0, 60, 0, 80][..], &1_u64.to_be_bytes(), &[0]].concat());
    let pieces = return_of("1");
    let cases = [
        // a body before its header, a header that can't be read, two headers, a body that is too long
        [&pieces[..1], &pieces[2..3]].concat(),
        [&pieces[..1], &[bad_header]].concat(),
        [&pieces[..2], &pieces[1..2]].concat(),
        [&pieces[..2], &[long_body]].concat(),
        // a confirm, or another one, before all of it is there
        [&pieces[..2], &[ack]].concat(),
        [&pieces[..2], &pieces[..1]].concat(),
        // a method that is cut
        vec![frame(1, &[0, 60, 0, 50, 1])],
    ];
    for case in cases {
        let mut ledger = ledger();
        let mut outcomes = open(&mut ledger, [1, 2]);
        let handled: Vec<Handled> = case
            .iter()
            .map(|bytes| handle_frame(&mut ledger, bytes))
            .collect();
        assert!(
            matches!(handled.last(), Some(Handled::Violation(_))),
            "{handled:?}"
        );
        assert_eq!(reply(&mut outcomes), "..");
    }
}

#[test]
fn a_closed_channel_fails_what_is_open_and_takes_nothing_more() {
    let mut ledger = ledger();
    let mut outcomes = open(&mut ledger, 0..3);
    confirm(&mut ledger, method::BASIC_ACK, 1, 0);
    let text = b"\x01\x93\x0eACCESS_REFUSED\x00\x00\x00\x00";
    let close = frame(1, &[&[0, 20, 0, 40][..], text].concat());
    assert_eq!(handle_frame(&mut ledger, &close), Handled::Closed(2));
    assert_eq!(reply(&mut outcomes), "+xx");
    let (teller, mut outcome) = oneshot::channel();
    assert!(!ledger.open(9, teller));
    let Ok(Err(PublishError::Broker(error))) = outcome.try_recv() else {
        panic!("it was reply");
    };
    assert!(
        error.to_string().contains("ACCESS_REFUSED") || error.to_string().contains("ACCESS-REFUSED"),
        "{error}"
    );
}

#[test]
fn what_is_not_about_publishes_is_left_to_lapin() {
    let mut ledger = ledger();
    // channel.open-ok, and a header that belongs to nothing that comes back
    for bytes in [
        frame(1, &[0, 20, 0, 11, 0, 0, 0, 0]),
        frame(2, &[0; 14]),
        frame(3, b"x"),
    ] {
        assert_eq!(handle_frame(&mut ledger, &bytes), Handled::NotOurs);
    }
}
