//! The ratios as a picture, written by hand: no library, and the same results make the same bytes.

use std::fmt::Write as _;

use super::Results;
use super::ratios::{self, Ratio, Target};

const WIDTH: usize = 980;
const TOP: usize = 78;
const ROW: usize = 40;
const BOTTOM: usize = 62;
const BAR: usize = 14;
/// Where the bars begin and end, and the value that the end stands for.
const LEFT: f64 = 400.0;
const RIGHT: f64 = 760.0;
const SCALE: f64 = 1.25;
const GRID: [f64; 6] = [0.0, 0.25, 0.5, 0.75, 1.0, 1.25];

/// Colours that differ in lightness too, and beside them stands a word.
const STYLE: &str = "\
.paper{fill:#fff}.ink{fill:#1f2328}.faint{fill:#59636e}.grid{stroke:#d1d9e0}.track{fill:#eff2f5}\
.yes{fill:#2da44e}.no{fill:#cf222e}.tick{stroke:#1f2328}.rim{stroke:#fff}\
@media(prefers-color-scheme:dark){.paper{fill:#0d1117}.ink{fill:#e6edf3}.faint{fill:#9198a1}.grid{stroke:#30363d}\
.track{fill:#161b22}.yes{fill:#3fb950}.no{fill:#ff7b72}.tick{stroke:#f0f6fc}.rim{stroke:#0d1117}}";

/// An SVG: a bar for each ratio that is known, with its target as a tick.
pub fn svg(results: &Results) -> String {
    let known: Vec<Ratio> = ratios::all(results)
        .into_iter()
        .filter(|ratio| ratio.value.is_some())
        .collect();
    let height = TOP + ROW * known.len().max(1) + BOTTOM;
    let mut svg = head(height, &summary(&known));
    svg.push_str(&grid(height));
    for (index, ratio) in known.iter().enumerate() {
        svg.push_str(&row(TOP + ROW * index, ratio));
    }
    svg.push_str(&foot(height, results));
    svg + "</svg>\n"
}

fn summary(known: &[Ratio]) -> String {
    let holding = known.iter().filter(|ratio| ratio.holds() == Some(true)).count();
    format!("{holding} of {} measured ratios hold", known.len())
}

fn head(height: usize, summary: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\" aria-labelledby=\"title\" \
         font-family=\"system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif\" font-size=\"13\">\n\
         <title id=\"title\">Ratios to the ceilings of the same run: {summary}</title>\n\
         <style>{STYLE}</style>\n\
         <rect class=\"paper\" width=\"{WIDTH}\" height=\"{height}\" rx=\"8\"/>\n\
         <text class=\"ink\" x=\"24\" y=\"32\" font-size=\"17\" font-weight=\"600\">\
         Ratios to the ceilings of the same run</text>\n\
         <text class=\"faint\" x=\"24\" y=\"52\">{summary}. The upright line is the target; its flag points to where the ratio holds</text>\n"
    )
}

fn grid(height: usize) -> String {
    let (top, bottom) = (TOP - 8, height - BOTTOM + 4);
    let mut svg = String::new();
    for value in GRID {
        let x = position(value);
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{top}\" x2=\"{x:.1}\" y2=\"{bottom}\"/>\
             <text class=\"faint\" x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\" font-size=\"11\">{value}</text>",
            bottom + 15
        );
    }
    svg
}

fn row(y: usize, ratio: &Ratio) -> String {
    let value = ratio.value.unwrap_or_default();
    let (class, verdict) = match ratio.holds() {
        Some(true) => ("yes", "holds"),
        _ => ("no", "fails"),
    };
    let bar_y = y + (ROW - BAR) / 2 - 4;
    let end = position(value.min(SCALE));
    let mut svg = format!(
        "<g><title>{}: {value:.2}, target {}, {verdict}</title>\n",
        escaped(ratio.name),
        escaped(&ratio.target.to_string())
    );
    svg.push_str(&label(y, ratio));
    let _ = writeln!(
        svg,
        "<rect class=\"track\" x=\"{LEFT}\" y=\"{bar_y}\" width=\"{:.1}\" height=\"{BAR}\" rx=\"2\"/>\n\
         <rect class=\"{class}\" x=\"{LEFT}\" y=\"{bar_y}\" width=\"{:.1}\" height=\"{BAR}\" rx=\"2\"/>",
        RIGHT - LEFT,
        (end - LEFT).max(1.0)
    );
    if value > SCALE {
        svg.push_str(&longer(bar_y));
    }
    svg.push_str(&tick(bar_y, ratio.target));
    svg.push_str(&verdict_of(y, ratio, value, class, verdict));
    svg + "</g>\n"
}

