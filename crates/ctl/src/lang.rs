//! Chinese or English: by `--lang`, or else by the locale.

use clap::ValueEnum;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    Zh,
    En,
}

impl Lang {
    /// `zh*` is Chinese, all else English. The first of `LC_ALL`, `LC_MESSAGES` and `LANG` that says anything counts.
    #[expect(
        clippy::disallowed_methods,
        reason = "the locale is no setting of the product"
    )]
    pub fn of_locale() -> Self {
        let variables = ["LC_ALL", "LC_MESSAGES", "LANG"];
        Self::of(variables.into_iter().filter_map(|name| std::env::var(name).ok()))
    }

    fn of(values: impl IntoIterator<Item = String>) -> Self {
        match values.into_iter().find(|value| !value.is_empty()) {
            Some(locale) if locale.starts_with("zh") => Lang::Zh,
            _ => Lang::En,
        }
    }

    /// One of two texts.
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
        let of = |values: &[&str]| Lang::of(values.iter().map(|value| (*value).to_owned()));
        assert_eq!(of(&["zh_CN.UTF-8"]), Lang::Zh);
        assert_eq!(of(&["", "zh_TW", "C"]), Lang::Zh);
        assert_eq!(of(&["C", "zh_CN"]), Lang::En);
        assert_eq!(of(&[]), Lang::En);
    }
}
