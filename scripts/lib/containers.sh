# Builds and runs containers with podman and buildah; makes base images where none can be pulled. Sourced, never run; needs
# common.sh, packages.sh and debian.sh.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # unavailable and debian_keyring come from debian.sh; some is used by those who source this

readonly container_packages=(podman buildah runc catatonit)
# The Debian release that deploy/Dockerfile builds on.
readonly image_suite=bookworm
readonly local_base=localhost/xiebao-base:$image_suite local_builder=localhost/xiebao-builder:$image_suite-make

# find_containers: makes sure of podman and buildah; installs them as root on Debian.
find_containers() {
    local tool
    if ! have podman || ! have buildah; then
        can_install || skip 'podman' 'it is not installed, and only root on Debian can have it installed from here'
        (install_packages "${container_packages[@]}") || skip 'podman' 'its packages could not be installed'
    fi
    for tool in podman buildah; do have "$tool" || skip "$tool" 'it is not in PATH'; done
}

# Set once containers_apart has succeeded: only then may containers be removed.
containers_are_apart=

# containers_apart DIRECTORY: from now on podman and buildah keep images and containers in that directory, apart from the
# user's own.
containers_apart() {
    local dir=$1 driver=
    outer_podman=(env -u CONTAINERS_CONF -u CONTAINERS_STORAGE_CONF ${CONTAINERS_CONF+"CONTAINERS_CONF=$CONTAINERS_CONF"}
        ${CONTAINERS_STORAGE_CONF+"CONTAINERS_STORAGE_CONF=$CONTAINERS_STORAGE_CONF"} podman)
    mkdir -p "$dir"
    dir=$(realpath "$dir")
    export CONTAINERS_CONF=$dir/containers.conf CONTAINERS_STORAGE_CONF=$dir/storage.conf XIEBAO_CONTAINERS_DIR=$dir
    containers_are_apart=1
    write_containers_conf >"$CONTAINERS_CONF"
    # podman's database holds the absolute path, so a directory that was moved cannot be used.
    if [[ -f $dir/complete ]] && grep -qsxF "graphroot = \"$dir/graph\"" "$CONTAINERS_STORAGE_CONF"; then
        driver=$(sed -n 's/^driver = "\(.*\)"$/\1/p' "$CONTAINERS_STORAGE_CONF")
    fi
    if [[ -n $driver ]]; then
        write_storage_conf "$dir" "$driver" >"$CONTAINERS_STORAGE_CONF"
    else
        find_storage_driver "$dir"
    fi
}

# find_storage_driver DIRECTORY: the first storage driver that works, in this directory or in an empty one.
find_storage_driver() {
    local dir=$1 driver
    rm -f "$dir/complete"
    for driver in overlay vfs; do
        write_storage_conf "$dir" "$driver" >"$CONTAINERS_STORAGE_CONF"
        keeps_in "$dir" && return 0
        rm -rf "$dir/graph" "$dir/run"
        keeps_in "$dir" && return 0
        rm -rf "$dir/graph" "$dir/run"
    done
    show_tail "$dir/log"
    skip 'podman' 'it does not work here'
}

# keeps_in DIRECTORY: true if podman works and uses this directory; its own database takes precedence over the settings.
keeps_in() {
    local where
    where=$(podman info --format '{{.Store.GraphRoot}}' 2>"$1/log") && [[ $where == "$1/graph" ]] && : >"$1/complete"
}

# Without systemd. Limits are the caller's, because raising them needs rights.
write_containers_conf() {
    cat <<CONF
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
$(have crun || printf 'runtime = "runc"')

[containers]
default_ulimits = []
CONF
}

# write_storage_conf DIRECTORY DRIVER
write_storage_conf() {
    cat <<CONF
[storage]
driver = "$2"
graphroot = "$1/graph"
runroot = "$1/run"

[storage.options.overlay]
# Otherwise the directory stays mounted after the last container and can't be deleted.
skip_mount_home = "true"
CONF
}

# revision: the commit that is built, with -dirty if the working tree has uncommitted changes.
revision() { git describe --always --abbrev=40 --match '' --dirty 2>/dev/null || printf unknown; }

# lock_containers: Pods and containers have fixed names, so two checks in one directory must not run at once.
lock_containers() {
    have flock || return 0
    exec 7>"$XIEBAO_CONTAINERS_DIR/lock"
    flock -w 900 7 || die "another check is still running in $XIEBAO_CONTAINERS_DIR"
}

has_image() { podman image exists "$1"; }

# make_base_images: makes the base images of deploy/Dockerfile from Debian's packages and this machine's Rust.
make_base_images() {
    has_image "$local_base" || make_local_base
    has_image "$local_builder" || make_local_builder
}

make_local_base() {
    bootstrap base ''
    say "making $local_base …"
    podman import --quiet "$(cache_dir)/images/base.tar" "$local_base" >/dev/null || die "$local_base could not be made"
}

