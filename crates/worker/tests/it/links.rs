//! Reissue links on their way.

use std::time::{Duration, Instant};

use diesel_async::SimpleAsyncConnection as _;
use serde_json::json;
use xiebao_core::id::{InsureNum, PartnerId};
use xiebao_core::ledger::Link;
use xiebao_core::rules::Rules;
use xiebao_runtime::clock;
use xiebao_store::Store;
use xiebao_store::linking::deliver;
use xiebao_store::sql::links::{self as outbox, PendingLink};
use xiebao_testkit::{Metrics, PARTNER};

use crate::stage::{Stage, eventually, issued, paid};

fn number(text: &str) -> InsureNum {
    InsureNum::parse(text).expect("it fits").expect("it is one")
}

/// A link between two invented proposals.
fn link(nth: usize) -> PendingLink {
    PendingLink {
        new_insure_num: number(&format!("2026080{:06}", 900_000 - nth)),
        link: Link {
            reissued_from: number(&format!("2026070{nth:06}")),
            partner_id: PartnerId(PARTNER),
        },
        withdrawn: false,
    }
}

/// Puts them into the outbox, as the transactions do that find them.
async fn post(stage: &Stage, links: &[PendingLink]) {
    let row = |post: &PendingLink| {
        let (from, to) = (&post.link.reissued_from, &post.new_insure_num);
        format!("('{from}', '{to}', {PARTNER}, FALSE)")
    };
    let rows: Vec<String> = links.iter().map(row).collect();
    let into = "INSERT INTO reissue_outbox (insure_num, new_insure_num, partner_id, withdrawn) VALUES ";
    stage.execute(&format!("{into}{}", rows.join(", "))).await;
}

async fn lying_and_told(stage: &Stage) -> (i64, i64) {
    let count = async |table| stage.number(&format!("SELECT COUNT(*) FROM {table}")).await;
    (count("reissue_outbox").await, count("reissue_links").await)
}

