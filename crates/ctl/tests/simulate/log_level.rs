//! The level of the log of running services, changed by the command line and by hand.

use std::process::Output;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use xiebao_testkit::{KEY, PARTNER, notice, post};

use crate::report;
use crate::services::Services;

struct Stage {
    services: Services,
    settings: [(&'static str, String); 2],
}

impl Stage {
    /// A receiver and a worker.
    async fn new() -> Self {
        let services = Services::start(1, 1).await;
        let [receiver, worker] = services.admins[..] else {
            panic!("two services");
        };
        let settings = [
            ("XIEBAO__RECEIVER__ADMIN_LISTEN", receiver.to_string()),
            ("XIEBAO__WORKER__ADMIN_LISTEN", worker.to_string()),
        ];
        Self { services, settings }
    }

    async fn xiebao(&self, arguments: &[&str]) -> Output {
        self.services.xiebao(arguments, &self.settings).await
    }

    /// Sends a notice, waits for its row and for as many lines at debug since the start; how many there are.
    async fn debug_lines_after_a_notice(&self, number: &str, awaited: usize) -> usize {
        let data = json!({ "partnerId": PARTNER, "insureNum": number, "state": true });
        assert_eq!(
            post(self.services.url(), notice(1, &data, KEY)).await.verdict(),
            "accepted"
        );
        let query = format!("SELECT COUNT(*) FROM proposals WHERE insure_num = '{number}'");
        let deadline = Instant::now() + Duration::from_secs(20);
        while xiebao_testkit::number(&self.services.database.url(), &query)
            .await
            .expect("a count")
            == 0
        {
            assert!(Instant::now() < deadline, "no row of {number}");
            sleep(Duration::from_millis(10)).await;
        }
        while self.debug_lines() < awaited {
            assert!(Instant::now() < deadline, "fewer than {awaited} lines");
            sleep(Duration::from_millis(10)).await;
        }
        self.debug_lines()
    }

    fn debug_lines(&self) -> usize {
        let logs = self.services.processes().iter().map(|process| process.log());
        logs.map(|log| log.matches("\"DEBUG\"").count()).sum()
    }
}

fn levels(output: &Output) -> Value {
    let told = report(output);
    let services = told["services"].as_array().expect("a list");
    let level = |answer: &Value| json!([answer["service"], answer["level"], answer["configured"]]);
    Value::from(services.iter().map(level).collect::<Vec<_>>())
}

#[tokio::test]
async fn a_level_is_changed_while_the_services_run_and_the_configured_one_comes_back() {
    let stage = Stage::new().await;
    let all = |level: &str| {
        json!([
            ["xiebao-receiver", level, "info"],
            ["xiebao-worker", level, "info"]
        ])
    };
    assert_eq!(levels(&stage.xiebao(&["log-level", "--json"]).await), all("info"));
    assert_eq!(stage.debug_lines_after_a_notice("20991231000101", 0).await, 0);

    let changed = stage
        .xiebao(&["log-level", "debug", "--for", "1h", "--json"])
        .await;
    assert_eq!((changed.status.code(), levels(&changed)), (Some(0), all("debug")));
    let until = &report(&changed)["services"][0]["until"];
    assert!(until.is_string(), "{until}");
    assert_eq!(stage.debug_lines_after_a_notice("20991231000102", 2).await, 2);

    let soon = stage
        .xiebao(&["log-level", "debug", "--for", "1s", "--json"])
        .await;
    assert_eq!(soon.status.code(), Some(0));

    let deadline = Instant::now() + Duration::from_secs(10);
    while levels(&stage.xiebao(&["log-level", "--json"]).await) != all("info") {
        assert!(
            Instant::now() < deadline,
            "the configured level does not come back"
        );
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(stage.debug_lines_after_a_notice("20991231000103", 2).await, 2);
    for process in stage.services.processes() {
        assert!(
            process.log().matches("log level changed").count() >= 2,
            "{}",
            process.log()
        );
    }

    // One of them, for good, and in words.
    let one = stage
        .xiebao(&["log-level", "error", "--service", "worker", "--lang", "en"])
        .await;
    let said = String::from_utf8_lossy(&one.stdout).into_owned();
    assert_eq!(
        said,
        "xiebao-worker logs at error until it stops; info is configured\n"
    );
    let mixed = json!([
        ["xiebao-receiver", "info", "info"],
        ["xiebao-worker", "error", "info"]
    ]);
    assert_eq!(levels(&stage.xiebao(&["log-level", "--json"]).await), mixed);
}

#[tokio::test]
async fn what_is_no_level_is_refused_and_where_nobody_answers_the_exit_code_is_3() {
    let stage = Stage::new().await;
    let url = format!("http://{}/log-level", stage.services.admins[0]);
    let client = reqwest::Client::new();
    for (query, level) in [
        ("", "loud"),
        ("?for=25h", "debug"),
        ("?for=1", "debug"),
        ("?until=10m", "debug"),
    ] {
        let answer = client
            .put(format!("{url}{query}"))
            .body(level)
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 400, "{query} {level}");
    }
    let long = client.put(&url).body("x".repeat(100_000)).send().await;
    assert!(long.is_ok_and(|answer| answer.status().is_client_error()));
    let now = client
        .get(&url)
        .send()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("text");
    assert_eq!(now, "info\nservice: xiebao-receiver\nconfigured: info\n");

    let nowhere = format!("http://{}", xiebao_testkit::free_address());
    let away = stage.xiebao(&["log-level", "debug", "--admin", &nowhere]).await;
    assert_eq!(away.status.code(), Some(3));
    assert_eq!(stage.xiebao(&["log-level", "loud"]).await.status.code(), Some(2));
    assert_eq!(
        stage.xiebao(&["log-level", "--for", "10m"]).await.status.code(),
        Some(2)
    );
    assert_eq!(
        stage.services.xiebao(&["log-level"], &[]).await.status.code(),
        Some(2)
    );
}
