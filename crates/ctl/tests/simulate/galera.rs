//! Workers that write to three nodes of a Galera cluster, as behind a balanced address: `scripts/test --galera`.

mod nodes;

use std::time::Duration;

use nodes::Nodes;
use serde_json::json;

use crate::services::Services;
use crate::{counts, report};

/// Waits so short that sweepers and batches meet at the same proposals.
const WAITS: [&str; 7] = [
    "PAID",
    "ISSUED",
    "CANCELLED",
    "REISSUED",
    "E_POLICY",
    "ENDORSEMENT",
    "ABNORMALITY",
];

/// A receiver, a worker on each node, and one whose connections are spread over all nodes.
async fn services(nodes: &Nodes, max_wait: Option<&str>) -> Services {
    let waits: Vec<(String, &str)> = max_wait
        .into_iter()
        .flat_map(|wait| WAITS.map(|step| (format!("XIEBAO__SEQUENCING__{step}__MAX_WAIT"), wait)))
        .collect();
    let waits: Vec<(&str, &str)> = waits.iter().map(|(key, wait)| (key.as_str(), *wait)).collect();
    let mut services = Services::prepared(
        &format!("\"{}\" = [\"{}\"]", xiebao_testkit::PARTNER, xiebao_testkit::KEY),
        &waits,
    )
    .await;
    services.add_receiver().await;
    let name = services.database.name().to_owned();
    for node in 0..3 {
        services
            .add_worker(&[("XIEBAO__DATABASE__URL", nodes.url(node, &name))])
            .await;
    }
    services
        .add_worker(&[("XIEBAO__DATABASE__URL", nodes.balanced(&name).await)])
        .await;
    services
}

async fn must_be_right(services: &Services, seed: &str, missing: &str) {
    let arguments = [
        "--proposals",
        "2000",
        "--seed",
        seed,
        "--disorder",
        "1",
        "--missing-predecessors",
        missing,
        "--json",
    ];
    let output = services.simulate(&arguments).await;
    let told = report(&output);
    assert_eq!(counts(&told), json!([0, 0, 0]), "{told:#}");
    assert_eq!(output.status.code(), Some(0), "{told:#}");
    assert_eq!(services.count("dead_letters").await, 0);
    let checked = services.check().await;
    assert_eq!(checked.status.code(), Some(0), "{:#}", report(&checked));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the cluster of scripts/services up --galera: scripts/test --galera"]
async fn galera_workers_on_three_nodes_end_in_the_right_rows() {
    let nodes = Nodes::find();
    let services = services(&nodes, None).await;
    must_be_right(&services, "1", "0").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the cluster of scripts/services up --galera: scripts/test --galera"]
async fn galera_sweepers_on_three_nodes_end_in_the_right_rows() {
    let nodes = Nodes::find();
    let services = services(&nodes, Some("1s")).await;
    must_be_right(&services, "2", "0.5").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "kills and freezes nodes of the cluster of scripts/services up --galera: scripts/test --galera"]
async fn galera_nodes_that_are_killed_and_frozen_cost_no_row() {
    let nodes = Nodes::find();
    let services = services(&nodes, Some("1s")).await;
    let breaking = async {
        services.until_notices(1_000).await;
        nodes.signal(1, "KILL");
        services.until_notices(4_000).await;
        nodes.restart_killed().await;
        nodes.until_all_synced().await;
        nodes.signal(2, "STOP");
        // Longer than the cluster waits before it goes on without the node.
        tokio::time::sleep(Duration::from_secs(20)).await;
        nodes.signal(2, "CONT");
        nodes.until_all_synced().await;
    };
    tokio::join!(must_be_right(&services, "3", "0.5"), breaking);
}
