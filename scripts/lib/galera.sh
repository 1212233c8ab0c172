# Three MariaDB servers that are one Galera cluster and all take writes. Sourced by scripts/services.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # state_dir and the instance's values come from scripts/lib/instance.sh

readonly galera_provider=/usr/lib/galera/libgalera_smm.so
# Not rsync itself: the server puts its own directory of scripts before every other.
readonly copy_method=rsync_as_self

galera_available() { mariadb_available && [[ -f $galera_provider ]] && have rsync; }

galera_alive() { is_marked_alive "$state_dir/$1"; }
galera_version() { mariadb_query 'SELECT VERSION()' "$(node_value database_port "$1")" 2>/dev/null; }
galera_logs() { printf '%s\n' "$state_dir/log/$1-install.log" "$state_dir/log/$1.log"; }
galera_stop() { stop_database "$1"; }

# A node that is not part of the cluster refuses queries.
galera_healthy() { galera_alive "$1" && [[ $(galera_status wsrep_local_state_comment "$1") == Synced ]]; }

# galera_status NAME PART
galera_status() {
    mariadb_query "SHOW GLOBAL STATUS LIKE '$1'" "$(node_value database_port "$2")" 2>/dev/null | cut -f 2
}

# A node joins the nodes that are up. If none is, the node with the newest data founds the cluster anew.
galera_start() {
    local part founder
    for part in $(database_parts); do
        [[ $part != "$1" ]] && galera_alive "$part" && wait_until_healthy "$part" && galera_launch "$1" && return 0
    done
    founder=$(galera_newest)
    [[ $founder == galera ]] && { galera_prepare_data || return 1; }
    # It may have ended as the second to last.
    sed -i 's/^safe_to_bootstrap: 0/safe_to_bootstrap: 1/' "$state_dir/$founder/data/grastate.dat" 2>/dev/null || true
    galera_launch "$founder" --wsrep-new-cluster --init-file="$state_dir/galera/accounts.sql"
    [[ $founder == "$1" ]] && return 0
    wait_until_healthy "$founder" && galera_launch "$1"
}

galera_prepare_data() {
    mkdir -p "$state_dir/galera/tmp"
    mariadb_create_data galera && mariadb_write_accounts galera
}

# galera_newest: prints the node that has seen the most transactions; the first one if none has data.
galera_newest() {
    local part position most=-2 newest=galera
    for part in $(database_parts); do
        position=$(galera_position "$part")
        [[ $position -gt $most ]] && most=$position newest=$part
    done
    printf '%s' "$newest"
}

# galera_position PART: the number of its last transaction; a killed node has to look it up in its data.
galera_position() {
    local position
    [[ -f $state_dir/$1/data/grastate.dat ]] || { printf -- '-2' && return 0; }
    position=$(sed -n 's/^seqno: *//p' "$state_dir/$1/data/grastate.dat")
    if [[ ${position:--1} == -1 ]]; then
        galera_command "$1" --wsrep-recover </dev/null >"$state_dir/log/$1-recover.log" 2>&1 || true
        position=$(sed -n 's/.*Recovered position: *[^:]*:\(-\?[0-9]*\).*/\1/p' "$state_dir/log/$1-recover.log" | tail -n 1)
    fi
    printf '%s' "${position:--1}"
}

# galera_launch PART ARGUMENT…
galera_launch() {
    local name
    mkdir -p "$state_dir/$1/data" "$state_dir/$1/tmp" "$state_dir/$1/files"
    galera_write_copy_method
    for name in database_port group_port state_port copy_port; do renew_port_if_taken "$name$(port_suffix "$1")"; done
    save_instance
    mark=$state_dir/$1 galera_command "$@"
}

# A node copies its data to a new one by rsync, whose daemon gives up root's rights, and could not write any more.
galera_write_copy_method() {
    mkdir -p "$state_dir/bin"
    cat >"$state_dir/bin/wsrep_sst_$copy_method" <<'END'
#!/usr/bin/env bash
rsync() {
    [[ $1 != --daemon ]] || exec rsync "$@" --dparam=uid="$(id -u)" --dparam=gid="$(id -g)"
    command rsync "$@"
}
export -f rsync
exec wsrep_sst_rsync "$@"
END
    chmod 700 "$state_dir/bin/wsrep_sst_$copy_method"
}

# galera_command PART ARGUMENT…: runs its server; in the background if `mark` is set.
galera_command() {
    local part=$1 dir=$state_dir/$1 group node addresses=() program=()
    shift
    group=$(node_value group_port "$part")
    for node in $(database_parts); do addresses+=("127.0.0.1:$(node_value group_port "$node")"); done
    # A relative socket lies in the data directory: a path to it could be too long for an address.
    program=(env "PATH=$state_dir/bin:$PATH" "$(mariadb_program)" --no-defaults --user="$(id -un)" --datadir="$dir/data" --tmpdir="$dir/tmp"
        --secure-file-priv="$dir/files" --socket=s.sock --pid-file="$dir/server.pid"
        --bind-address=127.0.0.1 --port="$(node_value database_port "$part")" --skip-name-resolve
        --character-set-server=utf8mb4 --max-connections=500
        --innodb-buffer-pool-size=256M --innodb-log-file-size=256M --innodb-flush-log-at-trx-commit=1
        --binlog-format=ROW --innodb-autoinc-lock-mode=2 --wsrep-on=ON --wsrep-provider="$galera_provider"
        --wsrep-node-name="$part" --wsrep-node-address="127.0.0.1:$group"
        --wsrep-cluster-name="$instance_id" --wsrep-cluster-address="gcomm://$(with_commas "${addresses[@]}")"
        --wsrep-sst-method="$copy_method" --wsrep-sst-receive-address="127.0.0.1:$(node_value copy_port "$part")"
        "--wsrep-provider-options=gmcast.listen_addr=tcp://127.0.0.1:$group;ist.recv_addr=127.0.0.1:$(node_value state_port "$part");pc.recovery=false")
    if [[ -n ${mark:-} ]]; then
        spawn "$mark" "$state_dir/log/$part.log" "${program[@]}" "$@"
    else
        "${program[@]}" "$@"
    fi
}
