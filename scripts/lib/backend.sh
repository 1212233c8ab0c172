# The backend of the servers: installed programs, programs unpacked into a folder, or Docker. Sourced by scripts/services.
# shellcheck shell=bash
# shellcheck disable=SC2154 # the instance's values come from scripts/lib/instance.sh

readonly not_installed='they are not installed, and cannot be from here'

choose_backend() {
    if [[ $backend == docker ]]; then
        docker_works || die "this instance was made with Docker, and Docker does not answer now"
        refuse_beyond_docker
        return 0
    fi
    unpack_missing
    if ! broker_available || ! database_available; then
        if can_install; then
            install_missing
        elif [[ -z $native_only ]] && docker_works; then
            refuse_beyond_docker
            backend=docker
            return 0
        else
            skip_without_backend
        fi
    fi
    broker_available || die "RabbitMQ was installed, but $rabbitmq_bin/rabbitmq-server is not there"
    database_available || die "MariaDB was installed, but its programs are not there"
    backend=native
}

broker_available() { "${broker_kind}_available"; }
database_available() { "${database_kind}_available"; }

# Debian's stable release lacks these servers; they are unpacked from another release into the cache.
unpack_missing() {
    [[ $broker_kind != rabbitmq4 ]] || rabbitmq4_unpack
    [[ $database_kind != mysql ]] || mysql_unpack
}

# In Docker only the two default servers run.
refuse_beyond_docker() {
    [[ $database_kind == mariadb ]] || skip "$(database_word)" "scripts/services does not run it in Docker"
    [[ $broker_kind == rabbitmq ]] || skip 'RabbitMQ 4' "scripts/services does not run it in Docker"
    [[ $broker_nodes -eq 1 ]] || skip 'a cluster' "scripts/services does not run one in Docker"
    [[ -z $native_only ]] || skip 'servers outside of Docker' 'this instance was made with Docker'
}

install_missing() {
    local packages=() units=()
    if ! broker_available; then
        packages+=("$rabbitmq_package")
        units+=("${rabbitmq_units[@]}")
    fi
    if ! database_available; then
        packages+=("$mariadb_package")
        units+=("${mariadb_units[@]}")
    fi
    install_packages "${packages[@]}"
    keep_services_off "${units[@]}"
}

skip_without_backend() {
    [[ -z $native_only ]] || skip 'servers outside of Docker' "$not_installed"
    skip 'RabbitMQ or MariaDB' "$not_installed. One of these helps:
  - run this as root on Debian or a relative (it installs rabbitmq-server and mariadb-server, and starts no service)
  - start Docker, and let this user reach it
  - name servers of your own in XIEBAO__AMQP__URL and XIEBAO__DATABASE__URL"
}

# server FUNCTION PART: calls the backend's function, e.g. rabbitmq_start or docker_rabbitmq_start.
server() {
    local prefix=
    [[ $backend == docker ]] && prefix=docker_
    "$prefix${2%%-*}_$1" "$2"
}
