//! How a vhost goes, without harm to others.
//!
//! A broker of 3.10 starts a process for every queue that dead-letters at least once, when the queue has its leader. If the
//! queue is deleted at just that moment the process fails twice, its supervisor (`rabbit_fifo_dlx_sup`) gives up, and no
//! such queue can be declared any more before the node is restarted. So when the vhost goes nobody may be declaring, and
//! those processes must have begun.

use std::time::Duration;

use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::Broker;
use crate::services::run_apart;

/// A connection that was cut off goes before the declaration it was at; that one is done by then.
const QUIET: Duration = Duration::from_millis(200);
/// Between two looks at who is still there.
const BETWEEN: Duration = Duration::from_millis(20);
/// A vhost that can't be left in order is left all the same.
const SETTLED_WITHIN: Duration = Duration::from_secs(10);
/// A broker that a test has stopped does not answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

impl Drop for Broker {
    fn drop(&mut self) {
        run_apart(async {
            let _ = timeout(SETTLED_WITHIN, self.settle()).await;
            self.ask(Method::DELETE, &["vhosts", &self.vhost], None).await;
        });
    }
}

impl Broker {
    async fn settle(&self) {
        let permissions = ["permissions", &self.vhost, self.url.username()];
        // Nobody comes back.
        self.ask(Method::DELETE, &permissions, None).await;
        self.close_all().await;
        // For emptying queues, and no more.
        let reading = json!({ "configure": "", "write": "", "read": ".*" });
        self.ask(Method::PUT, &permissions, Some(reading)).await;
        self.until_queues_have_begun().await;
    }

    async fn close_all(&self) {
        loop {
            let connections = self.connections().await;
            if connections.is_empty() {
                return;
            }
            for name in &connections {
                self.ask(Method::DELETE, &["connections", name], None).await;
            }
            sleep(BETWEEN).await;
        }
    }

    /// Of a user's connections the broker knows at once; its other lists are seconds old.
    async fn connections(&self) -> Vec<String> {
        let path = ["connections", "username", self.url.username()];
        let all = self.list_of(&path).await;
        names(all.iter().filter(|one| one["vhost"] == *self.vhost))
    }

    /// Waits until every queue that dead-letters at least once has begun to, and none was added meanwhile.
    async fn until_queues_have_begun(&self) {
        let mut begun = None;
        loop {
            let queues = self.dead_lettering().await;
            if begun.as_ref() == Some(&queues) {
                return;
            }
            for queue in &queues {
                // The first is answered by a leader, which has started the process; the second comes after what the
                // process asks the leader for when it begins.
                for _ in 0..2 {
                    self.ask(Method::DELETE, &["queues", &self.vhost, queue, "contents"], None)
                        .await;
                }
            }
            begun = Some(queues);
            sleep(QUIET).await;
        }
    }

    /// The queues that dead-letter at least once.
    async fn dead_lettering(&self) -> Vec<String> {
        let all = self.list_of(&["queues", &self.vhost]).await;
        let dead_letters = |one: &&Value| one["arguments"]["x-dead-letter-strategy"] == "at-least-once";
        let mut queues = names(all.iter().filter(dead_letters));
        queues.sort();
        queues
    }

    /// Nothing if the broker does not answer, as one that a test has killed.
    async fn list_of(&self, path: &[&str]) -> Vec<Value> {
        match self.ask(Method::GET, path, None).await {
            Some(answer) => answer.json().await.unwrap_or_default(),
            None => Vec::new(),
        }
    }

    /// A vhost that stays behind harms no other test, and a panic here would hide the test's own.
    async fn ask(&self, method: Method, path: &[&str], body: Option<Value>) -> Option<Response> {
        let mut url = self.management.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("api").extend(path);
        }
        let mut request = Client::new().request(method, url).timeout(ANSWER_WITHIN);
        if let Some(body) = &body {
            request = request.json(body);
        }
        request.send().await.ok()
    }
}

fn names<'a>(of: impl Iterator<Item = &'a Value>) -> Vec<String> {
    of.filter_map(|one| one["name"].as_str())
        .map(str::to_owned)
        .collect()
}
