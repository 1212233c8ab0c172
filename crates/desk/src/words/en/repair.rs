use super::English;
use crate::words::RepairWords;
use xiebao_store::rebuild::{Kind, Report};

impl RepairWords for English {
    fn table_differs(&self, table: &str, lost: u64, extra: u64, differing: u64) -> String {
        format!("{table}: {lost} lost, {extra} extra, {differing} differing\n")
    }

    fn difference(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::Lost => "lost     ",
            Kind::Extra => "extra    ",
            Kind::Differing => "differing",
        }
    }

    fn column_differs(&self, column: &str, is: &str, should_be: &str) -> String {
        format!("{column} is {is}, should be {should_be}")
    }

    fn sequences_broken(&self, count: u64, examples: &[String]) -> String {
        let examples = examples.join(", ");
        format!("notices: in {count} proposals seq is not 1, 2, 3…, which cannot be repaired: {examples}\n")
    }

    fn passed_over(&self, count: u64) -> String {
        format!("{count} proposals passed over, because they cannot be read or the database refuses them:\n")
    }

    fn pruned_left_alone(&self, count: u64, examples: &[String]) -> String {
        let examples = examples.join(", ");
        format!("{count} proposals left alone, because the bodies of their notices were pruned: {examples}\n")
    }

    fn pruned_can_not_be_voided(&self, insure_num: &str) -> String {
        format!(
            "Proposal {insure_num} was pruned, so its rows cannot be computed again. Nothing was changed.\n"
        )
    }

    fn pruned_not_reprocessed(&self, count: i64) -> String {
        format!("{count} left ignored, because their bodies were pruned.\n")
    }

    fn nothing_to_rebuild(&self, insure_num: &str) -> String {
        format!("Nothing is known about {insure_num}.\n")
    }

    fn rebuilt(&self, report: &Report, check: bool) -> String {
        let differences = report.differences();
        let told = match (differences, check) {
            (0, _) if report.is_clean() && report.complete => "the rows agree with the notices.".to_owned(),
            (0, _) => "no difference in the rows that could be compared.".to_owned(),
            (_, true) => format!("{differences} rows differ. Nothing was changed."),
            (_, false) => format!("{differences} rows differed and were corrected."),
        };
        let broken_off = if report.complete {
            ""
        } else {
            " Interrupted: the rest was not compared."
        };
        format!("{} proposals compared: {told}{broken_off}\n", report.proposals)
    }

    fn no_applied_notice(&self, beginning: &str) -> String {
        format!("No applied notice has a digest that begins with {beginning}.\n")
    }

    fn voided(&self, insure_num: &str, digest: &str, changed: bool) -> String {
        if changed {
            format!("Proposal {insure_num}: notice {digest} no longer counts.\n")
        } else {
            format!("Proposal {insure_num}: notice {digest} was already voided; nothing was changed.\n")
        }
    }

    fn restored(&self, insure_num: &str, digest: &str, changed: bool) -> String {
        if changed {
            format!("Proposal {insure_num}: notice {digest} counts again.\n")
        } else {
            format!("Proposal {insure_num}: notice {digest} was not voided; nothing was changed.\n")
        }
    }

    fn voided_since(&self, at: &str, actor: &str, reason: &str) -> String {
        format!("voided {at} by {actor}: {reason}")
    }

    fn not_subscribed(&self, notify_type: i64) -> String {
        format!(
            "type {notify_type} is not in `subscribed`: add it to the configuration, restart receivers and workers, \
             and run this again"
        )
    }

    fn undocumented(&self, notify_type: i64) -> String {
        format!("type {notify_type} is not documented by the platform, so its meaning is unknown")
    }

    fn reprocessed(&self, applied: usize, held: usize, dead: usize) -> String {
        format!(
            "Ignored notices reprocessed: {applied} applied, {held} waiting, {dead} became dead letters.\n"
        )
    }

    fn not_reprocessed(&self, count: usize) -> String {
        format!(
            "{count} passed over and left ignored, because their proposals cannot be read or the database refuses them:\n"
        )
    }

    fn would_reprocess(&self, count: i64) -> String {
        format!("Ignored notices of that type: {count}. Nothing was changed.\n")
    }
}
