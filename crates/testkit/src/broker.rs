//! A vhost of its own for a test, deleted at the end.

mod leaving;
mod message;

use std::time::{Duration, Instant};

use lapin::options::{BasicGetOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties};
use reqwest::{Client, Method, StatusCode};
use url::Url;

pub use message::Message;

use crate::PrivateBroker;
use crate::services::{unique_name, variable};

/// A private vhost of the broker.
#[derive(Debug)]
pub struct Broker {
    vhost: String,
    url: Url,
    management: Url,
}

impl Broker {
    /// Makes an empty vhost.
    ///
    /// # Panics
    /// When there is no broker, saying how to get one.
    pub async fn new() -> Self {
        // Of a cluster, the first node.
        let addresses = variable("XIEBAO__AMQP__URL");
        let first = addresses.split(",amqp").next().unwrap_or_default();
        Self::at(first, &variable("XIEBAO_TEST__MANAGEMENT_URL")).await
    }

    /// The same at a broker of one's own.
    pub async fn of(private: &PrivateBroker) -> Self {
        Self::at(&private.url, &private.management).await
    }

    async fn at(url: &str, management: &str) -> Self {
        let vhost = unique_name();
        let mut url = Url::parse(url).expect("XIEBAO__AMQP__URL is an address");
        url.set_path(&vhost);
        let management = Url::parse(management).expect("XIEBAO_TEST__MANAGEMENT_URL is an address");
        let broker = Self {
            vhost,
            url,
            management,
        };
        let status = broker
            .manage(Method::PUT, &format!("vhosts/{}", broker.vhost), None)
            .await;
        assert!(status.is_success(), "the vhost could not be made: {status}");
        broker.wait_until_running().await;
        broker
    }

