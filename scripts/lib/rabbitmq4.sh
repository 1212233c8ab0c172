# RabbitMQ 4 in the place of the distribution's: a Debian of its own in a folder, entered by chroot. What is done with it
# is told in rabbitmq.sh; here is where it comes from and where its files lie. Sourced by scripts/services.
# shellcheck shell=bash
# shellcheck disable=SC2154 # state_dir, tools_dir and the instance's values come from scripts/services

readonly rabbitmq4_suite=trixie

rabbitmq4_root() { printf '%s/rabbitmq4' "$tools_dir"; }
rabbitmq4_available() { [[ -f $(rabbitmq4_root)/xiebao/complete ]]; }

# rabbitmq4_fetch: needs root, for chroot.
rabbitmq4_fetch() {
    local root mirror log
    root=$(rabbitmq4_root)
    is_root && mirror=$(debian_mirror) || return 1
    have debootstrap || (install_packages debootstrap) || return 1
    say "fetching RabbitMQ 4 (Debian $rabbitmq4_suite) into $root …"
    log=$(mktemp)
    rm -rf "$root"
    mkdir -p "$root"
    if ! debootstrap --variant=minbase --include=rabbitmq-server "$rabbitmq4_suite" "$root" "$mirror" \
        </dev/null >"$log" 2>&1; then
        show_tail "$log"
        rm -rf "$root" "$log"
        return 1
    fi
    rm -f "$log"
    printf '127.0.0.1 localhost\n' >"$root/etc/hosts"
    # Others than root must get through to the servers' folders, and a folder that was cut short must not pass for whole.
    mkdir -p "$root/xiebao"
    : >"$root/xiebao/complete"
}

# rabbitmq4_place DIRECTORY: a node's folder lies within its Debian; in the state directory there is a way to it.
rabbitmq4_place() {
    local inside
    inside=$(rabbitmq4_root)/xiebao/$instance_id/${1##*/}
    mkdir -p "$inside"
    [[ -L $1 ]] || ln -s "$inside" "$1"
}

# rabbitmq4_inside DIRECTORY: the node's folder as the node sees it.
rabbitmq4_inside() { printf '/xiebao/%s/%s' "$instance_id" "${1##*/}"; }

# Without /proc it can tell neither the machine's memory nor its own.
rabbitmq4_settings() {
    printf 'vm_memory_high_watermark.absolute = 2GiB\nvm_memory_calculation_strategy = allocated\n'
}

rabbitmq4_purge() { rm -rf "$(rabbitmq4_root)/xiebao/${instance_id:?}"; }
