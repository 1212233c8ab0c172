//! Links and paths lead somewhere.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

use crate::markdown::{Page, names_in, page, pages, root};

#[test]
fn every_relative_link_leads_to_a_file_and_to_a_heading_of_it() {
    let mut broken = Vec::new();
    for page in pages() {
        for link in page.prose().into_iter().flat_map(links_in) {
            if !link.contains("://") && !leads_somewhere(&page, link) {
                broken.push(format!("{}: {link}", page.path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_path_of_the_repository_that_a_page_names_exists() {
    let folders = ["crates/", "scripts/", "deploy/", "docs/"];
    // Made by commands of the pages.
    let made = ["deploy/overlays/site", "deploy/secrets"];
    let mut missing = Vec::new();
    for page in pages() {
        for span in page.code_spans() {
            let path = span.split(' ').next().unwrap_or_default();
            let named = folders.iter().any(|folder| path.starts_with(folder)) && !path.contains('…');
            if named && !made.iter().any(|made| path.starts_with(made)) && !root().join(path).exists() {
                missing.push(format!("{}: {path}", page.path.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn the_index_of_decisions_lists_each_page_with_its_heading() {
    let index = page("docs/adr/README.md");
    let listed: Vec<&str> = index
        .text
        .lines()
        .filter(|line| line.starts_with("- [0"))
        .collect();
    let expected: Vec<String> = names_in("docs/adr", ".md")
        .iter()
        .filter(|path| !path.ends_with("README.md"))
        .map(|path| {
            let (number, title) = heading_of_decision(path);
            let name = path.rsplit('/').next().unwrap_or_default();
            format!("- [{number}]({name}): {title}")
        })
        .collect();
    assert_eq!(listed, expected);
}

fn heading_of_decision(path: &str) -> (String, String) {
    let text = page(path).text;
    let heading = text.lines().next().and_then(|line| line.strip_prefix("# "));
    let (number, title) = heading
        .and_then(|heading| heading.split_once(": "))
        .expect("a number and a title");
    assert!(path.contains(number), "{path} has the number {number}");
    (number.to_owned(), title.to_owned())
}

fn links_in(line: &str) -> Vec<&str> {
    let targets = line.split("](").skip(1);
    targets.filter_map(|rest| rest.split(')').next()).collect()
}

fn leads_somewhere(from: &Page, link: &str) -> bool {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = match path {
        "" => from.path.clone(),
        path => normal(&from.path.parent().unwrap_or(Path::new("")).join(path)),
    };
    if !root().join(&target).exists() {
        return false;
    }
    anchor.is_empty() || !path.ends_with(".md") && !path.is_empty() || anchors(&target).contains(anchor)
}

fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => assert!(normal.pop(), "{} leaves the repository", path.display()),
            Component::CurDir => (),
            part => normal.push(part),
        }
    }
    normal
}

/// As GitHub makes them: lower case, hyphens for spaces, without other punctuation.
fn anchors(path: &Path) -> HashSet<String> {
    let page = page(&path.to_string_lossy());
    let headings = page.prose().into_iter().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}
