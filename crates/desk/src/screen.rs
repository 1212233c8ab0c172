//! How values look on a terminal: Beijing time, columns that fit Chinese text, and no control characters.

use chrono::{DateTime, FixedOffset, NaiveDateTime, Utc};
use unicode_width::UnicodeWidthStr as _;

const BEIJING: i32 = 8 * 3600;

/// The first 12 digits of a digest, enough to tell notices apart.
pub fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

/// `2026-07-23 09:15:02`, Beijing wall-clock time.
pub fn beijing(at: DateTime<Utc>) -> String {
    platform_time(at.with_timezone(&offset()).naive_local())
}

/// The moment at which a clock in Beijing shows this time.
pub fn from_beijing(at: NaiveDateTime) -> DateTime<Utc> {
    at.checked_sub_offset(offset()).unwrap_or(at).and_utc()
}

fn offset() -> FixedOffset {
    let Some(offset) = FixedOffset::east_opt(BEIJING) else {
        unreachable!("eight hours are an offset");
    };
    offset
}

/// A time that the platform stated, which is Beijing time already.
pub fn platform_time(at: NaiveDateTime) -> String {
    at.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// Money in fen as `¥857.64`.
pub fn yuan(fen: i64) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    let fen = fen.unsigned_abs();
    format!("{sign}¥{}.{:02}", fen / 100, fen % 100)
}

/// A number of bytes as `12.3 MiB`.
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

/// Untrusted text on one line: characters that would move the cursor, colour the screen or turn the reading direction
/// appear as escapes.
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

/// The text, padded with blanks to `width` terminal columns. A Chinese character takes two.
pub fn pad(text: &str, width: usize) -> String {
    let blanks = width.saturating_sub(text.width());
    format!("{text}{}", " ".repeat(blanks))
}

/// The rows as lines, each indented by `indent` blanks, every column but the last as wide as its widest cell.
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

/// Keeps the first `most` rows and returns whether there were more. Callers query one row more than they show.
pub fn cut_to<T>(rows: &mut Vec<T>, most: i64) -> bool {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let cut = rows.len() > most;
    rows.truncate(most);
    cut
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
