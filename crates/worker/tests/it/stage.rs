//! A vhost, a database, a receiver, and as many workers as a test wants: inside the test's process or, to be killed, in
//! processes of their own.

mod running;

use std::net::SocketAddr;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use serde_json::{Value, json};
use tokio::time::Instant;
use xiebao_testkit::{
    Broker, Database, KEY, PARTNER, PrivateBroker, Process, free_address, notice, number, post,
};

pub use running::Running;

/// How long anything may take before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

const LOOK_EVERY: Duration = Duration::from_millis(20);

pub struct Stage {
    pub broker: Broker,
    pub database: Database,
    pub workers: Vec<Running>,
    /// Workers in processes of their own.
    pub processes: Vec<Process>,
    _receiver: Process,
    _keys: tempfile::NamedTempFile,
    url: String,
}

impl Stage {
    pub async fn new() -> Self {
        Self::with_keys(&format!("\"{PARTNER}\" = [\"{KEY}\"]\n")).await
    }

    pub async fn with_keys(keys: &str) -> Self {
        Self::at(Broker::new().await, Database::new().await, keys).await
    }

    /// At servers that no other test uses.
    pub async fn of(private: &PrivateBroker) -> Self {
        let keys = format!("\"{PARTNER}\" = [\"{KEY}\"]\n");
        Self::at(Broker::of(private).await, Database::of(private).await, &keys).await
    }

    async fn at(broker: Broker, database: Database, keys: &str) -> Self {
        let mut conn = xiebao_store::connect(database.url())
            .await
            .expect("the database is there");
        let migrated = xiebao_store::sql::migrations::run(&mut conn).await;
        migrated.expect("the schema can be made");
        let file = tempfile::NamedTempFile::new().expect("a file for the keys");
        std::fs::write(file.path(), keys).expect("the keys can be written");
        let (listen, admin) = (free_address(), free_address());
        let environment = [
            ("XIEBAO__AMQP__URL", broker.url()),
            ("XIEBAO__KEYS_FILE", file.path().display().to_string()),
            ("XIEBAO__RECEIVER__LISTEN", listen.to_string()),
            ("XIEBAO__RECEIVER__ADMIN_LISTEN", admin.to_string()),
        ];
        let mut receiver = Process::spawn("xiebao-receiver", &[], environment);
        receiver.ready(admin, PATIENCE).await;
        let url = format!("http://{listen}/notices");
        Self {
            broker,
            database,
            workers: vec![],
            processes: vec![],
            _receiver: receiver,
            _keys: file,
            url,
        }
    }

    /// Starts a worker with these settings besides the usual ones, and waits until it is ready.
    pub async fn worker(&mut self, settings: &[(&str, &str)]) {
        let worker = self.unready_worker(settings);
        worker.ready().await;
        self.workers.push(worker);
    }

    /// Starts a worker, and does not wait until it is ready.
    pub fn unready_worker(&self, settings: &[(&str, &str)]) -> Running {
        Running::start(self.variables(settings))
    }

    /// Starts a worker in a process of its own, and waits until it is ready.
    pub async fn worker_process(&mut self, settings: &[(&str, &str)]) {
        let admin = free_address();
        let mut worker = self.unready_process(settings, admin);
        worker.ready(admin, PATIENCE).await;
        self.processes.push(worker);
    }

    /// Starts a worker in a process of its own, and does not wait until it is ready.
    pub fn unready_process(&self, settings: &[(&str, &str)], admin: SocketAddr) -> Process {
        let listen = ("XIEBAO__WORKER__ADMIN_LISTEN".to_owned(), admin.to_string());
        Process::spawn(
            "xiebao-worker",
            &[],
            self.variables(settings).into_iter().chain([listen]),
        )
    }

