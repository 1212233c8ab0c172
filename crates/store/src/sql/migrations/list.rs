//! The migrations, embedded in the program.

/// A change of the schema.
pub(super) struct Migration {
    /// The name of its folder.
    pub name: &'static str,
    up: &'static str,
}

macro_rules! migrations {
    ($($name:literal),+ $(,)?) => {
        &[$(Migration {
            name: $name,
            up: include_str!(concat!("../../../migrations/", $name, "/up.sql")),
        }),+]
    };
}

/// In the order in which they run.
pub(super) const ALL: &[Migration] = migrations![
    "2026-11-24-000001_create_schema",
    "2026-11-25-000001_repairs",
    "2026-11-26-000001_prune_notices",
    "2026-11-26-000002_prune_dead_letters",
    "2026-11-26-000003_prune_operations",
    "2026-11-26-000004_proposals_status",
    "2026-11-26-000005_refused_requests",
    "2026-11-30-000001_proposal_locks_version",
    "2026-11-30-000002_unmatched_persons",
];

impl Migration {
    /// Its key in the table of finished migrations, as diesel's tools write it.
    pub fn version(&self) -> String {
        let digits = self.name.split('_').next().unwrap_or_default();
        digits.replace('-', "")
    }

    /// Its statements. Each ends with a semicolon at the end of a line; comments have lines of their own.
    pub fn statements(&self) -> Vec<String> {
        let mut statements = vec![String::new()];
        for line in self.up.lines().filter(|line| !line.starts_with("--")) {
            let end = line.trim_end().strip_suffix(';');
            if let Some(statement) = statements.last_mut() {
                statement.push_str(end.unwrap_or(line));
                statement.push('\n');
            }
            if end.is_some() {
                statements.push(String::new());
            }
        }
        let trimmed = statements.iter().map(|statement| statement.trim().to_owned());
        trimmed.filter(|statement| !statement.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_names_every_folder_in_order() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let entries = std::fs::read_dir(folder).expect("the migrations");
        let names = entries.map(|entry| {
            entry
                .expect("a folder")
                .file_name()
                .to_string_lossy()
                .into_owned()
        });
        let mut names: Vec<String> = names.collect();
        names.sort();
        let listed: Vec<&str> = ALL.iter().map(|migration| migration.name).collect();
        assert_eq!(listed, names);
    }

    /// An interrupted migration is run again from its first statement. The server refuses a repeated
    /// CREATE, ADD or DROP by numbers that are known, and a repeated MODIFY changes nothing.
    #[test]
    fn every_statement_can_be_repeated() {
        for migration in ALL {
            let statements = migration.statements();
            assert!(!statements.is_empty(), "{}", migration.name);
            for statement in statements {
                let words: Vec<&str> = statement.split_whitespace().take(5).collect();
                let repeatable = matches!(
                    words[..],
                    ["CREATE", "TABLE", ..] | ["ALTER", "TABLE", _, "ADD" | "DROP" | "MODIFY", _]
                );
                assert!(repeatable, "{}: {words:?}", migration.name);
                assert!(!statement.contains(";\n"), "{}: {words:?}", migration.name);
            }
        }
    }

    #[test]
    fn a_semicolon_within_a_line_ends_no_statement() {
        let migration = Migration {
            name: "2026-01-02-000003_some_name",
            up: "-- why;\nCREATE TABLE a (\n  b INT COMMENT 'one; two'\n);\n\nALTER TABLE a\n  ADD KEY c (b);\n",
        };
        assert_eq!(migration.version(), "20260102000003");
        assert_eq!(
            migration.statements(),
            [
                "CREATE TABLE a (\n  b INT COMMENT 'one; two'\n)",
                "ALTER TABLE a\n  ADD KEY c (b)"
            ]
        );
    }
}
