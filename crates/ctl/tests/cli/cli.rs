//! The command line with a migrated database that holds notices.

use std::process::Stdio;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use xiebao_core::facts::Notice;
use xiebao_core::id::InsureNum;
use xiebao_core::ledger::Arrival;
use xiebao_core::rules::Rules;
use xiebao_runtime::clock;
use xiebao_store::linking;
use xiebao_store::transaction::{self, Plan, Task};
use xiebao_store::{Connection, Store, connect};
use xiebao_testkit::{Database, KEY, PARTNER, notice};

pub struct Cli {
    pub database: Database,
    amqp_url: String,
    /// Empty: not set.
    management_url: String,
}

/// The output of the program, and its exit code.
#[derive(Debug)]
pub struct Answer {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Cli {
    pub async fn new() -> Self {
        let cli = Self::unmigrated().await;
        assert_eq!(cli.xiebao(&["migrate"]).await.code, 0);
        cli
    }

    pub async fn unmigrated() -> Self {
        Self::on(Database::new().await)
    }

    pub fn on(database: Database) -> Self {
        // No server listens there: only tests that need a broker get one.
        Self {
            database,
            amqp_url: "amqp://guest:guest@127.0.0.1:1/%2f".to_owned(),
            management_url: String::new(),
        }
    }

    pub fn with_broker(mut self, url: String) -> Self {
        self.amqp_url = url;
        self
    }

    pub fn with_management(mut self, url: String) -> Self {
        self.management_url = url;
        self
    }

    /// Runs the program, in English unless it is told otherwise.
    pub async fn xiebao(&self, arguments: &[&str]) -> Answer {
        self.start(arguments).await.ended().await
    }

    /// Starts the program, and leaves it to the test to end it.
    pub async fn start(&self, arguments: &[&str]) -> Running {
        let management = ("XIEBAO__AMQP__MANAGEMENT_URL", &self.management_url);
        let child = tokio::process::Command::new(env!("CARGO_BIN_EXE_xiebao"))
            .args(arguments)
            .envs([management].into_iter().filter(|(_, url)| !url.is_empty()))
            .env("XIEBAO__DATABASE__URL", self.database.url())
            .env("XIEBAO__AMQP__URL", &self.amqp_url)
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        Running(child.expect("the program runs"))
    }

    /// The settings of services that work beside the program.
    pub fn settings(&self) -> Vec<(String, String)> {
        vec![
            ("XIEBAO__DATABASE__URL".to_owned(), self.database.url()),
            ("XIEBAO__AMQP__URL".to_owned(), self.amqp_url.clone()),
        ]
    }
}

/// The program at work.
pub struct Running(tokio::process::Child);

impl Running {
    /// The first line of standard output, which [`ended`](Self::ended) does not return again.
    pub async fn first_line(&mut self) -> String {
        let out = self.0.stdout.as_mut().expect("it is piped");
        let mut line = Vec::new();
        while let Ok(byte) = out.read_u8().await
            && byte != b'\n'
        {
            line.push(byte);
        }
        String::from_utf8(line).expect("UTF-8")
    }

    /// `INT`, as Ctrl-C does, `TERM` or `KILL`.
    pub async fn signal(&self, signal: &str) {
        let id = self.0.id().expect("it runs").to_string();
        let mut kill = tokio::process::Command::new("kill");
        let sent = kill.args([&format!("-{signal}"), &id]).status().await;
        assert!(sent.is_ok_and(|status| status.success()), "it can't be told");
    }

    /// The output and the exit code, which is -1 for a killed program.
    pub async fn ended(self) -> Answer {
        let output = self.0.wait_with_output().await.expect("it ends");
        Answer {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

impl Cli {
    pub async fn json(&self, arguments: &[&str]) -> Value {
        let answer = self.xiebao(arguments).await;
        serde_json::from_str(&answer.out).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
    }

    /// Takes the notice of that place in the order of applying, from 0, out of the facts.
    pub async fn void(&self, number: &str, nth: usize) {
        let told = self.json(&["trace", number, "--json"]).await;
        let digest = told["applied"][nth]["digest"].as_str().expect("a digest");
        let void = ["notice", "void", digest, "--reason", "wrong"];
        assert_eq!(self.xiebao(&void).await.code, 0);
    }

    pub async fn connect(&self) -> Connection {
        connect(self.database.url()).await.expect("the database is there")
    }

    /// Takes in a notice as a worker would.
    pub async fn deliver(&self, notify_type: i64, number: &str, stated: Value) {
        let raw = Bytes::from(body(notify_type, number, stated));
        let arrival = Arrival {
            notice: Notice::read(&raw).expect("a sound notice").into(),
            raw,
            received_at: clock::now(),
            redelivered: false,
        };
        let task = Task {
            arrivals: vec![(0, arrival)],
            ..Task::default()
        };
        let number = InsureNum::parse(number).expect("short").expect("not blank");
        let plan = Plan {
            tasks: [(number, task)].into(),
            ..Plan::default()
        };
        let (store, rules) = (Store::new(&self.database.url(), 2), Rules::default());
        let mut conn = self.connect().await;
        let outcome = transaction::run(&mut conn, &plan, clock::now, &rules)
            .await
            .expect("it is taken in");
        linking::deliver(&store, &rules, clock::now, outcome.links, |_| {})
            .await
            .expect("links are delivered");
    }

    /// Insured, paid and issued, with a policy `P-<number>` for 李四 and 王五.
    pub async fn issue(&self, number: &str) {
        self.deliver(1, number, json!({})).await;
        self.deliver(2, number, paid()).await;
        self.deliver(3, number, issued(number)).await;
    }
}

impl Answer {
    #[track_caller]
    pub fn says(&self, texts: &[&str]) {
        for text in texts {
            assert!(
                self.out.contains(text),
                "{text:?} is not said in:\n{}\n{}",
                self.out,
                self.err
            );
        }
    }
}

pub fn body(notify_type: i64, number: &str, stated: Value) -> Vec<u8> {
    let mut data = json!({
        "caseCode": "QX1", "insureNum": number, "partnerId": PARTNER, "partnerUniqueKey": "u-1", "state": true,
    });
    for (key, value) in stated.as_object().expect("an object") {
        data[key] = value.clone();
    }
    notice(notify_type, &data, KEY)
}

pub fn paid() -> Value {
    json!({ "price": 85764, "payTime": "2026-07-23 09:15:02", "onlinePaymentId": "21" })
}

pub fn issued(number: &str) -> Value {
    json!({ "policys": [{
        "policyNum": format!("P-{number}"), "productName": "健康险", "applicant": "张三", "insurant": "李四,王五",
    }] })
}
