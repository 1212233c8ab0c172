//! Deletes a vhost without harm to other vhosts.
//!
//! RabbitMQ 3.10 starts a process for every queue with the dead-letter strategy `at-least-once`, when the queue has
//! elected its leader. If the queue is deleted at just that moment the process fails twice, its supervisor
//! (`rabbit_fifo_dlx_sup`) gives up, and no queue with that strategy can be declared until the node restarts. So before
//! a vhost is deleted, its clients must be gone and these processes must be running.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::Broker;
use crate::services::block_on_new_thread;

/// The broker may still work on a declaration when its connection has disappeared from the list; after this time it has
/// finished.
const QUIET: Duration = Duration::from_millis(200);
/// Between two looks at the remaining connections.
const BETWEEN: Duration = Duration::from_millis(20);
/// After this time the vhost is deleted in any case.
const QUIET_WITHIN: Duration = Duration::from_secs(10);

impl Drop for Broker {
    fn drop(&mut self) {
        block_on_new_thread(async {
            let _ = timeout(QUIET_WITHIN, self.quiesce()).await;
            self.ask(Method::DELETE, &["vhosts", &self.vhost], None).await;
        });
    }
}

impl Broker {
    async fn quiesce(&self) {
        let permissions = ["permissions", &self.vhost, self.url.username()];
        // Clients can't reconnect.
        self.ask(Method::DELETE, &permissions, None).await;
        self.close_all().await;
        // Purging a queue needs it.
        let reading = json!({ "configure": "", "write": "", "read": ".*" });
        self.ask(Method::PUT, &permissions, Some(reading)).await;
        self.until_processes_run().await;
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

    /// The broker's list of a user's connections is current; its other lists are seconds old.
    async fn connections(&self) -> Vec<String> {
        let path = ["connections", "username", self.url.username()];
        let all = self.list(&path).await;
        names(all.iter().filter(|one| one["vhost"] == *self.vhost))
    }

    /// Waits until the process of every `at-least-once` queue runs, and no queue was added meanwhile.
    async fn until_processes_run(&self) {
        let mut running = None;
        loop {
            let queues = self.dead_lettering().await;
            if running.as_ref() == Some(&queues) {
                return;
            }
            for queue in &queues {
                // The leader answers the first purge, so it has started the process. The second purge is queued behind
                // the request that the process sends to the leader when it starts.
                for _ in 0..2 {
                    self.ask(Method::DELETE, &["queues", &self.vhost, queue, "contents"], None)
                        .await;
                }
            }
            running = Some(queues);
            sleep(QUIET).await;
        }
    }

    /// The queues with the strategy `at-least-once`, sorted by name.
    async fn dead_lettering(&self) -> Vec<String> {
        let all = self.list(&["queues", &self.vhost]).await;
        let dead_letters = |one: &&Value| one["arguments"]["x-dead-letter-strategy"] == "at-least-once";
        let mut queues = names(all.iter().filter(dead_letters));
        queues.sort();
        queues
    }
}

fn names<'a>(of: impl Iterator<Item = &'a Value>) -> Vec<String> {
    of.filter_map(|one| one["name"].as_str())
        .map(str::to_owned)
        .collect()
}
