//! The nodes of the cluster that the variables of `scripts/services env` name.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use url::Url;
use xiebao_testkit::numbers;

use crate::services::Services;

const PATIENCE: Duration = Duration::from_secs(120);
const DIRECTORIES: [&str; 3] = ["galera", "galera-2", "galera-3"];

pub struct Nodes {
    urls: Vec<Url>,
    state_dir: PathBuf,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the environment tells tests where their services are"
)]
fn variable(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set; run: scripts/services up --galera; its env"))
}

impl Nodes {
    pub fn find() -> Self {
        let urls = variable("XIEBAO_TEST__DATABASE_URLS");
        let urls: Vec<Url> = urls
            .split(',')
            .map(|url| Url::parse(url).expect("an address"))
            .collect();
        assert_eq!(urls.len(), 3, "a cluster has three nodes");
        Self {
            urls,
            state_dir: PathBuf::from(variable("XIEBAO_SERVICES_DIR")),
        }
    }

    /// The address of a database at one node.
    pub fn url(&self, node: usize, database: &str) -> String {
        let mut url = self.urls[node].clone();
        url.set_path(database);
        url.to_string()
    }

    /// An address that gives each connection to the next node that answers.
    pub async fn balanced(&self, database: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let nodes: Vec<String> = self.urls.iter().map(address_of).collect();
        tokio::spawn(async move {
            let mut next = 0;
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(client, nodes.clone(), next));
                next += 1;
            }
        });
        let mut url = self.urls[0].clone();
        url.set_path(database);
        url.set_port(Some(address.port())).expect("it takes a port");
        url.to_string()
    }

    /// Sends a signal to the node's process.
    pub fn signal(&self, node: usize, signal: &str) {
        let file = self.state_dir.join(DIRECTORIES[node]).join("server.pid");
        let pid = std::fs::read_to_string(file).expect("a node says its pid");
        let sent = Command::new("kill").args(["-s", signal, pid.trim()]).status();
        assert!(
            sent.is_ok_and(|status| status.success()),
            "SIG{signal} reaches node {node}"
        );
    }

    /// Runs `scripts/services up`.
    pub async fn restart_killed(&self) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/services");
        let up = tokio::process::Command::new(script)
            .arg("up")
            .env("XIEBAO_SERVICES_DIR", &self.state_dir)
            .status();
        let up = up.await;
        assert!(
            up.is_ok_and(|status| status.success()),
            "scripts/services up restarts the node"
        );
    }

    pub async fn until_all_synced(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut synced = 0;
            for url in &self.urls {
                let members = "SELECT CAST(variable_value AS SIGNED) AS number FROM information_schema.global_status \
                               WHERE variable_name = 'wsrep_cluster_size'";
                synced += usize::from(numbers(url.as_str(), members).await.is_ok_and(|size| size == [3]));
            }
            if synced == 3 {
                return;
            }
            assert!(Instant::now() < deadline, "only {synced} nodes see three nodes");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

impl Services {
    /// Waits until this many notices are stored.
    pub async fn until_notices(&self, count: i64) {
        let deadline = Instant::now() + PATIENCE;
        while self.count("notices").await < count {
            assert!(Instant::now() < deadline, "fewer than {count} notices are stored");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn address_of(url: &Url) -> String {
    format!(
        "{}:{}",
        url.host_str().unwrap_or("127.0.0.1"),
        url.port().unwrap_or(3306)
    )
}

async fn forward(mut client: TcpStream, nodes: Vec<String>, first: usize) {
    for nth in 0..nodes.len() {
        if let Ok(mut node) = TcpStream::connect(&nodes[(first + nth) % nodes.len()]).await {
            let _ = copy_bidirectional(&mut client, &mut node).await;
            return;
        }
    }
}
