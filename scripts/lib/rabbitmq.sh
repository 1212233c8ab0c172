# One private RabbitMQ node. Sourced by scripts/services, which sets state_dir and the instance's values.
# Every server of this directory offers the same functions: NAME_available, _alive, _healthy,
# _start, _stop and _logs, and says which package brings it.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # state_dir and the instance's values come from scripts/services

readonly rabbitmq_bin=/usr/lib/rabbitmq/bin

rabbitmq_available() { [[ -x $rabbitmq_bin/rabbitmq-server ]] && have epmd; }

readonly rabbitmq_package=rabbitmq-server
readonly rabbitmq_units=(rabbitmq-server.service epmd.service epmd.socket)

# Functions that concern one node take its suffix: '' for the first, -2 and -3 for the others of a cluster.
rabbitmq_dir() { printf '%s/rabbitmq%s' "$state_dir" "${1:-}"; }
rabbitmq_node() { printf '%s%s@localhost' "${node_name%@*}" "${1:-}"; }
# rabbitmq_port KIND SUFFIX: the name of the variable that holds a port.
rabbitmq_port() { printf '%s_port%s' "$1" "${2/-/_}"; }

rabbitmq_alive() { is_marked_alive "$(rabbitmq_dir "${1:-}")"; }

# A broker opens its AMQP listener last, after all plugins, so one that answers the protocol header is ready.
rabbitmq_answers() {
    local first
    {
        exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
        printf 'AMQP\x00\x00\x09\x01' >&3
        first=$(timeout 5 head -c 1 <&3 | od -An -tu1)
        exec 3>&-
    } 2>/dev/null
    [[ ${first// /} == 1 ]]
}

rabbitmq_healthy() {
    local port
    port=$(rabbitmq_port amqp "${1:-}")
    rabbitmq_alive "${1:-}" && (rabbitmq_answers "${!port}")
}

# rabbitmq_write_settings SUFFIX
rabbitmq_write_settings() {
    local dir port
    dir=$(rabbitmq_dir "$1") port=$(rabbitmq_port management "$1")
    [[ -z $rabbitmq4 ]] || rabbitmq4_place "$dir"
    mkdir -p "$dir/home" "$dir/mnesia" "$dir/log"
    : >"$dir/env.conf"
    printf '[rabbitmq_management].\n' >"$dir/enabled_plugins"
    [[ -n $erlang_cookie ]] || erlang_cookie=$(random_hex 20)
    (umask 377 && printf '%s' "$erlang_cookie" >"$dir/home/.erlang.cookie.new")
    mv -f "$dir/home/.erlang.cookie.new" "$dir/home/.erlang.cookie"
    cat >"$dir/rabbitmq.conf" <<CONF
default_user = $amqp_user
default_pass = $amqp_password
default_user_tags.administrator = true
management.tcp.ip = 127.0.0.1
management.tcp.port = ${!port}
disk_free_limit.absolute = 50MB
CONF
    if [[ -n $rabbitmq4 ]]; then
        rabbitmq4_settings
    else
        printf 'vm_memory_high_watermark.relative = 0.4\n'
    fi >>"$dir/rabbitmq.conf"
    if [[ -n $cluster ]]; then rabbitmq_write_peers >>"$dir/rabbitmq.conf"; fi
}

# The nodes find each other when they start for the first time. One that is cut off from both others stops serving
# instead of going its own way; two go on.
rabbitmq_write_peers() {
    printf 'cluster_partition_handling = pause_minority\n'
    printf 'cluster_formation.peer_discovery_backend = classic_config\n'
    local number=1 suffix
    for suffix in '' -2 -3; do
        printf 'cluster_formation.classic_config.nodes.%s = %s\n' "$number" "$(rabbitmq_node "$suffix")"
        number=$((number + 1))
    done
}

# Own epmd, started here and not by the node, so that it listens where it should and is known by its mark.
rabbitmq_start_epmd() {
    is_marked_alive "$state_dir/epmd" && port_open 127.0.0.1 "$epmd_port" && return 0
    signal_marked KILL "$state_dir/epmd"
    renew_port_if_taken epmd_port
    spawn "$state_dir/epmd" "$state_dir/log/epmd.log" \
        "$(command -v epmd)" -address 127.0.0.1 -port "$epmd_port"
    wait_until 20 port_open 127.0.0.1 "$epmd_port"
}

# rabbitmq_start SUFFIX
rabbitmq_start() {
    local suffix=${1:-} dir limit kind port
    dir=$(rabbitmq_dir "$suffix")
    rabbitmq_start_epmd || return 1
    for kind in amqp dist management; do renew_port_if_taken "$(rabbitmq_port "$kind" "$suffix")"; done
    rabbitmq_write_settings "$suffix"
    limit=$(ulimit -Hn)
    [[ $limit == unlimited || $limit -gt 65536 ]] && limit=65536
    (
        ulimit -Sn "$limit" || true
        rabbitmq_export_settings "$suffix" "$dir"
        spawn "$dir" "$state_dir/log/rabbitmq$suffix.log" ${rabbitmq4:+chroot "$(rabbitmq4_root)"} \
            "$rabbitmq_bin/rabbitmq-server"
    )
}

# rabbitmq_export_settings SUFFIX DIRECTORY
rabbitmq_export_settings() {
    local dir=$2 amqp dist
    [[ -z $rabbitmq4 ]] || dir=$(rabbitmq4_inside "$dir")
    amqp=$(rabbitmq_port amqp "$1") dist=$(rabbitmq_port dist "$1")
    export HOME=$dir/home ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT=$epmd_port
    export RABBITMQ_CONF_ENV_FILE=$dir/env.conf RABBITMQ_CONFIG_FILE=$dir/rabbitmq.conf
    export RABBITMQ_ENABLED_PLUGINS_FILE=$dir/enabled_plugins
    export RABBITMQ_MNESIA_BASE=$dir/mnesia RABBITMQ_LOG_BASE=$dir/log RABBITMQ_PID_FILE=$dir/node.pid
    RABBITMQ_NODENAME=$(rabbitmq_node "$1")
    export RABBITMQ_NODENAME RABBITMQ_DIST_PORT=${!dist}
    export RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT=${!amqp}
    # Without this the node's distribution listens on every address.
    export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}'
}

rabbitmq_logs() {
    printf '%s\n' "$state_dir/log/rabbitmq${1:-}.log" "$(rabbitmq_dir "${1:-}")/log/$(rabbitmq_node "${1:-}").log"
}

# A node that gets SIGTERM stops in order, as by `rabbitmqctl stop`. It takes its time (6 s), so a node whose data goes
# the same way is not asked.
rabbitmq_stop() {
    local dir pid node=
    dir=$(rabbitmq_dir "${1:-}")
    if [[ -z ${data_unwanted:-} && -r $dir/node.pid ]]; then
        node=$(<"$dir/node.pid")
        for pid in $(marked_pids "$dir"); do
            [[ $pid == "$node" ]] && kill -TERM "$pid" 2>/dev/null && wait_gone 60 "$dir" && break
        done
    fi
    signal_marked KILL "$dir"
    wait_gone 10 "$dir" || return 1
    rm -f "$dir/node.pid"
}

rabbitmq_stop_epmd() {
    signal_marked TERM "$state_dir/epmd"
    wait_gone 5 "$state_dir/epmd" && return 0
    signal_marked KILL "$state_dir/epmd"
    wait_gone 5 "$state_dir/epmd"
}
