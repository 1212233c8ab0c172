# Private RabbitMQ nodes, of the system's release or of one that is unpacked into the cache: one node, or a cluster of three.
# Sourced by scripts/services.
# Every server in this directory has the same functions: NAME_available, and for a part (the name of its directory) _alive,
# _healthy, _version, _start, _stop and _logs.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # state_dir and the instance's values come from scripts/lib/instance.sh

readonly rabbitmq_bin=/usr/lib/rabbitmq/bin

rabbitmq_available() { [[ -x $rabbitmq_bin/rabbitmq-server ]] && have epmd; }

readonly rabbitmq_package=rabbitmq-server
readonly rabbitmq_units=(rabbitmq-server.service epmd.service epmd.socket)

# rabbitmq_command VARIABLE WORD…: sets it to the command that runs these words with the broker's programs.
rabbitmq_command() {
    local -n words=$1
    shift
    words=("$@")
    [[ $broker_kind != rabbitmq4 ]] || rabbitmq4_command words "$@"
}

rabbitmq_alive() { is_marked_alive "$state_dir/$1"; }

# A broker opens its AMQP listener last, after all plugins, so a broker that answers the protocol header is ready.
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

rabbitmq_healthy() { rabbitmq_alive "$1" && (rabbitmq_answers "$(node_value amqp_port "$1")"); }

rabbitmq_version() {
    management_get "$(node_value management_port "$1")" '/api/overview?columns=rabbitmq_version' |
        sed -n 's/.*"rabbitmq_version":"\([^"]*\)".*/\1/p'
}

# management_get PORT PATH: prints the answer of the management interface.
management_get() {
    (
        exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
        printf 'GET %s HTTP/1.0\r\nAuthorization: Basic %s\r\n\r\n' "$2" \
            "$(printf '%s:%s' "$amqp_user" "$amqp_password" | base64 -w0)" >&3
        timeout 5 cat <&3
    ) 2>/dev/null
}

rabbitmq_write_settings() {
    local dir=$state_dir/$1
    mkdir -p "$dir/home" "$dir/mnesia" "$dir/log"
    : >"$dir/env.conf"
    printf '[rabbitmq_management,rabbitmq_prometheus].\n' >"$dir/enabled_plugins"
    rabbitmq_write_cookie "$dir/home/.erlang.cookie"
    cat >"$dir/rabbitmq.conf" <<CONF
default_user = $amqp_user
default_pass = $amqp_password
default_user_tags.administrator = true
management.tcp.ip = 127.0.0.1
management.tcp.port = $(node_value management_port "$1")
prometheus.tcp.ip = 127.0.0.1
prometheus.tcp.port = $(node_value metrics_port "$1")
vm_memory_high_watermark.relative = 0.4
disk_free_limit.absolute = 50MB
$(cluster_settings "$1")
CONF
}

# The nodes of a cluster authenticate each other by this secret.
rabbitmq_write_cookie() {
    local first=$state_dir/rabbitmq/home/.erlang.cookie
    [[ -f $1 ]] && return 0
    if [[ -f $first ]]; then cp "$first" "$1"; else random_hex 20 >"$1"; fi
    chmod 400 "$1"
}

# An epmd of the instance, started here rather than by the node, so that it listens on 127.0.0.1 only and carries the mark.
rabbitmq_start_epmd() {
    local epmd
    is_marked_alive "$state_dir/epmd" && port_open 127.0.0.1 "$epmd_port" && return 0
    signal_marked KILL "$state_dir/epmd"
    renew_port_if_taken epmd_port
    rabbitmq_command epmd /usr/bin/env epmd -address 127.0.0.1 -port "$epmd_port"
    spawn "$state_dir/epmd" "$state_dir/log/epmd.log" "${epmd[@]}"
    wait_until 20 port_open 127.0.0.1 "$epmd_port"
}

rabbitmq_start() {
    local name limit node
    rabbitmq_start_epmd || return 1
    for name in amqp_port dist_port management_port metrics_port; do renew_port_if_taken "$name$(port_suffix "$1")"; done
    rabbitmq_write_settings "$1"
    limit=$(ulimit -Hn)
    [[ $limit == unlimited || $limit -gt 65536 ]] && limit=65536
    rabbitmq_command node "$rabbitmq_bin/rabbitmq-server"
    (
        ulimit -Sn "$limit" || true
        rabbitmq_export_variables "$1"
        spawn "$state_dir/$1" "$state_dir/log/$1.log" "${node[@]}"
    )
}

rabbitmq_export_variables() {
    local dir=$state_dir/$1
    export HOME=$dir/home ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT=$epmd_port
    export RABBITMQ_CONF_ENV_FILE=$dir/env.conf RABBITMQ_CONFIG_FILE=$dir/rabbitmq.conf
    export RABBITMQ_ENABLED_PLUGINS_FILE=$dir/enabled_plugins
    export RABBITMQ_MNESIA_BASE=$dir/mnesia RABBITMQ_LOG_BASE=$dir/log RABBITMQ_PID_FILE=$dir/node.pid
    export RABBITMQ_NODE_IP_ADDRESS=127.0.0.1
    RABBITMQ_NODENAME=$(node_name_of "$1")
    RABBITMQ_NODE_PORT=$(node_value amqp_port "$1")
    RABBITMQ_DIST_PORT=$(node_value dist_port "$1")
    export RABBITMQ_NODENAME RABBITMQ_NODE_PORT RABBITMQ_DIST_PORT
    # Otherwise the node's distribution port listens on every address.
    export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}'
}

rabbitmq_logs() { printf '%s\n' "$state_dir/log/$1.log" "$state_dir/$1/log/$(node_name_of "$1").log"; }

# On SIGTERM a node stops in order, as by `rabbitmqctl stop`. That takes 6 s, so a node whose data will be deleted is killed.
rabbitmq_stop() {
    local pid node='' dir=$state_dir/$1
    if [[ -z ${data_unwanted:-} && -r $dir/node.pid ]]; then
        node=$(<"$dir/node.pid")
        for pid in $(marked_pids "$dir"); do
            [[ $pid == "$node" ]] && kill -TERM "$pid" 2>/dev/null && signal_marked CONT "$dir" &&
                wait_gone 60 "$dir" && break
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
