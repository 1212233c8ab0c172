//! The report of a run, for a person and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::compare::{Difference, DifferenceKind, SHOWN};
use super::database::DeadLetters;
use super::settle::Comparison;
use super::tally::Percentiles;
use xiebao_core::lang::Lang;

/// Everything that was measured and found.
#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    /// The seed of the stories.
    pub seed: u64,
    /// The partner of the notices.
    pub partner_id: i64,
    /// Stories that were played.
    pub stories: usize,
    /// Proposals in them.
    pub proposals: usize,
    /// Distinct ones.
    pub notices: usize,
    /// Notices that were sent a second time.
    pub duplicates: usize,
    /// Requests that were made.
    pub requests: u64,
    /// Requests that were acknowledged.
    pub acknowledged: u64,
    /// Requests that sent an unacknowledged notice again.
    pub resent: u64,
    /// Notices that the platform gave up.
    pub given_up: u64,
    /// Answers by verdict.
    pub verdicts: BTreeMap<String, u64>,
    /// How long acknowledgements took.
    pub acknowledgement: Percentiles,
    /// How long sending took, in seconds.
    pub sending_seconds: f64,
    /// Acknowledgements per second.
    pub acks_per_second: f64,
    /// The longest time without an acknowledgement, while there was something new to be sent.
    pub longest_gap_seconds: f64,
    /// `None` when the database was not looked at.
    pub database: Option<InDatabase>,
}

/// The state of the database at the end.
#[derive(Debug, Clone, Serialize)]
pub struct InDatabase {
    /// From the first request until every acknowledged notice, repetitions included, was in its rows.
    pub committed_seconds: f64,
    /// Notices per second that workers committed.
    pub committed_per_second: f64,
    /// Notices of the same proposals that were there before: this seed has been played already.
    pub there_before: i64,
    /// Proposals not compared, because a notice of their story was never acknowledged.
    pub left_out: usize,
    /// Proposals that were compared.
    pub compared_proposals: usize,
    /// The comparison.
    #[serde(flatten)]
    pub outcome: Comparison,
    /// Dead letters by group of causes.
    pub dead_letters: Vec<DeadLetters>,
}

impl RunReport {
    /// Nothing is wrong, and the platform had to give nothing up.
    pub fn is_clean(&self) -> bool {
        self.given_up == 0
            && self
                .database
                .as_ref()
                .is_none_or(|found| found.outcome.findings.is_clean())
    }

    /// The report as text.
    pub fn in_words(&self, lang: Lang) -> String {
        let mut out = String::new();
        self.what_was_sent(&mut out, lang);
        if let Some(found) = &self.database {
            found.what_was_found(&mut out, lang);
        }
        self.verdict(&mut out, lang);
        out
    }

    fn what_was_sent(&self, out: &mut String, lang: Lang) {
        line(out, lang.pick("种子", "seed"), &self.seed.to_string());
        let stories = lang.pick(
            format!(
                "{} 个投保单（{} 个故事），{} 条通知，其中重复发送 {} 条",
                self.proposals, self.stories, self.notices, self.duplicates
            ),
            format!(
                "{} proposals in {} stories, {} notices, {} of them sent twice",
                self.proposals, self.stories, self.notices, self.duplicates
            ),
        );
        line(out, lang.pick("内容", "stories"), &stories);
        let sent = lang.pick(
            format!(
                "{} 次请求，确认 {} 次，按平台规则重发 {} 次，平台放弃 {} 条",
                self.requests, self.acknowledged, self.resent, self.given_up
            ),
            format!(
                "{} requests, {} acknowledged, {} made again by the platform's rule, {} given up by the platform",
                self.requests, self.acknowledged, self.resent, self.given_up
            ),
        );
        line(out, lang.pick("发送", "sent"), &sent);
        let verdicts: Vec<String> = self
            .verdicts
            .iter()
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        line(out, lang.pick("结果", "verdicts"), &verdicts.join(" · "));
        let p = &self.acknowledgement;
        let percentiles = format!(
            "p50 {:.1} ms · p90 {:.1} ms · p99 {:.1} ms · p99.9 {:.1} ms · max {:.1} ms",
            p.p50_ms, p.p90_ms, p.p99_ms, p.p99_9_ms, p.max_ms
        );
        line(out, lang.pick("确认耗时", "ack after"), &percentiles);
        let rate = lang.pick(
            format!(
                "{:.0} 条/秒（{:.1} 秒）",
                self.acks_per_second, self.sending_seconds
            ),
            format!(
                "{:.0} acks/s over {:.1} s",
                self.acks_per_second, self.sending_seconds
            ),
        );
        line(out, lang.pick("HTTP 速率", "HTTP rate"), &rate);
        let gap = lang.pick(
            format!("最长 {:.1} 秒没有确认", self.longest_gap_seconds),
            format!("{:.1} s without an acknowledgement", self.longest_gap_seconds),
        );
        line(out, lang.pick("最长间隔", "longest gap"), &gap);
    }

