//! The machine and the software of a run.

use std::fs::read_to_string;
use std::num::NonZero;

use crate::args::Args;
use crate::report::Machine;

pub fn describe(args: &Args) -> Machine {
    Machine {
        run: Some(if args.quick { "quick" } else { "full" }.to_owned()),
        date: Some(xiebao_runtime::clock::now().format("%Y-%m-%d").to_string()),
        commit: args.commit.clone(),
        cores: std::thread::available_parallelism()
            .ok()
            .and_then(|cores| u32::try_from(NonZero::get(cores)).ok()),
        memory_mb: memory_mb(),
        processor: processor(),
        broker: args.broker.clone(),
        database: args.database.clone(),
    }
}

fn memory_mb() -> Option<u32> {
    let text = read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u32 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib / 1_024)
}

fn processor() -> Option<String> {
    let text = read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("model name"))?;
    Some(line.trim_start_matches(['\t', ' ', ':']).to_owned())
}
