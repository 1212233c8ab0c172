use serde_json::json;
use xiebao_amqp::topology;
use xiebao_testkit::Broker;

use crate::cli::Cli;

#[tokio::test]
async fn migrate_says_what_it_did_and_then_that_nothing_is_to_be_done() {
    let cli = Cli::unmigrated().await;
    let behind = cli.xiebao(&["migrate", "--check"]).await;
    assert_eq!(behind.code, 1, "{behind:?}");
    behind.says(&["Pending: ", "create_schema"]);
    let done = cli.xiebao(&["migrate"]).await;
    assert_eq!(done.code, 0, "{done:?}");
    done.says(&["Done: ", "create_schema"]);
    let again = cli.xiebao(&["migrate", "--lang", "zh"]).await;
    assert_eq!(again.code, 0);
    again.says(&["已是最新"]);
    assert_eq!(cli.xiebao(&["migrate", "--check"]).await.code, 0);
    assert_eq!(
        cli.json(&["migrate", "--check", "--json"]).await["pending"],
        json!([])
    );
}

#[tokio::test]
async fn migrate_wait_ends_when_somebody_else_has_migrated() {
    let cli = Cli::unmigrated().await;
    let mut waiting = cli.start(&["migrate", "--wait"]).await;
    let said = waiting.first_line().await;
    assert!(said.contains("waiting for these migrations"), "{said}");
    assert_eq!(cli.xiebao(&["migrate"]).await.code, 0);
    let ended = waiting.ended().await;
    assert_eq!(ended.code, 0, "{ended:?}");
    ended.says(&["The schema is up to date"]);
}

#[tokio::test]
async fn migrate_wait_ends_by_itself_when_it_is_told_to() {
    let cli = Cli::unmigrated().await;
    for signal in ["TERM", "INT"] {
        let mut waiting = cli.start(&["migrate", "--wait"]).await;
        waiting.first_line().await;
        waiting.signal(signal).await;
        // One that a signal has ended has no code.
        let ended = waiting.ended().await;
        assert_eq!(ended.code, 1, "{signal}: {ended:?}");
    }
}

#[tokio::test]
async fn migrate_wait_waits_for_no_database_that_is_away() {
    let ended = tokio::process::Command::new(env!("CARGO_BIN_EXE_xiebao"))
        .args(["--lang", "en", "migrate", "--wait"])
        .env("XIEBAO__DATABASE__URL", "mysql://nobody:nothing@127.0.0.1:1/none")
        .output()
        .await
        .expect("the program runs");
    let said = String::from_utf8_lossy(&ended.stdout);
    assert_eq!(ended.status.code(), Some(0), "{said}");
    assert!(
        said.contains("cannot be reached, so there is no wait for it"),
        "{said}"
    );
}

#[tokio::test]
async fn doctor_finds_everything_well() {
    let broker = Broker::new().await;
    let connection = broker.connect().await;
    topology::ensure(&connection)
        .await
        .expect("the topology can be declared");
    topology::ensure_refused(&connection)
        .await
        .expect("so can the record");
    let cli = Cli::new().await.with_broker(broker.url());
    let answer = cli.xiebao(&["doctor"]).await;
    assert_eq!(answer.code, 0, "{answer:?}");
    answer.says(&[
        "✓ configuration",
        "✓ broker: queue xiebao.notices is as wanted",
        "✓ database",
        "✓ clocks",
    ]);
    assert!(!answer.out.contains('✗'));
}

#[tokio::test]
async fn doctor_names_what_differs_and_what_to_do() {
    let broker = Broker::new().await;
    broker
        .declare(
            "queues",
            "xiebao.notices",
            json!({ "durable": true, "arguments": {} }),
        )
        .await;
    let cli = Cli::unmigrated().await.with_broker(broker.url());
    let answer = cli.xiebao(&["doctor"]).await;
    assert_eq!(answer.code, 1, "{answer:?}");
    answer.says(&[
        "✗ broker: exchange xiebao.dead is missing",
        "✗ broker: queue xiebao.notices is not as wanted: ",
        "✗ database: the schema is behind",
        "→ run xiebao migrate",
    ]);
    let json = cli.json(&["doctor", "--json"]).await;
    let wrong = json
        .as_array()
        .expect("a list")
        .iter()
        .filter(|finding| finding["verdict"] == "wrong");
    assert!(wrong.count() >= 3, "{json}");
}

#[tokio::test]
async fn doctor_tells_an_outage_from_a_wrong_configuration() {
    let cli = Cli::new().await;
    let away = cli.xiebao(&["doctor"]).await;
    assert_eq!(away.code, 3, "{away:?}");
    away.says(&["✗ broker: ", "cannot be reached", "✓ database"]);
    assert!(!away.out.contains("guest:guest"), "{away:?}");
    let cli = cli.with_broker("http://wrong".to_owned());
    let wrong = cli.xiebao(&["doctor"]).await;
    assert_eq!(wrong.code, 2, "{wrong:?}");
    wrong.says(&["✗ configuration: amqp.url"]);
}

#[tokio::test]
async fn doctor_tells_what_somebody_has_changed_by_hand_and_what_is_unwise() {
    let cli = Cli::new().await;
    let whole = cli.xiebao(&["doctor"]).await;
    whole.says(&[
        "✓ database: the tables are as the migrations made them",
        "· settings: anyone may post",
    ]);
    cli.execute("ALTER TABLE holds DROP KEY holds_due_at").await;
    let told = cli.xiebao(&["doctor"]).await;
    told.says(&[
        "✗ database: the tables are not as the migrations made them; missing: holds index holds_due_at due_at not unique",
        "→ somebody changed the tables by hand",
    ]);
    let told = cli.xiebao(&["doctor", "--lang", "zh"]).await;
    told.says(&[
        "✗ 数据库：表结构与迁移脚本所建不一致；缺少：holds index holds_due_at",
        "→ 有人手工改过表",
    ]);
    let json = cli.json(&["doctor", "--json"]).await;
    let drifted = json
        .as_array()
        .expect("a list")
        .iter()
        .find(|one| one["concern"] == "schema_drifted");
    assert_eq!(drifted.expect("it is told")["verdict"], "wrong", "{json:#}");
    // An additional index is worth knowing, and not a fault.
    cli.execute("ALTER TABLE holds ADD KEY holds_due_at (due_at), ADD KEY of_our_own (due_at, insure_num)")
        .await;
    let told = cli.xiebao(&["doctor"]).await;
    told.says(&["· database: the tables are not as the migrations made them; additional or changed: holds index of_our_own"]);
}

#[tokio::test]
async fn doctor_names_a_policy_that_loses_notices_and_says_when_it_cannot_know() {
    let broker = Broker::new().await;
    let connection = broker.connect().await;
    topology::ensure(&connection)
        .await
        .expect("the topology can be declared");
    let cli = Cli::new().await.with_broker(broker.url());
    cli.xiebao(&["doctor"])
        .await
        .says(&["· broker: policies are unknown: amqp.management_url is not set"]);
    let cli = cli.with_management(broker.management_url());
    cli.xiebao(&["doctor"])
        .await
        .says(&["✓ broker: no policy loses notices"]);
    broker.policy(json!({ "message-ttl": 2_000 })).await;
    let seen = async || {
        let answer = cli.xiebao(&["doctor"]).await;
        answer.code == 1
            && answer
                .out
                .contains("✗ broker: a policy sets message-ttl of queue xiebao.dead to 2000")
    };
    // The management interface learns of a policy a moment later.
    for _ in 0..40 {
        if seen().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    }
    panic!("the policy is not seen");
}
