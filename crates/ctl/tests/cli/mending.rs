//! Many dead letters of five causes, put back when the causes are mended, by a command that is killed half way.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use diesel_async::SimpleAsyncConnection as _;
use serde_json::{Value, json};
use xiebao_amqp::topology::{DEAD, NOTICES};
use xiebao_core::facts::Notice;
use xiebao_core::ledger::Arrival;
use xiebao_core::reason::Reason;
use xiebao_core::rules::Rules;
use xiebao_runtime::clock;
use xiebao_store::sql::dead_letters::NewDeadLetter;
use xiebao_store::transaction::{self, Plan, Task};
use xiebao_testkit::notice;

use crate::cli::{Cli, body, paid};
use crate::dead::letter;
use crate::platform_stub::PlatformStub;

/// Letters of one cause.
const EACH: usize = 2_000;
const ALL: i64 = 5 * EACH as i64;

/// Whose notices came first to proposals that are not his.
const STRANGER: i64 = 7;

/// The proposal of the nth notice of a cause.
fn number(cause: usize, nth: usize) -> String {
    format!("20260910{cause}{nth:06}")
}

/// Sound notices, dead for a reason that holds until [`mend`].
fn letters() -> Vec<NewDeadLetter> {
    let causes: [(Reason, i64, Value); 5] = [
        (Reason::PartnerMismatch, 1, json!({})),
        (Reason::ApplyFailed, 1, json!({ "caseCode": "REFUSED" })),
        (Reason::TimedOut, 2, paid()),
        (Reason::TooLong, 1, json!({ "caseCode": "LONGER-THAN-EIGHT" })),
        (Reason::DeliveryLimit, 1, json!({})),
    ];
    let of_cause = |(cause, (reason, notify_type, stated)): (usize, (Reason, i64, Value))| {
        (0..EACH).map(move |nth| {
            let notice = body(notify_type, &number(cause, nth), stated.clone());
            letter(notice, reason, "of a test")
        })
    };
    causes.into_iter().enumerate().flat_map(of_cause).collect()
}

impl Cli {
    /// Makes the causes real: a stranger was first, the database refuses, a column is narrow.
    async fn break_things(&self) {
        for from in (0..EACH).step_by(500) {
            self.strangers(from..(from + 500).min(EACH)).await;
        }
        self.execute("ALTER TABLE proposals MODIFY case_code VARCHAR(8) NULL")
            .await;
        self.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON proposals FOR EACH ROW \
             IF NEW.case_code = 'REFUSED' THEN \
               SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no such product'; END IF",
        )
        .await;
    }

    async fn strangers(&self, range: std::ops::Range<usize>) {
        let tasks = range.map(|nth| {
            let data = json!({ "insureNum": number(0, nth), "partnerId": STRANGER, "state": true });
            let raw = Bytes::from(notice(1, &data, "k3y-of-a-stranger"));
            let notice = Notice::read(&raw).expect("a sound notice");
            let number = notice.insure_num.clone();
            let arrival = Arrival {
                notice: notice.into(),
                raw,
                received_at: clock::now(),
                redelivered: false,
            };
            (
                number,
                Task {
                    arrivals: vec![(0, arrival)],
                    ..Task::default()
                },
            )
        });
        let plan = Plan {
            tasks: tasks.collect::<BTreeMap<_, _>>(),
            ..Plan::default()
        };
        let mut conn = self.connect().await;
        let taken = transaction::run(&mut conn, &plan, clock::now, &Rules::default()).await;
        taken.expect("they are taken in");
    }

    async fn mend(&self) {
        for table in ["notices", "proposals"] {
            self.execute(&format!("DELETE FROM {table} WHERE partner_id = {STRANGER}"))
                .await;
        }
        self.execute("DROP TRIGGER refuse").await;
        self.execute("ALTER TABLE proposals MODIFY case_code VARCHAR(128) NULL")
            .await;
    }

    /// Some of that cause.
    async fn ids(&self, reason: Reason, limit: &str) -> Vec<String> {
        let list = [
            "dead",
            "list",
            "--json",
            "--reason",
            reason.name(),
            "--limit",
            limit,
        ];
        let list = self.json(&list).await;
        let letters = list["letters"].as_array().expect("a list").iter();
        letters.map(|letter| letter["id"].to_string()).collect()
    }
}

