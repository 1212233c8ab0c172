//! Standard output that takes nothing more.

use std::fs::File;
use std::process::{Command, Stdio};

use crate::cli::Cli;

/// Exit code and standard error of a command that writes there.
fn ended(cli: &Cli, arguments: &[&str], out: Stdio) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_xiebao"))
        .args(arguments)
        .env("XIEBAO__DATABASE__URL", cli.database.url())
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(Stdio::piped())
        .spawn()
        .and_then(|child| child.wait_with_output())
        .expect("the program runs");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

const WRITING: [&[&str]; 8] = [
    &["--help"],
    &["held", "list"],
    &["held", "list", "--json"],
    &["trace", "20260904000101"],
    &["trace", "20260904000101", "--json"],
    &["migrate"],
    &["dead", "list", "--json"],
    &["operations"],
];

#[tokio::test]
async fn a_full_device_is_an_error() {
    let cli = Cli::new().await;
    cli.issue("20260904000101").await;
    for arguments in WRITING {
        let full = File::options()
            .write(true)
            .open("/dev/full")
            .expect("a full device");
        let (code, said) = ended(&cli, arguments, full.into());
        assert_eq!(code, Some(3), "{arguments:?}: {said}");
        assert!(
            said.contains("standard output: No space left on device"),
            "{arguments:?}: {said}"
        );
    }
}

#[tokio::test]
async fn a_reader_that_has_gone_is_no_error() {
    let cli = Cli::new().await;
    cli.issue("20260904000101").await;
    for arguments in WRITING {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let (code, said) = ended(&cli, arguments, writer.into());
        assert_ne!(code, Some(3), "{arguments:?}: {said}");
        assert!(!said.contains("standard output"), "{arguments:?}: {said}");
    }
}