fn label(y: usize, ratio: &Ratio) -> String {
    format!(
        "<text class=\"ink\" x=\"24\" y=\"{}\">{}</text>\
         <text class=\"faint\" x=\"24\" y=\"{}\" font-size=\"11\">{}</text>\n",
        y + 14,
        escaped(ratio.name),
        y + 29,
        escaped(&ratio.figures)
    )
}

fn verdict_of(y: usize, ratio: &Ratio, value: f64, class: &str, verdict: &str) -> String {
    let y = y + 20;
    format!(
        "<text class=\"ink\" x=\"818\" y=\"{y}\" text-anchor=\"end\" font-weight=\"600\">{value:.2}</text>\
         <text class=\"faint\" x=\"834\" y=\"{y}\">{}</text>\
         <text class=\"{class}\" x=\"904\" y=\"{y}\" font-weight=\"600\">{verdict}</text>\n",
        escaped(&ratio.target.to_string())
    )
}

/// The target, with a rim that sets it off from the bar, and a flag towards the side on which the ratio holds.
fn tick(bar_y: usize, target: Target) -> String {
    let x = position(target.value());
    let (top, bottom) = (bar_y - 6, bar_y + BAR + 5);
    let side = if matches!(target, Target::AtLeast(_)) {
        7
    } else {
        -7
    };
    format!(
        "<path class=\"rim\" d=\"M{x:.1} {top}V{bottom}\" stroke-width=\"5\"/>\
         <path class=\"tick\" d=\"M{x:.1} {top}V{bottom}\" stroke-width=\"2.5\"/>\
         <path class=\"ink\" d=\"M{x:.1} {top}l{side} 3l{} 3z\"/>\n",
        -side
    )
}

/// A bar that goes on beyond the picture.
fn longer(bar_y: usize) -> String {
    let (x, middle) = (RIGHT + 4.0, bar_y + BAR / 2);
    format!(
        "<path class=\"ink\" d=\"M{x} {} l6 5 l-6 5 z\"/>\n",
        middle.saturating_sub(5)
    )
}

fn foot(height: usize, results: &Results) -> String {
    format!(
        "<text class=\"faint\" x=\"24\" y=\"{}\" font-size=\"11\">{}</text>\n",
        height - 16,
        escaped(&results.machine.in_words())
    )
}

fn position(value: f64) -> f64 {
    LEFT + (RIGHT - LEFT) * value / SCALE
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn every_known_ratio_has_a_bar_and_no_other() {
        let results = samples::results();
        let svg = svg(&results);
        let known = ratios::all(&results)
            .into_iter()
            .filter(|ratio| ratio.value.is_some());
        assert_eq!(svg.matches("<g>").count(), known.count());
        assert!(!svg.contains("5 million"), "not measured");
        assert_eq!(
            svg,
            super::svg(&results),
            "the same results make the same picture"
        );
    }

    #[test]
    fn what_fails_looks_and_reads_otherwise() {
        let svg = svg(&samples::results());
        let group = |name: &str| {
            let start = svg.find(&format!("<g><title>{name}")).expect("a bar");
            svg[start..].split("</g>").next().unwrap_or_default().to_owned()
        };
        assert!(group("lag p99").contains("class=\"no\"") && group("lag p99").contains(">fails<"));
        assert!(group("the whole").contains("class=\"yes\"") && group("the whole").contains(">holds<"));
    }

    #[test]
    fn a_value_beyond_the_scale_stays_within_the_picture() {
        let mut results = samples::results();
        results.whole_lag_p99_ms_half = Some(90_000.0);
        let svg = svg(&results);
        assert!(svg.contains("<path") && svg.contains(">90.00<"), "{svg}");
        assert!(!svg.contains(&format!("width=\"{:.1}\"", (RIGHT - LEFT) * 90.0 / SCALE)));
    }

    #[test]
    fn signs_of_markup_are_escaped() {
        let mut results = samples::results();
        results.machine.processor = Some("a<b & c>d".to_owned());
        assert!(svg(&results).contains("a&lt;b &amp; c&gt;d"));
    }
}
