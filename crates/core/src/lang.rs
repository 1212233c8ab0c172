//! The languages of texts for people.

/// Chinese or English.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lang {
    /// Chinese.
    Zh,
    /// English.
    En,
}

impl Lang {
    /// The language of a locale, given the values of `LC_ALL`, `LC_MESSAGES` and `LANG` in this order. The first value that is not
    /// empty counts: `zh*` is Chinese, anything else English.
    pub fn of_locale(values: impl IntoIterator<Item = String>) -> Self {
        match values.into_iter().find(|value| !value.is_empty()) {
            Some(locale) if locale.starts_with("zh") => Lang::Zh,
            _ => Lang::En,
        }
    }

    /// The value for this language.
    pub fn pick<T>(self, zh: T, en: T) -> T {
        match self {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chinese_locale_gives_chinese_and_any_other_english() {
        let of = |values: &[&str]| Lang::of_locale(values.iter().map(|value| (*value).to_owned()));
        assert_eq!(of(&["zh_CN.UTF-8"]), Lang::Zh);
        assert_eq!(of(&["", "zh_TW", "C"]), Lang::Zh);
        assert_eq!(of(&["C", "zh_CN"]), Lang::En);
        assert_eq!(of(&[]), Lang::En);
    }
}
