# One private MariaDB server, and the functions that MySQL shares with it. Sourced by scripts/services.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # state_dir and the instance's values come from scripts/lib/instance.sh

mariadb_program() { PATH=$PATH:/usr/sbin command -v mariadbd; }

mariadb_available() { mariadb_program >/dev/null && have mariadb-install-db && have mariadb; }

readonly mariadb_package=mariadb-server
readonly mariadb_units=(mariadb.service)

mariadb_alive() { is_marked_alive "$state_dir/mariadb"; }

# mariadb_query SQL [PORT]
mariadb_query() {
    MYSQL_PWD=$database_password timeout 10 mariadb --no-defaults --protocol=tcp --host=127.0.0.1 \
        --port="${2:-$database_port}" --user="$database_user" "$database_name" \
        --skip-column-names --execute="$1" </dev/null
}

mariadb_healthy() { mariadb_alive && mariadb_query 'SELECT 1' >/dev/null 2>&1; }
mariadb_version() { mariadb_query 'SELECT VERSION()' 2>/dev/null; }

# mariadb_create_data PART
mariadb_create_data() {
    local data=$state_dir/$1/data
    [[ -f $state_dir/$1/created ]] && return 0
    rm -rf "$data"
    mkdir -p "$data"
    # A server that starts deletes the temporary tables of every server that uses the same folder, so each gets its own folder.
    mariadb-install-db --no-defaults --datadir="$data" --tmpdir="$state_dir/$1/tmp" --skip-test-db --user="$(id -un)" \
        </dev/null >"$state_dir/log/$1-install.log" 2>&1 || return 1
    : >"$state_dir/$1/created"
}

# One statement a line, as the init file requires; run at every start, so that an instance that was half made becomes whole.
# mariadb_write_accounts PART
mariadb_write_accounts() {
    local host
    {
        # shellcheck disable=SC2016 # the backquotes are SQL's
        printf 'CREATE DATABASE IF NOT EXISTS `%s` CHARACTER SET utf8mb4;\n' "$database_name"
        for host in 127.0.0.1 localhost; do
            printf "CREATE OR REPLACE USER '%s'@'%s' IDENTIFIED BY '%s';\n" \
                "$database_user" "$host" "$database_password"
            printf "GRANT ALL ON *.* TO '%s'@'%s';\n" "$database_user" "$host"
        done
    } >"$state_dir/$1/accounts.sql"
}

mariadb_start() {
    local dir=$state_dir/mariadb
    mkdir -p "$dir/tmp" "$dir/files"
    mariadb_create_data mariadb || return 1
    renew_port_if_taken database_port
    choose_database_socket mariadb
    mariadb_write_accounts mariadb
    spawn "$dir" "$state_dir/log/mariadb.log" "$(mariadb_program)" --no-defaults --user="$(id -un)" \
        --datadir="$dir/data" --tmpdir="$dir/tmp" --secure-file-priv="$dir/files" --socket="$database_socket" \
        --pid-file="$dir/server.pid" --init-file="$dir/accounts.sql" \
        --bind-address=127.0.0.1 --port="$database_port" --skip-name-resolve \
        --character-set-server=utf8mb4 --max-connections=500 \
        --innodb-buffer-pool-size=512M --innodb-log-file-size=512M --innodb-flush-log-at-trx-commit=1
}

mariadb_logs() { printf '%s\n' "$state_dir/log/mariadb-install.log" "$state_dir/log/mariadb.log"; }

mariadb_stop() { stop_database mariadb; }

# choose_database_socket PART: a unix socket's address holds 107 characters, so a deep state directory gets a socket in /tmp.
choose_database_socket() {
    database_socket=$state_dir/$1/s.sock
    if [[ ${#database_socket} -gt 100 ]]; then
        database_socket=$(mktemp -d /tmp/xiebao-XXXXXX)/s.sock
    fi
}

# stop_database PART: shuts it down in order, even if somebody has stopped the process (SIGSTOP).
stop_database() {
    signal_marked TERM "$state_dir/$1"
    signal_marked CONT "$state_dir/$1"
    if ! wait_gone 60 "$state_dir/$1"; then
        signal_marked KILL "$state_dir/$1"
        wait_gone 10 "$state_dir/$1" || return 1
    fi
    remove_short_socket
}

# Deletes only what choose_database_socket has made: a state directory may itself lie in /tmp and be called xiebao-….
remove_short_socket() {
    [[ -n ${database_socket:-} && $database_socket != "$state_dir"/* ]] || return 0
    rm -f "$database_socket" "$database_socket.lock"
    rmdir "${database_socket%/*}" 2>/dev/null || true
}
