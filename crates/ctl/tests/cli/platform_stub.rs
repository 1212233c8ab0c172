//! The command line with running services beside it, fed as the platform would.

use std::io::Write as _;
use std::time::{Duration, Instant};

use diesel_async::SimpleAsyncConnection as _;
use xiebao_core::reason::Reason;
use xiebao_store::sql::dead_letters::{self, NewDeadLetter};
use xiebao_testkit::{Broker, KEY, PARTNER, Process, free_address, number};

use crate::cli::Cli;
use crate::dead::letter;

/// How long anything may take before a test calls it lost.
const PATIENCE: Duration = Duration::from_secs(90);

pub struct PlatformStub {
    pub broker: Broker,
    pub cli: Cli,
    workers: Vec<Process>,
    admins: Vec<std::net::SocketAddr>,
}

/// A receiver at work.
pub struct Receiver {
    pub url: String,
    _process: Process,
    _keys: tempfile::NamedTempFile,
}

impl PlatformStub {
    pub async fn new() -> Self {
        let broker = Broker::new().await;
        let cli = Cli::new().await.with_broker(broker.url());
        Self {
            broker,
            cli,
            workers: vec![],
            admins: vec![],
        }
    }

    /// Starts a worker with these settings besides the usual ones.
    pub async fn worker(&mut self, settings: &[(&str, &str)]) {
        let admin = free_address();
        let mut all = self.cli.settings();
        all.push(("XIEBAO__WORKER__ADMIN_LISTEN".to_owned(), admin.to_string()));
        all.extend(
            settings
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned())),
        );
        let mut worker = Process::spawn("xiebao-worker", &[], all);
        worker.ready(admin, PATIENCE).await;
        self.workers.push(worker);
        self.admins.push(admin);
    }

    /// Where the last worker tells how it is.
    pub fn worker_admin(&self) -> String {
        format!("http://{}", self.admins.last().expect("a worker"))
    }

    /// Ends all workers, as SIGTERM does, and returns what they have logged.
    pub async fn stop_workers(&mut self) -> String {
        let mut logs = String::new();
        for mut worker in self.workers.drain(..) {
            worker.terminate();
            worker.ended(PATIENCE).await;
            logs += &worker.log();
        }
        logs
    }

    /// Waits until a worker has logged this.
    pub async fn until_logged(&self, words: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.workers.iter().any(|worker| worker.log().contains(words)) {
            assert!(Instant::now() < deadline, "no worker says {words:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn receiver(&self) -> Receiver {
        let (listen, admin) = (free_address(), free_address());
        let mut keys = tempfile::NamedTempFile::new().expect("a file for the keys");
        writeln!(keys, "\"{PARTNER}\" = [\"{KEY}\"]").expect("the keys can be written");
        let mut settings = self.cli.settings();
        let of_its_own = [
            ("XIEBAO__KEYS_FILE", keys.path().display().to_string()),
            ("XIEBAO__RECEIVER__LISTEN", listen.to_string()),
            ("XIEBAO__RECEIVER__ADMIN_LISTEN", admin.to_string()),
        ];
        settings.extend(of_its_own.map(|(key, value)| (key.to_owned(), value)));
        let mut process = Process::spawn("xiebao-receiver", &[], settings);
        process.ready(admin, PATIENCE).await;
        Receiver {
            url: format!("http://{listen}/notices"),
            _process: process,
            _keys: keys,
        }
    }

    /// Waits until the query gives this number.
    pub async fn until(&self, sql: &str, wanted: i64) {
        self.until_at_least(sql, wanted).await;
        let last = self.cli.number(sql).await;
        assert_eq!(last, wanted, "{sql}");
    }

    pub async fn until_at_least(&self, sql: &str, wanted: i64) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let last = self.cli.number(sql).await;
            if last >= wanted {
                return;
            }
            if Instant::now() > deadline {
                let logs: Vec<String> = self.workers.iter().map(Process::log).collect();
                panic!("{sql}: wanted {wanted}, still {last}\n{}", logs.join("\n---\n"));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Cli {
    /// Files many dead letters as workers would.
    pub async fn file_all(&self, letters: &[NewDeadLetter]) {
        let mut conn = self.connect().await;
        for chunk in letters.chunks(1_000) {
            conn.batch_execute("START TRANSACTION").await.expect("it begins");
            dead_letters::insert(&mut conn, chunk)
                .await
                .expect("they are filed");
            conn.batch_execute("COMMIT").await.expect("it ends");
        }
    }

    pub async fn execute(&self, sql: &str) {
        self.connect().await.batch_execute(sql).await.expect(sql);
    }

    /// A single number.
    pub async fn number(&self, sql: &str) -> i64 {
        number(&self.database.url(), sql).await.expect(sql)
    }

    /// How many dead letters match.
    pub async fn letters(&self, condition: &str) -> i64 {
        self.number(&format!("SELECT COUNT(*) FROM dead_letters WHERE {condition}"))
            .await
    }
}

/// Sound insured notices of made-up proposals, dead for that reason.
pub fn insured_letters(count: usize, prefix: &str, reason: Reason) -> Vec<NewDeadLetter> {
    let letters = (0..count).map(|i| {
        let number = format!("{prefix}{i:06}");
        letter(
            crate::cli::body(1, &number, serde_json::json!({})),
            reason,
            "of a test",
        )
    });
    letters.collect()
}
