//! Reissue links on their way, without a sweeper.

use diesel_async::SimpleAsyncConnection as _;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use xiebao_core::id::{InsureNum, PartnerId, Step};
use xiebao_core::ledger::Link;
use xiebao_core::rules::{OnTimeout, RuleSettings, Rules};
use xiebao_testkit::PARTNER;
use xiebao_worker::links::{deliver_all, keep_delivering};
use xiebao_worker::metrics::Metrics;
use xiebao_worker::store::Store;
use xiebao_worker::store::links::PendingLink;

use crate::stage::{Stage, eventually, paid};

fn number(text: &str) -> InsureNum {
    InsureNum::parse(text).expect("it fits").expect("it is one")
}

/// From one proposal each to another.
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
        deliver_all(&store, &Rules::default(), named)
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
    deliver_all(&store, &Rules::default(), vec![link(1)])
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
    let telling = tokio::spawn(async move { deliver_all(&store, &Rules::default(), vec![link(1)]).await });
    let waits = "SELECT COUNT(*) FROM information_schema.processlist \
         WHERE db = DATABASE() AND info LIKE 'DELETE `reissue_outbox`%'";
    eventually(async || stage.number(waits).await == 1)
        .await
        .expect("it waits");
    voiding.batch_execute("COMMIT").await.expect("it is withdrawn");
    telling.await.expect("no panic").expect("nothing is left to do");
    assert_eq!(lying_and_told(&stage).await, (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lanes_find_is_told_until_they_end_or_it_is_given_up() {
    let stage = Stage::new().await;
    let store = Store::new(&stage.database.url(), 2);
    for given_up in [false, true] {
        let base = if given_up { 1_000 } else { 0 };
        let batches: Vec<Vec<_>> = [0, 1, 300]
            .map(|first| (base + first..base + first * 2 + 1).map(link).collect())
            .into();
        let (sender, found) = mpsc::channel(batches.len());
        for batch in &batches {
            post(&stage, batch).await;
            sender.try_send(batch.clone()).expect("there is room");
        }
        drop(sender);
        let token = CancellationToken::new();
        if given_up {
            token.cancel();
        }
        keep_delivering(&store, &Rules::default(), &Metrics::default(), found, &token).await;
        let left = if given_up { 304 } else { 0 };
        assert_eq!(lying_and_told(&stage).await, (left, 304));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_times_out_in_the_transaction_of_a_link_is_counted() {
    let mut stage = Stage::new().await;
    stage.worker(&[]).await;
    let linked = link(1);
    let number = linked.new_insure_num.to_string();
    // One for each of the two ways in which a wait can end in vain.
    stage.send(2, &number, paid(100)).await;
    stage.send(9, &number, json!({ "state": true })).await;
    stage
        .until("SELECT COUNT(*) FROM notices WHERE outcome = 'held'", 2)
        .await;
    stage.workers.clear();
    stage
        .execute("UPDATE notices SET hold_until = '2026-01-01 00:00:00' WHERE outcome = 'held'")
        .await;
    post(&stage, std::slice::from_ref(&linked)).await;

    let mut settings = RuleSettings::default();
    let e_policy = settings.steps.get_mut(&Step::EPolicy).expect("every step");
    e_policy.on_timeout = OnTimeout::DeadLetter;
    let rules = Rules::new(settings).expect("they are sound");
    let (store, metrics) = (Store::new(&stage.database.url(), 2), Metrics::default());
    let (sender, found) = mpsc::channel(1);
    sender.try_send(vec![linked]).expect("there is room");
    drop(sender);
    keep_delivering(&store, &rules, &metrics, found, &CancellationToken::new()).await;

    let (mut registry, mut text) = (Registry::default(), String::new());
    metrics.register(&mut registry);
    encode(&mut text, &registry).expect("a string takes everything");
    for line in [
        "dead_letters_total{reason=\"timed_out\"} 1",
        "released_total{how=\"dead_lettered\"} 1",
        "released_total{how=\"timed_out\"} 1",
    ] {
        assert!(text.contains(line), "{line} is not in:\n{text}");
    }
    let dead = "SELECT COUNT(*) FROM dead_letters WHERE reason = 'timed_out'";
    assert_eq!(stage.number(dead).await, 1);
}
