# What building needs: the Rust toolchain, a C compiler to link with, and make for the worker's allocator. Sourced, never run.
# shellcheck shell=bash
# shellcheck disable=SC2154 # repo_root comes from common.sh

need_rust() {
    if ! have cargo && [[ -x ${CARGO_HOME:-$HOME/.cargo}/bin/cargo ]]; then
        PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
    fi
    have cargo || die "Rust is not installed; install it with rustup (rust-toolchain.toml names the version)"
    if ! have cc || ! have make; then
        can_install || die "no C compiler or no make is installed; install gcc, libc6-dev and make (Debian: build-essential)"
        install_packages gcc libc6-dev make
    fi
}

# target_dir: where cargo puts what it builds, wherever the user's settings lead it.
target_dir() {
    cargo metadata --no-deps --format-version 1 --locked --manifest-path "$repo_root/Cargo.toml" |
        sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'
}
