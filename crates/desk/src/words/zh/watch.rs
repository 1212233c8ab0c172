use chrono::{DateTime, TimeDelta, Utc};
use xiebao_core::id::Step;
use xiebao_store::prune::Report;

use super::Chinese;
use crate::fact::Fact;
use crate::screen::{beijing, size};
use crate::words::{Terms, WatchWords, counts};

impl WatchWords for Chinese {
    fn pruned(&self, report: &Report, before: DateTime<Utc>, dry_run: bool) -> String {
        let would = if dry_run { "将清空" } else { "已清空" };
        let mut out = format!(
            "{} 之后再无新通知的，{would}报文：{} 个投保单的 {} 条通知，已办结的死信 {} 封，共 {}。\n",
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
                "{} 个投保单保持原样：有未办结或较新的死信，有退保人不在任何保单内，或此后有人处理过。\n",
                report.unsettled
            );
        }
        if report.busy > 0 {
            out += &format!("{} 个投保单留待下次：处理服务正在处理。\n", report.busy);
        }
        if !report.complete {
            out += "已中断；再次执行同一命令即可继续。\n";
        }
        out
    }

    fn too_young(&self, least: &str) -> String {
        format!("短于 {least}：迟到的重复通知和更正还用得着这些报文（m 是分钟，M 是月）")
    }

    fn nothing_stuck(&self) -> &'static str {
        "没有卡单这么久的投保单。\n"
    }

    fn stands_since(&self, at: &str, standing: TimeDelta) -> String {
        format!("自 {at}（已 {}）", self.duration(standing))
    }

    fn lacks(&self, step: Option<Step>) -> String {
        format!("缺{}", self.notice(step.map(Step::notify_type)))
    }

    fn nothing_refused(&self) -> &'static str {
        "没有这样的被拒请求。\n"
    }

    fn has_arrived(&self, arrived: Option<bool>) -> &'static str {
        match arrived {
            Some(true) => "其后已收到",
            Some(false) => "至今未收到",
            None => "无从得知",
        }
    }

    fn claims_are_claims(&self) -> &'static str {
        "* 未经验证：号码、类型和渠道均可能是任何人编造的\n"
    }

    fn fact(&self, fact: &Fact) -> String {
        let since = |at: &Option<DateTime<Utc>>| {
            at.map_or_else(String::new, |at| format!("，最早自 {}", beijing(at)))
        };
        match fact {
            Fact::BrokerAway { address, problem } => format!("消息队列：无法连接 {address}：{problem}"),
            Fact::DatabaseAway { address, problem } => format!("数据库：无法连接 {address}：{problem}"),
            Fact::DatabaseRefuses { address, problem } => {
                format!("数据库：{address} 拒绝查询：{problem}")
            }
            Fact::Queue {
                name,
                messages,
                consumers,
            } => {
                format!("队列 {name}：消息 {messages} 条，消费者 {consumers} 个")
            }
            Fact::QueueWrong {
                name,
                carries_notices: false,
            } => {
                format!("队列 {name}：缺失或与要求不符；通知不经过该队列")
            }
            Fact::QueueWrong { name, .. } => format!("队列 {name}：缺失或与要求不符"),
            Fact::Held {
                proposals,
                notices,
                oldest,
                overdue,
            } => format!(
                "等待中：{proposals} 个投保单的 {notices} 条通知{}；逾期 {overdue} 条",
                since(oldest)
            ),
            Fact::DeadLetters { open, by_reason } => format!("未处理的死信：{open} 封{}", counts(by_reason)),
            Fact::Stuck {
                count,
                oldest,
                after_seconds,
            } => format!(
                "已支付未出单超过 {}：{count} 个{}",
                self.duration(TimeDelta::seconds(
                    i64::try_from(*after_seconds).unwrap_or(i64::MAX / 1_000)
                )),
                since(oldest)
            ),
            Fact::Unmatched { proposals } => format!("退保人不在任何保单内的投保单：{proposals} 个"),
            Fact::Refused {
                requests,
                by_verdict,
                missing,
            } => {
                let missing = match missing {
                    0 => String::new(),
                    count => format!("；至今未收到的通知 {count} 条"),
                };
                format!(
                    "最近一小时被拒的请求：{requests} 次{}{missing}",
                    counts(by_verdict)
                )
            }
            Fact::Service {
                url,
                ready,
                why,
                counts: counted,
                per_second,
            } => {
                let state = match (ready, why) {
                    (true, _) => "就绪".to_owned(),
                    (false, Some(why)) => format!("未就绪：{why}"),
                    (false, None) => "未就绪".to_owned(),
                };
                let rate = per_second.map_or_else(String::new, |rate| format!("；每秒 {rate:.1} 条"));
                format!("服务 {url}：{state}{}{rate}", counts(counted))
            }
        }
    }

    fn next_step(&self, fact: &Fact) -> Option<&'static str> {
        match fact {
            Fact::BrokerAway { .. }
            | Fact::DatabaseAway { .. }
            | Fact::DatabaseRefuses { .. }
            | Fact::QueueWrong { .. } => Some("xiebao doctor"),
            Fact::Queue { .. } => {
                Some("没有处理服务从中取消息：请启动处理服务，或查看其未就绪的原因（/readyz 和日志）")
            }
            Fact::Held { .. } => Some("xiebao held list"),
            Fact::DeadLetters { .. } => Some("xiebao dead list"),
            Fact::Stuck { .. } => Some("xiebao stuck --step paid"),
            Fact::Unmatched { .. } => Some("xiebao find --unmatched"),
            Fact::Refused { .. } => Some("xiebao refused list --missing"),
            Fact::Service { .. } => Some("查看其日志；xiebao doctor"),
        }
    }
}