    /// A cluster has made a vhost before it has started on every node; a quorum queue declared in between fails.
    async fn wait_until_running(&self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        let (vhost, nodes) = (format!("vhosts/{}", self.vhost), "nodes?columns=name");
        let nodes = self.get(nodes).await.as_array().map_or(0, Vec::len);
        loop {
            let known = self.get(&vhost).await;
            let states = known["cluster_state"].as_object();
            let running = states.map_or(0, |states| {
                states.values().filter(|state| *state == "running").count()
            });
            if running >= nodes {
                return;
            }
            assert!(Instant::now() < deadline, "the vhost does not start: {known}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The address, vhost included; of a cluster, that of its first node, so that a test can break the way there.
    pub fn url(&self) -> String {
        self.url.to_string()
    }

    /// `host:port`
    pub fn address(&self) -> String {
        format!(
            "{}:{}",
            self.url.host_str().unwrap_or("127.0.0.1"),
            self.url.port().unwrap_or(5672)
        )
    }

    pub async fn connect(&self) -> Connection {
        let properties = ConnectionProperties::default().with_connection_name("test".into());
        Connection::connect(self.url.as_str(), properties)
            .await
            .expect("the broker takes connections")
    }

    /// A channel of a connection of its own, which lives as long as the channel.
    pub async fn channel(&self) -> (Connection, Channel) {
        let connection = self.connect().await;
        let channel = connection
            .create_channel()
            .await
            .expect("the broker opens channels");
        (connection, channel)
    }

    /// Takes and removes all messages of a queue.
    pub async fn drain(&self, queue: &str) -> Vec<Message> {
        let (_connection, channel) = self.channel().await;
        let mut messages = Vec::new();
        let options = BasicGetOptions { no_ack: true };
        while let Some(got) = channel
            .basic_get(queue.into(), options)
            .await
            .expect("the queue is there")
        {
            messages.push(Message::read(&got.delivery));
        }
        messages
    }

    /// Waits until a queue has at least that many messages, then takes them all.
    ///
    /// # Panics
    /// When they don't come within ten seconds.
    pub async fn drain_at_least(&self, queue: &str, count: usize) -> Vec<Message> {
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut messages = Vec::new();
        while messages.len() < count {
            assert!(
                Instant::now() < deadline,
                "{} of {count} messages came to {queue}",
                messages.len()
            );
            messages.extend(self.drain(queue).await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        messages
    }

    /// Closes all connections to this vhost from the broker's side.
    pub async fn close_connections(&self) {
        for connection in self.list(&format!("vhosts/{}/connections", self.vhost)).await {
            if let Some(name) = connection["name"].as_str() {
                let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
                self.manage(Method::DELETE, &format!("connections/{name}"), None)
                    .await;
            }
        }
    }

    /// Deletes a queue with all that is in it.
    pub async fn delete_queue(&self, queue: &str) {
        let status = self
            .manage(Method::DELETE, &format!("queues/{}/{queue}", self.vhost), None)
            .await;
        assert!(status.is_success(), "the queue could not be deleted: {status}");
    }

    /// Empties a queue.
    ///
    /// # Panics
    /// When the broker refuses.
    pub async fn purge(&self, queue: &str) {
        let path = format!("queues/{}/{queue}/contents", self.vhost);
        let status = self.manage(Method::DELETE, &path, None).await;
        assert!(status.is_success(), "the queue could not be emptied: {status}");
    }

    /// How many messages stand ready in a queue, and how many consumers it has.
    ///
    /// # Panics
    /// When there is no such queue.
    pub async fn depth(&self, queue: &str) -> (u32, u32) {
        self.passive(queue).await.expect("the queue is there")
    }

    /// Whether the queue is there and somebody consumes from it.
    pub async fn has_consumer(&self, queue: &str) -> bool {
        self.passive(queue)
            .await
            .is_ok_and(|(_, consumers)| consumers > 0)
    }

    async fn passive(&self, queue: &str) -> Result<(u32, u32), lapin::Error> {
        let (_connection, channel) = self.channel().await;
        let options = QueueDeclareOptions {
            passive: true,
            ..QueueDeclareOptions::default()
        };
        let found = channel
            .queue_declare(queue.into(), options, FieldTable::default())
            .await?;
        Ok((found.message_count(), found.consumer_count()))
    }

    /// Bounds the length of a queue by a policy, or takes that bound away again.
    ///
    /// # Panics
    /// When the broker refuses.
    pub async fn limit(&self, queue: &str, length: Option<u32>) {
        let path = format!("policies/{}/limit", self.vhost);
        let policy = length.map(|length| {
            let definition = serde_json::json!({ "max-length": length, "overflow": "reject-publish" });
            serde_json::json!({ "pattern": format!("^{queue}$"), "apply-to": "queues", "definition": definition })
        });
        let method = if policy.is_some() {
            Method::PUT
        } else {
            Method::DELETE
        };
        let status = self.manage(method, &path, policy).await;
        assert!(status.is_success(), "the limit could not be set: {status}");
    }

    /// How many messages wait in a queue.
    pub async fn length(&self, queue: &str) -> u32 {
        let (_connection, channel) = self.channel().await;
        let options = QueueDeclareOptions {
            passive: true,
            ..QueueDeclareOptions::default()
        };
        let declared = channel
            .queue_declare(queue.into(), options, FieldTable::default())
            .await;
        declared.expect("the queue is there").message_count()
    }

    /// Takes a right away from the user of the tests, or gives it back: what may be written to.
    pub async fn allow_writing(&self, pattern: &str) {
        let rights = serde_json::json!({ "configure": ".*", "write": pattern, "read": ".*" });
        let path = format!("permissions/{}/{}", self.vhost, self.url.username());
        let status = self.manage(Method::PUT, &path, Some(rights)).await;
        assert!(status.is_success(), "the right could not be changed: {status}");
    }

    /// Declares something by the management interface: `queues/NAME` or `exchanges/NAME`.
    pub async fn declare(&self, kind: &str, name: &str, body: serde_json::Value) {
        let status = self
            .manage(Method::PUT, &format!("{kind}/{}/{name}", self.vhost), Some(body))
            .await;
        assert!(status.is_success(), "{name} could not be declared: {status}");
    }

    async fn manage(&self, method: Method, path: &str, body: Option<serde_json::Value>) -> StatusCode {
        let request = Client::new().request(method, self.endpoint(path));
        let request = match &body {
            Some(body) => request.json(body),
            None => request,
        };
        request
            .send()
            .await
            .expect("the management interface answers")
            .status()
    }

    async fn list(&self, path: &str) -> Vec<serde_json::Value> {
        self.get(path).await.as_array().cloned().unwrap_or_default()
    }

    async fn get(&self, path: &str) -> serde_json::Value {
        let answer = Client::new().get(self.endpoint(path)).send().await;
        answer
            .expect("the management interface answers")
            .json()
            .await
            .unwrap_or_default()
    }

    fn endpoint(&self, path: &str) -> String {
        format!("{}/api/{path}", self.management.as_str().trim_end_matches('/'))
    }
}
