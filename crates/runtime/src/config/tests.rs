mod secrets;

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use chrono::TimeDelta;
use xiebao_core::id::Step;
use xiebao_core::rules::OnTimeout;

use super::*;

const URL: &str = "amqp://user:hush-hush@broker:5672/%2f";

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        let mut file = std::fs::File::create(&path).expect("a file");
        file.write_all(text.as_bytes()).expect("it can be written");
        path
    }
}

fn load(toml: &str, environment: &[(&str, &str)], needs: Needs) -> Result<Config, Faults> {
    let files = Files::new();
    let file = files.write("xiebao.toml", toml);
    Config::load(
        Some(&file),
        &Environment::from_pairs(environment.iter().copied()),
        needs,
    )
}

fn fault_keys(faults: &Faults) -> Vec<&str> {
    let mut keys: Vec<&str> = faults.0.iter().map(|fault| fault.key.as_str()).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn without_any_setting_the_defaults_are_those_of_the_contract() {
    let config = load("", &[], Needs::NOTHING).expect("valid");
    assert_eq!(config.receiver.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.receiver.path, "/notices");
    assert_eq!(config.receiver.max_body_bytes, 1 << 20);
    assert_eq!(config.receiver.publish_timeout, Duration::from_secs(10));
    assert!(config.receiver.allow.is_empty() && config.receiver.trusted_proxies.is_empty());
    assert!(config.receiver.admin_listen.is_none() && config.worker.admin_listen.is_none());
    assert!(Step::ALL.into_iter().all(|step| config.rules.is_subscribed(step)));
    assert_eq!(config.rules.max_wait(Step::Paid), TimeDelta::minutes(10));
    assert_eq!(config.rules.repeat_window(), TimeDelta::days(7));
}

#[test]
fn the_environment_goes_over_the_file_and_the_file_over_the_defaults() {
    let toml =
        "subscribed = [1, 2]\n[receiver]\npath = \"/file\"\nmax_body_bytes = 4096\nallow = [\"10.0.0.0/8\"]";
    let environment = [
        ("XIEBAO__RECEIVER__PATH", "/environment"),
        ("XIEBAO__RECEIVER__ALLOW", "192.0.2.0/24, 2001:db8::1"),
        ("XIEBAO__SUBSCRIBED", "1,3"),
        ("XIEBAO_CONFIG", "ignored here"),
        ("PATH", "/bin"),
    ];
    let config = load(toml, &environment, Needs::NOTHING).expect("sound");
    assert_eq!(config.receiver.path, "/environment");
    assert_eq!(config.receiver.max_body_bytes, 4096);
    let allow: Vec<String> = config.receiver.allow.iter().map(ToString::to_string).collect();
    assert_eq!(allow, ["192.0.2.0/24", "2001:db8::1/128"]);
    assert!(config.rules.is_subscribed(Step::Issued) && !config.rules.is_subscribed(Step::Paid));
}

#[test]
fn every_fault_is_reported_at_once_with_its_key() {
    let toml = r#"
        nonsense = 1
        subscribed = [1, 99]
        [amqp]
        url = "http://user:hush-hush@broker"
        [receiver]
        listen = "8080"
        admin_listn = "127.0.0.1:1"
        max_body_bytes = -5
        publish_timeout_ms = "soon"
        allow = ["10.0.0.0/33"]
        path = "notices"
        [worker]
        prefetch = 0
        [sequencing.paid]
        after = ["insured", "payed"]
        max_wait = "10"
        on_timeout = "shrug"
        [log]
        level = "loud"
        [otlp]
        endpoint = "https://collector"
        headers = ["no colon"]
        sample_ratio = 1.5
        timeout_ms = 1
    "#;
    let faults = load(toml, &[("XIEBAO__WORKER__LANES", "many")], Needs::WORKER).expect_err("faulty");
    let expected = [
        "amqp.url",
        "database.url",
        "log.level",
        "nonsense",
        "otlp.endpoint",
        "otlp.headers",
        "otlp.sample_ratio",
        "otlp.timeout_ms",
        "receiver.admin_listn",
        "receiver.allow",
        "receiver.listen",
        "receiver.max_body_bytes",
        "receiver.path",
        "receiver.publish_timeout_ms",
        "sequencing.paid.after",
        "sequencing.paid.max_wait",
        "sequencing.paid.on_timeout",
        "subscribed",
        "worker.lanes",
        "worker.prefetch",
    ];
    assert_eq!(fault_keys(&faults), expected);
    let text = faults.to_string();
    assert_eq!(text.lines().count(), expected.len());
    assert!(text.contains("did you mean receiver.admin_listen?"), "{text}");
    assert!(!text.contains("hush-hush"), "{text}");
}

#[test]
fn each_program_requires_what_it_needs_and_no_more() {
    let missing = |needs| load("", &[], needs).map_or_else(|f| f.to_string(), |_| String::new());
    assert_eq!(missing(Needs::NOTHING), "");
    assert_eq!(
        missing(Needs::RECEIVER),
        "amqp.url: is missing\nkeys_file: is missing"
    );
    assert_eq!(
        missing(Needs::WORKER),
        "amqp.url: is missing\ndatabase.url: is missing"
    );
    let config = load("", &[], Needs::NOTHING).expect("sound");
    assert_eq!(
        config.require_database().expect_err("missing").to_string(),
        "database.url: is missing"
    );
    // A worker does not look at the keys that a shared file names.
    let shared = [
        ("XIEBAO__AMQP__URL", URL),
        ("XIEBAO__DATABASE__URL", "mysql://u:p@h/n"),
        ("XIEBAO__KEYS_FILE", "/no/such"),
    ];
    assert!(load("", &shared, Needs::WORKER).is_ok());
}

#[test]
fn a_file_that_is_not_there_is_a_fault_by_its_path() {
    let environment = Environment::default();
    let faults =
        Config::load(Some(Path::new("/no/such.toml")), &environment, Needs::NOTHING).expect_err("faulty");
    assert_eq!(fault_keys(&faults), ["/no/such.toml"]);
}

#[test]
fn steps_that_wait_for_each_other_are_named() {
    let circle = [("XIEBAO__SEQUENCING__INSURED__AFTER", "issued")];
    let faults = load("", &circle, Needs::NOTHING).expect_err("faulty").to_string();
    assert!(faults.starts_with("sequencing: "), "{faults}");
    for step in ["insured", "paid", "issued"] {
        assert!(faults.contains(step), "{faults}");
    }
}

#[test]
fn sequencing_is_set_step_by_step() {
    let toml = "[sequencing]\nrepeat_window = \"36h\"\n[sequencing.paid]\nafter = []\nmax_wait = \"2s\"";
    let environment = [
        ("XIEBAO__SEQUENCING__ISSUED__ON_TIMEOUT", "dead_letter"),
        ("XIEBAO__SEQUENCING__E_POLICY__AFTER", ""),
    ];
    let rules = load(toml, &environment, Needs::NOTHING).expect("sound").rules;
    assert_eq!(rules.repeat_window(), TimeDelta::hours(36));
    assert_eq!(rules.waits_for(Step::Paid).iter().count(), 0);
    assert_eq!(rules.waits_for(Step::EPolicy).iter().count(), 0);
    assert_eq!(
        rules.waits_for(Step::Issued).iter().collect::<Vec<_>>(),
        [Step::Paid]
    );
    assert_eq!(rules.max_wait(Step::Paid), TimeDelta::seconds(2));
    assert_eq!(
        (rules.on_timeout(Step::Paid), rules.on_timeout(Step::Issued)),
        (OnTimeout::Apply, OnTimeout::DeadLetter)
    );
}

#[test]
fn a_keys_file_that_holds_no_keys_is_a_fault_of_the_receivers_configuration() {
    let files = Files::new();
    let path = files
        .write("keys.toml", "\"1048483\" = [\"\"]")
        .display()
        .to_string();
    let environment = [("XIEBAO__AMQP__URL", URL), ("XIEBAO__KEYS_FILE", path.as_str())];
    let faults = load("", &environment, Needs::RECEIVER).expect_err("faulty");
    assert_eq!(fault_keys(&faults), ["keys_file"]);
    assert!(faults.to_string().contains("partner 1048483"), "{faults}");
}

#[test]
fn the_example_names_every_key_and_shows_the_true_defaults() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/xiebao.example.toml");
    let text = std::fs::read_to_string(example).expect("the example is there");
    let defaults = load("", &[], Needs::NOTHING).expect("sound");
    // Settings in comments must be the defaults.
    let shown: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# ").filter(|l| is_setting(l)))
        .collect();
    let sections = text
        .lines()
        .map(|line| match line.strip_prefix("# ").filter(|l| is_setting(l)) {
            Some(setting) => setting,
            None if line.starts_with('[') => line,
            None => "",
        });
    let written_out = sections.collect::<Vec<_>>().join("\n");
    assert_eq!(
        format!("{:?}", load(&written_out, &[], Needs::NOTHING).expect("sound")),
        format!("{defaults:?}")
    );
    let mut reader = Reader::new(std::collections::BTreeMap::new());
    sections::amqp(&mut reader, false);
    sections::database(&mut reader, false);
    sections::receiver(&mut reader);
    sections::worker(&mut reader);
    sections::log(&mut reader);
    otlp::read(&mut reader);
    for key in reader.known() {
        let name = key.rsplit('.').next().unwrap_or(key);
        let is_there = shown.iter().any(|line| line.starts_with(name)) || text.contains(&format!("\n{name}"));
        // A setting without a default is shown inside a sentence.
        let is_there = is_there || text.contains(&format!(": {name} = "));
        assert!(is_there || name == "url", "{key} is not in the example");
    }
}

fn is_setting(line: &str) -> bool {
    line.split_once(" = ")
        .is_some_and(|(key, _)| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
}
