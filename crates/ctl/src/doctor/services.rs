//! The admin listeners that the configuration names.

use std::time::Duration;

use xiebao_runtime::config::Config;

use super::concern::Concern;
use crate::status::service::{ask, targets};

const PATIENCE: Duration = Duration::from_secs(3);

pub async fn examine(config: &Config) -> Vec<Concern> {
    let mut found = Vec::new();
    for target in targets(&[], config).unwrap_or_default() {
        let answer = ask(&target, PATIENCE).await;
        let url = target.url();
        found.push(match answer.problem {
            None => Concern::ServiceReady { url },
            Some(why) if answer.reached => Concern::ServiceNotReady { url, why },
            Some(problem) => Concern::ServiceNotReached { url, problem },
        });
    }
    found
}
