//! The measured figures, by name.

use std::collections::BTreeMap;

use crate::median;

/// Figures, each measured once or several times. The median counts.
#[derive(Debug, Default)]
pub struct Figures(BTreeMap<String, Vec<f64>>);

impl Figures {
    pub fn add(&mut self, name: &str, value: f64) {
        println!("    {name} {}", shown(value));
        self.note(name, value);
    }

    /// Adds a value without printing it.
    pub fn note(&mut self, name: &str, value: f64) {
        self.0.entry(name.to_owned()).or_default().push(value);
    }

    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).map(|values| median(values))
    }

    /// Raises the figure to this value.
    pub fn at_least(&mut self, name: &str, value: f64) {
        let before = self.get(name).unwrap_or(f64::MIN);
        self.0.insert(name.to_owned(), vec![before.max(value)]);
    }

    /// The median of each figure, rounded.
    pub fn medians(&self) -> BTreeMap<String, f64> {
        let round = |(name, values): (&String, &Vec<f64>)| (name.clone(), rounded(median(values)));
        self.0.iter().map(round).collect()
    }
}

/// Rounds to five significant digits; the measurements are not more exact.
fn rounded(value: f64) -> f64 {
    format!("{value:.4e}").parse().unwrap_or(value)
}

fn shown(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        ..10.0 => format!("{value:.3}"),
        ..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_the_values_counts() {
        let mut figures = Figures::default();
        for value in [9_000.0, 11_000.0, 10_000.4] {
            figures.note("rate", value);
        }
        assert_eq!(figures.get("rate"), Some(10_000.4));
        assert_eq!(figures.medians()["rate"], 10_000.0);
        assert_eq!(figures.get("another"), None);
    }

    #[test]
    fn a_figure_can_keep_its_greatest_value() {
        let mut figures = Figures::default();
        for value in [3.0, 7.0, 5.0] {
            figures.at_least("peak", value);
        }
        assert_eq!(figures.get("peak"), Some(7.0));
    }
}
