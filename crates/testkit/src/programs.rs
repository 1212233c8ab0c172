//! The programs that tests start: always built from the sources as they are.

use std::env::{current_exe, var_os};
use std::fs::{metadata, read_to_string};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

/// The path of a program of the workspace, for a test in `target/PROFILE/deps`. Builds all programs if this one is
/// missing or older than one of its sources, as happens when a test of another package runs by itself.
///
/// # Panics
/// If the programs do not build.
pub(crate) fn program(name: &str) -> PathBuf {
    let test = current_exe().expect("a test has a path");
    let profile_dir = test.ancestors().nth(2).expect("a test lies two folders deep");
    let program = profile_dir.join(name);
    if !is_up_to_date(&program) {
        build(profile_dir, &test);
    }
    program
}

/// Compares the program with the sources that cargo lists in the `.d` file beside it.
fn is_up_to_date(program: &Path) -> bool {
    let (Some(built), Ok(list)) = (modified(program), read_to_string(program.with_extension("d"))) else {
        return false;
    };
    let Some((_, sources)) = list.split_once(": ") else {
        return false;
    };
    // A backslash stands before a blank within a path.
    let sources = sources.replace("\\ ", "\0");
    let mut sources = sources.split_whitespace().map(|path| path.replace('\0', " "));
    sources.all(|source| modified(Path::new(&source)).is_some_and(|time| time <= built))
}

fn modified(file: &Path) -> Option<SystemTime> {
    metadata(file).ok()?.modified().ok()
}

/// The whole workspace with a test, because the crates of a smaller selection have other features, and cargo would
/// build them once more. Processes that do this at the same time wait for cargo's lock, and find everything built.
fn build(profile_dir: &Path, test: &Path) {
    let name = |path: &Path| {
        path.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    let profile = match name(profile_dir) {
        debug if debug == "debug" => "dev".to_owned(),
        other => other,
    };
    let test = name(test);
    let (test, _hash) = test.rsplit_once('-').unwrap_or((&test, ""));
    let output = Command::new(var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--workspace", "--locked", "--bins", "--test", test])
        .args(["--profile", &profile])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .env("CARGO_TARGET_DIR", profile_dir.parent().unwrap_or(profile_dir))
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("cargo can't be run: {error}"));
    assert!(
        output.status.success(),
        "the programs under test do not build:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[cfg(test)]
mod tests {
    use std::fs::{File, write};
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_program_is_up_to_date_until_a_source_changes_or_goes() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str| folder.path().join(name);
        let (program, source) = (file("program"), file("a source.rs"));
        assert!(!is_up_to_date(&program), "it is missing");
        write(&source, "").expect("a source");
        write(&program, "").expect("a program");
        let escaped = source.display().to_string().replace(' ', "\\ ");
        write(file("program.d"), format!("{}: {escaped}\n", program.display())).expect("a list");
        let at = |path: &Path, seconds: u64| {
            let file = File::options().write(true).open(path).expect("the file");
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            file.set_modified(time).expect("a time");
        };
        at(&program, 1_000);
        at(&source, 1_000);
        assert!(is_up_to_date(&program));
        at(&source, 1_001);
        assert!(!is_up_to_date(&program), "the source is newer");
        std::fs::remove_file(&source).expect("it is there");
        assert!(!is_up_to_date(&program), "the source is gone");
    }
}
