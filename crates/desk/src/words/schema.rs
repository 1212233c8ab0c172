/// The sentences of `migrate`.
pub trait SchemaWords {
    fn migrated(&self, names: &[String]) -> String;
    /// `at`: migration and statement. Running the command again continues there.
    fn migrating_stopped(&self, at: Option<&str>, why: &str) -> String;
    /// A table has the name of one of ours.
    fn table_of_another_program(&self, table: &str, columns: &[String]) -> String;
    /// A part of the schema that was there before is not as the migrations make it.
    fn migrated_differently(&self, missing: &[String]) -> String;
    fn schema_is_current(&self) -> &'static str;
    fn waiting_for_schema(&self, names: &[String]) -> String;
    fn waiting_for_no_database(&self, problem: &str) -> String;
    fn pending(&self, names: &[String]) -> String;
    fn newer_schema(&self, versions: &[String]) -> String;
}
