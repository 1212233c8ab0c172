# One private MySQL server, from the packages of Debian's unstable suite, unpacked into a folder and run with its own
# loader, so that nothing of the system changes. Sourced by scripts/services.
# shellcheck shell=bash
# shellcheck disable=SC2154 # state_dir, tools_dir and the instance's values come from scripts/services

readonly mysql_suite=sid
readonly mysql_packages=(mysql-server-core mysql-client-core)

mysql_root() { printf '%s/mysql' "$tools_dir"; }
mysql_available() { [[ -x $(mysql_root)/usr/sbin/mysqld ]]; }

# mysql_fetch: the packages and what they need, checked by the archive's signatures.
mysql_fetch() {
    local new log
    have apt-get && have dpkg || return 1
    say "fetching MySQL (${mysql_packages[*]} of $mysql_suite) into $(mysql_root) …"
    new=$(mysql_root).new log=$(mktemp)
    rm -rf "$new"
    mkdir -p "$new/root" "$new/apt/lists/partial" "$new/apt/cache/archives/partial"
    if ! { apt_aside "$new/apt" "$mysql_suite" update &&
        apt_aside "$new/apt" "$mysql_suite" install --download-only -y --no-install-recommends "${mysql_packages[@]}" &&
        unpack_all "$new/apt/cache/archives" "$new/root"; } </dev/null >"$log" 2>&1; then
        show_tail "$log"
        rm -rf "$new" "$log"
        return 1
    fi
    rm -rf "$(mysql_root)" "$log"
    mv "$new/root" "$(mysql_root)"
    rm -rf "$new"
}

# unpack_all ARCHIVES DIRECTORY
unpack_all() {
    local package
    for package in "$1"/*.deb; do dpkg -x "$package" "$2" || return 1; done
}

# mysql_run PROGRAM ARGUMENT…: the words of a command line that runs a program of the folder, in `mysql_command`.
mysql_words() {
    local root lib
    root=$(mysql_root) lib=$(mysql_root)/usr/lib/x86_64-linux-gnu
    mysql_command=("$lib/ld-linux-x86-64.so.2" --library-path "$lib:$lib/mysql/private:$root/usr/lib/mysql/private"
        "$root/usr/$1" --no-defaults "${@:2}")
}

mysqld_words() {
    local root dir=$state_dir/mysql as=()
    root=$(mysql_root)
    is_root && as=(--user=nobody)
    mysql_words sbin/mysqld "${as[@]}" --basedir="$root/usr" --datadir="$dir/data" \
        --lc-messages-dir="$root/usr/share/mysql" --character-sets-dir="$root/usr/share/mysql/charsets" \
        --plugin-dir="$root/usr/lib/mysql/plugin" --secure-file-priv="$dir/files" --tmpdir="$dir/tmp" "$@"
}

mysql_alive() { is_marked_alive "$state_dir/mysql"; }

mysql_healthy() {
    mysql_alive || return 1
    mysql_words bin/mysql --protocol=tcp --host=127.0.0.1 --port="$database_port" --user="$database_user" \
        --get-server-public-key --execute='SELECT 1' "$database_name"
    MYSQL_PWD=$database_password timeout 10 "${mysql_command[@]}" </dev/null >/dev/null 2>&1
}

mysql_create_data() {
    local dir=$state_dir/mysql
    [[ -f $dir/created ]] && return 0
    rm -rf "$dir/data"
    mkdir -p "$dir/data"
    if is_root; then chown nobody "$dir" "$dir/data" "$dir/tmp" "$dir/files"; fi
    mysqld_words --initialize-insecure
    "${mysql_command[@]}" </dev/null >"$state_dir/log/mysql-install.log" 2>&1 || return 1
    : >"$dir/created"
}

mysql_write_accounts() {
    local host
    {
        # shellcheck disable=SC2016 # the backquotes are SQL's
        printf 'CREATE DATABASE IF NOT EXISTS `%s` CHARACTER SET utf8mb4;\n' "$database_name"
        for host in 127.0.0.1 localhost; do
            printf "CREATE USER IF NOT EXISTS '%s'@'%s' IDENTIFIED BY '%s';\n" \
                "$database_user" "$host" "$database_password"
            printf "GRANT ALL ON *.* TO '%s'@'%s';\n" "$database_user" "$host"
        done
    } >"$state_dir/mysql/accounts.sql"
    chmod 644 "$state_dir/mysql/accounts.sql"
}

mysql_start() {
    local dir=$state_dir/mysql
    mkdir -p "$dir/tmp" "$dir/files"
    # Its own user must get through to its folder; what is secret there has modes of its own.
    if is_root; then chmod 711 "$state_dir" "$dir"; fi
    mysql_create_data || return 1
    renew_port_if_taken database_port
    mysql_write_accounts
    mysqld_words --socket="$dir/data/s.sock" --pid-file="$dir/data/server.pid" --init-file="$dir/accounts.sql" \
        --bind-address=127.0.0.1 --port="$database_port" --mysqlx=OFF --skip-name-resolve \
        --character-set-server=utf8mb4 --max-connections=500 --innodb-buffer-pool-size=512M \
        --innodb-redo-log-capacity=1G --innodb-flush-log-at-trx-commit=1 --skip-log-bin
    spawn "$dir" "$state_dir/log/mysql.log" "${mysql_command[@]}"
}

mysql_logs() { printf '%s\n' "$state_dir/log/mysql-install.log" "$state_dir/log/mysql.log"; }

mysql_stop() {
    signal_marked TERM "$state_dir/mysql"
    wait_gone 60 "$state_dir/mysql" && return 0
    signal_marked KILL "$state_dir/mysql"
    wait_gone 10 "$state_dir/mysql"
}
