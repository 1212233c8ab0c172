# Servers named by the environment are used as they are, never started or stopped. Sourced by scripts/services.
# shellcheck shell=bash
# shellcheck disable=SC2154 # the instance's values come from scripts/lib/instance.sh

# True if both URLs are set and are not those that `env` of this instance has printed.
named_by_environment() {
    local amqp=${XIEBAO__AMQP__URL:-} database=${XIEBAO__DATABASE__URL:-}
    if [[ -z $amqp && -z $database ]]; then return 1; fi
    if [[ -n $instance_id && $amqp == "amqp://$amqp_user:$amqp_password@"* &&
        $database == "mysql://$database_user:$database_password@"* ]]; then
        return 1
    fi
    [[ -n $amqp ]] || die "XIEBAO__DATABASE__URL names a server, XIEBAO__AMQP__URL does not: set both or none"
    [[ -n $database ]] || die "XIEBAO__AMQP__URL names a server, XIEBAO__DATABASE__URL does not: set both or none"
}

# external_reachable VARIABLE DEFAULT_PORT: true if every address in the variable accepts connections. Prints no password.
external_reachable() {
    local urls url status=0
    IFS=, read -r -a urls <<<"${!1}"
    for url in "${urls[@]}"; do external_address_reachable "$1" "$url" "$2" || status=1; done
    return "$status"
}

# external_address_reachable VARIABLE URL DEFAULT_PORT
external_address_reachable() {
    local address=${2#*://} host port=$3
    address=${address%%[/?]*}
    address=${address##*@}
    host=$address
    if [[ $address =~ ^(.*):([0-9]+)$ ]]; then host=${BASH_REMATCH[1]} port=${BASH_REMATCH[2]}; fi
    host=${host#[}
    host=${host%]}
    # shellcheck disable=SC2016 # expanded by the inner shell
    if timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$host" "$port" 2>/dev/null; then
        say "$1 names $host:$port, which answers"
    else
        say "$1 names $host:$port, which does not answer"
        return 1
    fi
}

external_status() {
    local status=0
    external_reachable XIEBAO__AMQP__URL 5672 || status=1
    external_reachable XIEBAO__DATABASE__URL 3306 || status=1
    return "$status"
}

# Options of `up` cannot apply to servers that the environment names.
external_up() {
    [[ $# -eq 0 ]] || die "XIEBAO__AMQP__URL and XIEBAO__DATABASE__URL name servers: unset both to start others with $*"
    say 'using the servers that the environment names; nothing is started'
    external_status
}

external_down() { say 'the servers are those that the environment names; nothing is stopped'; }

external_env() {
    print_exports "$XIEBAO__AMQP__URL" "$XIEBAO__DATABASE__URL" \
        "${XIEBAO_TEST__MANAGEMENT_URL:-}" "${XIEBAO_TEST__MANAGEMENT_URLS:-}" "${XIEBAO_TEST__BROKER_METRICS:-}"
}
