//! A private vhost for a test, deleted at its end.

mod deletion;
mod management;
mod message;

use std::time::{Duration, Instant};

use lapin::options::{BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
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
    /// Creates an empty vhost at the broker that the environment names; in a cluster, at its first node.
    ///
    /// # Panics
    /// If there is no broker; the message says how to start one.
    pub async fn new() -> Self {
        let addresses = variable("XIEBAO__AMQP__URL");
        let first = addresses.split(",amqp").next().unwrap_or_default();
        Self::at(first, &variable("XIEBAO_TEST__MANAGEMENT_URL")).await
    }

    /// Creates an empty vhost at a private broker.
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
        let status = broker.manage(Method::PUT, &["vhosts", &broker.vhost], None).await;
        assert!(status.is_success(), "the vhost can't be created: {status}");
        broker.wait_until_running().await;
        broker
    }

    /// A cluster reports a new vhost before the vhost runs on every node; a quorum queue declared in between fails.
    async fn wait_until_running(&self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        let nodes = self.list(&["nodes"]).await.len();
        loop {
            let known: Value = self.get(&["vhosts", &self.vhost]).await.unwrap_or_default();
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

    /// The AMQP address with the vhost. In a cluster it names the first node only, so that a test can break the way
    /// there.
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

    /// Opens a connection to the vhost.
    ///
    /// # Panics
    /// If the broker refuses.
    pub async fn connect(&self) -> Connection {
        let properties = ConnectionProperties::default().with_connection_name("test".into());
        Connection::connect(self.url.as_str(), properties)
            .await
            .expect("the broker takes connections")
    }

    /// Opens a connection and a channel on it. The channel lives as long as the connection.
    ///
    /// # Panics
    /// If the broker refuses.
    pub async fn channel(&self) -> (Connection, Channel) {
        let connection = self.connect().await;
        let channel = connection
            .create_channel()
            .await
            .expect("the broker opens channels");
        (connection, channel)
    }

    /// Puts a message without properties into a queue.
    ///
    /// # Panics
    /// If the broker does not confirm it.
    pub async fn publish(&self, queue: &str, body: &[u8]) {
        let (_connection, channel) = self.channel().await;
        let (confirms, options) = (ConfirmSelectOptions::default(), BasicPublishOptions::default());
        channel.confirm_select(confirms).await.expect("confirms");
        let properties = BasicProperties::default().with_delivery_mode(2);
        let publish = channel.basic_publish("".into(), queue.into(), options, body, properties);
        let confirm = publish.await.expect("it is sent").await;
        assert!(confirm.expect("the channel lives").is_ack());
    }

    /// Takes all messages off a queue.
    ///
    /// # Panics
    /// If there is no such queue.
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

    /// Takes messages off a queue until there are at least `count` of them.
    ///
    /// # Panics
    /// If they do not come within ten seconds.
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

    /// Lets the broker close all connections to this vhost.
    pub async fn close_connections(&self) {
        for connection in self.list(&["vhosts", &self.vhost, "connections"]).await {
            if let Some(name) = connection["name"].as_str() {
                self.manage(Method::DELETE, &["connections", name], None).await;
            }
        }
    }

    /// Deletes a queue and its messages.
    ///
    /// # Panics
    /// If the broker refuses.
    pub async fn delete_queue(&self, queue: &str) {
        let path = ["queues", &self.vhost, queue];
        let status = self.manage(Method::DELETE, &path, None).await;
        assert!(status.is_success(), "the queue can't be deleted: {status}");
    }

    /// Removes all messages of a queue.
    ///
    /// # Panics
    /// If the broker refuses.
    pub async fn purge(&self, queue: &str) {
        let path = ["queues", &self.vhost, queue, "contents"];
        let status = self.manage(Method::DELETE, &path, None).await;
        assert!(status.is_success(), "the queue can't be emptied: {status}");
    }

    /// The number of ready messages in a queue, and the number of its consumers.
    ///
    /// # Panics
    /// If there is no such queue.
    pub async fn depth(&self, queue: &str) -> (u32, u32) {
        self.passive(queue).await.expect("the queue is there")
    }

    /// True if the queue exists and has a consumer.
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

    /// Limits the length of a queue by a policy, in messages; `None` removes the limit.
    ///
    /// # Panics
    /// If the broker refuses.
    pub async fn limit(&self, queue: &str, length: Option<u32>) {
        let path = ["policies", &self.vhost, "limit"];
        let policy = length.map(|length| {
            let definition = json!({ "max-length": length, "overflow": "reject-publish" });
            json!({ "pattern": format!("^{queue}$"), "apply-to": "queues", "definition": definition })
        });
        let method = if policy.is_some() {
            Method::PUT
        } else {
            Method::DELETE
        };
        let status = self.manage(method, &path, policy).await;
        assert!(status.is_success(), "the limit can't be set: {status}");
    }

    /// The address of the management interface.
    pub fn management_url(&self) -> String {
        self.management.to_string()
    }

    /// Sets a policy for all queues.
    ///
    /// # Panics
    /// If the broker refuses.
    pub async fn policy(&self, definition: Value) {
        let path = ["policies", &self.vhost, "all"];
        let policy = json!({ "pattern": ".*", "apply-to": "queues", "definition": definition });
        let status = self.manage(Method::PUT, &path, Some(policy)).await;
        assert!(status.is_success(), "the policy can't be set: {status}");
    }

    /// The number of ready messages in a queue.
    ///
    /// # Panics
    /// If there is no such queue.
    pub async fn length(&self, queue: &str) -> u32 {
        self.depth(queue).await.0
    }

    /// Sets the `write` permission of the tests' user: a regular expression of exchange and queue names.
    ///
    /// # Panics
    /// If the broker refuses.
    pub async fn allow_writing(&self, pattern: &str) {
        let rights = json!({ "configure": ".*", "write": pattern, "read": ".*" });
        let path = ["permissions", &self.vhost, self.url.username()];
        let status = self.manage(Method::PUT, &path, Some(rights)).await;
        assert!(status.is_success(), "the permission can't be changed: {status}");
    }

    /// Declares a queue or an exchange by the management interface; `kind` is `queues` or `exchanges`.
    ///
    /// # Panics
    /// If the broker refuses.
    pub async fn declare(&self, kind: &str, name: &str, body: Value) {
        let path = [kind, &self.vhost, name];
        let status = self.manage(Method::PUT, &path, Some(body)).await;
        assert!(status.is_success(), "{name} can't be declared: {status}");
    }

    async fn manage(&self, method: Method, path: &[&str], body: Option<Value>) -> StatusCode {
        let answer = self.ask(method, path, body).await;
        answer.expect("the management interface answers").status()
    }
}
