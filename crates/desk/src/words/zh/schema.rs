use super::Chinese;
use crate::screen::plain;
use crate::words::SchemaWords;

impl SchemaWords for Chinese {
    fn migrated(&self, names: &[String]) -> String {
        format!("已执行：{}\n", names.join("、"))
    }

    fn migrating_stopped(&self, at: Option<&str>, why: &str) -> String {
        let at = at.map(|at| format!("在 {at}")).unwrap_or_default();
        format!(
            "迁移{at}中断：{why}\n已执行的语句保留。排除原因后再次执行 xiebao migrate，会从中断处继续。\n"
        )
    }

    fn table_of_another_program(&self, table: &str, columns: &[String]) -> String {
        format!(
            "迁移中断：数据库中已有其他程序的表 {table}（列 {}）\n\
             请为本程序单独建库（database.url），再执行 xiebao migrate。\n",
            plain(&columns.join("、"))
        )
    }

    fn migrated_differently(&self, missing: &[String]) -> String {
        format!(
            "迁移未完成：部分表结构此前已存在，且与迁移脚本所建不一致；缺少：{}\n\
             请补上后再次执行 xiebao migrate；若表中没有数据，可改为删除这些表。\n",
            missing.join("、")
        )
    }

    fn schema_is_current(&self) -> &'static str {
        "数据库表结构已是最新，无需执行。\n"
    }

    fn waiting_for_schema(&self, names: &[String]) -> String {
        format!("表结构尚未更新，等待执行：{}\n", names.join("、"))
    }

    fn waiting_for_no_database(&self, problem: &str) -> String {
        format!("无法连接数据库，不再等待：{problem}\n")
    }

    fn pending(&self, names: &[String]) -> String {
        format!("待执行：{}\n", names.join("、"))
    }

    fn newer_schema(&self, versions: &[String]) -> String {
        format!(
            "数据库表结构比本程序新（{}）：请使用较新的版本\n",
            versions.join("、")
        )
    }
}
