use chrono::{DateTime, TimeDelta, Utc};
use xiebao_core::id::{NotifyType, Step};
use xiebao_core::ledger::Deliveries;
use xiebao_core::rows::Disagreement;
use xiebao_core::rules::OnTimeout;

use super::English;
use crate::screen::{beijing, plain};
use crate::story::chapter::Going;
use crate::story::missing::Missing;
use crate::story::{Possibility, Standing};
use crate::words::{Flags, StoryWords, Terms, Wait};

impl English {
    pub(super) fn steps(&self, steps: &[Step]) -> String {
        let names: Vec<String> = steps
            .iter()
            .map(|step| format!("the {}", self.notice(Some(step.notify_type()))))
            .collect();
        names.join(" and ")
    }

    pub(super) fn count(&self, count: usize, one: &str, many: &str) -> String {
        format!("{count} {}", if count == 1 { one } else { many })
    }
}

impl StoryWords for English {
    fn times_are_beijing(&self) -> &'static str {
        "(all times are Beijing time)"
    }

    fn standing(&self, standing: Standing) -> &'static str {
        match standing {
            Standing::Has(status) => self.status(status),
            Standing::Undecided => "notices have come, but none determines its status",
            Standing::OnlyHeld => "notices have come, but all wait for earlier ones",
            Standing::OnlyLink => "created by a reissue; it has no notice of its own yet",
            Standing::OnlyDead => "notices have come, but all became dead letters; none was applied",
            Standing::OnlyIgnored => {
                "notices have come, but only of types that are not subscribed; kept, not applied"
            }
            Standing::Unknown => "nothing is known",
        }
    }

    fn flags(&self, flags: Flags) -> Vec<String> {
        let mut said = Vec::new();
        if flags.abnormal {
            said.push("an abnormality was reported".to_owned());
        }
        if flags.e_policy_ready {
            said.push("the e-policy is ready".to_owned());
        }
        if flags.held > 0 {
            said.push(self.count(flags.held, "notice waits", "notices wait"));
        }
        if flags.open_dead_letters > 0 {
            said.push(self.count(flags.open_dead_letters, "open dead letter", "open dead letters"));
        }
        said
    }

    fn unknown(&self, insure_num: &str) -> String {
        format!(
            "Nothing is known about proposal {insure_num}.\n\
             Check the number: it must be that of the proposal, not of the policy (search by policy, user or name: xiebao find).\n\
             A notice with an unreadable number may have come: xiebao dead list. Or the platform never sent one.\n"
        )
    }

    fn received(&self, deliveries: &Deliveries) -> String {
        let (first, last) = (beijing(deliveries.first), beijing(deliveries.last));
        match deliveries.count {
            ..=1 => format!("received {first}"),
            count if first == last => format!("received {first}; came {}", self.times(count)),
            count => format!("received {first}; came {}, last {last}", self.times(count)),
        }
    }

    fn went(&self, going: Going, waited: Option<TimeDelta>, lacking: &[Step]) -> Option<String> {
        let waited = waited
            .map(|waited| format!("waited {}", self.duration(waited)))
            .unwrap_or_default();
        let since = match lacking {
            [] => "; its predecessors have come since".to_owned(),
            lacking => format!("; {} still has not come", self.steps(lacking)),
        };
        match going {
            Going::AtOnce => None,
            Going::InOrder => Some(waited),
            Going::TimedOut => Some(format!(
                "{waited}, then was applied out of order because its wait ended{since}"
            )),
            Going::ByHand => Some(format!("{waited}, then a person released it{since}")),
        }
    }

    fn waits(&self, wait: &Wait<'_>) -> String {
        let since = beijing(wait.since);
        let lacking = match wait.waits_for {
            [] => "is about to be applied, since its predecessors have come".to_owned(),
            steps => format!("waits for {}", self.steps(steps)),
        };
        if wait.until <= wait.now {
            return format!(
                "since {since} {lacking}; its wait ended {}, and a worker takes it up at once (if it stays, check that a \
                 worker is running)",
                beijing(wait.until)
            );
        }
        let then = match wait.at_timeout {
            OnTimeout::Apply => "then it is applied anyway",
            OnTimeout::DeadLetter => "then it becomes a dead letter",
        };
        format!(
            "since {since} {lacking}; until {} at the latest, {then}",
            beijing(wait.until)
        )
    }

    fn release_hint(&self, insure_num: &str) -> String {
        format!("to stop waiting: xiebao held release --proposal {insure_num}")
    }

    fn missing(&self, missing: &Missing) -> String {
        let notice = self.notice(Some(missing.notify_type));
        if !missing.dead_letters.is_empty() {
            let ids: Vec<String> = missing.dead_letters.iter().map(|id| format!("#{id}")).collect();
            return format!(
                "the {notice} came only as a dead letter, {}: see below",
                ids.join(", ")
            );
        }
        let mut said = if missing.failed {
            format!("no successful {notice} has come, only a failed one")
        } else {
            format!("no {notice} has come")
        };
        if !missing.subscribed {
            said.push_str(" (its type is not subscribed: it would only be kept)");
        }
        if missing.ignored {
            said.push_str("; one was kept without being applied: see below");
        }
        said
    }

    fn ignored(&self, notify_type: NotifyType) -> &'static str {
        match Step::of(notify_type) {
            Some(_) => "its type was not subscribed",
            None => "the platform has not published what it means",
        }
    }

    fn disagreement(&self, disagreement: &Disagreement) -> String {
        format!(
            "policy {}, {}: \"{}\" is believed, \"{}\" is not",
            plain(disagreement.policy_num.as_str()),
            self.column(disagreement.column),
            plain(&disagreement.believed),
            plain(&disagreement.passed_over)
        )
    }

    fn unmatched(&self, names: &str) -> String {
        format!(
            "{names}: in no policy, so nobody was marked as left. Compare the names with the policies, and ask the platform"
        )
    }

    fn possible(&self, possibility: Possibility) -> &'static str {
        match possibility {
            Possibility::FetchEPolicy => "the e-policy can be fetched from the platform",
            Possibility::FetchEndorsementFile => "the endorsement's file can be fetched from the platform",
        }
    }

    fn pruned_at(&self, at: DateTime<Utc>) -> String {
        format!(
            "emptied {} because of its age (xiebao prune): a copy is still a duplicate",
            beijing(at)
        )
    }

    fn stands_in(&self) -> &'static str {
        "a reissued proposal has no insured and payment notice: the reissue notice of the old one stands in for them"
    }

    fn goes_round(&self) -> &'static str {
        "these proposals replace each other in a circle: ask the platform"
    }

    fn more_reissues(&self) -> &'static str {
        "there are more than these"
    }

    fn not_believed(&self, insure_num: &str) -> String {
        format!(
            "proposal {} of another partner claims to be replaced by this one; not believed",
            plain(insure_num)
        )
    }
}
