use chrono::TimeDelta;
use xiebao_core::id::{NotifyType, Step};
use xiebao_core::lifecycle::Status;
use xiebao_core::reason::Reason;
use xiebao_store::sql::operations::Action;

use super::Chinese;
use crate::words::{Label, Terms};

impl Terms for Chinese {
    fn label(&self, label: Label) -> &'static str {
        match label {
            Label::Proposal => "投保单",
            Label::Partner => "渠道",
            Label::User => "渠道用户",
            Label::CaseCode => "产品编码",
            Label::Applied => "已处理的通知（按处理顺序）",
            Label::Held => "等待中的通知",
            Label::NotComeYet => "还缺的",
            Label::Ignored => "收到但未处理的通知（只存档）",
            Label::Pruned => "报文已清空，不再保存",
            Label::DeadLetters => "死信",
            Label::Disagreements => "出单通知之间不一致（以后收到的为准）",
            Label::Unmatched => "不在任何保单内的退保人",
            Label::Reissues => "退保重出",
            Label::Rows => "目前的业务数据",
            Label::Possible => "可执行的操作",
            Label::Gateway => "支付网关",
            Label::PayTime => "支付时间",
            Label::Payment => "支付",
            Label::Policy => "保单",
            Label::Cover => "保险期间",
            Label::Applicant => "投保人",
            Label::InsuredPersons => "被保人",
            Label::Left => "已退保",
            Label::Leaving => "退保的被保人",
            Label::WholeProposal => "整单退保",
            Label::NewProposal => "重出的新投保单",
            Label::EndorsementStatus => "批改状态",
            Label::Message => "批改消息",
            Label::Remark => "备注",
            Label::CancelReason => "退保原因",
            Label::FailReason => "失败原因",
            Label::OtherInfo => "其他信息",
            Label::Cancelled => "已退保",
            Label::NoNewMoney => "由原投保单支付，没有新的收款",
            Label::Repair => "处理办法",
            Label::Why => "原因",
            Label::Status => "状态",
            Label::Received => "收到",
            Label::BecameDead => "成为死信",
            Label::Requeued => "重新入队",
            Label::DiscardedBecause => "放弃原因",
            Label::Body => "报文",
            Label::Digest => "摘要",
            Label::Policies => "保单",
            Label::ThisOne => "本单",
            Label::SignatureForm => "签名文本",
            Label::Attempts => "失败的尝试",
            Label::Operations => "人工操作记录",
        }
    }

    fn pair(&self, label: &str, value: &str) -> String {
        format!("{label}：{value}")
    }

    fn list(&self, items: &[String]) -> String {
        items.join("、")
    }

    fn clauses(&self, items: &[String]) -> String {
        items.join("，")
    }

    fn step(&self, step: Step) -> &'static str {
        match step {
            Step::Insured => "投保通知",
            Step::Paid => "支付通知",
            Step::Issued => "出单通知",
            Step::Cancelled => "退保通知",
            Step::Reissued => "退保重出通知",
            Step::EPolicy => "电子保单通知",
            Step::Endorsement => "批改通知",
            Step::Abnormality => "异常单通知",
        }
    }

    fn notice(&self, notify_type: Option<NotifyType>) -> String {
        match notify_type {
            Some(number) => match Step::of(number) {
                Some(step) => format!("{}（{number}）", self.step(step)),
                None => format!("未公开类型的通知（{number}）"),
            },
            None => "无法识别的报文".to_owned(),
        }
    }

    fn outcome(&self, success: bool) -> &'static str {
        if success { "成功" } else { "失败" }
    }

    fn status(&self, status: Status) -> &'static str {
        match status {
            Status::Reissued => "已退保重出",
            Status::Cancelled => "已退保",
            Status::PartiallyCancelled => "部分被保人已退保",
            Status::Issued => "已出单",
            Status::IssueFailed => "出单失败",
            Status::Paid => "已支付，等待出单",
            Status::PayFailed => "支付失败",
            Status::Insured => "已投保，等待支付",
            Status::InsureFailed => "投保失败",
        }
    }

    fn gateway(&self, code: i64) -> Option<&'static str> {
        Some(match code {
            0 => "转账",
            1 => "支付宝",
            2 => "网银在线",
            3 => "银联",
            10 => "快钱",
            12 | 13 => "易宝",
            14 => "财付通",
            15 => "手机支付",
            16 => "银联企业支付",
            17 => "月结",
            19 => "金币",
            21 => "微信",
            -1 => "余额",
            -2 => "优惠券",
            -3 | -12 => "退保重出",
            -4 | -10 => "内部支付",
            -5 => "金豆",
            -11 => "银行代扣",
            -14 => "红包",
            _ => return None,
        })
    }

    fn endorsement(&self, status: i64) -> Option<&'static str> {
        Some(match status {
            1 => "审核通过",
            2 => "审核未通过",
            3 => "已提交，批改中",
            4 => "批改成功",
            5 => "批改失败",
            _ => return None,
        })
    }

    fn column(&self, column: &'static str) -> &'static str {
        match column {
            "product_id" => "产品 id",
            "product_name" => "产品名称",
            "plan_id" => "计划 id",
            "plan_name" => "计划名称",
            "applicant" => "投保人",
            "start_date" => "起保日期",
            "end_date" => "终保日期",
            "insured_persons" => "被保人",
            other => other,
        }
    }

    fn reason(&self, reason: Reason) -> &'static str {
        match reason {
            Reason::Unreadable => "报文无法识别",
            Reason::Incomplete => "缺少必需的内容",
            Reason::InvalidField => "内容有误",
            Reason::TooLong => "内容过长，存不下",
            Reason::PartnerMismatch => "投保单属于另一个渠道",
            Reason::TimedOut => "前面的通知没有按时来",
            Reason::ApplyFailed => "多次处理都失败",
            Reason::DeliveryLimit => "多次投递给处理服务都未确认",
            Reason::Pruned => "该投保单先前通知的报文已清空",
        }
    }

    fn repair(&self, reason: Reason) -> &'static str {
        match reason {
            Reason::Unreadable => {
                "接收服务不会发布无法识别的报文：这一封是手工发布的，或来自较新的版本。若原因里说的是信封版本，\
                 请升级处理服务后重新入队（dead requeue）；否则放弃（dead discard）。"
            }
            Reason::Incomplete | Reason::InvalidField => {
                "须请携保改正后重新推送（改正后是一条新的通知）：告知投保单号、通知类型和原因。新的通知到了以后（trace \
                 可查）放弃这一封（dead discard）；原样重新入队还会成为死信。"
            }
            Reason::TooLong => {
                "请携保核实内容是否属实。属实则须由新版本加宽该列：升级并执行 migrate，再重新入队（dead requeue）；\
                 否则放弃（dead discard）。"
            }
            Reason::PartnerMismatch => {
                "请携保核实这张投保单属于哪个渠道（trace 显示先来的是哪个）。若属于先来的渠道，放弃这一封\
                 （dead discard），并检查 keys_file：密钥可能落入他人之手。若属于这一封的渠道，先撤销另一渠道的通知\
                 （notice void），再重新入队（dead requeue）。"
            }
            Reason::TimedOut => {
                "请携保补推它所等的通知；到了以后（trace 可查）重新入队（dead requeue）。若永远不会来，把 \
                 sequencing.<step>.on_timeout 设为 \"apply\"，重启处理服务，再重新入队；无需再等时可立即放行\
                 （held release）。"
            }
            Reason::ApplyFailed => {
                "原因里写明了数据库拒绝的是什么（触发器、约束、缺少权限）；处理服务的日志里按 notice.digest 可查到更多。\
                 排除后先重新入队这一封，通过了再处理其余的（dead requeue --reason apply_failed）。"
            }
            Reason::DeliveryLimit => {
                "处理服务在处理它时反复中断：请查看处理服务的日志，以及是否因内存不足被终止。修复或升级后先重新入队这一封，\
                 通过了再处理其余的（dead requeue --reason delivery_limit）。"
            }
            Reason::Pruned => {
                "该投保单的报文因时间久远已清空（prune）：业务数据保持不变，本通知的内容（dead show）需由人工录入贵方系统，\
                 然后放弃它（dead discard）。若仍需处理，请先从备份恢复报文（见 docs/operations.md），再重新入队。"
            }
        }
    }

    fn readable_now(&self) -> &'static str {
        "本版本已能读取其内容：请重新入队（dead requeue）。"
    }

    fn action(&self, action: Action) -> &'static str {
        match action {
            Action::RequeueDead => "死信重新入队",
            Action::DiscardDead => "放弃死信",
            Action::ReleaseHeld => "放行",
            Action::VoidNotice => "撤销通知",
            Action::RestoreNotice => "恢复通知",
            Action::Rebuild => "重算",
            Action::Reprocess => "补处理",
            Action::Prune => "清空报文",
        }
    }

    fn letter_status<'s>(&self, status: &'s str) -> &'s str {
        match status {
            "open" => "待处理",
            "requeued" => "已重新入队",
            "discarded" => "已放弃",
            other => other,
        }
    }

    fn duration(&self, duration: TimeDelta) -> String {
        let seconds = duration.num_seconds().max(0);
        let units = [
            (seconds / 86_400, "天"),
            (seconds / 3_600 % 24, "小时"),
            (seconds / 60 % 60, "分钟"),
            (seconds % 60, "秒"),
        ];
        let parts: Vec<String> = units
            .iter()
            .filter(|(n, _)| *n > 0)
            .take(2)
            .map(|(n, unit)| format!("{n} {unit}"))
            .collect();
        if parts.is_empty() {
            "不到 1 秒".to_owned()
        } else {
            parts.join(" ")
        }
    }

    fn times(&self, count: i64) -> String {
        format!("{count} 次")
    }
}
