use serde_json::json;
use xiebao_amqp::topology::{self, ObjectState};
use xiebao_testkit::Broker;

use crate::running::{NOTICES, Running};

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_differs_is_reported_with_the_difference_and_ends_the_receiver() {
    let broker = Broker::new().await;
    let other =
        json!({"durable": true, "arguments": {"x-queue-type": "quorum", "x-overflow": "reject-publish"}});
    broker.declare("queues", NOTICES, other).await;
    let url = broker.url();
    let mut running = Running::start_at(broker, &url, &[]);
    let error = (&mut running.ended).await.unwrap().unwrap_err().to_string();
    assert!(
        error.contains("queue xiebao.notices") && error.contains("x-d"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_of_another_type_is_drift() {
    let broker = Broker::new().await;
    broker
        .declare("exchanges", NOTICES, json!({"type": "direct", "durable": true}))
        .await;
    let connection = broker.connect().await;
    let error = topology::ensure(&connection).await.unwrap_err();
    assert!(error.is_drift(), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("exchange xiebao.notices") && text.contains("type"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_declares_nothing_and_distinguishes_missing_wanted_and_drifted_objects() {
    let broker = Broker::new().await;
    let connection = broker.connect().await;
    for _ in 0..2 {
        let reports = topology::check(&connection).await.unwrap();
        assert_eq!(reports.len(), 12);
        assert!(
            reports.iter().all(|report| report.state == ObjectState::Missing),
            "{reports:?}"
        );
    }
    for _ in 0..2 {
        topology::ensure(&connection).await.unwrap();
        topology::ensure_refused(&connection).await.unwrap();
    }
    let reports = topology::check(&connection).await.unwrap();
    assert!(
        reports
            .iter()
            .all(|report| matches!(report.state, ObjectState::AsWanted { .. })),
        "{reports:?}"
    );
    broker.delete_queue(NOTICES).await;
    broker.declare("queues", NOTICES, json!({"durable": true})).await;
    let reports = topology::check(&connection).await.unwrap();
    let drifted: Vec<_> = reports
        .iter()
        .filter(|report| matches!(report.state, ObjectState::Drift(_)))
        .collect();
    assert!(
        matches!(&drifted[..], [report] if report.object == "queue xiebao.notices"),
        "{reports:?}"
    );
}
