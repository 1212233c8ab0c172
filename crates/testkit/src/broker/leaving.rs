//! How a vhost goes, without harm to others.
//!
//! A broker of 3.10 starts a process for every queue that dead-letters at least once, when the queue has its leader. If the
//! queue is deleted at just that moment the process fails twice, its supervisor (`rabbit_fifo_dlx_sup`) gives up, and no
//! such queue can be declared any more before the node is restarted. So nobody may be declaring when the vhost goes.

use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::Broker;
use crate::services::run_apart;

/// Nothing new for so long: whoever was declaring is done, and what the broker starts with a queue has begun.
const QUIET: Duration = Duration::from_millis(200);
/// A vhost that can't be left in order is left all the same.
const QUIET_WITHIN: Duration = Duration::from_secs(5);
/// A broker that a test has stopped does not answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

impl Drop for Broker {
    fn drop(&mut self) {
        run_apart(async {
            // Nobody comes back.
            let user = self.url.username();
            self.delete(&["permissions", &self.vhost, user]).await;
            self.until_quiet().await;
            self.delete(&["vhosts", &self.vhost]).await;
        });
    }
}

impl Broker {
    /// Closes connections until there are none, and waits until no queue is added any more.
    async fn until_quiet(&self) {
        let deadline = Instant::now() + QUIET_WITHIN;
        let mut before = None;
        while Instant::now() < deadline {
            let connections = self.names("connections").await;
            for name in &connections {
                self.delete(&["connections", name]).await;
            }
            let queues = self.names("queues").await;
            if connections.is_empty() && before.as_ref() == Some(&queues) {
                return;
            }
            before = connections.is_empty().then_some(queues);
            sleep(QUIET).await;
        }
    }

    /// The names of what is in the vhost; none if the broker does not answer, as one that a test has killed.
    async fn names(&self, kind: &str) -> Vec<String> {
        let path = match kind {
            "connections" => format!("vhosts/{}/connections", self.vhost),
            _ => format!("{kind}/{}", self.vhost),
        };
        let asking = Client::new().get(self.endpoint(&path)).timeout(ANSWER_WITHIN);
        let Ok(answer) = asking.send().await else {
            return Vec::new();
        };
        let all: Vec<Value> = answer.json().await.unwrap_or_default();
        let names = all.iter().filter_map(|one| one["name"].as_str());
        names.map(str::to_owned).collect()
    }

    /// A vhost that stays behind harms no other test, and a panic here would hide the test's own.
    async fn delete(&self, path: &[&str]) {
        let mut url = self.management.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("api").extend(path);
        }
        let deleting = Client::new().request(Method::DELETE, url);
        let _ = deleting.timeout(ANSWER_WITHIN).send().await;
    }
}
