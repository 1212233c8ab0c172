use chrono::{DateTime, Utc};
use xiebao_worker::prune::Report;

use super::Chinese;
use crate::screen::{beijing, size};
use crate::words::WatchWords;

impl WatchWords for Chinese {
    fn pruned(&self, report: &Report, before: DateTime<Utc>, dry_run: bool) -> String {
        let would = if dry_run { "将清空" } else { "已清空" };
        let mut out = format!(
            "{} 之后再无动静的，{would}报文：{} 个投保单的 {} 条通知，已了结的死信 {} 封，共 {}。\n",
            beijing(before),
            report.proposals,
            report.notices,
            report.letters,
            size(report.bytes)
        );
        if report.in_force > 0 {
            out += &format!(
                "{} 个投保单保持原样：有保单在此之后仍在保障期内。\n",
                report.in_force
            );
        }
        if report.unsettled > 0 {
            out += &format!(
                "{} 个投保单保持原样：有未了结或较新的死信，或此后有人处理过。\n",
                report.unsettled
            );
        }
        if report.busy > 0 {
            out += &format!("{} 个投保单留待下次：worker 正在处理。\n", report.busy);
        }
        if !report.complete {
            out += "已中断；再次执行同一命令即可继续。\n";
        }
        out
    }

    fn too_young(&self, least: &str) -> String {
        format!("短于 {least}：迟到的重复通知和更正还用得着这些报文（m 是分钟，M 是月）")
    }
}
