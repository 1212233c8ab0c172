# The two servers as Docker containers, for a user who is not root. Their ports are published on 127.0.0.1 only.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # state_dir and the instance's values come from scripts/services

readonly docker_rabbitmq_image=rabbitmq:3.13-management
readonly docker_mariadb_image=mariadb:10.11

docker_works() { have docker && timeout 20 docker info >/dev/null 2>&1; }

docker_name() { printf 'xiebao-%s-%s' "$instance_id" "$1"; }

docker_running() {
    [[ $(docker container inspect --format '{{.State.Running}}' "$(docker_name "$1")" 2>/dev/null) == true ]]
}

# docker_run PART ARGUMENT…: runs a container with data in a volume; secrets are passed in files, not on the command line.
docker_run() {
    local part=$1
    shift
    docker container rm --force "$(docker_name "$part")" >/dev/null 2>&1 || true
    docker run --detach --name "$(docker_name "$part")" --env-file "$state_dir/docker/$part.env" "$@" \
        </dev/null >>"$state_dir/log/$part.log" 2>&1
}

docker_rabbitmq_alive() { docker_running rabbitmq; }
docker_rabbitmq_healthy() { docker_running rabbitmq && (rabbitmq_answers "$amqp_port"); }
docker_rabbitmq_start() {
    mkdir -p "$state_dir/docker"
    renew_port_if_taken amqp_port
    renew_port_if_taken management_port
    printf 'RABBITMQ_DEFAULT_USER=%s\nRABBITMQ_DEFAULT_PASS=%s\n' "$amqp_user" "$amqp_password" \
        >"$state_dir/docker/rabbitmq.env"
    printf 'vm_memory_high_watermark.relative = 0.4\ndisk_free_limit.absolute = 50MB\n' \
        >"$state_dir/docker/rabbitmq.conf"
    chmod 644 "$state_dir/docker/rabbitmq.conf"
    docker_run rabbitmq --hostname rabbitmq \
        --publish "127.0.0.1:$amqp_port:5672" --publish "127.0.0.1:$management_port:15672" \
        --volume "$(docker_name rabbitmq):/var/lib/rabbitmq" \
        --volume "$state_dir/docker/rabbitmq.conf:/etc/rabbitmq/conf.d/90-xiebao.conf:ro" \
        "$docker_rabbitmq_image"
}

docker_mariadb_alive() { docker_running mariadb; }
# Over TCP, because the image already answers on its socket during its set-up.
docker_mariadb_healthy() {
    docker_running mariadb && MYSQL_PWD=$database_password timeout 20 docker exec --env MYSQL_PWD "$(docker_name mariadb)" \
        mariadb --protocol=tcp --host=127.0.0.1 --user="$database_user" --execute='SELECT 1' "$database_name" \
        </dev/null >/dev/null 2>&1
}
docker_mariadb_start() {
    mkdir -p "$state_dir/docker"
    renew_port_if_taken database_port
    printf 'MARIADB_RANDOM_ROOT_PASSWORD=1\nMARIADB_DATABASE=%s\nMARIADB_USER=%s\nMARIADB_PASSWORD=%s\n' \
        "$database_name" "$database_user" "$database_password" >"$state_dir/docker/mariadb.env"
    printf "GRANT ALL ON *.* TO '%s'@'%%';\n" "$database_user" >"$state_dir/docker/grants.sql"
    chmod 644 "$state_dir/docker/grants.sql"
    docker_run mariadb --publish "127.0.0.1:$database_port:3306" \
        --volume "$(docker_name mariadb):/var/lib/mysql" \
        --volume "$state_dir/docker/grants.sql:/docker-entrypoint-initdb.d/grants.sql:ro" \
        "$docker_mariadb_image" --character-set-server=utf8mb4 --max-connections=500 \
        --innodb-buffer-pool-size=512M --innodb-log-file-size=512M --innodb-flush-log-at-trx-commit=1
}

docker_save_log() {
    docker logs --tail 100 "$(docker_name "$1")" >"$state_dir/log/$1.log" 2>&1 || true
    printf '%s\n' "$state_dir/log/$1.log"
}
docker_rabbitmq_logs() { docker_save_log rabbitmq; }
docker_mariadb_logs() { docker_save_log mariadb; }

docker_stop() {
    docker container stop --time 60 "$(docker_name "$1")" >/dev/null 2>&1 || true
    docker container rm --force "$(docker_name "$1")" >/dev/null 2>&1 || true
    ! docker_running "$1"
}
docker_rabbitmq_stop() { docker_stop rabbitmq; }
docker_mariadb_stop() { docker_stop mariadb; }

docker_purge() { docker volume rm --force "$(docker_name rabbitmq)" "$(docker_name mariadb)" >/dev/null 2>&1 || true; }
