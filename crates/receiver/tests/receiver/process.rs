use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use xiebao_testkit::{Broker, KEY, PARTNER, Process, Proxy, free_address, post};

use crate::running::{NOTICES, insured};

const BINARY: &str = "xiebao-receiver";

pub struct Service {
    pub process: Process,
    pub url: String,
    pub admin: SocketAddr,
    _folder: tempfile::TempDir,
}

fn keys_file(folder: &Path) -> String {
    let path = folder.join("keys.toml");
    std::fs::write(&path, format!("\"{PARTNER}\" = [\"{KEY}\"]\n")).unwrap();
    path.display().to_string()
}

pub fn start(amqp_url: &str) -> Service {
    start_with(amqp_url, &[])
}

/// Settings are pairs of variable and value.
pub fn start_with(amqp_url: &str, settings: &[(&'static str, &str)]) -> Service {
    let folder = tempfile::tempdir().unwrap();
    let (listen, admin) = (free_address(), free_address());
    let environment = [
        ("XIEBAO__AMQP__URL", amqp_url.to_owned()),
        ("XIEBAO__KEYS_FILE", keys_file(folder.path())),
        ("XIEBAO__RECEIVER__LISTEN", listen.to_string()),
        ("XIEBAO__RECEIVER__ADMIN_LISTEN", admin.to_string()),
    ];
    let given = settings.iter().map(|(name, value)| (*name, (*value).to_owned()));
    let process = Process::spawn(BINARY, &[], environment.into_iter().chain(given));
    Service {
        process,
        url: format!("http://{listen}/notices"),
        admin,
        _folder: folder,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_ready_within_a_second_and_small_when_idle() {
    let broker = Broker::new().await;
    let mut service = start(&broker.url());
    let took = service.process.ready(service.admin, Duration::from_secs(5)).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    let resident = service.process.resident_bytes();
    assert!(resident < 40 << 20, "{resident} bytes");
    assert!(
        service.process.log().contains("anyone may post notices"),
        "{}",
        service.process.log()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn it_comes_up_without_a_broker_and_is_ready_when_there_is_one() {
    let broker = Broker::new().await;
    let proxy = Proxy::start(broker.address()).await;
    proxy.cut();
    let mut service = start(&proxy.instead_of(&broker.url()));
    let readiness = async || reqwest::get(format!("http://{}/readyz", service.admin)).await;
    while readiness().await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let answer = readiness().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert!(answer.text().await.unwrap().starts_with("not ready: "));
    let healthz = reqwest::get(format!("http://{}/healthz", service.admin))
        .await
        .unwrap();
    assert!(healthz.status().is_success());
    proxy.resume();
    service.process.ready(service.admin, Duration::from_secs(5)).await;
    assert_eq!(
        post(&service.url, insured("20260723000001")).await.verdict(),
        "accepted"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drifted_topology_makes_it_exit_with_1_and_say_what_differs() {
    let broker = Broker::new().await;
    broker
        .declare("queues", NOTICES, serde_json::json!({"durable": true}))
        .await;
    let mut service = start(&broker.url());
    let status = service.process.ended(Duration::from_secs(5)).await;
    assert_eq!(status.code(), Some(1));
    let log = service.process.log();
    assert!(
        log.contains("queue xiebao.notices") && log.contains("PRECONDITION_FAILED"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_personal_or_secret_is_logged() {
    let broker = Broker::new().await;
    let mut service = start(&broker.url());
    service.process.ready(service.admin, Duration::from_secs(5)).await;
    let data = serde_json::json!({"partnerId": PARTNER, "insureNum": "20260723000001", "insurant": "张三丰"});
    post(&service.url, xiebao_testkit::notice(3, &data, "wrong-key")).await;
    post(&service.url, r#""张三丰""#.as_bytes().to_vec()).await;
    broker.delete_queue(NOTICES).await;
    assert_eq!(
        post(&service.url, xiebao_testkit::notice(3, &data, KEY))
            .await
            .verdict(),
        "accepted"
    );
    let log = service.process.log();
    assert!(
        log.contains("bad_signature") && log.contains("127.0.0.1"),
        "{log}"
    );
    for secret in ["张三丰", "20260723000001", KEY, "wrong-key"] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}

#[tokio::test]
async fn check_config_prints_every_fault_and_exits_with_2_or_0() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = [
        ("XIEBAO__RECEIVER__LISTEN", "nowhere"),
        ("XIEBAO__RECEIVER__LISTN", "127.0.0.1:1"),
    ];
    let mut checking = Process::spawn(BINARY, &["--check-config"], wrong);
    assert_eq!(checking.ended(Duration::from_secs(5)).await.code(), Some(2));
    let log = checking.log();
    for key in [
        "amqp.url",
        "keys_file",
        "receiver.listen",
        "receiver.listn",
        "did you mean receiver.listen?",
    ] {
        assert!(log.contains(key), "{key} is not in:\n{log}");
    }
    let right = [
        ("XIEBAO__AMQP__URL", "amqp://localhost/x".to_owned()),
        ("XIEBAO__KEYS_FILE", keys_file(folder.path())),
    ];
    let mut checking = Process::spawn(BINARY, &["--check-config"], right);
    assert_eq!(checking.ended(Duration::from_secs(5)).await.code(), Some(0));
    assert_eq!(checking.log(), "configuration is valid\n");
}

#[tokio::test]
async fn help_and_version_need_no_configuration() {
    for argument in ["--help", "--version"] {
        let mut process = Process::spawn(BINARY, &[argument], [("XIEBAO_CONFIG", "/no/such/file")]);
        assert_eq!(
            process.ended(Duration::from_secs(5)).await.code(),
            Some(0),
            "{argument}"
        );
        assert!(process.log().contains(BINARY));
    }
}
