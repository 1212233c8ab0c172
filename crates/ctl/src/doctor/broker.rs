use xiebao_runtime::amqp::connect;
use xiebao_runtime::amqp::topology::{self, ObjectReport, ObjectState, Part};
use xiebao_runtime::config::{AmqpConfig, without_password};

use super::Finding;
use super::concern::Concern;

/// Whether the broker answers, at each of its addresses, and how each exchange and queue stands.
pub async fn examine(config: &AmqpConfig) -> Vec<Finding> {
    let mut visits = Vec::new();
    for url in &config.urls {
        let urls = vec![url.clone()];
        visits.push(visit(AmqpConfig { urls, ..*config }).await);
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
    // One cluster, one topology: any node tells it.
    findings.extend(objects.unwrap_or_default().into_iter().map(object));
    findings
}

/// What one address has said.
struct Visit {
    address: String,
    outcome: Result<Vec<ObjectReport>, String>,
}

async fn visit(node: AmqpConfig) -> Visit {
    Visit {
        address: without_password(node.urls[0].expose()),
        outcome: look(&node).await,
    }
}

async fn look(node: &AmqpConfig) -> Result<Vec<ObjectReport>, String> {
    let connection = connect(node, "xiebao doctor").await.map_err(|e| e.to_string())?;
    let looking = tokio::time::timeout(node.connect_timeout, topology::check(&connection)).await;
    let reports = looking
        .map_err(|_| format!("no answer within {:?}", node.connect_timeout))?
        .map_err(|error| error.to_string())?;
    // All is known already, however the connection ends.
    let _ = connection.close(200, "done".into()).await;
    Ok(reports)
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
