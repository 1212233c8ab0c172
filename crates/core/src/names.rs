//! Names of persons: how a text is split into names, and when two spellings are one name.
//!
//! Names are stored as they came. Two notices may spell one person differently, because systems disagree about dots, widths and
//! rare characters; so names are *compared* in the form that [`comparable`] makes.

use std::borrow::Cow;
use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

/// The marks between names: comma, enumeration comma, semicolon, half and full width, and the end of a line. No name holds one.
const SEPARATORS: [char; 8] = [',', '，', '、', ';', '；', '､', '\n', '\r'];

/// The dot between the parts of a name, as in 艾力·买买提. Comparable names have this one.
const DOT: char = '·';

/// Characters that are written for [`DOT`].
const DOTS: [char; 9] = [DOT, '•', '・', '．', '.', '‧', '∙', '⋅', '●'];

/// References of HTML to dots, which a web page leaves behind.
const REFERENCES: [&str; 4] = ["&middot;", "&#183;", "&bull;", "&#8226;"];

/// The distinct names in a text, each without white space at its ends.
pub fn split(text: &str) -> BTreeSet<String> {
    let marks = text.match_indices(SEPARATORS);
    let marks = marks.filter(|(at, mark)| *mark != ";" || !ends_with_reference(&text[..*at]));
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, mark) in marks {
        parts.push(&text[start..at]);
        start = at + mark.len();
    }
    parts.push(&text[start..]);
    let names = parts.into_iter().map(str::trim).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// The semicolon after this text ends a character reference of HTML, as in `艾力&middot;买买提`.
fn ends_with_reference(text: &str) -> bool {
    let name = text.rsplit_once('&').map_or("", |(_, name)| name);
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'#')
}

/// The form in which names are compared. No two persons differ only in what it changes:
///
/// - NFKC makes one of composed and decomposed, full-width and half-width, and compatibility characters: encodings of the same text.
/// - Characters that nobody sees (zero-width, direction marks, variation selectors) go; they come with copied text.
/// - Every dot becomes `·`, a reference of HTML to one too. Input methods offer several; which was typed tells no persons apart.
/// - White space goes beside an ideograph or a dot, where it only pads, and is one space elsewhere, as in `Li Si`.
/// - U+E863, where Windows and GB 18030-2000 keep 䶮, becomes 䶮.
///
/// Case, accents, and traditional or variant characters stay: with those, names of two persons can differ. The text for a usual name
/// must never change, because keys of stored rows depend on it.
pub fn comparable(name: &str) -> Cow<'_, str> {
    if name.chars().all(is_usual) {
        return Cow::Borrowed(name);
    }
    let name = REFERENCES
        .iter()
        .fold(name.to_owned(), |name, reference| name.replace(reference, "·"));
    let visible = name.chars().filter(|c| !is_invisible(*c)).map(in_unicode);
    let one_dot = visible.nfkc().map(|c| if DOTS.contains(&c) { DOT } else { c });
    Cow::Owned(without_padding(&one_dot.collect::<String>()))
}

/// Spellings in which that name may be stored: as given, in comparable form, and with each of the dots.
pub fn spellings(name: &str) -> BTreeSet<String> {
    let comparable = comparable(name);
    let dotted = DOTS.map(|dot| comparable.replace(DOT, &dot.to_string()));
    dotted.into_iter().chain([name.trim().to_owned()]).collect()
}

fn is_usual(c: char) -> bool {
    c == DOT || c.is_ascii_alphanumeric() || ('\u{4e00}'..='\u{9fff}').contains(&c)
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '〇' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{e0100}'..='\u{e01ef}'
    )
}

/// The code point that Unicode has given to a character from the private-use area.
fn in_unicode(c: char) -> char {
    match c {
        '\u{e863}' => '䶮',
        other => other,
    }
}

fn without_padding(text: &str) -> String {
    let pads = |beside: Option<char>| beside.is_none_or(|c| c == DOT || is_ideograph(c));
    let mut out = String::with_capacity(text.len());
    for part in text.split_whitespace() {
        if !pads(out.chars().next_back()) && !pads(part.chars().next()) {
            out.push(' ');
        }
        out.push_str(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_in_two_spellings_compares_equal() {
        let dots = "·•・．.‧∙⋅●･․﹒".chars();
        for dot in dots {
            assert_eq!(comparable(&format!("艾力{dot}买买提")), "艾力·买买提", "{dot}");
        }
        for (one, other) in [
            ("艾力·买买提", " 艾力 · 买买提 "),
            ("艾力·买买提", "艾力&middot;买买提"),
            ("艾力·买买提", "艾力&#8226;买买提"),
            ("艾力·买买提", "艾力\u{200b}·\u{feff}买买提\u{200e}"),
            ("张三", "张 三"),
            ("张三", "张\u{3000}\u{3000}三"),
            ("张三", "张\u{a0}三"),
            ("王䶮", "王\u{e863}"),
            ("José", "Jose\u{301}"),
            ("Li Si", "Ｌｉ　Ｓｉ"),
            ("Li Si", "Li   Si"),
            ("高一", "⾼一"),
            ("葛一", "葛\u{e0100}一"),
            ("ｶﾅ", "カナ"),
            ("金一", "\u{f90a}一"),
        ] {
            assert_eq!(comparable(one), comparable(other), "{one} {other}");
        }
    }

    #[test]
    fn names_of_two_persons_stay_apart() {
        let names = [
            "张三",
            "张叁",
            "張三",
            "张三丰",
            "李三",
            "三张",
            "王伟1",
            "王伟2",
            "LiSi",
            "Li Si",
            "LI SI",
            "Jose",
            "José",
            "艾力买买提",
            "艾力·买买提",
            "艾力·买买",
            "\u{e864}",
            "䶮",
        ];
        let distinct: BTreeSet<_> = names.iter().map(|name| comparable(name)).collect();
        assert_eq!(distinct.len(), names.len());
    }

    #[test]
    fn the_comparable_form_of_usual_names_is_the_name_and_of_itself_is_itself() {
        for usual in ["赵一", "艾力·买买提", "LiSi", "Li Si", "李A1", "䶮一"] {
            assert_eq!(comparable(usual), usual);
        }
        for odd in [
            "Ｊ. Ｓｍｉｔｈ",
            "艾力 • 买买提",
            " \u{200b} ",
            "a\u{3000}中 b\tc",
        ] {
            let once = comparable(odd).into_owned();
            assert_eq!(comparable(&once), once, "{odd}");
        }
    }

    #[test]
    fn a_name_is_looked_for_with_every_dot() {
        let found = spellings("艾力•买买提");
        assert!(
            found.contains("艾力·买买提") && found.contains("艾力.买买提") && found.contains("艾力•买买提")
        );
        assert_eq!(Vec::from_iter(spellings(" 张三 ")), ["张三"]);
    }

    #[test]
    fn every_mark_between_names_separates_them() {
        for mark in SEPARATORS {
            assert_eq!(
                Vec::from_iter(split(&format!(" 赵一{mark} 钱二{mark}{mark}赵一"))),
                ["赵一", "钱二"],
                "{mark:?}"
            );
        }
        assert_eq!(Vec::from_iter(split("Li Si\u{3000}")), ["Li Si"]);
        let dotted = "艾力&middot;买买提;艾力&#183;买;A & B;乙";
        assert_eq!(
            Vec::from_iter(split(dotted)),
            ["A & B", "乙", "艾力&#183;买", "艾力&middot;买买提"]
        );
    }
}
