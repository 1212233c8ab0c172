use chrono::{DateTime, Utc};
use xiebao_worker::prune::Report;

use super::English;
use crate::screen::{beijing, size};
use crate::words::WatchWords;

impl WatchWords for English {
    fn pruned(&self, report: &Report, before: DateTime<Utc>, dry_run: bool) -> String {
        let would = if dry_run { "would be emptied" } else { "emptied" };
        let mut out = format!(
            "Not heard of since {}, {would}: {} notices of {} proposals, {} closed dead letters, {}.\n",
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
                "{} proposals left whole: a dead letter is open or of later, or somebody worked on them since.\n",
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
            out += "Broken off; the same command again goes on with what is left.\n";
        }
        out
    }

    fn too_young(&self, least: &str) -> String {
        format!(
            "is less than {least}: late copies and corrections need what it would empty (m is minutes, M months)"
        )
    }
}
