//! Looks at the broker for `doctor` and `status`.

use std::time::Duration;

use tokio::time::timeout;
use xiebao_amqp::connect;
use xiebao_amqp::topology::{self, DEAD, NOTICES, ObjectReport, ObjectState, Part, REFUSED};
use xiebao_desk::fact::Fact;
use xiebao_desk::finding::Finding;
use xiebao_desk::finding::concern::Concern;
use xiebao_runtime::config::{AmqpConfig, without_password};

/// Findings of `doctor`: each address of the broker answers, and each exchange and queue is as wanted.
pub async fn examine(config: &AmqpConfig) -> Vec<Finding> {
    let mut visits = Vec::new();
    for url in &config.urls {
        let urls = vec![url.clone()];
        visits.push(
            visit(AmqpConfig {
                urls,
                ..config.clone()
            })
            .await,
        );
    }
    let any_answers = visits.iter().any(|visit| visit.outcome.is_ok());
    let mut objects = None;
    let mut findings = Vec::new();
    for Visit { address, outcome } in visits {
        findings.push(match outcome {
            Ok(reports) => {
                objects.get_or_insert(reports);
                Finding::BrokerReached { address }
            }
            Err(problem) if any_answers => Finding::BrokerNodeAway { address, problem },
            Err(problem) => Finding::BrokerUnreachable { address, problem },
        });
    }
    // A cluster has one topology, so any node will do.
    findings.extend(objects.unwrap_or_default().into_iter().map(object));
    findings
}

/// The answer of one address.
struct Visit {
    address: String,
    outcome: Result<Vec<ObjectReport>, String>,
}

async fn visit(node: AmqpConfig) -> Visit {
    Visit {
        address: without_password(node.urls[0].expose()),
        outcome: look(&node, "xiebao doctor", node.connect_timeout).await,
    }
}

/// The state of each exchange and queue, or why there is none.
async fn look(config: &AmqpConfig, name: &str, patience: Duration) -> Result<Vec<ObjectReport>, String> {
    let connection = connect(&config.settings(), name)
        .await
        .map_err(|e| e.to_string())?;
    let looking = timeout(patience, topology::check(&connection)).await;
    let reports = looking
        .map_err(|_| format!("no answer within {patience:?}"))?
        .map_err(|error| error.to_string())?;
    // The answer is complete, however the connection ends.
    let _ = connection.close(200, "done".into()).await;
    Ok(reports)
}

/// Facts of `status`: the broker does not answer, or the state of each queue that has consumers.
pub async fn facts(config: &AmqpConfig, patience: Duration) -> Vec<Fact> {
    let late = |_| format!("no answer within {patience:?}");
    let answer = timeout(patience, look(config, "xiebao status", patience)).await;
    match answer.map_err(late).and_then(|answer| answer) {
        Ok(reports) => reports.into_iter().filter_map(queue).collect(),
        Err(problem) => {
            let addresses = config.urls.iter().map(|url| without_password(url.expose()));
            vec![Fact::BrokerAway {
                address: addresses.collect::<Vec<_>>().join(", "),
                problem,
            }]
        }
    }
}

fn queue(report: ObjectReport) -> Option<Fact> {
    let name = report.object.strip_prefix("queue ")?.to_owned();
    if ![NOTICES, DEAD, REFUSED].contains(&name.as_str()) {
        return None;
    }
    Some(match report.state {
        ObjectState::AsWanted {
            queue: Some((messages, consumers)),
        } => Fact::Queue {
            name,
            messages,
            consumers,
        },
        _ => Fact::QueueWrong {
            carries_notices: name != REFUSED,
            name,
        },
    })
}

fn object(report: ObjectReport) -> Finding {
    let object = report.object;
    let of_record = report.part == Part::Record;
    match report.state {
        ObjectState::AsWanted { queue: None } => Finding::ObjectSound { object },
        ObjectState::AsWanted {
            queue: Some((messages, consumers)),
        } => Finding::QueueSound {
            object,
            messages,
            consumers,
        },
        ObjectState::Missing if of_record => Finding::Concerning(Concern::RecordMissing { object }),
        ObjectState::Drift(difference) if of_record => {
            Finding::Concerning(Concern::RecordDiffers { object, difference })
        }
        ObjectState::Missing => Finding::ObjectMissing { object },
        ObjectState::Drift(difference) => Finding::ObjectDiffers { object, difference },
    }
}
