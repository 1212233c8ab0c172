//! What a person sees: Beijing time, columns that fit Chinese text, and nothing that could command the terminal.

use std::io::Write as _;

use chrono::{DateTime, FixedOffset, NaiveDateTime, Utc};
use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use crate::exit::Failure;

const BEIJING: i32 = 8 * 3600;

/// The first digits of a digest, which tell notices apart well enough.
pub fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

/// `2026-07-23 09:15:02`, Beijing wall-clock time.
pub fn beijing(at: DateTime<Utc>) -> String {
    platform_time(at.with_timezone(&offset()).naive_local())
}

/// The moment at which a clock in Beijing shows this.
pub fn from_beijing(at: NaiveDateTime) -> DateTime<Utc> {
    at.checked_sub_offset(offset()).unwrap_or(at).and_utc()
}

fn offset() -> FixedOffset {
    let Some(offset) = FixedOffset::east_opt(BEIJING) else {
        unreachable!("eight hours are an offset");
    };
    offset
}

/// A time that the platform stated: it stands in Beijing time already.
pub fn platform_time(at: NaiveDateTime) -> String {
    at.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// `¥857.64`
pub fn yuan(fen: i64) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    let fen = fen.unsigned_abs();
    format!("{sign}¥{}.{:02}", fen / 100, fen % 100)
}

/// `12.3 MiB`
pub fn size(bytes: u64) -> String {
    const KIB: f64 = 1024.0;
    let bytes = bytes as f64;
    match bytes {
        ..KIB => format!("{bytes} B"),
        ..1_048_576.0 => format!("{:.1} KiB", bytes / KIB),
        ..1_073_741_824.0 => format!("{:.1} MiB", bytes / KIB / KIB),
        _ => format!("{:.1} GiB", bytes / KIB / KIB / KIB),
    }
}

/// Text of others on one line: what would move the cursor, colour the screen or turn the reading direction is shown
/// as an escape.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push('⏎'),
            '\t' => out.push(' '),
            c if c.is_control() || is_bidi_control(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text with blanks up to that width, where a Chinese character takes two columns.
pub fn pad(text: &str, width: usize) -> String {
    let blanks = width.saturating_sub(text.width());
    format!("{text}{}", " ".repeat(blanks))
}

/// The rows with every column but the last as wide as its widest entry, each line indented.
pub fn columns<const N: usize>(indent: usize, rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].width()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| pad(cell, *width))
            .collect();
        out.push_str(&" ".repeat(indent));
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
    out
}

/// Leaves that many of the rows; whether there were more. Who lists asks for one more than is shown.
pub fn cut_to<T>(rows: &mut Vec<T>, most: i64) -> bool {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let cut = rows.len() > most;
    rows.truncate(most);
    cut
}

/// Writes to standard output. A reader that has seen enough (`| head`) is no error.
pub fn show(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes the value as JSON for a program to read.
pub fn show_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::Refused(error.to_string()))?;
    show(&format!("{text}\n"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_as_a_clock_in_beijing_shows_them() {
        let at = DateTime::parse_from_rfc3339("2026-07-22T18:30:01.999Z")
            .expect("a time")
            .to_utc();
        assert_eq!(beijing(at), "2026-07-23 02:30:01");
    }

    #[test]
    fn money_keeps_every_digit() {
        assert_eq!(yuan(85764), "¥857.64");
        assert_eq!(yuan(5), "¥0.05");
        assert_eq!(yuan(9_007_199_254_740_993), "¥90071992547409.93");
    }

    #[test]
    fn sizes_are_said_in_the_unit_that_fits() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(12_897_485), "12.3 MiB");
        assert_eq!(size(5 << 30), "5.0 GiB");
    }

    #[test]
    fn text_of_others_cannot_command_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\nc\u{202e}d"), "a\\u{1b}[2Jb⏎c\\u{202e}d");
        assert_eq!(plain("古丽·某 🙂"), "古丽·某 🙂");
    }

    #[test]
    fn columns_line_up_under_chinese_text() {
        let rows = [
            ["张三".to_owned(), "x".to_owned()],
            ["Li".to_owned(), "y".to_owned()],
        ];
        assert_eq!(columns(1, &rows), " 张三  x\n Li    y\n");
    }
}