#[tokio::test(flavor = "multi_thread")]
async fn many_links_are_told_together_and_each_once() {
    let stage = Stage::new().await;
    let store = Store::new(&stage.database.url(), 2);
    let mut told = 0;
    for count in [3, 130] {
        let links: Vec<_> = (told..told + count).map(link).collect();
        post(&stage, &links).await;
        // Two that are named twice, and one that lies there no more.
        let mut named = links.clone();
        named.extend([links[0].clone(), links[1].clone(), link(5_000)]);
        deliver(&store, &Rules::default(), clock::now, named, |_| {})
            .await
            .expect("they are told");
        told += count;
        assert_eq!(lying_and_told(&stage).await, (0, told as i64));
    }
    let right = "SELECT COUNT(*) FROM proposals WHERE reissued_from IS NOT NULL AND status IS NULL";
    assert_eq!(stage.number(right).await, told as i64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_that_states_a_link_anew_is_the_one_that_counts() {
    let stage = Stage::new().await;
    let store = Store::new(&stage.database.url(), 2);
    post(&stage, &[link(1)]).await;
    stage.execute("UPDATE reissue_outbox SET partner_id = 77").await;
    deliver(&store, &Rules::default(), clock::now, vec![link(1)], |_| {})
        .await
        .expect("it is told");
    let stated = "SELECT COUNT(*) FROM reissue_links WHERE partner_id = 77";
    assert_eq!(stage.number(stated).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_withdrawn_while_it_is_told_is_not_told() {
    let stage = Stage::new().await;
    let store = Store::new(&stage.database.url(), 2);
    post(&stage, &[link(1)]).await;
    let mut voiding = stage.connect().await;
    let withdraw = "BEGIN; UPDATE reissue_outbox SET withdrawn = TRUE";
    voiding.batch_execute(withdraw).await.expect("it is withdrawn");
    let telling =
        tokio::spawn(
            async move { deliver(&store, &Rules::default(), clock::now, vec![link(1)], |_| {}).await },
        );
    let waits = "SELECT COUNT(*) FROM information_schema.processlist \
         WHERE db = DATABASE() AND info LIKE 'DELETE %reissue_outbox%'";
    eventually(async || stage.number(waits).await == 1)
        .await
        .expect("it waits");
    voiding.batch_execute("COMMIT").await.expect("it is withdrawn");
    telling.await.expect("no panic").expect("nothing is left to do");
    assert_eq!(lying_and_told(&stage).await, (1, 0));
}

/// Issued proposals that are replaced; only the notices that say so are still to come.
async fn replaceable(stage: &Stage, count: usize) -> Vec<PendingLink> {
    let links: Vec<_> = (0..count).map(link).collect();
    for (nth, link) in links.iter().enumerate() {
        let old = link.link.reissued_from.as_str();
        stage.send(1, old, json!({ "state": true })).await;
        stage.send(2, old, paid(1)).await;
        stage.send(3, old, issued(&format!("P-{nth}"), "李四")).await;
    }
    let applied = "SELECT COUNT(*) FROM notices WHERE outcome = 'applied'";
    stage.until(applied, 3 * count as i64).await;
    links
}

async fn replace(stage: &Stage, link: &PendingLink) {
    let stated = json!({ "state": true, "newInsureNum": link.new_insure_num.as_str() });
    stage.send(5, link.link.reissued_from.as_str(), stated).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_ends_in_order_leaves_no_link_untold() {
    let mut stage = Stage::new().await;
    stage.worker(&[]).await;
    let links = replaceable(&stage, 40).await;
    for link in &links {
        replace(&stage, link).await;
    }
    eventually(async || stage.number("SELECT COUNT(*) FROM cancellations").await > 0)
        .await
        .expect("it is at work");
    let begun = Instant::now();
    stage.workers[0].stop().await.expect("it ends well");
    // On a slower machine it may give links up.
    if begun.elapsed() < Duration::from_secs(3) {
        let found = stage.number("SELECT COUNT(*) FROM cancellations").await;
        assert_eq!(lying_and_told(&stage).await, (0, found));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lanes_tell_links_whatever_holds_the_sweeper_up() {
    let mut stage = Stage::new().await;
    // It is due, and nobody can settle it: so no sweep comes to the outbox.
    stage
        .execute(
            "INSERT INTO proposal_locks (insure_num) VALUES ('stuck'); INSERT INTO holds VALUES ('stuck', '2026-01-01')",
        )
        .await;
    let mut elsewhere = stage.connect().await;
    elsewhere
        .batch_execute("BEGIN; DELETE FROM holds WHERE insure_num = 'stuck'")
        .await
        .expect("the row is free");
    stage.worker(&[]).await;
    let links = replaceable(&stage, 10).await;
    for link in &links {
        replace(&stage, link).await;
    }
    stage.until("SELECT COUNT(*) FROM reissue_links", 10).await;
    assert_eq!(lying_and_told(&stage).await, (0, 10));
    elsewhere
        .batch_execute("ROLLBACK")
        .await
        .expect("the row is let go");
    stage.until("SELECT COUNT(*) FROM holds", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_number_that_a_partner_may_give_is_taken_from_the_outbox() {
    let stage = Stage::new().await;
    let store = Store::new(&stage.database.url(), 2);
    let strange = ["A\"1", "A\\1", "A'1", "A\t1", "保单1", "🀄1"];
    let links: Vec<_> = strange
        .iter()
        .map(|text| PendingLink {
            new_insure_num: number(text),
            ..link(1)
        })
        .collect();
    let mut conn = stage.connect().await;
    outbox::post(&mut conn, &links).await.expect("they are posted");
    deliver(&store, &Rules::default(), clock::now, links, |_| {})
        .await
        .expect("they are told");
    assert_eq!(lying_and_told(&stage).await, (0, 6));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_cannot_be_told_waits_and_takes_neither_notices_nor_links_with_it() {
    let mut stage = Stage::new().await;
    stage.worker(&[]).await;
    let links = replaceable(&stage, 6).await;
    stage
        .send(1, links[2].new_insure_num.as_str(), json!({ "state": true }))
        .await;
    let applied = "SELECT COUNT(*) FROM notices WHERE outcome = 'applied'";
    stage.until(applied, 19).await;
    let of_the_third = format!("WHERE insure_num = '{}'", links[2].new_insure_num);
    let outcome = async |outcome| {
        let spoil = format!("UPDATE notices SET outcome = '{outcome}' {of_the_third}");
        stage.execute(&spoil).await;
    };
    outcome("nonsense").await;
    for link in &links {
        replace(&stage, link).await;
    }
    stage.until("SELECT COUNT(*) FROM reissue_links", 5).await;
    assert_eq!(stage.number("SELECT COUNT(*) FROM cancellations").await, 6);
    assert_eq!(stage.number("SELECT COUNT(*) FROM reissue_outbox").await, 1);
    outcome("applied").await;
    stage.until("SELECT COUNT(*) FROM reissue_links", 6).await;
    assert_eq!(stage.number("SELECT COUNT(*) FROM dead_letters").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_link_lets_go_and_what_times_out_beside_it_is_counted() {
    let mut stage = Stage::new().await;
    let dead_letter = ("XIEBAO__SEQUENCING__E_POLICY__ON_TIMEOUT", "dead_letter");
    stage.worker(&[dead_letter]).await;
    let admin = stage.workers[0].admin;
    let linked = link(1);
    let number = linked.new_insure_num.to_string();
    // The link takes the place of the acceptance that the payment waits for; the e-policy waits in vain.
    stage.send(2, &number, paid(100)).await;
    stage.send(9, &number, json!({ "state": true })).await;
    stage
        .until("SELECT COUNT(*) FROM notices WHERE outcome = 'held'", 2)
        .await;
    // Not in `holds`, so that no sweep finds it before the link is told.
    stage
        .execute("UPDATE notices SET hold_until = '2026-01-01 00:00:00' WHERE outcome = 'held'")
        .await;
    post(&stage, std::slice::from_ref(&linked)).await;
    stage
        .until("SELECT COUNT(*) FROM dead_letters WHERE reason = 'timed_out'", 1)
        .await;

    let counted = async |name: &str, label: &str| {
        let metrics = Metrics::read(&reqwest::Client::new(), admin).await;
        let metrics = metrics.expect("the worker answers");
        let samples = metrics.samples(name).filter(|(labels, _)| labels.contains(label));
        samples.map(|(_, value)| value).sum::<f64>()
    };
    for (name, label) in [
        ("xiebao_worker_dead_letters_total", "\"timed_out\""),
        ("xiebao_worker_released_total", "\"dead_lettered\""),
        ("xiebao_worker_released_total", "\"in_order\""),
    ] {
        // It is counted once the commit has been answered.
        eventually(async || counted(name, label).await == 1.0)
            .await
            .unwrap_or_else(|()| panic!("{name} {label} is not counted"));
    }
}
