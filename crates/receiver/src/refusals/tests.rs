use xiebao_core::refused::Refused;

use super::buffer::MAX_STRANGERS;
use super::*;

fn refusal(verdict: Verdict, body: Option<&Bytes>) -> Refusal<'_> {
    Refusal {
        verdict,
        source: Some([192, 0, 2, 7].into()),
        notify_type: None,
        partner: None,
        authentic: None,
        body,
    }
}

/// The next message of everything in the buffer, confirmed.
fn taken(refusals: &Refusals) -> Vec<Refused> {
    let mut buffer = refusals.buffer();
    buffer.gather_all();
    let records = buffer.next_message();
    buffer.confirmed();
    records
}

fn authentic() -> Refusal<'static> {
    Refusal {
        authentic: Some(("d".repeat(64), Some("B".to_owned()))),
        ..refusal(Verdict::Unavailable, None)
    }
}

#[test]
fn the_proposal_number_is_also_read_from_a_body_that_is_not_a_notice() {
    let bodies = [
        (
            r#"{"notifyType":2,"sign":"","data":{"insureNum":"A1"}}"#,
            Some("A1"),
        ),
        (r#"{"data":"{\"insureNum\":17}"}"#, Some("17")),
        (r#"{"data":{"insureNum":"\u001b[2J"}}"#, None),
        (r#"{"data":{"insureNum":"A1""#, None),
        ("[]", None),
        ("\u{1}", None),
    ];
    for (body, number) in bodies {
        let refusals = Refusals::default();
        let body = Bytes::from_static(body.as_bytes());
        refusals.note(&refusal(Verdict::Malformed, Some(&body)));
        let records = taken(&refusals);
        assert_eq!(records[0].insure_num.as_deref(), number, "{body:?}");
        assert_eq!((records[0].digest.as_deref(), records[0].tries), (None, 1));
    }
}

#[test]
fn repeated_requests_are_one_record_and_a_flood_leaves_room_for_authentic_ones() {
    let refusals = Refusals::default();
    for n in 0..5_000 {
        let body = Bytes::from(format!(r#"{{"data":{{"insureNum":"A{n}"}}}}"#));
        refusals.note(&refusal(Verdict::BadSignature, Some(&body)));
    }
    refusals.note(&authentic());
    refusals.note(&authentic());
    let kept = refusals.buffer().claimed.len();
    assert!((60..100).contains(&kept), "{kept}");
    let first = taken(&refusals).remove(0);
    assert_eq!((first.insure_num.as_deref(), first.tries), (Some("B"), 2));
    assert!(taken(&refusals).is_empty());
}

#[test]
fn memory_stays_bounded_for_any_number_of_sources() {
    let refusals = Refusals::default();
    for n in 0..20_000_u32 {
        let flood = Refusal {
            source: Some(IpAddr::from(n.to_be_bytes())),
            ..refusal(Verdict::NotAllowed, None)
        };
        refusals.note(&flood);
    }
    let body = Bytes::from_static(br#"{"data":{"insureNum":"A1"}}"#);
    for _ in 0..3 {
        refusals.note(&refusal(Verdict::BadSignature, Some(&body)));
    }
    let pending = {
        let buffer = refusals.buffer();
        (buffer.strangers.len(), buffer.claimed.len())
    };
    assert_eq!(pending, (MAX_STRANGERS, 1));
    let first = taken(&refusals).pop().expect("a message");
    assert_eq!((&*first.verdict, first.tries), ("bad_signature", 3));
}

#[test]
fn an_unconfirmed_message_is_published_again_unchanged_and_counted_once() {
    let refusals = Refusals::default();
    refusals.note(&authentic());
    let first = refusals.buffer().next_message();
    refusals.note(&authentic());
    assert_eq!(refusals.buffer().next_message(), first);
    refusals.buffer().confirmed();
    let next = refusals.buffer().next_message();
    assert_eq!((next.len(), next[0].tries, first[0].tries), (1, 1, 1));
    assert_ne!(next[0].id, first[0].id);
}

#[test]
fn authentic_records_are_published_at_once_and_others_once_a_minute() {
    let refusals = Refusals::default();
    let begin = clock::now();
    let published_at = |seconds| {
        let mut buffer = refusals.buffer();
        buffer.gather(begin + chrono::TimeDelta::seconds(seconds));
        let records = buffer.next_message();
        buffer.confirmed();
        let verdicts = records.into_iter().map(|record| (record.verdict, record.tries));
        verdicts.collect::<Vec<_>>()
    };
    refusals.note(&refusal(Verdict::Malformed, None));
    assert_eq!(published_at(0), [("malformed".to_owned(), 1)]);
    for _ in 0..2 {
        refusals.note(&refusal(Verdict::Malformed, None));
    }
    refusals.note(&authentic());
    assert_eq!(published_at(59), [("unavailable".to_owned(), 1)]);
    assert_eq!(published_at(60), [("malformed".to_owned(), 2)]);
    assert!(published_at(600).is_empty());
}

#[test]
fn no_two_records_have_the_same_id() {
    let refusals = Refusals::default();
    for verdict in [Verdict::TooLarge, Verdict::NotAllowed] {
        refusals.note(&refusal(verdict, None));
    }
    let records = taken(&refusals);
    assert_ne!(records[0].id, records[1].id);
    assert_eq!(
        xiebao_core::refused::read(&xiebao_core::refused::write(&records)).as_ref(),
        Ok(&records)
    );
}
