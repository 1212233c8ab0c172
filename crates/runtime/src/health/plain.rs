//! The Prometheus text format, which preceded OpenMetrics and which `promtool check metrics` and older tools read. It
//! describes a counter by its name with `_total`, and has neither units nor an end marker.
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

/// Converts from OpenMetrics. The services' metrics have no exemplars or timestamps.
pub(super) fn of_open_metrics(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    // A description is written when the following type is known.
    let mut help = None;
    for line in text.lines() {
        if let Some(described) = line.strip_prefix("# HELP ") {
            help = described.split_once(' ');
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|line| line.split_once(' '))
        {
            let total = if kind == "counter" { "_total" } else { "" };
            if let Some((_, words)) = help.take() {
                plain.push_str(&format!("# HELP {name}{total} {words}\n"));
            }
            plain.push_str(&format!("# TYPE {name}{total} {kind}\n"));
        } else if !line.starts_with('#') {
            plain.push_str(line);
            plain.push('\n');
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_described_by_its_full_name_and_units_and_the_end_marker_are_left_out() {
        let open = "# HELP x_lag_seconds From # to.\n# TYPE x_lag_seconds histogram\n# UNIT x_lag_seconds seconds\n\
            x_lag_seconds_sum 1.0\n# HELP x_notices Notices.\n# TYPE x_notices counter\n\
            x_notices_total{a=\"#\"} 3\n# EOF\n";
        let plain = "# HELP x_lag_seconds From # to.\n# TYPE x_lag_seconds histogram\nx_lag_seconds_sum 1.0\n\
            # HELP x_notices_total Notices.\n# TYPE x_notices_total counter\nx_notices_total{a=\"#\"} 3\n";
        assert_eq!(of_open_metrics(open), plain);
    }
}
