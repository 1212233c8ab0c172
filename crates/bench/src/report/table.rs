//! A table, as text and as markdown.

use std::fmt::Write as _;

/// Names are aligned to the left, figures to the right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub head: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// The cell of an unknown figure.
pub const UNKNOWN: &str = "-";

impl Table {
    pub fn new(head: &[&str]) -> Self {
        Self {
            head: head.iter().map(|&name| name.to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds the row, unless all figures are unknown.
    pub fn add(&mut self, row: Vec<String>) {
        if row.iter().skip(1).any(|cell| cell != UNKNOWN) {
            self.rows.push(row);
        }
    }

    pub fn text(&self) -> String {
        let widths: Vec<usize> = (0..self.head.len()).map(|column| self.width(column)).collect();
        let mut text = String::new();
        for row in self.lines() {
            let cells: Vec<String> = row.iter().zip(&widths).enumerate().map(pad).collect();
            let _ = writeln!(text, "{}", cells.join("  ").trim_end());
        }
        text
    }

    pub fn markdown(&self) -> String {
        let mut lines: Vec<String> = self
            .lines()
            .map(|row| format!("| {} |", row.join(" | ")))
            .collect();
        let rule = "|---".to_owned() + &"|---:".repeat(self.head.len() - 1) + "|";
        lines.insert(1, rule);
        lines.join("\n") + "\n"
    }

    fn lines(&self) -> impl Iterator<Item = &Vec<String>> {
        std::iter::once(&self.head).chain(&self.rows)
    }

    fn width(&self, column: usize) -> usize {
        self.lines()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    }
}

fn pad((column, (cell, &width)): (usize, (&String, &usize))) -> String {
    if column == 0 {
        format!("{cell:<width$}")
    } else {
        format!("{cell:>width$}")
    }
}

/// A whole number with separated thousands.
pub fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with two decimals if it is small, and none if it is large.
pub fn number(value: f64) -> String {
    if value >= 100.0 {
        grouped(value)
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart_and_digits_fit_the_size() {
        let texts = [1.0, 999.0, 1_000.0, 23_456.4, 1_234_567.0].map(grouped);
        assert_eq!(texts, ["1", "999", "1,000", "23,456", "1,234,567"]);
        assert_eq!([0.126, 12.34, 1_234.5].map(number), ["0.13", "12.3", "1,234"]);
    }

    #[test]
    fn columns_stand_below_each_other_and_rows_without_figures_are_left_out() {
        let mut table = Table::new(&["a", "bb"]);
        table.add(vec!["längst".to_owned(), "1".to_owned()]);
        table.add(vec!["nothing".to_owned(), UNKNOWN.to_owned()]);
        assert_eq!(table.text(), "a       bb\nlängst   1\n");
        assert_eq!(table.markdown(), "| a | bb |\n|---|---:|\n| längst | 1 |\n");
    }
}
