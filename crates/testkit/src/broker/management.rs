//! Requests to the management interface of the broker.

use std::time::Duration;

use reqwest::{Client, Method, Response};
use serde_json::Value;

use super::Broker;

/// A broker that a test has stopped does not answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

impl Broker {
    /// The elements of an array; empty if the broker does not answer, for example because a test has killed it.
    pub(super) async fn list(&self, path: &[&str]) -> Vec<Value> {
        match self.get(path).await {
            Some(Value::Array(elements)) => elements,
            _ => Vec::new(),
        }
    }

    pub(super) async fn get(&self, path: &[&str]) -> Option<Value> {
        let answer = self.ask(Method::GET, path, None).await?;
        answer.json().await.ok()
    }

    /// Sends a request; `path` is what follows `/api/`, by segments. `None` if the broker does not answer.
    pub(super) async fn ask(&self, method: Method, path: &[&str], body: Option<Value>) -> Option<Response> {
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
