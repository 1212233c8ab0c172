# Installs missing packages, as root on Debian only. Sourced, never run.
# shellcheck shell=bash

can_install() { is_root && have apt-get; }

# install_packages PACKAGE…: installs them, and keeps each of them from starting a service of the system.
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

# keep_services_off UNIT…: with systemd, the services just installed must not start at the next boot either.
keep_services_off() {
    [[ -d /run/systemd/system ]] || return 0
    systemctl disable --quiet "$@" >/dev/null 2>&1 || true
}
