use super::English;
use crate::screen::plain;
use crate::words::SchemaWords;

impl SchemaWords for English {
    fn migrated(&self, names: &[String]) -> String {
        format!("Done: {}\n", names.join(", "))
    }

    fn migrating_stopped(&self, at: Option<&str>, why: &str) -> String {
        let at = at.map(|at| format!(" at {at}")).unwrap_or_default();
        format!(
            "The migration stopped{at}: {why}\nFinished statements stay. Remove the cause and run xiebao migrate again: \
             it continues there.\n"
        )
    }

    fn table_of_another_program(&self, table: &str, columns: &[String]) -> String {
        format!(
            "The migration stopped: the database has a table {table} of another program (columns {})\n\
             Give this program a database of its own (database.url), and run xiebao migrate again.\n",
            plain(&columns.join(", "))
        )
    }

    fn migrated_differently(&self, missing: &[String]) -> String {
        format!(
            "The migration is not complete: a part of the schema was there before and is not as the migrations make it; \
             missing: {}\nAdd these, and run xiebao migrate again. Without rows in the tables, drop them instead.\n",
            missing.join(", ")
        )
    }

    fn schema_is_current(&self) -> &'static str {
        "The schema is up to date; nothing to do.\n"
    }

    fn waiting_for_schema(&self, names: &[String]) -> String {
        format!(
            "The schema is behind; waiting for these migrations: {}\n",
            names.join(", ")
        )
    }

    fn waiting_for_no_database(&self, problem: &str) -> String {
        format!("The database cannot be reached, so there is no wait for it: {problem}\n")
    }

    fn pending(&self, names: &[String]) -> String {
        format!("Pending: {}\n", names.join(", "))
    }

    fn newer_schema(&self, versions: &[String]) -> String {
        format!(
            "The schema is newer than this program ({}): use a later release\n",
            versions.join(", ")
        )
    }
}
