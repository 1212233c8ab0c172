# Finds or fetches Prometheus and promtool, and runs a Prometheus beside the programs. Sourced, never run; needs common.sh and
# debian.sh.
# shellcheck shell=bash
# shellcheck disable=SC2034 # found_program names a variable of the caller

# Scripts of Prometheus's pages, which Debian has as packages of their own.
readonly prometheus_page_scripts=(libjs-bootstrap4 libjs-d3 libjs-eonasdan-bootstrap-datetimepicker libjs-jquery
    libjs-jquery-hotkeys libjs-moment libjs-moment-timezone libjs-mustache libjs-popper.js libjs-rickshaw)

# find_promtool VARIABLE DIRECTORY: sets it to a promtool: the system's, or Debian's, unpacked into the directory.
find_promtool() { find_of_prometheus "$1" promtool "$2"; }

# find_prometheus VARIABLE DIRECTORY: the same for the server.
find_prometheus() { find_of_prometheus "$1" prometheus "$2"; }

# find_of_prometheus VARIABLE PROGRAM DIRECTORY
find_of_prometheus() {
    local -n found_program=$1
    local program=$2 dir=$3 suite tool
    found_program=$(command -v "$program") && return 0
    found_program=$dir/root/usr/bin/$program
    [[ -f $dir/complete ]] && return 0
    for tool in apt-get dpkg-deb; do
        have "$tool" || skip Prometheus "it is not in PATH, and $tool is missing, so this is no Debian"
    done
    [[ -n $(debian_mirror) ]] || skip Prometheus "it is not in PATH, and this system's packages do not come from Debian"
    # shellcheck disable=SC2154 # set by debian.sh
    [[ -r $debian_keyring ]] || skip Prometheus "Debian's keys are missing (package debian-archive-keyring)"
    suite=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-stable}")
    say "fetching Prometheus from Debian $suite …"
    mkdir -p "$dir"
    if ! fetch_prometheus "$suite" "$dir" </dev/null >"$dir/log" 2>&1; then
        show_tail "$dir/log"
        rm -rf "$dir"
        skip Prometheus "its packages could not be fetched from Debian $suite"
    fi
}

# fetch_prometheus SUITE DIRECTORY: fetches these packages only, because the programs need nothing but the C library.
fetch_prometheus() {
    local dir=$2 fetch=$2/fetch package
    rm -rf "$fetch" "$dir/root"
    mkdir -p "$fetch"/{lists,cache/archives,sources,none}/partial "$dir/root"
    write_apt_settings "$1" "$fetch"
    APT_CONFIG=$fetch/apt.conf apt-get update || return 1
    (cd "$fetch" && APT_CONFIG=$fetch/apt.conf apt-get download prometheus) || return 1
    # Without these packages only the pages look worse.
    (cd "$fetch" && APT_CONFIG=$fetch/apt.conf apt-get download "${prometheus_page_scripts[@]}") || true
    for package in "$fetch"/*.deb; do
        dpkg-deb --extract "$package" "$dir/root" || return 1
    done
    # 210 MB of time zones that no page uses.
    rm -rf "$fetch" "$dir/root/usr/share/javascript/moment-timezone/data"
    : >"$dir/complete"
}

# write_prometheus_settings DIRECTORY INTERVAL RULES: the targets are in `prometheus_targets`: job, path and address of each.
declare -a prometheus_targets=()
write_prometheus_settings() {
    local job path address
    {
        printf 'global:\n  scrape_interval: %s\n  evaluation_interval: %s\n' "$2" "$2"
        printf 'rule_files:\n  - %s\nscrape_configs:\n' "$3"
        for job in xiebao-receiver xiebao-worker rabbitmq; do
            path=$(printf '%s\n' "${prometheus_targets[@]}" | awk -v job="$job" '$1 == job { print $2; exit }')
            [[ -n $path ]] || continue
            printf '  - job_name: %s\n    metrics_path: %s\n    static_configs:\n      - targets:\n' "$job" "$path"
            while read -r address; do printf '          - %s\n' "$address"; done < <(
                printf '%s\n' "${prometheus_targets[@]}" | awk -v job="$job" '$1 == job { print $3 }')
        done
    } >"$1/prometheus.yml"
}

# start_prometheus PROGRAM DIRECTORY MARK PORT: starts it on 127.0.0.1, with its data in the directory.
start_prometheus() {
    local pages
    pages=$(dirname "$1")/../share/prometheus/web
    # Debian's Prometheus reads its pages from files; others have them compiled in.
    if [[ -d $pages && $1 != /usr/* ]]; then pages=--web.local-assets=$(realpath "$pages"); else pages=; fi
    spawn "$3" "$2/prometheus.log" "$1" --config.file="$2/prometheus.yml" --storage.tsdb.path="$2/data" \
        --web.listen-address="127.0.0.1:$4" --log.level=warn ${pages:+"$pages"}
}
