//! A receiver inside the test's own process, with its own vhost.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use xiebao_runtime::config::{Config, Environment, Needs};
use xiebao_testkit::{Answer, Broker, KEY, PARTNER, free_address, notice, post};

pub const NOTICES: &str = "xiebao.notices";
pub const DEAD: &str = "xiebao.dead";

/// A running receiver. Dropping it stops it.
pub struct Running {
    pub broker: Broker,
    pub url: String,
    pub admin: SocketAddr,
    pub keys_file: PathBuf,
    pub shutdown: CancellationToken,
    pub ended: JoinHandle<anyhow::Result<()>>,
    _folder: tempfile::TempDir,
}

impl Running {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts with these pairs of `SECTION__KEY` and value, and waits until it is ready.
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        let broker = Broker::new().await;
        let url = broker.url();
        let running = Self::start_at(broker, &url, settings);
        running.until_ready().await;
        running
    }

    /// Starts with another address of the broker, and does not wait.
    pub fn start_at(broker: Broker, amqp_url: &str, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys_file = folder.path().join("keys.toml");
        std::fs::write(&keys_file, format!("\"{PARTNER}\" = [\"{KEY}\"]\n")).unwrap();
        let admin = free_address();
        let config = config(amqp_url, &keys_file, admin, settings);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!(
            "http://{}{}",
            listener.local_addr().unwrap(),
            config.receiver.path
        );
        let shutdown = CancellationToken::new();
        let ended = tokio::spawn(xiebao_receiver::run(listener, config, shutdown.clone()));
        Self {
            broker,
            url,
            admin,
            keys_file,
            shutdown,
            ended,
            _folder: folder,
        }
    }

    pub async fn post(&self, body: Vec<u8>) -> Answer {
        post(&self.url, body).await
    }

    pub async fn readiness(&self) -> (u16, String) {
        let answer = reqwest::get(format!("http://{}/readyz", self.admin))
            .await
            .unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub async fn until_ready(&self) {
        for _ in 0..1_000 {
            let answer = reqwest::get(format!("http://{}/readyz", self.admin)).await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            assert!(!self.ended.is_finished(), "the receiver has ended");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the receiver is not ready");
    }

    pub async fn metrics(&self) -> String {
        let answer = reqwest::get(format!("http://{}/metrics", self.admin))
            .await
            .unwrap();
        answer.text().await.unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.cancel();
        self.ended.abort();
    }
}

fn config(
    amqp_url: &str,
    keys_file: &std::path::Path,
    admin: SocketAddr,
    settings: &[(&str, &str)],
) -> Config {
    let fixed = [
        ("AMQP__URL", amqp_url.to_owned()),
        ("KEYS_FILE", keys_file.display().to_string()),
        ("RECEIVER__ADMIN_LISTEN", admin.to_string()),
    ];
    let given = settings.iter().map(|(key, value)| (*key, (*value).to_owned()));
    let pairs = fixed
        .into_iter()
        .chain(given)
        .map(|(key, value)| (format!("XIEBAO__{key}"), value));
    Config::load(None, &Environment::from_pairs(pairs), Needs::RECEIVER).unwrap()
}

/// An authentic notice about a proposal.
pub fn insured(insure_num: &str) -> Vec<u8> {
    let data = serde_json::json!({"partnerId": PARTNER, "insureNum": insure_num, "state": true});
    notice(1, &data, KEY)
}
