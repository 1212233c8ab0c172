//! The three-node cluster of `scripts/services up --cluster` loses no confirmed message when a node is killed.

#[path = "cluster/nodes.rs"]
mod nodes;

use nodes::Cluster;

const QUEUE: &str = "kept";

#[tokio::test]
#[ignore = "kills a node of the cluster that XIEBAO_SERVICES_DIR holds: scripts/test --cluster"]
async fn a_cluster_keeps_confirmed_messages_when_its_leader_is_killed_and_up_restarts_the_node() {
    let cluster = Cluster::find();
    let vhost = cluster.make_vhost().await;
    cluster.declare_quorum_queue(&vhost, QUEUE).await;
    cluster.wait_for_members_online(&vhost, QUEUE, 3).await;
    let leader = cluster.leader(0, &vhost, QUEUE).await;
    cluster.publish_confirmed(leader, &vhost, QUEUE, 0..500).await;
    let pids = cluster.pids();

    cluster.kill(leader);
    let survivor = (leader + 1) % 3;
    cluster
        .wait_for_other_leader(survivor, &vhost, QUEUE, leader)
        .await;
    cluster
        .publish_confirmed(survivor, &vhost, QUEUE, 500..1000)
        .await;

    cluster.restart_killed();
    cluster.wait_for_members_online(&vhost, QUEUE, 3).await;
    for (node, (before, after)) in pids.iter().zip(cluster.pids()).enumerate() {
        assert_eq!(
            *before != after,
            node == leader,
            "only node {leader} restarts, not {node}"
        );
    }
    let kept = cluster.drain(leader, &vhost, QUEUE).await;
    assert_eq!(kept, (0..1000).collect::<Vec<u32>>());
    cluster.delete_vhost(&vhost).await;
}
