//! Everything that was sent is looked for in every line that any process of a run has logged, and in every span.

mod lines;
mod sought;
mod troubles;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use xiebao_core::id::PartnerId;
use xiebao_simulator::platform::Signer;
use xiebao_simulator::scenario::{self, Extent};
use xiebao_simulator::{Settings, run};
use xiebao_testkit::{Collector, KEY, Mood, PARTNER, Proxy};

use crate::services::Services;
use crate::{counts, report};
use lines::Line;
use sought::Sought;
use troubles::{Made, OTHER_KEY, OTHER_PARTNER};

const SEED: u64 = 11;
const PROPOSALS: usize = 60;
const FAILURES: f64 = 0.2;
/// As good as a password, where it is all that keeps others out.
const PATH: &str = "/notices/5d0c6c1b9a3e4f7d-never-to-be-told";

#[tokio::test]
async fn at_debug_no_line_of_any_process_holds_what_was_sent_and_every_decision_has_one() {
    play_and_scan("debug").await;
}

#[tokio::test]
async fn at_trace_no_line_of_any_process_holds_what_was_sent_and_every_decision_has_one() {
    play_and_scan("trace").await;
}

async fn play_and_scan(level: &str) {
    let keys = format!("\"{PARTNER}\" = [\"{KEY}\"]\n\"{OTHER_PARTNER}\" = [\"{OTHER_KEY}\"]");
    let collector = Collector::start(Mood::Willing).await;
    let settings = [
        ("XIEBAO__LOG__LEVEL", level),
        ("XIEBAO__RECEIVER__PATH", PATH),
        ("XIEBAO__OTLP__ENDPOINT", &collector.url()),
    ];
    let mut services = Services::prepared(&keys, &settings).await;
    let proxy = Proxy::start(services.database.address()).await;
    let database = proxy.instead_of(&services.database.url());
    for _ in 0..2 {
        services.add_receiver().await;
        services
            .add_worker(&[("XIEBAO__DATABASE__URL", database.clone())])
            .await;
    }
    let report = play(&services).await;
    let made = troubles::make(&services, &proxy).await;

    let mut sought = everything_sent_by_the_simulator();
    made.bodies.iter().for_each(|body| sought.add_body(body));
    for secret in [KEY, OTHER_KEY, PATH] {
        sought.add(secret);
    }
    sought.add_password(&services.broker.url());
    sought.add_password(&services.database.url());
    let looked_for = sought.count();
    assert!(looked_for > 1_000, "only {looked_for} texts to look for");

    let logs = services.end().await;
    let lines: Vec<Line> = logs
        .iter()
        .flat_map(|(name, log)| lines::read(name, log))
        .collect();
    let spans = collector.spans();
    assert!(spans.len() > 1_000, "only {} spans", spans.len());
    let said = lines.iter().flat_map(Line::free_texts);
    let told = spans
        .iter()
        .map(|span| format!("{span:?}"))
        .map(|text| (text.clone(), text));
    let found = sought.found_in(said.chain(told));
    assert!(
        found.is_empty(),
        "{} leaks, such as {:#?}",
        found.len(),
        &found[..found.len().min(5)]
    );
    every_decision_has_a_line(&lines, &report, &made);
}

async fn play(services: &Services) -> Value {
    let numbers = [
        SEED.to_string(),
        PROPOSALS.to_string(),
        FAILURES.to_string(),
        PARTNER.to_string(),
    ];
    let [seed, proposals, failures, partner] = numbers.each_ref().map(String::as_str);
    let arguments = [
        "--seed",
        seed,
        "--proposals",
        proposals,
        "--failures",
        failures,
        "--partner",
        partner,
        "--disorder",
        "1",
        "--duplicates",
        "0.5",
        "--json",
    ];
    let output = services.simulate(&arguments).await;
    let told = report(&output);
    assert_eq!(counts(&told), json!([0, 0, 0]), "{told:#}");
    told
}

/// The stories follow from the seed, so that they can be told again here.
fn everything_sent_by_the_simulator() -> Sought {
    let settings = Settings {
        seed: SEED,
        partner_id: PartnerId(PARTNER),
        failures: FAILURES,
        missing_predecessors: 0.0,
    };
    let stories = scenario::tell_all(&settings, Extent::Proposals(PROPOSALS));
    let signer = Signer::new(PartnerId(PARTNER), KEY.to_owned());
    let mut sought = Sought::default();
    for letter in run::letters(&stories, &settings, &signer) {
        sought.add_body(&letter.body);
        letter.twin.iter().for_each(|twin| sought.add_body(twin));
    }
    sought
}

fn every_decision_has_a_line(lines: &[Line], told: &Value, made: &Made) {
    let mut said = BTreeMap::<(&str, &str), u64>::new();
    for line in lines {
        let verdict = line
            .text("notice.verdict")
            .or(line.text("reason"))
            .unwrap_or_default();
        *said
            .entry((line.text("message").unwrap_or_default(), verdict))
            .or_default() += 1;
    }
    let count = |message: &str, verdict: &str| said.get(&(message, verdict)).copied().unwrap_or_default();
    let all = |message: &str| -> u64 {
        said.iter()
            .filter(|((said, _), _)| *said == message)
            .map(|(_, count)| count)
            .sum()
    };
    let acknowledged = told["acknowledged"].as_u64().expect("a count");
    // Each was acknowledged once and delivered once.
    assert_eq!(all("notice stored"), acknowledged + made.stored(), "{said:#?}");
    assert_eq!(all("decided"), acknowledged + made.decided, "{said:#?}");
    for (verdict, expected) in &made.refused {
        assert_eq!(
            count("notice refused", verdict),
            *expected,
            "{verdict}: {said:#?}"
        );
    }
    for (reason, expected) in &made.dead {
        assert_eq!(
            count("a notice becomes a dead letter", reason),
            *expected,
            "{reason}: {said:#?}"
        );
    }
    assert_eq!(
        all("a message that is not a notice becomes a dead letter"),
        1,
        "{said:#?}"
    );
    for message in [
        "waiting for the database",
        "the database is back",
        "a notice failed; it will be retried",
    ] {
        assert!(all(message) > 0, "{message}: {said:#?}");
    }
}
