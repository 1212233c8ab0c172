# One private MySQL server of Debian's unstable release. Its programs are unpacked into the cache and run by their own loader.
# Sourced by scripts/services.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # state_dir and the instance's values come from scripts/lib/instance.sh

mysql_usr() { printf '%s/mysql/root/usr' "$(cache_dir)"; }
mysql_available() { [[ -f $(cache_dir)/mysql/complete ]]; }
mysql_unpack() { unpack_debian MySQL sid "$(cache_dir)/mysql" mysql-server-core mysql-client-core; }

# mysql_command VARIABLE PROGRAM: sets it to the words that run sbin/mysqld or bin/mysql.
mysql_command() {
    local -n words=$1
    local usr loader libraries
    usr=$(mysql_usr)
    loader=$(compgen -G "$usr/lib*/ld-linux*.so.*" | head -n 1) || return 1
    libraries=$(compgen -G "$usr/lib/*-linux-gnu" | head -n 1) || return 1
    words=("$loader" --library-path "$libraries" "$usr/$2" --no-defaults --character-sets-dir="$usr/share/mysql/charsets")
}

# mysqld_command VARIABLE: sets it to the command of the server, with the paths of its own files.
mysqld_command() {
    local -n all=$1
    local usr dir=$state_dir/mysql
    usr=$(mysql_usr)
    mysql_command all sbin/mysqld || return 1
    all+=(--basedir="$usr" --lc-messages-dir="$usr/share/mysql" --plugin-dir="$usr/lib/mysql/plugin"
        --datadir="$dir/data" --tmpdir="$dir/tmp" --secure-file-priv="$dir/files" --user="$(id -un)")
}

mysql_alive() { is_marked_alive "$state_dir/mysql"; }

mysql_query() {
    local client
    mysql_command client bin/mysql || return 1
    MYSQL_PWD=$database_password timeout 10 "${client[@]}" --protocol=tcp --host=127.0.0.1 --port="$database_port" \
        --user="$database_user" --skip-column-names --execute="$1" "$database_name" </dev/null
}

mysql_healthy() { mysql_alive && mysql_query 'SELECT 1' >/dev/null 2>&1; }
mysql_version() { mysql_query 'SELECT VERSION()' 2>/dev/null; }

mysql_create_data() {
    local server dir=$state_dir/mysql
    [[ -f $dir/created ]] && return 0
    rm -rf "$dir/data"
    mkdir -p "$dir/data"
    mysqld_command server
    "${server[@]}" --initialize </dev/null >"$state_dir/log/mysql-install.log" 2>&1 || return 1
    : >"$dir/created"
}

# One statement a line, as the init file requires; run at every start, so that an instance that was half made becomes whole.
mysql_write_accounts() {
    local host account
    {
        # shellcheck disable=SC2016 # the backquotes are SQL's
        printf 'CREATE DATABASE IF NOT EXISTS `%s` CHARACTER SET utf8mb4;\n' "$database_name"
        for host in 127.0.0.1 localhost; do
            account="'$database_user'@'$host'"
            printf 'CREATE USER IF NOT EXISTS %s;\n' "$account"
            printf "ALTER USER %s IDENTIFIED WITH caching_sha2_password BY '%s';\n" "$account" "$database_password"
            printf 'GRANT ALL ON *.* TO %s;\n' "$account"
        done
    } >"$state_dir/mysql/accounts.sql"
}

# The X protocol would listen on another port, on all addresses.
mysql_start() {
    local server dir=$state_dir/mysql
    mkdir -p "$dir/tmp" "$dir/files"
    mysql_create_data || return 1
    renew_port_if_taken database_port
    choose_database_socket mysql
    mysql_write_accounts
    mysqld_command server
    spawn "$dir" "$state_dir/log/mysql.log" "${server[@]}" --socket="$database_socket" --mysqlx=OFF \
        --pid-file="$dir/server.pid" --init-file="$dir/accounts.sql" \
        --bind-address=127.0.0.1 --port="$database_port" --skip-name-resolve \
        --character-set-server=utf8mb4 --max-connections=500 \
        --innodb-buffer-pool-size=512M --innodb-redo-log-capacity=512M --innodb-flush-log-at-trx-commit=1
}

mysql_logs() { printf '%s\n' "$state_dir/log/mysql-install.log" "$state_dir/log/mysql.log"; }
mysql_stop() { stop_database mysql; }
