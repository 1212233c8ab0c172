# A cluster of three RabbitMQ nodes. Sourced by scripts/services.
# shellcheck shell=bash
# shellcheck disable=SC2154 # state_dir and the instance's values come from scripts/lib/instance.sh

# cluster_settings PART: a node without data joins the first node, which is up by then; the first node waits for nobody.
# Nodes that lost each other for a minute join again by themselves (ADR 0035). That loses only messages of classic queues, and
# there are no classic queues.
cluster_settings() {
    [[ $broker_nodes -gt 1 ]] || return 0
    printf 'cluster_partition_handling = autoheal\n'
    printf 'cluster_formation.peer_discovery_backend = classic_config\n'
    printf 'cluster_formation.classic_config.nodes.1 = %s\n' "$(node_name_of rabbitmq)"
    [[ $1 == rabbitmq ]] || printf 'cluster_formation.classic_config.nodes.2 = %s\n' "$(node_name_of "$1")"
}

# cluster_may_start PART: a node with data waits for the others by itself; a new node would form a cluster of its own.
cluster_may_start() {
    [[ $1 == rabbitmq || -n $(compgen -G "$state_dir/$1/mnesia/*") ]] || wait_until_healthy rabbitmq
}

# The others give up a node that was silent for a minute (stopped, or cut off). A node that answers again but sees no majority
# is restarted.
cluster_mend_partition() {
    local part
    [[ $broker_nodes -gt 1 ]] || return 0
    for part in $(broker_parts); do
        server healthy "$part" || continue
        [[ $(($(cluster_nodes_seen_by "$part") * 2)) -lt $broker_nodes ]] || continue
        say "$part is up but sees no majority of the nodes: restarting it"
        start_part "$part"
    done
}

# True if every node sees every node.
cluster_is_whole() {
    local part
    [[ $broker_nodes -gt 1 ]] || return 0
    for part in $(broker_parts); do
        [[ $(cluster_nodes_seen_by "$part") -eq $broker_nodes ]] || return 1
    done
}

# cluster_nodes_seen_by PART: the number of running nodes that this node sees.
cluster_nodes_seen_by() {
    management_get "$(node_value management_port "$1")" '/api/nodes?columns=name,running' |
        { grep -o '"running":true' || true; } | wc -l
}