    fn verdict(&self, out: &mut String, lang: Lang) {
        let mut parts = Vec::new();
        if let Some(found) = &self.database {
            let findings = &found.outcome.findings;
            parts.push(format!(
                "{} lost, {} extra, {} differing",
                findings.lost, findings.extra, findings.differing
            ));
        }
        if self.given_up > 0 {
            parts.push(lang.pick(
                format!("平台放弃 {} 条", self.given_up),
                format!("{} given up by the platform", self.given_up),
            ));
        }
        if parts.is_empty() {
            parts.push(
                lang.pick("未核对数据库", "the database was not looked at")
                    .to_owned(),
            );
        }
        line(out, lang.pick("结论", "verdict"), &parts.join("; "));
    }
}

impl InDatabase {
    fn what_was_found(&self, out: &mut String, lang: Lang) {
        let rate = lang.pick(
            format!(
                "{:.0} 条/秒（{:.1} 秒）",
                self.committed_per_second, self.committed_seconds
            ),
            format!(
                "{:.0} notices/s over {:.1} s",
                self.committed_per_second, self.committed_seconds
            ),
        );
        line(out, lang.pick("HTTP 到入库", "HTTP to rows"), &rate);
        if self.there_before > 0 {
            let before = lang.pick(
                format!("此种子此前已发送过：已有 {} 条通知", self.there_before),
                format!(
                    "this seed was played before: {} notices were there already",
                    self.there_before
                ),
            );
            line(out, lang.pick("注意", "note"), &before);
        }
        let compared = lang.pick(
            format!(
                "{} 个投保单，{} 条通知，{} 行业务数据",
                self.compared_proposals, self.outcome.compared_notices, self.outcome.compared_rows
            ),
            format!(
                "{} proposals, {} notices, {} business rows",
                self.compared_proposals, self.outcome.compared_notices, self.outcome.compared_rows
            ),
        );
        line(out, lang.pick("核对", "compared"), &compared);
        if self.outcome.findings.pruned > 0 {
            let pruned = lang.pick(
                format!("{} 条通知的报文已清空，未核对", self.outcome.findings.pruned),
                format!(
                    "{} notices, whose bodies were pruned and so not compared",
                    self.outcome.findings.pruned
                ),
            );
            line(out, lang.pick("已清空", "pruned"), &pruned);
        }
        if self.left_out > 0 {
            let left_out = lang.pick(
                format!("{} 个投保单有未确认的通知，未核对", self.left_out),
                format!(
                    "{} proposals, because a notice of theirs was never acknowledged",
                    self.left_out
                ),
            );
            line(out, lang.pick("未核对", "left out"), &left_out);
        }
        if !self.outcome.findings.is_clean() {
            self.what_is_wrong(out, lang);
        }
    }

    fn what_is_wrong(&self, out: &mut String, lang: Lang) {
        if self.outcome.held > 0 {
            let held = lang.pick(
                format!("{} 条通知仍在等待前序通知", self.outcome.held),
                format!("{} notices still wait for a predecessor", self.outcome.held),
            );
            line(out, lang.pick("等待", "held"), &held);
        }
        for dead in &self.dead_letters {
            let dead_letters = format!("{} × {}: {}", dead.count, dead.reason, dead.example);
            line(out, lang.pick("死信", "dead"), &dead_letters);
        }
        for finding in &self.outcome.findings.first {
            line(out, kind(finding.kind, lang), &in_full(finding, lang));
        }
        let findings = &self.outcome.findings;
        if findings.lost + findings.extra + findings.differing > SHOWN as u64 {
            line(out, "", lang.pick("其余从略", "and more, not shown"));
        }
    }
}

fn kind(kind: DifferenceKind, lang: Lang) -> &'static str {
    match kind {
        DifferenceKind::Lost => lang.pick("缺少", "lost"),
        DifferenceKind::Extra => lang.pick("多余", "extra"),
        DifferenceKind::Differing => lang.pick("不符", "differing"),
    }
}

fn in_full(finding: &Difference, lang: Lang) -> String {
    let mut text = format!("{} {}", finding.insure_num, finding.table);
    // Writing to a String cannot fail.
    if !finding.key.is_empty() {
        let _ = write!(text, " [{}]", finding.key);
    }
    if let (Some(column), Some(expected), Some(found)) = (finding.column, &finding.expected, &finding.found) {
        let _ = match lang {
            Lang::Zh => write!(text, " {column}：应为 {expected}，实为 {found}"),
            Lang::En => write!(text, " {column}: expected {expected}, found {found}"),
        };
    }
    text
}

/// A label in a column of its own; a Chinese character is as wide as two others.
fn line(out: &mut String, label: &str, text: &str) {
    let width: usize = label.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
    let _ = writeln!(
        out,
        "{label}{} {text}",
        " ".repeat(12_usize.saturating_sub(width))
    );
}
