# Functions that all scripts share: messages, ports, secrets, processes. Sourced, never run.
# shellcheck shell=bash
# shellcheck disable=SC2034 # much is used only by those who source this

repo_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
readonly repo_root

say() { printf '%s\n' "$*" >&2; }
warn() { printf 'warning: %s\n' "$*" >&2; }
die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}
usage_error() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    printf "Try '%s --help'.\n" "$0" >&2
    exit 2
}

is_root() { [[ $(id -u) -eq 0 ]]; }
have() { command -v "$1" >/dev/null 2>&1; }

# The comment block at the head of the calling script is its help.
print_header_as_help() {
    awk 'NR == 1 { next } /^#/ { sub(/^# ?/, ""); print; next } { exit }' "$1"
}

# random_hex BYTES
random_hex() { od -An -v -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }

# port_open HOST PORT: true if something accepts connections there.
port_open() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }

# free_port VARIABLE: sets it to a free loopback port below the range from which the kernel takes the ports of outgoing
# connections and of port 0, so neither of them takes it before the server listens.
free_port() {
    local -n chosen=$1
    local first last try
    port_range
    for ((try = 0; try < 200; try++)); do
        chosen=$((first + (RANDOM * 32768 + RANDOM) % (last - first + 1)))
        claim_port "$chosen" || continue
        port_open 127.0.0.1 "$chosen" && continue
        return 0
    done
    die "no free port found on 127.0.0.1 between $first and $last"
}

# port_range: sets first and last. Where the kernel's range leaves no room below it, one of its own must do.
port_range() {
    first=20000 last=31999
    local lowest
    read -r lowest _ </proc/sys/net/ipv4/ip_local_port_range || return 0
    if [[ $lowest -ge 14000 ]]; then last=$((lowest - 1)) first=$((lowest - 12000)); fi
} 2>/dev/null

# claim_port PORT: true if no other script of this user has drawn it. The claim lasts as long as this script; by then a
# server listens on the port.
claim_port() {
    local claims=/tmp/xiebao-ports-$UID claim
    [[ " ${taken_ports:-} " != *" $1 "* ]] || return 1
    if have flock && mkdir -p "$claims"; then
        exec {claim}>"$claims/$1"
        flock -n "$claim" || { exec {claim}>&- && return 1; }
    fi
    taken_ports="${taken_ports:-} $1"
}

# Processes are found by a mark in their environment, not by name or by a stored pid: it survives a deleted state directory,
# cannot be mistaken after a reboot, and children inherit it.
readonly mark_variable=XIEBAO_STARTED_AS

# spawn MARK LOG COMMAND…: starts a process in a session of its own, with no terminal, pipe or lock of the caller's.
spawn() {
    local mark=$1 log=$2
    shift 2
    (
        for fd in "/proc/$BASHPID/fd"/*; do
            fd=${fd##*/}
            [[ $fd -gt 2 ]] && eval "exec $fd>&-"
        done
        cd /
        exec env "$mark_variable=$mark" setsid "$@"
    ) </dev/null >>"$log" 2>&1 &
    spawned_pid=$!
}

# marked_pids MARK: prints the pids of living processes with this mark, children included.
marked_pids() {
    local file
    { grep -lzxsF -- "$mark_variable=$1" /proc/[0-9]*/environ || true; } | while IFS=/ read -r _ _ file _; do
        printf '%s\n' "$file"
    done
}

is_marked_alive() { [[ -n $(marked_pids "$1") ]]; }

# signal_marked SIGNAL MARK
signal_marked() {
    local pid
    for pid in $(marked_pids "$2"); do kill "-$1" "$pid" 2>/dev/null || true; done
}

# wait_gone SECONDS MARK: true once no process with that mark is left.
wait_gone() {
    local end=$((SECONDS + $1))
    while is_marked_alive "$2"; do
        [[ $SECONDS -lt $end ]] || return 1
        sleep 0.1
    done
}

# wait_reaped SECONDS PID…: waits until the dead have left the process table; their parent decides when.
wait_reaped() {
    local end=$((SECONDS + $1)) pid
    shift
    for pid in "$@"; do
        while [[ -e /proc/$pid && $SECONDS -lt $end ]]; do sleep 0.1; done
    done
}

# wait_until SECONDS COMMAND…: true as soon as the command succeeds.
wait_until() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [[ $SECONDS -lt $end ]] || return 1
        sleep 0.2
    done
}

# run COMMAND…: waits for it so that the script handles a signal at once, not only after the command has ended. The command has
# a process group of its own, so stop_run stops all that it has started.
run() {
    local status=0
    set -m
    "$@" </dev/null &
    running=$!
    set +m
    wait "$running" || status=$?
    running=
    return "$status"
}

# stop_run: ends the command that `run` is waiting for, if any.
stop_run() {
    [[ -n ${running:-} ]] || return 0
    kill -TERM -- "-$running" 2>/dev/null || true
    wait "$running" 2>/dev/null || true
    running=
}

# http_ok PORT PATH: true if a GET there is answered with 200.
http_ok() {
    (
        exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
        printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' "$2" >&3
        IFS= read -r -t 5 first <&3 && [[ $first == 'HTTP/1.1 200 '* ]]
    ) 2>/dev/null
}

# show_tail LOG…: prints the last lines of each log, to show why a server did not start.
show_tail() {
    local log
    for log in "$@"; do
        [[ -s $log ]] || continue
        say "--- the end of $log"
        tail -n 25 "$log" >&2
    done
}
