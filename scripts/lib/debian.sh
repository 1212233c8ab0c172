# Unpacks programs of another Debian release into a folder: it installs nothing, runs no maintainer script, starts no service,
# and leaves the system unchanged. apt checks the signatures. Sourced by scripts/services.
# shellcheck shell=bash

readonly debian_keyring=/usr/share/keyrings/debian-archive-keyring.gpg
# EX_UNAVAILABLE of <sysexits.h>: something cannot be had on this machine. scripts/test turns it into a loud skip.
readonly unavailable=69

# skip WHAT REASON: loud, because a skipped run looks like a successful one.
skip() {
    say "SKIP: $1 CANNOT BE HAD HERE: $2"
    exit "$unavailable"
}

cache_dir() { printf '%s' "${XIEBAO_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-$repo_root/target}/.cache}/xiebao}"; }

# unpack_debian WHAT SUITE DIRECTORY PACKAGE…: unpacks the packages and their dependencies into the directory, once.
unpack_debian() {
    local what=$1 suite=$2 dir=$3 tool
    shift 3
    [[ -f $dir/complete ]] && return 0
    for tool in apt-get dpkg-deb; do have "$tool" || skip "$what" "$tool is missing, so this is no Debian"; done
    [[ -n $(debian_mirror) ]] || skip "$what" "this system's packages do not come from Debian"
    [[ -r $debian_keyring ]] || skip "$what" "Debian's keys are missing (package debian-archive-keyring)"
    mkdir -p "$dir"
    exec 8>"$dir/lock"
    flock -w 600 8 || die "another scripts/services is still fetching $what"
    if [[ ! -f $dir/complete ]]; then
        say "fetching $what from Debian $suite into $dir …"
        if ! fetch_and_unpack "$suite" "$dir" "$@" </dev/null >"$dir/log" 2>&1; then
            show_tail "$dir/log"
            rm -rf "$dir/fetch" "$dir/root"
            skip "$what" "its packages could not be fetched from Debian $suite"
        fi
    fi
    exec 8>&-
}

# fetch_and_unpack SUITE DIRECTORY PACKAGE…
fetch_and_unpack() {
    local dir=$2 fetch=$2/fetch package
    rm -rf "$fetch" "$dir/root"
    mkdir -p "$fetch"/{lists,cache/archives,sources,none}/partial "$dir/root"
    write_apt_settings "$1" "$fetch"
    shift 2
    APT_CONFIG=$fetch/apt.conf apt-get update || return 1
    APT_CONFIG=$fetch/apt.conf apt-get install -y --download-only "$@" || return 1
    for package in "$fetch"/cache/archives/*.deb; do
        dpkg-deb --extract "$package" "$dir/root" || return 1
    done
    rm -rf "$fetch"
    : >"$dir/complete"
}

# write_apt_settings SUITE DIRECTORY: settings for an apt that knows one release and sees no installed package. The system's
# proxy settings stay in force. An expired release file is accepted.
write_apt_settings() {
    : >"$2/status"
    cat >"$2/sources/debian.sources" <<SOURCES
Types: deb
URIs: $(debian_mirror)
Suites: $1
Components: main
Signed-By: $debian_keyring
Check-Valid-Until: no
SOURCES
    cat >"$2/apt.conf" <<CONF
Dir::State "$2";
Dir::State::lists "$2/lists";
Dir::State::status "$2/status";
Dir::Cache "$2/cache";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$2/sources";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "$2/none";
Dir::Log "$2";
APT::Sandbox::User "$(id -un)";
APT::Install-Recommends "false";
APT::Update::Post-Invoke-Success "";
Acquire::Languages "none";
Acquire::Retries "3";
CONF
}

# debian_mirror: the mirror of this system's own packages; empty if the system is no Debian.
debian_mirror() {
    # shellcheck disable=SC2016 # apt-get's own variables
    apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' 2>/dev/null |
        sed -n 's/^Debian Debian //p' | sed -n 1p || true
}
