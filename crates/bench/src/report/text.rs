//! The report for the terminal.

use super::{Results, tables};

/// All tables, the ratios last, because readers look for them.
pub fn report(results: &Results) -> String {
    let mut tables = tables::all(results);
    tables.rotate_left(1);
    let mut text = tables
        .iter()
        .map(|(title, table)| format!("{title}\n{}\n", table.text()))
        .collect::<String>();
    text.push_str(&results.machine.in_words());
    text.trim_end().to_owned() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn the_ratios_come_last_and_say_whether_they_hold() {
        let text = report(&samples::results());
        let (_, ratios) = text.split_once("Ratios\n").expect("ratios");
        let line = |name: &str| {
            ratios
                .lines()
                .find(|line| line.starts_with(name))
                .expect("a ratio")
        };
        assert!(
            line("receiver, 256").contains("0.93  ≥ 0.90    yes    22,431 of 24,020 /s"),
            "{ratios}"
        );
        assert!(line("worker, shuffled").contains("NO"), "{ratios}");
        assert!(line("draining beside").contains("-"), "{ratios}");
        assert!(
            ratios
                .trim_end()
                .ends_with("2 cores · 24 GiB · RabbitMQ 3.10.8 · MariaDB 10.11"),
            "{ratios}"
        );
    }

    #[test]
    fn unknown_rates_are_left_out() {
        let text = report(&samples::results());
        assert!(text.contains("Receiver, closed loop"), "{text}");
        assert!(!text.contains("draining, 5 million stored"), "{text}");
    }
}
