//! Looks at the broker's policies for `doctor`. AMQP does not show them, and an operator's policy goes over the arguments of a
//! queue: a time to live, for example, drops what waits too long in `xiebao.dead`.

use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde_json::{Map, Value};
use url::Url;
use xiebao_amqp::topology::{DEAD, NOTICES, RETRY};
use xiebao_desk::finding::concern::Concern;
use xiebao_runtime::config::AmqpConfig;

use crate::admin::innermost;

/// The keys by which a policy loses messages of a queue, or the queue.
const LOSING: [&str; 3] = ["message-ttl", "expires", "delivery-limit"];

/// Findings of `doctor`: the policies that lose notices.
pub async fn examine(config: &AmqpConfig) -> Vec<Concern> {
    match losses(config).await {
        Ok(found) if found.is_empty() => vec![Concern::PoliciesSafe],
        Ok(found) => found,
        Err(problem) => vec![Concern::PoliciesUnknown { problem }],
    }
}

async fn losses(config: &AmqpConfig) -> Result<Vec<Concern>, String> {
    let base = config
        .management_url
        .as_ref()
        .ok_or("amqp.management_url is not set")?;
    let vhost = vhost(config.urls[0].expose());
    let mut found = Vec::new();
    for queue in [NOTICES, DEAD].into_iter().chain(RETRY.map(|(_, name)| name)) {
        let url = format!(
            "{}/api/queues/{vhost}/{queue}",
            base.expose().trim_end_matches('/')
        );
        let policy = effective_policy(url, config.connect_timeout).await?;
        found.extend(losing(queue, &policy));
    }
    Ok(found)
}

/// The vhost of an address, percent-encoded.
fn vhost(address: &str) -> String {
    let url = Url::parse(address).ok();
    let path = url.as_ref().map(|url| url.path().trim_start_matches('/'));
    path.filter(|path| !path.is_empty()).unwrap_or("%2F").to_owned()
}

/// The policies in force on a queue, operator policies included. Nothing if there is no such queue.
async fn effective_policy(url: String, patience: Duration) -> Result<Map<String, Value>, String> {
    let problem = |error: reqwest::Error| innermost(&error.without_url());
    let client = Client::builder().no_proxy().timeout(patience).build();
    let answer = client.map_err(problem)?.get(url).send().await.map_err(problem)?;
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => return Ok(Map::new()),
        status => return Err(format!("the management plugin answers {status}")),
    }
    let text = answer.text().await.map_err(problem)?;
    let queue: Value = serde_json::from_str(&text).map_err(|_| "the answer is not JSON")?;
    // Without any policy it is an empty array.
    Ok(queue["effective_policy_definition"]
        .as_object()
        .cloned()
        .unwrap_or_default())
}

fn losing(queue: &str, policy: &Map<String, Value>) -> Vec<Concern> {
    let stated = |key: &str| {
        policy.get(key).map(|value| Concern::PolicyLoses {
            queue: queue.to_owned(),
            key: key.to_owned(),
            value: value.to_string(),
        })
    };
    LOSING.into_iter().filter_map(stated).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vhost_stays_encoded_and_has_a_default() {
        assert_eq!(vhost("amqp://u:p@h:1/a%2Fb"), "a%2Fb");
        assert_eq!(vhost("amqp://u:p@h:1"), "%2F");
    }
}