    /// The variables of a worker; `settings` override the usual ones.
    fn variables(&self, settings: &[(&str, &str)]) -> Vec<(String, String)> {
        let usual = [
            ("XIEBAO__AMQP__URL", self.broker.url()),
            ("XIEBAO__DATABASE__URL", self.database.url()),
        ];
        let settings = settings.iter().map(|(key, value)| (*key, (*value).to_owned()));
        let all = usual.into_iter().chain(settings);
        all.map(|(key, value)| (key.to_owned(), value)).collect()
    }

    /// Stops the workers of this process, and waits until they have ended.
    pub async fn stop_workers(&mut self) {
        for mut worker in std::mem::take(&mut self.workers) {
            worker.stop().await.expect("it ends well");
        }
    }

    /// Posts a signed notice of the usual partner; the verdict.
    pub async fn send(&self, notify_type: i64, insure_num: &str, stated: Value) -> String {
        self.send_raw(notice(notify_type, &data(PARTNER, insure_num, stated), KEY))
            .await
    }

    pub async fn send_raw(&self, body: Vec<u8>) -> String {
        post(&self.url, body).await.verdict().to_owned()
    }

    /// Posts a notice of exactly this size.
    pub async fn send_large(&self, insure_num: &str, bytes: usize) -> String {
        self.send_raw(large(insure_num, bytes)).await
    }

    pub async fn connect(&self) -> xiebao_store::Connection {
        xiebao_store::connect(self.database.url())
            .await
            .expect("the database is there")
    }

    pub async fn execute(&self, sql: &str) {
        self.connect().await.batch_execute(sql).await.expect(sql);
    }

    /// A single number.
    pub async fn number(&self, sql: &str) -> i64 {
        number(&self.database.url(), sql).await.expect(sql)
    }

    /// Single texts, one a row, `NULL` as "NULL".
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        let sql = format!("SELECT CAST(one.value AS CHAR) AS value FROM ({sql}) AS one");
        let rows: Vec<TextRow> = diesel::sql_query(sql)
            .load(&mut self.connect().await)
            .await
            .expect("texts");
        rows.into_iter()
            .map(|row| row.value.unwrap_or_else(|| "NULL".to_owned()))
            .collect()
    }

    /// Waits until the query gives this number.
    pub async fn until(&self, sql: &str, wanted: i64) {
        let mut last = 0;
        let reached = async || {
            last = self.number(sql).await;
            last == wanted
        };
        if eventually(reached).await.is_err() {
            let logs: Vec<String> = self.processes.iter().map(Process::log).collect();
            panic!("{sql}: wanted {wanted}, still {last}\n{}", logs.join("\n---\n"));
        }
    }
}

#[derive(QueryableByName)]
struct TextRow {
    #[diesel(sql_type = Nullable<Text>)]
    value: Option<String>,
}

/// Asks again and again, for as long as a test may take.
pub async fn eventually(mut holds: impl AsyncFnMut() -> bool) -> Result<(), ()> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if holds().await {
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Err(())
}

/// `data` of a notice: who and which proposal, and what is stated.
pub fn data(partner: i64, insure_num: &str, stated: Value) -> Value {
    let mut data = json!({ "partnerId": partner, "insureNum": insure_num });
    let (Value::Object(all), Value::Object(stated)) = (&mut data, stated) else {
        unreachable!("objects")
    };
    all.extend(stated);
    data
}

/// A notice of exactly this size.
pub fn large(insure_num: &str, bytes: usize) -> Vec<u8> {
    let padded = |padding: usize| {
        let stated = json!({ "state": true, "otherInfo": "x".repeat(padding) });
        notice(1, &data(PARTNER, insure_num, stated), KEY)
    };
    padded(bytes - padded(0).len())
}

pub fn paid(price: i64) -> Value {
    json!({ "state": true, "price": price, "payTime": "2026-07-23 09:15:02", "onlinePaymentId": "21" })
}

pub fn issued(policy_num: &str, insurant: &str) -> Value {
    json!({ "state": true, "policys": [{ "policyNum": policy_num, "insurant": insurant, "applicant": "张三" }] })
}
