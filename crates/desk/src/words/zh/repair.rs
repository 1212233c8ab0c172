use super::Chinese;
use crate::words::RepairWords;
use xiebao_store::rebuild::{Kind, Report};

impl RepairWords for Chinese {
    fn table_differs(&self, table: &str, lost: u64, extra: u64, differing: u64) -> String {
        format!("{table}：缺少 {lost} 行，多出 {extra} 行，不一致 {differing} 行\n")
    }

    fn difference(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::Lost => "缺少  ",
            Kind::Extra => "多出  ",
            Kind::Differing => "不一致",
        }
    }

    fn column_differs(&self, column: &str, is: &str, should_be: &str) -> String {
        format!("{column} 现为 {is}，应为 {should_be}")
    }

    fn sequences_broken(&self, count: u64, examples: &[String]) -> String {
        let examples = examples.join("、");
        format!("notices：{count} 个投保单的 seq 不是 1、2、3……，无法修复：{examples}\n")
    }

    fn passed_over(&self, count: u64) -> String {
        format!("已跳过 {count} 个投保单，因其无法读取或被数据库拒绝：\n")
    }

    fn pruned_left_alone(&self, count: u64, examples: &[String]) -> String {
        let examples = examples.join("、");
        format!("{count} 个投保单保持原样，其通知的报文已清空，无从比对：{examples}\n")
    }

    fn pruned_can_not_be_voided(&self, insure_num: &str) -> String {
        format!("投保单 {insure_num} 的报文已清空：业务数据无法重算，未作任何改动。\n")
    }

    fn pruned_not_reprocessed(&self, count: i64) -> String {
        format!("{count} 条保持忽略状态，因其报文已清空。\n")
    }

    fn nothing_to_rebuild(&self, insure_num: &str) -> String {
        format!("没有 {insure_num} 的任何记录。\n")
    }

    fn rebuilt(&self, report: &Report, check: bool) -> String {
        let differences = report.differences();
        let told = match (differences, check) {
            (0, _) if report.is_clean() && report.complete => "各行与通知一致。".to_owned(),
            (0, _) => "能够比对的各行均无差异。".to_owned(),
            (_, true) => format!("{differences} 行有差异。未作任何改动。"),
            (_, false) => format!("{differences} 行有差异，已修复。"),
        };
        let broken_off = if report.complete {
            ""
        } else {
            "已中断：其余未比对。"
        };
        format!("已比对 {} 个投保单：{told}{broken_off}\n", report.proposals)
    }

    fn no_applied_notice(&self, beginning: &str) -> String {
        format!("没有摘要以 {beginning} 开头的已处理通知。\n")
    }

    fn voided(&self, insure_num: &str, digest: &str, changed: bool) -> String {
        if changed {
            format!("投保单 {insure_num}：通知 {digest} 已撤销，不再计入。\n")
        } else {
            format!("投保单 {insure_num}：通知 {digest} 此前已撤销，未作改动。\n")
        }
    }

    fn restored(&self, insure_num: &str, digest: &str, changed: bool) -> String {
        if changed {
            format!("投保单 {insure_num}：通知 {digest} 已恢复，重新计入。\n")
        } else {
            format!("投保单 {insure_num}：通知 {digest} 并未撤销，未作改动。\n")
        }
    }

    fn voided_since(&self, at: &str, actor: &str, reason: &str) -> String {
        format!("{at} 由 {actor} 撤销：{reason}")
    }

    fn not_subscribed(&self, notify_type: i64) -> String {
        format!("类型 {notify_type} 不在 `subscribed` 中：请先加入配置并重启接收服务和处理服务，再执行本命令")
    }

    fn undocumented(&self, notify_type: i64) -> String {
        format!("平台文档中没有类型 {notify_type}：无从得知其含义")
    }

    fn reprocessed(&self, applied: usize, held: usize, dead: usize) -> String {
        format!("已补处理被忽略的通知：已处理 {applied} 条，等待 {held} 条，成为死信 {dead} 条。\n")
    }

    fn not_reprocessed(&self, count: usize) -> String {
        format!("已跳过 {count} 条，保持忽略状态，因其投保单无法读取或被数据库拒绝：\n")
    }

    fn would_reprocess(&self, count: i64) -> String {
        format!("该类型被忽略的通知有 {count} 条。未作任何改动。\n")
    }
}