const OPEN: &str = "SELECT COUNT(*) FROM dead_letters WHERE status = 'open'";

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_letters_of_five_causes_are_mended_though_the_command_is_killed_half_way() {
    let mut stub = PlatformStub::new().await;
    stub.cli.break_things().await;
    stub.cli.file_all(&letters()).await;
    let (wait, end) = (
        "XIEBAO__SEQUENCING__PAID__MAX_WAIT",
        "XIEBAO__SEQUENCING__PAID__ON_TIMEOUT",
    );
    stub.worker(&[(wait, "1s"), (end, "dead_letter")]).await;
    the_causes_are_real(&stub).await;
    the_list_is_quick(&stub).await;
    stub.stop_workers().await;
    stub.cli.mend().await;
    stub.worker(&[(wait, "1s"), (end, "apply")]).await;

    let killed = killed_between_publish_and_mark(&stub).await;
    let started = Instant::now();
    let left = stub.cli.number(OPEN).await;
    assert!((1..=ALL - killed).contains(&left), "{left} were left");
    let answer = stub.cli.xiebao(&["dead", "requeue", "--all"]).await;
    assert_eq!(answer.code, 0, "{answer:?}");
    let took = started.elapsed();
    stub.until("SELECT COUNT(*) FROM notices WHERE outcome = 'applied'", ALL)
        .await;
    eprintln!(
        "killed with {left} of {ALL} left; those were requeued in {took:.1?}: {}",
        answer.out
    );
    every_one_is_applied_once(&stub).await;
}

/// Kills the command when half of the letters are marked, and those of the next page on the queue and not marked: the
/// row of one of them is locked. How many were marked.
async fn killed_between_publish_and_mark(stub: &PlatformStub) -> i64 {
    let half = ALL / 2;
    let mut lock = stub.cli.connect().await;
    let held = format!(
        "SET SESSION wait_timeout = 600; START TRANSACTION; UPDATE dead_letters SET detail = '' WHERE id = {}",
        half + 100
    );
    lock.batch_execute(&held).await.expect("it is locked");
    let running = stub.cli.start(&["dead", "requeue", "--all"]).await;
    let marked = format!("SELECT COUNT(*) FROM dead_letters WHERE id <= {half} AND status = 'requeued'");
    stub.until(&marked, half).await;
    // The next page is on the queue by then.
    let marking = "SELECT COUNT(*) FROM information_schema.processlist \
                   WHERE db = DATABASE() AND info LIKE 'UPDATE `dead_letters`%requeue_count%'";
    stub.until_at_least(marking, 1).await;
    running.signal("KILL").await;
    assert_eq!(running.ended().await.code, -1, "it was over before it was killed");
    lock.batch_execute("ROLLBACK").await.expect("it is free again");
    half
}

/// Requeued before its cause is mended, a letter dies again, and is still one.
async fn the_causes_are_real(stub: &PlatformStub) {
    let reasons = [
        Reason::PartnerMismatch,
        Reason::ApplyFailed,
        Reason::TimedOut,
        Reason::TooLong,
    ];
    for reason in reasons {
        let ids = stub.cli.ids(reason, "3").await;
        let requeue = ["dead", "requeue"]
            .into_iter()
            .chain(ids.iter().map(String::as_str));
        let answer = stub.cli.xiebao(&requeue.collect::<Vec<_>>()).await;
        assert_eq!(answer.code, 0, "{answer:?}");
    }
    let again = "SELECT COUNT(*) FROM dead_letters WHERE attempts = 2 AND status = 'open'";
    stub.until(again, 12).await;
    assert_eq!(stub.cli.letters("status = 'open'").await, ALL);
}

async fn the_list_is_quick(stub: &PlatformStub) {
    let started = Instant::now();
    let list = stub.cli.xiebao(&["dead", "list"]).await;
    let took = started.elapsed();
    assert_eq!(list.code, 0, "{list:?}");
    // The database refuses these values here, because no column holds them; the rules of the release do not.
    list.says(&[
        "delivery_limit    2000, first",
        "too_long          1997, first",
        "apply_failed      2003, first",
    ]);
    eprintln!("{ALL} letters were listed in {took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
}

async fn every_one_is_applied_once(stub: &PlatformStub) {
    let cli = &stub.cli;
    stub.until("SELECT COUNT(*) FROM dead_letters WHERE status = 'requeued'", ALL)
        .await;
    assert_eq!(cli.number("SELECT COUNT(*) FROM notices").await, ALL);
    assert_eq!(
        cli.number("SELECT COUNT(DISTINCT insure_num) FROM notices WHERE seq = 1")
            .await,
        ALL
    );
    assert_eq!(cli.number("SELECT COUNT(*) FROM proposals").await, ALL);
    assert_eq!(cli.number("SELECT COUNT(*) FROM payments").await, EACH as i64);
    for queue in [NOTICES, DEAD] {
        assert!(stub.broker.drain(queue).await.is_empty(), "{queue}");
    }
}
