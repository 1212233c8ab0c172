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

/// The next message of all there is, confirmed.
fn taken(refusals: &Refusals) -> Vec<Refused> {
    let mut kept = refusals.kept();
    kept.gather_all();
    let records = kept.write();
    kept.written.clear();
    records
}

fn authentic() -> Refusal<'static> {
    Refusal {
        authentic: Some(("d".repeat(64), Some("B".to_owned()))),
        ..refusal(Verdict::Unavailable, None)
    }
}

#[test]
fn the_number_is_read_from_a_body_that_is_no_notice_too() {
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
        let told = taken(&refusals);
        assert_eq!(told[0].insure_num.as_deref(), number, "{body:?}");
        assert_eq!((told[0].digest.as_deref(), told[0].tries), (None, 1));
    }
}

#[test]
fn repeated_requests_are_one_record_and_a_flood_leaves_room_for_what_is_authentic() {
    let refusals = Refusals::default();
    for n in 0..5_000 {
        let body = Bytes::from(format!(r#"{{"data":{{"insureNum":"A{n}"}}}}"#));
        refusals.note(&refusal(Verdict::BadSignature, Some(&body)));
    }
    refusals.note(&authentic());
    refusals.note(&authentic());
    let kept = refusals.kept().claimed.len();
    assert!((60..100).contains(&kept), "{kept}");
    let first = taken(&refusals).remove(0);
    assert_eq!((first.insure_num.as_deref(), first.tries), (Some("B"), 2));
    assert!(taken(&refusals).is_empty());
}

#[test]
fn sources_without_number_cost_no_memory_without_end() {
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
    let held = {
        let kept = refusals.kept();
        (kept.strangers.len(), kept.claimed.len())
    };
    assert_eq!(held, (MOST_STRANGERS, 1));
    let first = taken(&refusals).pop().expect("a message");
    assert_eq!((&*first.verdict, first.tries), ("bad_signature", 3));
}

#[test]
fn what_is_not_confirmed_is_given_again_as_it_was_and_counted_once() {
    let refusals = Refusals::default();
    refusals.note(&authentic());
    let given = refusals.kept().write();
    refusals.note(&authentic());
    assert_eq!(refusals.kept().write(), given);
    refusals.kept().written.clear();
    let next = refusals.kept().write();
    assert_eq!((next.len(), next[0].tries, given[0].tries), (1, 1, 1));
    assert_ne!(next[0].id, given[0].id);
}

#[test]
fn what_is_not_authentic_is_told_once_a_minute_and_what_is_at_once() {
    let refusals = Refusals::default();
    let begin = clock::now();
    let told_at = |seconds| {
        let mut kept = refusals.kept();
        kept.gather(begin + chrono::TimeDelta::seconds(seconds));
        let records = kept.write();
        kept.written.clear();
        let verdicts = records.into_iter().map(|record| (record.verdict, record.tries));
        verdicts.collect::<Vec<_>>()
    };
    refusals.note(&refusal(Verdict::Malformed, None));
    assert_eq!(told_at(0), [("malformed".to_owned(), 1)]);
    for _ in 0..2 {
        refusals.note(&refusal(Verdict::Malformed, None));
    }
    refusals.note(&authentic());
    assert_eq!(told_at(59), [("unavailable".to_owned(), 1)]);
    assert_eq!(told_at(60), [("malformed".to_owned(), 2)]);
    assert!(told_at(600).is_empty());
}

#[test]
fn no_two_records_have_the_same_number() {
    let refusals = Refusals::default();
    for verdict in [Verdict::TooLarge, Verdict::NotAllowed] {
        refusals.note(&refusal(verdict, None));
    }
    let told = taken(&refusals);
    assert_ne!(told[0].id, told[1].id);
    assert_eq!(
        xiebao_core::refused::read(&xiebao_core::refused::write(&told)).as_ref(),
        Ok(&told)
    );
}
