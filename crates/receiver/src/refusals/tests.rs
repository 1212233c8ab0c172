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

fn taken(refusals: &Refusals) -> Vec<Refused> {
    refusals.kept().take().1
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
    let authentic = Refusal {
        authentic: Some(("d".repeat(64), Some("B".to_owned()))),
        ..refusal(Verdict::Unavailable, None)
    };
    refusals.note(&authentic);
    refusals.note(&authentic);
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
    assert!(refusals.kept().claimed.len() <= MOST_CLAIMED);
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
        xiebao_runtime::refused::read(&xiebao_runtime::refused::write(&told)).as_ref(),
        Ok(&told)
    );
}
