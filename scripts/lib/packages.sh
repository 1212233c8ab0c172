# Installing what is missing, on Debian and as root only. Sourced, never run.
# shellcheck shell=bash

can_install() { is_root && have apt-get; }

# install_packages PACKAGE…: installs them and lets none of them start a service of the system's own.
install_packages() (
    log=$(mktemp)
    policy=/usr/sbin/policy-rc.d
    own_policy=
    # shellcheck disable=SC2154 # both are set just above
    trap 'rm -f "$log" ${own_policy:+"$own_policy"}' EXIT
    if [[ ! -e $policy ]]; then
        own_policy=$policy
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    say "installing $* …"
    options=(-o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
    export DEBIAN_FRONTEND=noninteractive
    if ! { apt-get "${options[@]}" update &&
        apt-get "${options[@]}" install -y --no-install-recommends "$@"; } </dev/null >"$log" 2>&1; then
        show_tail "$log"
        die "apt-get could not install $*"
    fi
)

# keep_services_off UNIT…: where systemd rules, what was just installed must not start at the next boot either.
keep_services_off() {
    [[ -d /run/systemd/system ]] || return 0
    systemctl disable --quiet "$@" >/dev/null 2>&1 || true
}

# debian_mirror: the archive that this system's own packages come from.
debian_mirror() {
    # shellcheck disable=SC2016 # apt's own placeholders
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -m1 '/debian/$'
}

# apt_aside DIRECTORY SUITE ARGUMENT…: apt-get for another suite, with lists, cache and status of its own: it knows no
# package of this system and changes none. Signatures are checked.
apt_aside() {
    local dir=$1 suite=$2 mirror sandbox=()
    mirror=$(debian_mirror) || return 1
    : >"$dir/status"
    printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg check-valid-until=no] %s %s main\n' \
        "$mirror" "$suite" >"$dir/sources.list"
    is_root && sandbox=(-o APT::Sandbox::User=root)
    apt-get "${sandbox[@]}" -o Dir::State::status="$dir/status" -o Dir::State::Lists="$dir/lists" \
        -o Dir::Cache="$dir/cache" -o Dir::Etc::SourceList="$dir/sources.list" -o Dir::Etc::SourceParts=- \
        -o APT::Architectures::=amd64 -o Acquire::Retries=3 -o Debug::NoLocking=1 "${@:3}"
}
