//! The median, which stands for several runs.

/// The middle value; of an even number of values the mean of the two in the middle. 0 without values.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.len(), sorted.len() / 2) {
        (0, _) => 0.0,
        (length, middle) if length % 2 == 1 => sorted[middle],
        (_, middle) => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_odd_even_and_no_values() {
        let close =
            |values: &[f64], wanted: f64| assert!((median(values) - wanted).abs() < 1e-9, "{values:?}");
        close(&[9.0, 1.0, 2.0], 2.0);
        close(&[4.0, 1.0, 2.0, 9.0], 3.0);
        close(&[], 0.0);
    }
}