# The build is offline: the crates are mounted, so the image holds no settings of this machine's registry.
make_local_builder() {
    local sysroot
    need_rust
    sysroot=$(rustc --print sysroot)
    bootstrap builder-make gcc,libc6-dev,make,ca-certificates
    say "making $local_builder …"
    local tar=$scratch/builder.tar
    cp "$(cache_dir)/images/builder-make.tar" "$tar"
    tar --append --file "$tar" --directory "$sysroot" --exclude ./share/doc --exclude ./lib/rustlib/src \
        --owner=0 --group=0 --transform 's|^\./|./usr/local/rust/|' ./bin ./lib ./libexec
    podman import --quiet --change 'ENV PATH=/usr/local/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
        --change 'ENV CARGO_HOME=/usr/local/cargo' --change 'ENV CARGO_NET_OFFLINE=true' \
        "$tar" "$local_builder" >/dev/null || die "$local_builder could not be made"
    rm "$tar"
}

# bootstrap NAME PACKAGES: Debian's smallest system with these packages, as a tar file that is kept in the cache.
bootstrap() {
    local dir tar log=$scratch/debootstrap.log include=() mirror
    tar=$(cache_dir)/images/$1.tar
    [[ -f $tar ]] && return 0
    is_root || skip 'a base image' "none can be pulled, and only root can make one (debootstrap)"
    have debootstrap || { can_install && (install_packages debootstrap); } ||
        skip 'a base image' 'none can be pulled, and debootstrap cannot be had'
    [[ -r $debian_keyring ]] || skip 'a base image' "Debian's keys are missing (package debian-archive-keyring)"
    say "fetching Debian $image_suite as $1 …"
    dir=$scratch/$1
    mkdir -p "${tar%/*}"
    [[ -z $2 ]] || include=("--include=$2")
    # Without a mirror of the system, debootstrap uses its own.
    mirror=$(have apt-get && debian_mirror) || true
    if ! debootstrap --variant=minbase --keyring="$debian_keyring" "${include[@]}" "$image_suite" "$dir" \
        ${mirror:+"$mirror"} </dev/null >"$log" 2>&1; then
        show_tail "$log"
        skip 'a base image' 'none can be pulled, and debootstrap failed'
    fi
    rm -rf "$dir"/var/cache/apt/archives/*.deb "$dir"/var/lib/apt/lists/* "$dir"/var/log/*
    tar --directory "$dir" --create --file "$tar.$$" . && mv "$tar.$$" "$tar"
    rm -rf "$dir"
}

# start_private_services DIRECTORY: starts broker and database for the containers; sets amqp_url and database_url. Servers in
# the caller's environment are ignored.
start_private_services() {
    local name exports status=0
    for name in $(compgen -v XIEBAO__ || true); do unset "$name"; done
    export XIEBAO_SERVICES_DIR=$1
    run "$repo_root/scripts/services" up || status=$?
    [[ $status -ne 69 ]] || exit 69
    [[ $status -eq 0 ]] || die 'broker and database could not be started'
    exports=$("$repo_root/scripts/services" env)
    eval "$exports"
    # shellcheck disable=SC2034 # used by those who source this
    amqp_url=$XIEBAO__AMQP__URL database_url=$XIEBAO__DATABASE__URL
    unset XIEBAO__AMQP__URL XIEBAO__DATABASE__URL
}

stop_private_services() {
    [[ -d $1 ]] || return 0
    XIEBAO_SERVICES_DIR=$1 "$repo_root/scripts/services" down --purge >/dev/null 2>&1 </dev/null
}

# free_ports VARIABLE NUMBER: sets it to the first of NUMBER consecutive free ports.
free_ports() {
    local -n first_port=$1
    local offset
    while :; do
        free_port first_port
        for ((offset = 1; offset < $2; offset++)); do
            port_open 127.0.0.1 $((first_port + offset)) && continue 2
        done
        return 0
    done
}

# take_image NAME: copies an image that only the user's own podman has.
take_image() {
    has_image "$1" && return 0
    "${outer_podman[@]}" image exists "$1" 2>/dev/null &&
        "${outer_podman[@]}" image save --quiet "$1" | podman image load --quiet >/dev/null
}

# find_image NAME BINARIES OPTION…: sets image to the named image, to one made of the binaries, or else to one that scripts/image
# builds with the options.
find_image() {
    local options=(--tag xiebao-notify:check "${@:3}") status=0
    image=$1
    if [[ -z $image ]]; then
        [[ -z $2 ]] || options+=(--binaries "$2")
        run "$repo_root/scripts/image" "${options[@]}" || status=$?
        [[ $status -ne $unavailable ]] || exit "$unavailable"
        [[ $status -eq 0 ]] || die 'the image could not be built'
        image=xiebao-notify:check
    fi
    take_image "$image" || die "there is no image $image in $XIEBAO_CONTAINERS_DIR"
    [[ $image == */* ]] || image=localhost/$image
}
