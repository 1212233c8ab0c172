# A software bill of materials of each program: CycloneDX as JSON, by the tool of the same project. Sourced, never run; needs
# common.sh, rust.sh and python.sh.
# shellcheck shell=bash

readonly cyclonedx_version=0.5.9

# write_sboms DIRECTORY SCRATCH: writes PROGRAM.cdx.json for each program into DIRECTORY. The same commit gives the same bytes.
write_sboms() {
    local dir=$1 copy=$2/sbom file
    if ! find_cyclonedx "$2/cyclonedx.log"; then
        show_tail "$2/cyclonedx.log"
        warn 'cargo-cyclonedx can be neither found nor built: NO SBOM IS WRITTEN'
        return 0
    fi
    # The tool writes beside each Cargo.toml, so it gets a copy.
    mkdir -p "$copy" "$dir"
    cp -r Cargo.toml Cargo.lock rust-toolchain.toml crates "$copy"
    SOURCE_DATE_EPOCH=$(date_of_source) run cargo cyclonedx --quiet --format json --spec-version 1.5 \
        --manifest-path "$copy/Cargo.toml" >"$2/cyclonedx.log" 2>&1 ||
        { show_tail "$2/cyclonedx.log" && die 'cargo cyclonedx fails'; }
    for file in "$copy"/crates/{receiver/xiebao-receiver,worker/xiebao-worker,ctl/xiebao-ctl}.cdx.json; do
        # Without the place of the copy, which differs from run to run.
        sed "s#$copy#/src#g" "$file" >"$dir/${file##*/}"
        printf 'sbom    %s\n' "$dir/${file##*/}"
    done
}

find_cyclonedx() {
    local dir
    have cargo-cyclonedx && return 0
    dir=$(tools_dir)/cargo-cyclonedx
    if [[ ! -x $dir/bin/cargo-cyclonedx ]]; then
        say "building cargo-cyclonedx $cyclonedx_version, once …"
        run cargo install --quiet --locked --debug cargo-cyclonedx --version "$cyclonedx_version" --root "$dir" >"$1" 2>&1 ||
            return 1
    fi
    PATH=$PATH:$dir/bin
}

# date_of_source: when the commit was made, in seconds; without git, when the dependencies were last changed.
date_of_source() { git log -1 --format=%ct 2>/dev/null || stat --format=%Y Cargo.lock; }
