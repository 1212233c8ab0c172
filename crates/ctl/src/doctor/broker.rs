use xiebao_runtime::amqp::connect;
use xiebao_runtime::amqp::topology::{self, ObjectReport, ObjectState};
use xiebao_runtime::config::{AmqpConfig, without_password};

use super::Finding;

/// Whether the broker answers, and how each exchange and queue stands.
pub async fn examine(config: &AmqpConfig) -> Vec<Finding> {
    let address = without_password(config.url.expose());
    let unreachable = |problem: String| Finding::BrokerUnreachable {
        address: address.clone(),
        problem,
    };
    let connection = match connect(config, "xiebao doctor").await {
        Ok(connection) => connection,
        Err(error) => return vec![unreachable(error.to_string())],
    };
    let looking = tokio::time::timeout(config.connect_timeout, topology::check(&connection)).await;
    let reports = match looking {
        Ok(Ok(reports)) => reports,
        Ok(Err(error)) => return vec![unreachable(error.to_string())],
        Err(_) => {
            return vec![unreachable(format!(
                "no answer within {:?}",
                config.connect_timeout
            ))];
        }
    };
    // All is known already, however the connection ends.
    let _ = connection.close(200, "done".into()).await;
    let reached = Finding::BrokerReached { address };
    std::iter::once(reached)
        .chain(reports.into_iter().map(object))
        .collect()
}

fn object(report: ObjectReport) -> Finding {
    let object = report.object;
    match report.state {
        ObjectState::AsWanted { queue: None } => Finding::ObjectSound { object },
        ObjectState::AsWanted {
            queue: Some((messages, consumers)),
        } => Finding::QueueSound {
            object,
            messages,
            consumers,
        },
        ObjectState::Missing => Finding::ObjectMissing { object },
        ObjectState::Drift(difference) => Finding::ObjectDiffers { object, difference },
    }
}
