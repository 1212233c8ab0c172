use serde_json::json;
use xiebao_amqp::topology::NOTICES;
use xiebao_core::reason::Reason;
use xiebao_testkit::post;

use crate::cli::{body, issued, paid};
use crate::dead::letter;
use crate::platform_stub::{PlatformStub, insured_letters};

#[tokio::test]
async fn a_requeued_letter_lets_go_in_order_what_was_held_behind_it_and_its_copy_is_no_second_notice() {
    let mut stub = PlatformStub::new().await;
    stub.worker(&[]).await;
    let receiver = stub.receiver().await;
    let number = "20260906000001";
    stub.cli
        .execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON payments FOR EACH ROW \
             IF NEW.insure_num = '20260906000001' THEN \
               SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not yet'; END IF",
        )
        .await;
    let payment = body(2, number, paid());
    let life = [
        body(9, number, json!({})),
        body(3, number, issued(number)),
        body(1, number, json!({})),
        payment.clone(),
    ];
    for notice in life {
        assert_eq!(post(&receiver.url, notice).await.verdict(), "accepted");
    }
    let dead = "SELECT COUNT(*) FROM dead_letters WHERE reason = 'apply_failed' AND status = 'open'";
    stub.until(dead, 1).await;
    stub.until("SELECT COUNT(*) FROM notices WHERE outcome = 'held'", 2)
        .await;
    stub.cli.execute("DROP TRIGGER refuse").await;
    let id = stub
        .cli
        .number("SELECT MAX(id) FROM dead_letters")
        .await
        .to_string();
    let answer = stub.cli.xiebao(&["--as", "王", "dead", "requeue", &id]).await;
    assert_eq!(answer.code, 0, "{answer:?}");
    let applied = "SELECT COUNT(*) FROM notices WHERE outcome = 'applied'";
    stub.until(applied, 4).await;
    let in_order = "SELECT GROUP_CONCAT(notify_type ORDER BY seq SEPARATOR '') FROM notices";
    assert_eq!(stub.cli.number(in_order).await, 1239);
    assert_eq!(stub.cli.number("SELECT SUM(out_of_order) FROM notices").await, 0);
    // The platform's own copy.
    post(&receiver.url, payment).await;
    stub.until("SELECT deliveries FROM notices WHERE notify_type = 2", 2)
        .await;
    assert_eq!(stub.cli.number(applied).await, 4);
    assert_eq!(
        stub.cli
            .letters("status = 'requeued' AND requeue_count = 1")
            .await,
        1
    );
    assert_eq!(stub.cli.letters("TRUE").await, 1);
    assert_eq!(stub.cli.number("SELECT COUNT(*) FROM payments").await, 1);
    stub.cli
        .xiebao(&["trace", number])
        .await
        .says(&["Operations", "王", "requeued dead letter #"]);
}

#[tokio::test]
async fn only_what_is_asked_for_is_requeued_and_a_dry_run_requeues_nothing() {
    let stub = PlatformStub::new().await;
    let mut letters = insured_letters(30, "20260906001", Reason::TimedOut);
    letters.extend(insured_letters(20, "20260906002", Reason::ApplyFailed));
    letters[0].partner_id = Some(77);
    letters[1].last_dead_at -= chrono::TimeDelta::hours(30);
    stub.cli.file_all(&letters).await;
    let dry = async |more: &[&str]| {
        let all = [&["dead", "requeue", "--dry-run"], more].concat();
        stub.cli.xiebao(&all).await
    };
    assert_eq!(dry(&[]).await.code, 2);
    assert_eq!(dry(&["--all", "--reason", "timed_out"]).await.code, 2);
    assert_eq!(dry(&["1", "--all"]).await.code, 2);
    dry(&["--all"]).await.says(&[
        "Would be requeued: 50",
        "apply_failed  20, first",
        "timed_out     30, first",
    ]);
    dry(&["--partner", "77"]).await.says(&["Would be requeued: 1\n"]);
    dry(&["--since", "1d"]).await.says(&["Would be requeued: 49"]);
    dry(&["--until", "1d"]).await.says(&["Would be requeued: 1\n"]);
    dry(&["--text", "of a t", "--type", "1", "--reason", "apply_failed"])
        .await
        .says(&["Would be requeued: 20"]);
    let none = dry(&["--text", "%"]).await;
    assert_eq!(none.code, 1, "{none:?}");
    none.says(&["No dead letters match"]);
    assert_eq!(
        stub.cli.letters("status = 'open' AND requeue_count = 0").await,
        50
    );
    let answer = stub
        .cli
        .xiebao(&["dead", "requeue", "--reason", "apply_failed"])
        .await;
    assert_eq!(answer.code, 0, "{answer:?}");
    answer.says(&["Requeued: 20 (apply_failed 20)"]);
    assert_eq!(
        stub.cli
            .letters("status = 'requeued' AND reason = 'apply_failed'")
            .await,
        20
    );
    assert_eq!(stub.cli.letters("status = 'open'").await, 30);
    assert_eq!(stub.broker.drain_at_least(NOTICES, 20).await.len(), 20);
}

