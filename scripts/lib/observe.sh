# The Prometheus of scripts/demo --observe. Sourced, never run.
# shellcheck shell=bash
# shellcheck disable=SC2154 # demo_dir and the maps come from scripts/demo

# Before the build, so that a missing Prometheus is reported at once.
find_what_observes() {
    need_python
    find_prometheus prometheus "$(target_dir)/tools/prometheus"
}

start_observing() {
    local name dir=$demo_dir/prometheus
    step 'Prometheus' '启动 Prometheus'
    for name in "${receivers[@]}"; do prometheus_targets+=("xiebao-receiver /metrics 127.0.0.1:${admin_port_of[$name]}"); done
    for name in "${workers[@]}"; do prometheus_targets+=("xiebao-worker /metrics 127.0.0.1:${admin_port_of[$name]}"); done
    # Servers named by the environment may have no metrics.
    for name in $(tr , ' ' <<<"${XIEBAO_TEST__BROKER_METRICS:-}"); do
        prometheus_targets+=("rabbitmq /metrics/per-object $name")
    done
    write_prometheus_settings "$dir" 1s rules.yml
    python3 "$here/lib/observability.py" hasten <"$repo_root/deploy/alerts/xiebao.yml" >"$dir/rules.yml"
    free_port prometheus_port
    start_prometheus "$prometheus" "$dir" "$demo_dir/prometheus" "$prometheus_port"
    wait_until 30 http_ok "$prometheus_port" /-/ready || { show_tail "$dir/prometheus.log" && die 'Prometheus is not ready'; }
    python3 "$here/lib/observability.py" scraped "127.0.0.1:$prometheus_port" "${#prometheus_targets[@]}" ||
        die 'Prometheus does not reach all services'
    printf 'http://127.0.0.1:%s\n' "$prometheus_port"
}

say_what_to_observe() {
    local name pages=http://127.0.0.1:$prometheus_port pids=()
    # Debian's Prometheus has its pages there.
    if http_ok "$prometheus_port" /classic/alerts; then pages+=/classic; fi
    for name in "${workers[@]}"; do pids+=("${pid_of[$name]}"); done
    tell "Prometheus: $pages/alerts  every alert, with what it goes by; ten minutes take ten seconds here
            $pages/targets who is scraped
            $pages/graph   for questions, such as
              sum by (verdict) (rate(xiebao_receiver_notices_total[1m]))
              histogram_quantile(0.9, sum by (le) (rate(xiebao_worker_lag_seconds_bucket[1m])))
            To see alerts fire, let the workers sleep, and look at /alerts; then wake them:" \
        "Prometheus：$pages/alerts  全部告警及其依据；规则中的一分钟在这里只要一秒
            $pages/targets 抓取对象
            $pages/graph   查询，例如
              sum by (verdict) (rate(xiebao_receiver_notices_total[1m]))
              histogram_quantile(0.9, sum by (le) (rate(xiebao_worker_lag_seconds_bucket[1m])))
            想看告警触发，让处理服务暂停，再看 /alerts；然后恢复："
    printf '              kill -STOP %s\n              kill -CONT %s\n' "${pids[*]}" "${pids[*]}"
}

stop_observing() {
    signal_marked TERM "$demo_dir/prometheus"
    wait_gone 20 "$demo_dir/prometheus" || signal_marked KILL "$demo_dir/prometheus"
}
