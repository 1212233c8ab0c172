use chrono::{DateTime, TimeDelta, Utc};
use xiebao_core::id::{NotifyType, Step};
use xiebao_core::ledger::Deliveries;
use xiebao_core::rows::Disagreement;
use xiebao_core::rules::OnTimeout;

use super::Chinese;
use crate::screen::{beijing, plain};
use crate::story::chapter::Going;
use crate::story::missing::Missing;
use crate::story::{Possibility, Standing};
use crate::words::{Flags, StoryWords, Terms, Wait};

impl Chinese {
    pub(super) fn steps(&self, steps: &[Step]) -> String {
        let names: Vec<String> = steps
            .iter()
            .map(|step| self.notice(Some(step.notify_type())))
            .collect();
        names.join("、")
    }
}

impl StoryWords for Chinese {
    fn times_are_beijing(&self) -> &'static str {
        "（时间均为北京时间）"
    }

    fn standing(&self, standing: Standing) -> &'static str {
        match standing {
            Standing::Has(status) => self.status(status),
            Standing::Undecided => "有通知，但还看不出投保结果",
            Standing::OnlyHeld => "通知来了，但都在等待前面的通知",
            Standing::OnlyLink => "由退保重出而来，还没有它自己的通知",
            Standing::OnlyDead => "来过通知，但都成了死信，没有一条处理成功",
            Standing::OnlyIgnored => "来过通知，但都是未订阅的类型，只存档未处理",
            Standing::Unknown => "没有任何记录",
        }
    }

    fn flags(&self, flags: Flags) -> Vec<String> {
        let mut said = Vec::new();
        if flags.abnormal {
            said.push("异常单".to_owned());
        }
        if flags.e_policy_ready {
            said.push("电子保单已生成".to_owned());
        }
        if flags.held > 0 {
            said.push(format!("{} 条通知在等待", flags.held));
        }
        if flags.open_dead_letters > 0 {
            said.push(format!("{} 封死信待处理", flags.open_dead_letters));
        }
        said
    }

    fn unknown(&self, insure_num: &str) -> String {
        format!(
            "没有投保单 {insure_num} 的任何记录。\n\
             请核对单号（投保单号，不是保单号；按保单号、用户或姓名查找：xiebao find）。\n\
             也可能通知来了却无法识别单号：xiebao dead list；或者携保根本没有推送过。\n"
        )
    }

    fn received(&self, deliveries: &Deliveries) -> String {
        let (first, last) = (beijing(deliveries.first), beijing(deliveries.last));
        match deliveries.count {
            ..=1 => format!("{first} 收到"),
            count if first == last => format!("{first} 收到，共来过 {count} 次"),
            count => format!("{first} 收到，共来过 {count} 次，最后一次 {last}"),
        }
    }

    fn went(&self, going: Going, waited: Option<TimeDelta>, lacking: &[Step]) -> Option<String> {
        let waited = waited
            .map(|waited| format!("等待了 {}", self.duration(waited)))
            .unwrap_or_default();
        let since = match lacking {
            [] => "；缺的通知后来已到".to_owned(),
            lacking => format!("；{}至今未到", self.steps(lacking)),
        };
        match going {
            Going::AtOnce => None,
            Going::InOrder => Some(waited),
            Going::TimedOut => Some(format!("{waited}，到期后未等齐就先处理了{since}")),
            Going::ByHand => Some(format!("{waited}，由人工放行{since}")),
        }
    }

    fn waits(&self, wait: &Wait<'_>) -> String {
        let since = beijing(wait.since);
        let lacking = match wait.waits_for {
            [] => "要等的通知已到，即将处理".to_owned(),
            steps => format!("在等{}", self.steps(steps)),
        };
        if wait.until <= wait.now {
            return format!(
                "{since} 起{lacking}；{} 已到期，处理服务随即处理（若长时间未处理，请检查处理服务是否在运行）",
                beijing(wait.until)
            );
        }
        let then = match wait.at_timeout {
            OnTimeout::Apply => "到时没来也照常处理",
            OnTimeout::DeadLetter => "到时没来就转为死信",
        };
        format!("{since} 起{lacking}；最迟等到 {}，{then}", beijing(wait.until))
    }

    fn release_hint(&self, insure_num: &str) -> String {
        format!("立即放行：xiebao held release --proposal {insure_num}")
    }

    fn missing(&self, missing: &Missing) -> String {
        let notice = self.notice(Some(missing.notify_type));
        let mut said = if missing.failed {
            format!("{notice}只来过失败的，还没有成功的")
        } else {
            format!("{notice}还没有来")
        };
        if !missing.subscribed {
            said.push_str("（未订阅这一类型，收到也只存档）");
        }
        if missing.ignored {
            said.push_str("；收到过但未处理，见“收到但未处理的通知”");
        }
        if !missing.dead_letters.is_empty() {
            let ids: Vec<String> = missing.dead_letters.iter().map(|id| format!("#{id}")).collect();
            said = format!("{notice}来了，但成了死信 {}，见“死信”", ids.join("、"));
        }
        said
    }

    fn ignored(&self, notify_type: NotifyType) -> &'static str {
        match Step::of(notify_type) {
            Some(_) => "当时未订阅这一类型",
            None => "携保没有公开过这一类型",
        }
    }

    fn disagreement(&self, disagreement: &Disagreement) -> String {
        format!(
            "保单 {} 的{}：采用“{}”，未采用“{}”",
            plain(disagreement.policy_num.as_str()),
            self.column(disagreement.column),
            plain(&disagreement.believed),
            plain(&disagreement.passed_over)
        )
    }

    fn unmatched(&self, names: &str) -> String {
        format!("{names}：不在任何保单内，未能标记退保。请与保单上的姓名核对，并向携保核实")
    }

    fn possible(&self, possibility: Possibility) -> &'static str {
        match possibility {
            Possibility::FetchEPolicy => "可以向携保下载电子保单",
            Possibility::FetchEndorsementFile => "可以通过携保的批改文件下载接口下载批改文件",
        }
    }

    fn pruned_at(&self, at: DateTime<Utc>) -> String {
        format!(
            "因时间久远已于 {} 清空（xiebao prune）：再次收到仍识别为重复",
            beijing(at)
        )
    }

    fn stands_in(&self) -> &'static str {
        "重出的投保单不再有投保和支付通知，由原投保单的退保重出通知代替"
    }

    fn goes_round(&self) -> &'static str {
        "这些投保单互相重出，成了一圈：请携保核实"
    }

    fn more_reissues(&self) -> &'static str {
        "还有更多，没有全部列出"
    }

    fn not_believed(&self, insure_num: &str) -> String {
        format!("另一渠道的投保单 {} 声称重出为本单，不予采信", plain(insure_num))
    }
}
