//! The layers of this crate, read from its sources: data, words, pages. No circle can close while each uses only the layers above it.

use std::fs;
use std::path::{Path, PathBuf};

const DATA: [&str; 5] = ["story", "finding", "fact", "letter", "operation"];
const WORDS: [&str; 2] = ["words", "screen"];

/// The sources of a module and its submodules, without tests.
fn sources(module: &str) -> Vec<(PathBuf, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = vec![src.join(format!("{module}.rs"))];
    let mut folders = vec![src.join(module)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    let is_test = |path: &PathBuf| {
        path.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "tests")
    };
    files.retain(|path| !is_test(path));
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a source");
        (path, text)
    };
    files.into_iter().map(read).collect()
}

/// The modules of this crate that a source uses.
fn used(text: &str) -> Vec<&str> {
    let uses = text.split("crate::").skip(1);
    let name = |rest: &'_ str| {
        rest.len()
            - rest
                .trim_start_matches(|c: char| c.is_alphanumeric() || c == '_')
                .len()
    };
    uses.map(|rest| &rest[..name(rest)]).collect()
}

#[test]
fn data_uses_only_data_and_words_use_only_data_and_words() {
    let below_words: Vec<&str> = DATA.into_iter().chain(WORDS).collect();
    for (modules, allowed) in [(&DATA[..], &DATA[..]), (&WORDS[..], &below_words[..])] {
        for (path, text) in modules.iter().flat_map(|module| sources(module)) {
            let strange: Vec<&str> = used(&text)
                .into_iter()
                .filter(|module| !allowed.contains(module))
                .collect();
            assert!(strange.is_empty(), "{} uses {strange:?}", path.display());
        }
    }
    // A positive control: the pages do use the words.
    let pages = sources("trace");
    assert!(pages.iter().any(|(_, text)| used(text).contains(&"words")));
}
