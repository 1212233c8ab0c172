//! Receivers and workers of their own, with a vhost and a database of their own.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Output, Stdio};
use std::time::Duration;

use tempfile::NamedTempFile;
use xiebao_testkit::{Broker, Database, KEY, PARTNER, Process, free_address};

const START: Duration = Duration::from_secs(20);

pub struct Services {
    pub database: Database,
    environment: Vec<(String, String)>,
    urls: Vec<String>,
    processes: Vec<Process>,
    /// Their admin listeners.
    pub admins: Vec<SocketAddr>,
    _keys: NamedTempFile,
    pub broker: Broker,
}

impl Services {
    pub async fn start(receivers: usize, workers: usize) -> Self {
        let mut services = Self::prepared(&format!("\"{PARTNER}\" = [\"{KEY}\"]"), &[]).await;
        for _ in 0..receivers {
            services.add_receiver().await;
        }
        for _ in 0..workers {
            services.add_worker(&[]).await;
        }
        services
    }

    /// A vhost and a migrated database for programs with these keys and settings; none of them runs yet.
    pub async fn prepared(key_lines: &str, settings: &[(&str, &str)]) -> Self {
        let (broker, database) = (Broker::new().await, Database::new().await);
        let keys = keys(key_lines);
        let mut environment = vec![
            ("XIEBAO__AMQP__URL".to_owned(), broker.url()),
            ("XIEBAO__DATABASE__URL".to_owned(), database.url()),
            (
                "XIEBAO__KEYS_FILE".to_owned(),
                keys.path().to_string_lossy().into_owned(),
            ),
        ];
        environment.extend(
            settings
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned())),
        );
        let migrated = xiebao(&["migrate"], &environment).await;
        assert!(
            migrated.status.success(),
            "{}",
            String::from_utf8_lossy(&migrated.stderr)
        );
        Self {
            database,
            environment,
            urls: vec![],
            processes: vec![],
            admins: vec![],
            _keys: keys,
            broker,
        }
    }

    pub async fn add_receiver(&mut self) {
        let listen = free_address();
        let setting = ("XIEBAO__RECEIVER__LISTEN", listen.to_string());
        let path = self
            .environment
            .iter()
            .find(|(key, _)| key == "XIEBAO__RECEIVER__PATH");
        let path = path.map_or("/notices", |(_, path)| path);
        self.urls.push(format!("http://{listen}{path}"));
        self.add("receiver", &[setting]).await;
    }

    /// A worker with these settings besides the usual ones.
    pub async fn add_worker(&mut self, settings: &[(&str, String)]) {
        self.add("worker", settings).await;
    }

    async fn add(&mut self, kind: &str, settings: &[(&str, String)]) {
        let admin = free_address();
        let mut environment = self.environment.clone();
        environment.push((
            format!("XIEBAO__{}__ADMIN_LISTEN", kind.to_uppercase()),
            admin.to_string(),
        ));
        environment.extend(
            settings
                .iter()
                .map(|(key, value)| ((*key).to_owned(), value.clone())),
        );
        let mut process = Process::spawn(&format!("xiebao-{kind}"), &[], environment);
        process.ready(admin, START).await;
        self.processes.push(process);
        self.admins.push(admin);
    }

    /// Where the first receiver takes notices.
    pub fn url(&self) -> &str {
        &self.urls[0]
    }

    pub fn processes(&self) -> &[Process] {
        &self.processes
    }

    /// Ends all programs well; the name of each with what it has logged from its start to its end.
    pub async fn end(&mut self) -> Vec<(String, String)> {
        self.processes.iter().for_each(Process::terminate);
        let mut logs = vec![];
        for process in &mut self.processes {
            let status = process.ended(START).await;
            assert!(status.success(), "{} ended: {status}", process.name());
            logs.push((process.name().to_owned(), process.log()));
        }
        logs
    }

    /// Runs the program with the settings of the services and these besides.
    pub async fn xiebao(&self, arguments: &[&str], settings: &[(&str, String)]) -> Output {
        let mut environment = self.environment.clone();
        let more = settings.iter();
        environment.extend(more.map(|(key, value)| ((*key).to_owned(), value.clone())));
        xiebao(arguments, &environment).await
    }

    pub async fn simulate(&self, arguments: &[&str]) -> Output {
        let urls = self.urls.join(",");
        xiebao(
            &[&["simulate", "--url", &urls], arguments].concat(),
            &self.environment,
        )
        .await
    }

    /// Compares all rows with what the notices amount to, changing nothing.
    pub async fn check(&self) -> Output {
        xiebao(&["rebuild", "--all", "--check", "--json"], &self.environment).await
    }
}

/// A keys file that holds this text.
pub fn keys(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a file for the keys");
    writeln!(file, "{text}").expect("the file can be written");
    file
}

/// Runs the program with these settings and no others of the product's.
pub async fn xiebao(arguments: &[&str], environment: &[(String, String)]) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_xiebao"));
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("XIEBAO") {
            command.env_remove(variable);
        }
    }
    let command = command
        .args(arguments)
        .envs(environment.iter().cloned())
        .stdin(Stdio::null());
    command.output().await.expect("the program runs")
}
