# Finding or fetching promtool, which checks and tests the rules of Prometheus. Sourced, never run; needs debian.sh.
# shellcheck shell=bash

# find_promtool VARIABLE DIRECTORY: sets it to a promtool: the system's, or Debian's, unpacked into the directory.
find_promtool() {
    local -n found_promtool=$1
    local dir=$2 suite tool
    found_promtool=$(command -v promtool) && return 0
    found_promtool=$dir/promtool
    [[ -x $found_promtool ]] && return 0
    for tool in apt-get dpkg-deb; do have "$tool" || skip promtool "it is not in PATH, and $tool is missing, so this is no Debian"; done
    [[ -n $(debian_mirror) ]] || skip promtool "it is not in PATH, and this system's packages do not come from Debian"
    # shellcheck disable=SC2154 # set by debian.sh
    [[ -r $debian_keyring ]] || skip promtool "Debian's keys are missing (package debian-archive-keyring)"
    suite=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-stable}")
    say "fetching promtool from Debian $suite …"
    mkdir -p "$dir"
    if ! fetch_promtool "$suite" "$dir" </dev/null >"$dir/log" 2>&1; then
        show_tail "$dir/log"
        rm -rf "$dir"
        skip promtool "the package prometheus could not be fetched from Debian $suite"
    fi
}

# fetch_promtool SUITE DIRECTORY: the package alone, for the program is linked with nothing but the C library.
fetch_promtool() {
    local dir=$2 fetch=$2/fetch
    rm -rf "$fetch"
    mkdir -p "$fetch"/{lists,cache/archives,sources,none}/partial "$fetch/root"
    write_apt_settings "$1" "$fetch"
    APT_CONFIG=$fetch/apt.conf apt-get update || return 1
    (cd "$fetch" && APT_CONFIG=$fetch/apt.conf apt-get download prometheus) || return 1
    dpkg-deb --extract "$fetch"/prometheus_*.deb "$fetch/root" || return 1
    mv "$fetch/root/usr/bin/promtool" "$dir/promtool" || return 1
    rm -rf "$fetch"
}
