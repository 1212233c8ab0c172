use chrono::{DateTime, TimeDelta, Utc};
use xiebao_core::id::Step;
use xiebao_store::prune::Report;

use super::English;
use crate::fact::Fact;
use crate::screen::{beijing, size};
use crate::words::{Terms, WatchWords, counts};

impl WatchWords for English {
    fn pruned(&self, report: &Report, before: DateTime<Utc>, dry_run: bool) -> String {
        let would = if dry_run { "would be emptied" } else { "emptied" };
        let mut out = format!(
            "Silent since {}, {would}: {} notices of {} proposals, {} closed dead letters, {}.\n",
            beijing(before),
            report.notices,
            report.proposals,
            report.letters,
            size(report.bytes)
        );
        if report.in_force > 0 {
            out += &format!(
                "{} proposals left whole: a policy was in force until later.\n",
                report.in_force
            );
        }
        if report.unsettled > 0 {
            out += &format!(
                "{} proposals left whole: a dead letter is open or newer, a cancelled person is in no policy, or somebody worked on them since.\n",
                report.unsettled
            );
        }
        if report.busy > 0 {
            out += &format!(
                "{} proposals left for the next run: a worker was busy with them.\n",
                report.busy
            );
        }
        if !report.complete {
            out += "Interrupted; run the same command again to continue.\n";
        }
        out
    }

    fn too_young(&self, least: &str) -> String {
        format!(
            "is less than {least}: late copies and corrections need these bodies (m is minutes, M months)"
        )
    }

    fn nothing_stuck(&self) -> &'static str {
        "No proposal is stuck for that long.\n"
    }

    fn stands_since(&self, at: &str, standing: TimeDelta) -> String {
        format!("since {at} ({})", self.duration(standing))
    }

    fn lacks(&self, step: Option<Step>) -> String {
        format!("no {}", self.notice(step.map(Step::notify_type)))
    }

    fn nothing_refused(&self) -> &'static str {
        "No refused requests match.\n"
    }

    fn has_arrived(&self, arrived: Option<bool>) -> &'static str {
        match arrived {
            Some(true) => "has come since",
            Some(false) => "has not come",
            None => "cannot be identified",
        }
    }

    fn claims_are_claims(&self) -> &'static str {
        "* not verified: anyone can invent number, type and partner\n"
    }

    fn fact(&self, fact: &Fact) -> String {
        let since = |at: &Option<DateTime<Utc>>| {
            at.map_or_else(String::new, |at| format!(", the first since {}", beijing(at)))
        };
        match fact {
            Fact::BrokerAway { address, problem } => {
                format!("broker: {address} cannot be reached: {problem}")
            }
            Fact::DatabaseAway { address, problem } => {
                format!("database: {address} cannot be reached: {problem}")
            }
            Fact::DatabaseRefuses { address, problem } => {
                format!("database: {address} refuses: {problem}")
            }
            Fact::Queue {
                name,
                messages,
                consumers,
            } => {
                format!("queue {name}: messages: {messages}, consumers: {consumers}")
            }
            Fact::QueueWrong {
                name,
                carries_notices: false,
            } => {
                format!("queue {name}: is missing or not as wanted; no notice goes through it")
            }
            Fact::QueueWrong { name, .. } => format!("queue {name}: is missing or not as wanted"),
            Fact::Held {
                proposals,
                notices,
                oldest,
                overdue,
            } => format!(
                "held: {notices} notices of {proposals} proposals{}; overdue: {overdue}",
                since(oldest)
            ),
            Fact::DeadLetters { open, by_reason } => {
                format!("dead letters open: {open}{}", counts(by_reason))
            }
            Fact::Stuck {
                count,
                oldest,
                after_seconds,
            } => format!(
                "paid and not issued for more than {}: {count}{}",
                self.duration(TimeDelta::seconds(
                    i64::try_from(*after_seconds).unwrap_or(i64::MAX / 1_000)
                )),
                since(oldest)
            ),
            Fact::Unmatched { proposals } => {
                format!("proposals with a cancelled person who is in no policy: {proposals}")
            }
            Fact::Refused {
                requests,
                by_verdict,
                missing,
            } => {
                let missing = match missing {
                    0 => String::new(),
                    count => format!("; notices that have not come since: {count}"),
                };
                format!(
                    "requests refused in the last hour: {requests}{}{missing}",
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
                    (true, _) => "ready".to_owned(),
                    (false, Some(why)) => why.clone(),
                    (false, None) => "not ready".to_owned(),
                };
                let rate = per_second.map_or_else(String::new, |rate| format!("; {rate:.1} a second"));
                format!("service {url}: {state}{}{rate}", counts(counted))
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
                Some("no worker consumes it: start one, or find out why it is not ready (/readyz, its log)")
            }
            Fact::Held { .. } => Some("xiebao held list"),
            Fact::DeadLetters { .. } => Some("xiebao dead list"),
            Fact::Stuck { .. } => Some("xiebao stuck --step paid"),
            Fact::Unmatched { .. } => Some("xiebao find --unmatched"),
            Fact::Refused { .. } => Some("xiebao refused list --missing"),
            Fact::Service { .. } => Some("read its log; xiebao doctor"),
        }
    }
}
