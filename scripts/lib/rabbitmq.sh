# One private RabbitMQ node. Sourced by scripts/services, which sets state_dir and the instance's values.
# Every server of this directory offers the same functions: NAME_available, _alive, _healthy,
# _start, _stop and _logs, and says which package brings it.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # state_dir and the instance's values come from scripts/services

readonly rabbitmq_bin=/usr/lib/rabbitmq/bin

rabbitmq_available() { [[ -x $rabbitmq_bin/rabbitmq-server ]] && have epmd; }

readonly rabbitmq_package=rabbitmq-server
readonly rabbitmq_units=(rabbitmq-server.service epmd.service epmd.socket)

rabbitmq_alive() { is_marked_alive "$state_dir/rabbitmq"; }

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

rabbitmq_healthy() { rabbitmq_alive && (rabbitmq_answers "$amqp_port"); }

rabbitmq_write_settings() {
    local dir=$state_dir/rabbitmq
    mkdir -p "$dir/home" "$dir/mnesia" "$dir/log"
    : >"$dir/env.conf"
    printf '[rabbitmq_management].\n' >"$dir/enabled_plugins"
    if [[ ! -f $dir/home/.erlang.cookie ]]; then
        random_hex 20 >"$dir/home/.erlang.cookie"
        chmod 400 "$dir/home/.erlang.cookie"
    fi
    cat >"$dir/rabbitmq.conf" <<CONF
default_user = $amqp_user
default_pass = $amqp_password
default_user_tags.administrator = true
management.tcp.ip = 127.0.0.1
management.tcp.port = $management_port
vm_memory_high_watermark.relative = 0.4
disk_free_limit.absolute = 50MB
CONF
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

rabbitmq_start() {
    local dir=$state_dir/rabbitmq limit
    rabbitmq_start_epmd || return 1
    renew_port_if_taken amqp_port
    renew_port_if_taken dist_port
    renew_port_if_taken management_port
    rabbitmq_write_settings
    limit=$(ulimit -Hn)
    [[ $limit == unlimited || $limit -gt 65536 ]] && limit=65536
    (
        ulimit -Sn "$limit" || true
        export HOME=$dir/home ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT=$epmd_port
        export RABBITMQ_CONF_ENV_FILE=$dir/env.conf RABBITMQ_CONFIG_FILE=$dir/rabbitmq.conf
        export RABBITMQ_ENABLED_PLUGINS_FILE=$dir/enabled_plugins
        export RABBITMQ_MNESIA_BASE=$dir/mnesia RABBITMQ_LOG_BASE=$dir/log RABBITMQ_PID_FILE=$dir/node.pid
        export RABBITMQ_NODENAME=$node_name RABBITMQ_DIST_PORT=$dist_port
        export RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT=$amqp_port
        # Without this the node's distribution listens on every address.
        export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}'
        spawn "$dir" "$state_dir/log/rabbitmq.log" "$rabbitmq_bin/rabbitmq-server"
    )
}

rabbitmq_logs() { printf '%s\n' "$state_dir/log/rabbitmq.log" "$state_dir/rabbitmq/log/$node_name.log"; }

# A node that gets SIGTERM stops in order, as by `rabbitmqctl stop`. It takes its time (6 s), so a node whose data goes
# the same way is not asked.
rabbitmq_stop() {
    local pid node=
    if [[ -z ${data_unwanted:-} && -r $state_dir/rabbitmq/node.pid ]]; then
        node=$(<"$state_dir/rabbitmq/node.pid")
        for pid in $(marked_pids "$state_dir/rabbitmq"); do
            [[ $pid == "$node" ]] && kill -TERM "$pid" 2>/dev/null && wait_gone 60 "$state_dir/rabbitmq" && break
        done
    fi
    signal_marked KILL "$state_dir/rabbitmq"
    wait_gone 10 "$state_dir/rabbitmq" || return 1
    rm -f "$state_dir/rabbitmq/node.pid"
}

rabbitmq_stop_epmd() {
    signal_marked TERM "$state_dir/epmd"
    wait_gone 5 "$state_dir/epmd" && return 0
    signal_marked KILL "$state_dir/epmd"
    wait_gone 5 "$state_dir/epmd"
}
