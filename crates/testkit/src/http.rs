//! Posts notices as the platform does.

use reqwest::Client;

/// The receiver's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// The header `x-notice-result`.
    pub verdict: Option<String>,
    pub content_type: Option<String>,
    pub body: String,
}

impl Answer {
    /// Reads an answer with its body.
    ///
    /// # Panics
    /// If the body is not text, or the connection breaks.
    pub async fn read(response: reqwest::Response) -> Self {
        let header = |name: &str| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        Self {
            status: response.status().as_u16(),
            verdict: header("x-notice-result"),
            content_type: header("content-type"),
            body: response.text().await.expect("the answer is text"),
        }
    }

    /// The verdict, empty if there is none.
    pub fn verdict(&self) -> &str {
        self.verdict.as_deref().unwrap_or_default()
    }
}

/// Posts a notice with the platform's Content-Type.
///
/// # Panics
/// If nobody answers.
pub async fn post(url: &str, body: impl Into<reqwest::Body>) -> Answer {
    let request = Client::new()
        .post(url)
        .header("content-type", "application/json;charset=UTF-8")
        .body(body);
    Answer::read(request.send().await.expect("the receiver answers")).await
}
