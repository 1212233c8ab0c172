//! The READMEs in both languages say the same.

use crate::markdown::{Page, page};

#[test]
fn both_readmes_have_the_same_commands_to_type() {
    let [english, chinese] = readmes();
    assert!(english.shell_blocks().len() >= 3);
    assert_eq!(english.shell_blocks(), chinese.shell_blocks());
}

#[test]
fn both_readmes_list_the_same_settings_and_commands() {
    let [english, chinese] = readmes();
    let names = |page: &Page| -> Vec<String> {
        let first_cells = page.rows().into_iter().map(|cells| cells[0].to_owned());
        // The header's words differ, and so do the commas between two names.
        first_cells
            .filter(|cell| cell.starts_with('`'))
            .map(|cell| cell.replace("`、`", "`, `"))
            .collect()
    };
    assert!(names(&english).len() > 40, "{:?}", names(&english));
    assert_eq!(names(&english), names(&chinese));
}

#[test]
fn both_readmes_have_the_same_sections_in_number() {
    let [english, chinese] = readmes().map(|page| {
        let headings = page.prose().into_iter().filter(|line| line.starts_with('#'));
        headings.count()
    });
    assert_eq!(english, chinese);
}

fn readmes() -> [Page; 2] {
    ["README.md", "README.zh-CN.md"].map(page)
}
