# RabbitMQ 4 of Debian 13. Its programs call each other by absolute paths, so each process runs in a root directory of its own:
# no other process sees its mounts, and they end with it. Sourced by scripts/services.
# shellcheck shell=bash
# shellcheck disable=SC2154 # state_dir comes from scripts/lib/instance.sh

readonly rabbitmq4_packages=(rabbitmq-server base-files dash bash coreutils sed grep mawk findutils hostname procps util-linux)

rabbitmq4_available() { [[ -f $(cache_dir)/rabbitmq4/complete ]]; }

rabbitmq4_unpack() {
    local unshare
    rabbitmq4_unshare unshare
    "${unshare[@]}" true 2>/dev/null ||
        skip 'RabbitMQ 4' 'it needs root, or a kernel that lets users have namespaces of their own (unshare)'
    unpack_debian 'RabbitMQ 4' trixie "$(cache_dir)/rabbitmq4" "${rabbitmq4_packages[@]}"
}

# rabbitmq4_unshare VARIABLE: sets it to the command that gives a process its own mounts.
rabbitmq4_unshare() {
    local -n unshare_words=$1
    unshare_words=(unshare --mount)
    is_root || unshare_words+=(--user --map-root-user)
}

# The new root: the release's programs, the system's devices and processes, and the state directory under its usual path.
# shellcheck disable=SC2016 # expanded by the inner shell
readonly rabbitmq4_enter='
set -eu
programs=$1 state=$2 root=$2/root
shift 2
mount -t tmpfs -o mode=755 tmpfs "$root"
mkdir -p "$root/etc" "$root/proc" "$root/dev" "$root/tmp" "$root/usr" "$root$state"
for name in bin sbin lib lib64; do ln -s "usr/$name" "$root/$name"; done
printf "127.0.0.1 localhost\n" >"$root/etc/hosts"
printf "root:x:0:0:root:/root:/bin/sh\n" >"$root/etc/passwd"
mount --bind "$programs/usr" "$root/usr"
for name in dev proc; do mount --rbind "/$name" "$root/$name"; done
mount --bind "$state" "$root$state"
exec chroot "$root" "$@"'

# rabbitmq4_command VARIABLE WORD…
rabbitmq4_command() {
    local -n inside=$1
    shift
    mkdir -p "$state_dir/root"
    rabbitmq4_unshare inside
    inside+=(/bin/sh -c "$rabbitmq4_enter" sh "$(cache_dir)/rabbitmq4/root" "$state_dir" "$@")
}
