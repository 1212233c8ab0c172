//! Reads the repository's pages.

use std::fs;
use std::path::{Path, PathBuf};

/// A page, by its path from the repository's root.
pub struct Page {
    pub path: PathBuf,
    pub text: String,
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub fn page(path: &str) -> Page {
    Page {
        path: PathBuf::from(path),
        text: read(&root().join(path)),
    }
}

pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every page that users, operators and contributors read.
pub fn pages() -> Vec<Page> {
    let mut paths: Vec<String> = [
        "README.md",
        "README.zh-CN.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "deploy/README.md",
    ]
    .map(str::to_owned)
    .to_vec();
    for folder in ["docs", "docs/adr"] {
        paths.extend(names_in(folder, ".md"));
    }
    assert!(paths.len() > 40, "only {} pages found", paths.len());
    paths.iter().map(|path| page(path)).collect()
}

/// Paths, from the root, of the files directly in a folder whose names end like this, sorted.
pub fn names_in(folder: &str, end: &str) -> Vec<String> {
    let files = entries(&root().join(folder))
        .into_iter()
        .filter(|path| path.is_file());
    let names = files.filter_map(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()));
    let mut paths: Vec<String> = names
        .filter(|name| name.ends_with(end))
        .map(|name| format!("{folder}/{name}"))
        .collect();
    paths.sort();
    paths
}

/// Every file below a folder whose path ends like this.
pub fn files_below(folder: &Path, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in entries(folder) {
        if path.is_dir() {
            found.extend(files_below(&path, end));
        } else if path.to_string_lossy().ends_with(end) {
            found.push(path);
        }
    }
    found
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

impl Page {
    /// The lines outside of fenced blocks.
    pub fn prose(&self) -> Vec<&str> {
        let mut fenced = false;
        let outside = |line: &&str| {
            let is_fence = line.trim_start().starts_with("```");
            fenced ^= is_fence;
            !fenced && !is_fence
        };
        self.text.lines().filter(outside).collect()
    }

    /// The fenced `sh` blocks, in order.
    pub fn shell_blocks(&self) -> Vec<&str> {
        let after_fence = self.text.split("\n```sh\n").skip(1);
        after_fence
            .filter_map(|rest| rest.split("\n```").next())
            .collect()
    }

    /// The inline code spans of the prose.
    pub fn code_spans(&self) -> Vec<&str> {
        let spans = |line: &&str| -> Vec<(usize, usize)> {
            let ticks: Vec<usize> = line.match_indices('`').map(|(at, _)| at).collect();
            ticks.chunks_exact(2).map(|pair| (pair[0] + 1, pair[1])).collect()
        };
        self.prose()
            .into_iter()
            .flat_map(|line| spans(&line).into_iter().map(move |(from, to)| &line[from..to]))
            .collect()
    }

    /// The cells of each table row.
    pub fn rows(&self) -> Vec<Vec<&str>> {
        self.prose()
            .into_iter()
            .filter(|line| line.starts_with('|') && !line.starts_with("|---"))
            .map(|line| cells(line))
            .collect()
    }
}

/// Splits at bars that no backslash precedes.
fn cells(line: &str) -> Vec<&str> {
    let bars = line
        .match_indices('|')
        .map(|(at, _)| at)
        .filter(|&at| at == 0 || line.as_bytes()[at - 1] != b'\\');
    let bars: Vec<usize> = bars.collect();
    bars.windows(2)
        .map(|pair| line[pair[0] + 1..pair[1]].trim())
        .collect()
}
