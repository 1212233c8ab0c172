//! The nodes of the cluster that the variables of `scripts/services env` name.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use lapin::options::{BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use rand::distr::{Alphanumeric, SampleString as _};
use reqwest::{Client, Method};
use serde_json::Value;

/// How long the election of a leader, or the return of a member, may take.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Cluster {
    nodes: Vec<Node>,
    state_dir: PathBuf,
}

struct Node {
    amqp: String,
    management: String,
    pid_file: PathBuf,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the environment tells tests where their services are"
)]
fn variable(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set; run: scripts/services up --cluster; its env"))
}

impl Cluster {
    pub fn find() -> Self {
        let state_dir = PathBuf::from(variable("XIEBAO_SERVICES_DIR"));
        let (amqp, management) = (
            variable("XIEBAO__AMQP__URL"),
            variable("XIEBAO_TEST__MANAGEMENT_URLS"),
        );
        let directories = ["rabbitmq", "rabbitmq-2", "rabbitmq-3"];
        let nodes: Vec<Node> = amqp
            .split(',')
            .zip(management.split(','))
            .zip(directories)
            .map(|((amqp, management), directory)| Node {
                amqp: amqp.to_owned(),
                management: management.to_owned(),
                pid_file: state_dir.join(directory).join("node.pid"),
            })
            .collect();
        assert_eq!(nodes.len(), 3, "a cluster has three nodes");
        Self { nodes, state_dir }
    }

    pub fn pids(&self) -> Vec<String> {
        let read = |node: &Node| std::fs::read_to_string(&node.pid_file).expect("a node says its pid");
        self.nodes
            .iter()
            .map(|node| read(node).trim().to_owned())
            .collect()
    }

    pub fn kill(&self, node: usize) {
        let killed = Command::new("kill").args(["-9", &self.pids()[node]]).status();
        assert!(
            killed.is_ok_and(|status| status.success()),
            "the node can be killed"
        );
    }

    /// Runs `scripts/services up`.
    pub fn restart_killed(&self) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/services");
        let up = Command::new(script)
            .arg("up")
            .env("XIEBAO_SERVICES_DIR", &self.state_dir)
            .status();
        assert!(
            up.is_ok_and(|status| status.success()),
            "scripts/services up restarts the node"
        );
    }

    pub async fn make_vhost(&self) -> String {
        let name = Alphanumeric.sample_string(&mut rand::rng(), 16).to_lowercase();
        let vhost = format!("xb_{name}");
        self.manage(0, Method::PUT, &format!("vhosts/{vhost}")).await;
        vhost
    }

    pub async fn delete_vhost(&self, vhost: &str) {
        self.manage(0, Method::DELETE, &format!("vhosts/{vhost}")).await;
    }

    async fn manage(&self, node: usize, method: Method, path: &str) -> Option<Value> {
        let url = format!("{}/api/{path}", self.nodes[node].management);
        let answer = Client::new().request(method, url).send().await.ok()?;
        answer.json().await.ok()
    }

    async fn channel(&self, node: usize, vhost: &str) -> (Connection, Channel) {
        let url = self.nodes[node].amqp.replace("/%2f", &format!("/{vhost}"));
        let connection = Connection::connect(&url, ConnectionProperties::default()).await;
        let connection = connection.expect("the node takes connections");
        let channel = connection
            .create_channel()
            .await
            .expect("the node opens channels");
        (connection, channel)
    }

    pub async fn declare_quorum_queue(&self, vhost: &str, queue: &str) {
        let (_connection, channel) = self.channel(0, vhost).await;
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
        let options = QueueDeclareOptions {
            durable: true,
            ..Default::default()
        };
        channel
            .queue_declare(queue.into(), options, arguments)
            .await
            .expect("a quorum queue can be declared");
    }

    /// Publishes the numbers; each is confirmed before the next is published.
    pub async fn publish_confirmed(&self, node: usize, vhost: &str, queue: &str, numbers: Range<u32>) {
        let (_connection, channel) = self.channel(node, vhost).await;
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await
            .expect("confirms");
        let properties = BasicProperties::default().with_delivery_mode(2);
        for number in numbers {
            let options = BasicPublishOptions {
                mandatory: true,
                ..Default::default()
            };
            let body = number.to_be_bytes();
            let confirmation = channel
                .basic_publish("".into(), queue.into(), options, &body, properties.clone())
                .await
                .expect("the node takes it")
                .await
                .expect("the node answers");
            assert!(
                matches!(confirmation, Confirmation::Ack(None)),
                "{number} was not confirmed"
            );
        }
    }

    pub async fn drain(&self, node: usize, vhost: &str, queue: &str) -> Vec<u32> {
        let (_connection, channel) = self.channel(node, vhost).await;
        let mut numbers = Vec::new();
        while let Some(got) = channel
            .basic_get(queue.into(), BasicGetOptions { no_ack: true })
            .await
            .expect("the queue is there")
        {
            let bytes = got.delivery.data.as_slice().try_into();
            numbers.push(u32::from_be_bytes(bytes.expect("four bytes")));
        }
        numbers
    }

    /// The node that leads the queue, as node `seen_by` reports it.
    pub async fn leader(&self, seen_by: usize, vhost: &str, queue: &str) -> usize {
        let name = self.queue(seen_by, vhost, queue).await["leader"].clone();
        let name = name.as_str().expect("the queue has a leader");
        match name.split('@').next().and_then(|name| name.rsplit('-').next()) {
            Some("2") => 1,
            Some("3") => 2,
            _ => 0,
        }
    }

    async fn queue(&self, seen_by: usize, vhost: &str, queue: &str) -> Value {
        let path = format!("queues/{vhost}/{queue}");
        self.manage(seen_by, Method::GET, &path).await.unwrap_or_default()
    }

    pub async fn wait_for_other_leader(&self, seen_by: usize, vhost: &str, queue: &str, than: usize) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let known = self.queue(seen_by, vhost, queue).await;
            if known["leader"].is_string() && self.leader(seen_by, vhost, queue).await != than {
                return;
            }
            assert!(Instant::now() < deadline, "no other leader: {known}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    pub async fn wait_for_members_online(&self, vhost: &str, queue: &str, count: usize) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let known = self.queue(0, vhost, queue).await;
            let of = |key: &str| known[key].as_array().map_or(0, Vec::len);
            if of("members") == count && of("online") == count {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "not {count} members are online: {known}"
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}
