# Building needs the Rust toolchain, a C compiler to link with, and make for the worker's allocator. Sourced, never run.
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

# target_dir: cargo's target directory, under the user's own settings too.
target_dir() {
    cargo metadata --no-deps --format-version 1 --locked --manifest-path "$repo_root/Cargo.toml" |
        sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'
}

# The three programs, and how everything builds them, so that nothing is built twice.
readonly program_packages=(--package xiebao-receiver --package xiebao-worker --package xiebao-ctl)

# build_programs LOG [FORMAT]: builds them; LOG gets the output of cargo. The person sees one line that moves, or a line a
# minute where standard output is no terminal. FORMAT makes it of the time, the units built, and the units in all.
build_programs() {
    local log=$1
    if ! run cargo_in_one_line "$log" "${2:-%s, %s of %s}" 9>&-; then
        tail -n 60 "$log" | tr '\r' '\n' | grep -v ' Building \[' >&2
        die "the programs do not build; the whole output is in $log"
    fi
}

cargo_in_one_line() {
    local log=$1 format=$2 step=60 line='%s\n' part counted='' shown=0
    if [[ -t 1 ]]; then step=1 line='\r%s\e[K'; fi
    SECONDS=0
    # cargo ends each state of its progress bar with a carriage return: "Building [==>   ] 120/441: serde, tokio".
    CARGO_TERM_PROGRESS_WHEN=always CARGO_TERM_PROGRESS_WIDTH=80 CARGO_TERM_COLOR=never \
        cargo build --locked --bins "${program_packages[@]}" --manifest-path "$repo_root/Cargo.toml" \
        --config "$repo_root/.cargo/config.toml" 2>&1 | tee "$log" | {
        while IFS= read -r -d $'\r' part; do
            [[ $part =~ \]\ ([0-9]+)/([0-9]+) ]] || continue
            # shellcheck disable=SC2059 # a format
            counted=$(printf "$format" "$(minutes "$SECONDS")" "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}")
            [[ $SECONDS -ge $((shown + step)) ]] || continue
            shown=$SECONDS
            # shellcheck disable=SC2059 # a format
            printf "$line" "$counted"
        done
        [[ ! -t 1 || $shown -eq 0 ]] || printf '\n'
    }
}

# minutes SECONDS: e.g. 4:07
minutes() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }
