//! That the worker was built with the allocator's settings, which stand outside of the code.

use std::process::Command;

#[test]
fn the_allocator_has_one_arena() {
    let output = Command::new(env!("CARGO_BIN_EXE_xiebao-worker"))
        .arg("--version")
        .env("_RJEM_MALLOC_CONF", "confirm_conf:true")
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("Set conf value: narenas:1\n"), "{said}");
}