#[tokio::test]
async fn what_died_after_the_command_began_is_left_and_what_dies_again_is_taken_once() {
    let mut stub = PlatformStub::new().await;
    let no_state = |number: String| {
        letter(
            body(1, &number, json!({ "state": null })),
            Reason::Incomplete,
            "x",
        )
    };
    let letters: Vec<_> = (0..300).map(|i| no_state(format!("20260906003{i:03}"))).collect();
    stub.cli.file_all(&letters).await;
    let mut later = no_state("20260906003999".to_owned());
    later.last_dead_at += chrono::TimeDelta::hours(1);
    stub.cli.file_all(&[later]).await;
    stub.worker(&[]).await;
    let answer = stub
        .cli
        .xiebao(&["dead", "requeue", "--all", "--rate", "300"])
        .await;
    assert_eq!(answer.code, 0, "{answer:?}");
    answer.says(&["Requeued: 300 (incomplete 300)"]);
    let again =
        "SELECT COUNT(*) FROM dead_letters WHERE attempts = 2 AND requeue_count = 1 AND status = 'open'";
    stub.until(again, 300).await;
    assert_eq!(stub.cli.letters("attempts = 1 AND requeue_count = 0").await, 1);
}

#[tokio::test]
async fn ctrl_c_ends_it_with_what_is_on_the_queue_marked_and_the_same_command_goes_on() {
    let stub = PlatformStub::new().await;
    stub.cli
        .file_all(&insured_letters(400, "20260906004", Reason::ApplyFailed))
        .await;
    let command = ["dead", "requeue", "--all", "--rate", "200"];
    let running = stub.cli.start(&command).await;
    let marked = "SELECT COUNT(*) FROM dead_letters WHERE status = 'requeued'";
    stub.until_at_least(marked, 1).await;
    running.signal("INT").await;
    let answer = running.ended().await;
    assert_eq!(answer.code, 1, "{answer:?}");
    let done = stub.cli.number(marked).await;
    assert!(done < 400, "it was not interrupted");
    answer.says(&[
        &format!("Requeued: {done} "),
        &format!("Interrupted with {} left", 400 - done),
    ]);
    let on_the_queue = stub.broker.drain_at_least(NOTICES, 1).await.len();
    assert_eq!(i64::try_from(on_the_queue), Ok(done));
    let rest = stub.cli.xiebao(&command[..3]).await;
    assert_eq!(rest.code, 0, "{rest:?}");
    rest.says(&[&format!("Requeued: {} ", 400 - done)]);
    assert_eq!(
        stub.broker.drain_at_least(NOTICES, 1).await.len() as i64,
        400 - done
    );
}

#[tokio::test]
async fn what_a_full_queue_refuses_stays_open() {
    let stub = PlatformStub::new().await;
    // The first of them declares the queue.
    stub.cli
        .file_all(&insured_letters(1, "20260906005", Reason::ApplyFailed))
        .await;
    assert_eq!(stub.cli.xiebao(&["dead", "requeue", "--all"]).await.code, 0);
    stub.broker.limit(NOTICES, Some(100)).await;
    stub.cli
        .file_all(&insured_letters(1_000, "20260906006", Reason::ApplyFailed))
        .await;
    let answer = stub.cli.xiebao(&["dead", "requeue", "--all"]).await;
    assert_eq!(answer.code, 3, "{answer:?}");
    let marked = stub.cli.letters("status = 'requeued'").await;
    assert!((1..1_000).contains(&marked), "{marked}");
    let on_the_queue = stub.broker.drain_at_least(NOTICES, 1).await.len();
    assert!(i64::try_from(on_the_queue).is_ok_and(|queued| queued >= marked));
}

#[tokio::test]
async fn a_discarded_letter_is_requeued_only_when_it_is_meant() {
    let stub = PlatformStub::new().await;
    let ids = [
        stub.cli
            .file(body(1, "20260906007001", json!({})), Reason::ApplyFailed, "x")
            .await,
        stub.cli
            .file(body(1, "20260906007002", json!({})), Reason::ApplyFailed, "x")
            .await,
    ];
    let gone = [
        "dead",
        "discard",
        &ids[0],
        &ids[1],
        "--reason",
        "no longer wanted",
    ];
    assert_eq!(stub.cli.xiebao(&gone).await.code, 0);
    assert_eq!(stub.cli.xiebao(&["dead", "requeue", "--all"]).await.code, 1);
    assert_eq!(stub.cli.xiebao(&["dead", "requeue", &ids[0]]).await.code, 0);
    let meant = ["dead", "requeue", "--status", "discarded"];
    stub.cli
        .xiebao(&meant)
        .await
        .says(&["Requeued: 1 (apply_failed 1)"]);
    let shown = stub.cli.json(&["dead", "show", &ids[0], "--json"]).await;
    assert_eq!(
        (shown["status"].as_str(), shown["discard_reason"].as_str()),
        (Some("requeued"), None)
    );
    let actions: Vec<_> = shown["operations"].as_array().expect("a list").iter().collect();
    assert_eq!(actions.len(), 2, "{shown}");
    assert_eq!(
        (&actions[0]["action"], &actions[1]["action"]),
        (&json!("dead.discard"), &json!("dead.requeue"))
    );
}

#[tokio::test]
async fn letters_that_are_no_notices_are_named_and_the_others_go() {
    let stub = PlatformStub::new().await;
    let mut letters = insured_letters(40, "20260906008", Reason::Unreadable);
    for i in 0..25 {
        letters.push(letter(
            format!("no notice {i}").into_bytes(),
            Reason::Unreadable,
            "not JSON",
        ));
    }
    stub.cli.file_all(&letters).await;
    let answer = stub.cli.xiebao(&["dead", "requeue", "--all"]).await;
    assert_eq!(answer.code, 1, "{answer:?}");
    answer.says(&[
        "Requeued: 40 ",
        "its body is not a notice",
        "5 more cannot be requeued",
    ]);
    assert_eq!(stub.cli.letters("status = 'open'").await, 25);
}
