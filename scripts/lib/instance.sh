# One instance of the servers and its state directory. Sourced by scripts/services.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # command comes from scripts/services, and the values are used all over its parts

# The values of an instance; kept in its state directory, so that `env` prints the same until it is purged.
readonly instance_values=(backend broker_kind broker_nodes database_kind instance_id node_name amqp_user amqp_password
    database_user database_password database_name database_socket epmd_port database_port group_port state_port copy_port
    database_port_2 group_port_2 state_port_2 copy_port_2 database_port_3 group_port_3 state_port_3 copy_port_3
    amqp_port dist_port management_port metrics_port amqp_port_2 dist_port_2 management_port_2 metrics_port_2
    amqp_port_3 dist_port_3 management_port_3 metrics_port_3)

find_state_dir() {
    local wanted=${XIEBAO_SERVICES_DIR:-$repo_root/.services}
    [[ $wanted == /* ]] || wanted=$PWD/$wanted
    state_dir=$(realpath -m -- "$wanted")
    [[ $state_dir != *[[:space:]\'\"\\]* ]] || die "the state directory may not hold blanks or quotes: $state_dir"
}

load_instance() {
    local name
    for name in "${instance_values[@]}"; do printf -v "$name" ''; done
    if [[ -f $state_dir/instance ]]; then
        # shellcheck source=/dev/null # written by save_instance
        source "$state_dir/instance"
    fi
    broker_kind=${broker_kind:-rabbitmq} broker_nodes=${broker_nodes:-1} database_kind=${database_kind:-mariadb}
}

save_instance() {
    local name
    for name in "${instance_values[@]}"; do printf '%s=%q\n' "$name" "${!name}"; done >"$state_dir/instance.new"
    mv "$state_dir/instance.new" "$state_dir/instance"
}

new_instance() {
    instance_id=$(random_hex 4)
    node_name=xiebao-$instance_id@localhost
    amqp_user=xiebao amqp_password=$(random_hex 16)
    database_user=xiebao database_password=$(random_hex 16)
    database_name=xiebao
    free_port epmd_port
    draw_ports "$database_kind" database_port
}

# Draws ports for nodes that are new in the instance.
number_nodes() {
    local part
    for part in $(broker_parts); do draw_ports "$part" amqp_port dist_port management_port metrics_port; done
    [[ $database_kind == galera ]] || return 0
    for part in $(database_parts); do draw_ports "$part" database_port group_port state_port copy_port; done
}

# draw_ports PART NAME…
draw_ports() {
    local suffix name
    suffix=$(port_suffix "$1")
    for name in "${@:2}"; do
        name=$name$suffix
        [[ -n ${!name} ]] || free_port "$name"
    done
}

# renew_port_if_taken VARIABLE: draws another port for a server about to start if some process has taken the old one.
renew_port_if_taken() {
    if port_open 127.0.0.1 "${!1}"; then free_port "$1"; fi
}

# Two runs at once would start everything twice.
lock_instance() {
    [[ -d $state_dir ]] || [[ $command == up ]] || return 0
    mkdir -p "$state_dir" || die "cannot make the state directory $state_dir"
    [[ -w $state_dir ]] || die "cannot write to the state directory $state_dir: whose instance is it?"
    have flock || return 0
    exec 9>"$state_dir/lock"
    flock -w 300 9 || die "another scripts/services is still running for $state_dir"
    load_instance
}

# want_servers OPTION…: stores the options of `up` in the instance. One node can become a cluster later; the kind of a server
# cannot change, because of its data.
want_servers() {
    local option
    native_only=
    for option in "$@"; do
        case $option in
            --cluster) broker_nodes=3 ;;
            --mysql) want_kind database_kind mysql MySQL ;;
            --galera) want_kind database_kind galera 'a Galera cluster' ;;
            --rabbitmq4) want_kind broker_kind rabbitmq4 'RabbitMQ 4' ;;
            --native) native_only=1 ;;
        esac
    done
}

# want_kind VARIABLE KIND WORD
want_kind() {
    if [[ -n $instance_id && ${!1} != "$2" ]]; then
        die "the instance in $state_dir has data of another server than $3: purge it, or name another XIEBAO_SERVICES_DIR"
    fi
    printf -v "$1" '%s' "$2"
}

# broker_parts: the directory names of the broker's nodes.
broker_parts() {
    local number
    printf 'rabbitmq\n'
    for ((number = 2; number <= broker_nodes; number++)); do printf 'rabbitmq-%s\n' "$number"; done
}

# database_parts: the directory names of the database's nodes.
database_parts() {
    printf '%s\n' "$database_kind"
    [[ $database_kind != galera ]] || printf '%s\n' galera-2 galera-3
}

# parts: every server of the instance.
parts() { printf '%s\n' "$(broker_parts)" "$(database_parts)"; }

# port_suffix PART: the suffix of a node's port variables, e.g. "_2".
port_suffix() { [[ $1 != *-* ]] || printf '_%s' "${1##*-}"; }

# node_value NAME PART: e.g. the amqp_port of rabbitmq-2.
node_value() {
    local name
    name=$1$(port_suffix "$2")
    printf '%s' "${!name}"
}

# node_name_of PART
node_name_of() { printf '%s%s@localhost' "${node_name%@*}" "${1#rabbitmq}"; }
