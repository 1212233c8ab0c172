//! `xiebao status`: what matters now, on one screen.

mod look;
pub mod service;

use std::io::IsTerminal as _;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::Args as ClapArgs;
use serde::Serialize;
use xiebao_runtime::config::Needs;
use xiebao_runtime::{clock, shutdown};

pub use look::Fact;

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::screen::{beijing, plain, show, show_json};
use crate::words::Words;

const EXAMPLES: &str = "\
Changes nothing, and asks nothing that is slow. What is well has ✓, what needs a person ✗ and the command to run next.
Services are asked at their admin listeners: those of the configuration, or those that --service names. With --watch, rates
are the differences between two looks; Ctrl-C ends it. Refused requests need a person if they say which notice they were
and it has not come since. Exit code 1 if anything needs a person, 3 if the broker or the database can't be reached.

Examples:
  xiebao status
  xiebao status --watch
  xiebao status --watch 10 --service http://10.0.0.7:9090 --service http://10.0.0.8:9091";

/// Show what matters now: queues, held, dead, stuck, refused, and whether the services are ready
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Look again and again, every so many seconds
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2",
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    watch: Option<u64>,
    /// The admin listener of a service, as in http://127.0.0.1:9090; several times for several [default: those of the
    /// configuration]
    #[arg(long = "service", value_name = "URL")]
    services: Vec<String>,
    /// Print JSON; times are UTC there. With --watch, an object a look
    #[arg(long)]
    json: bool,
}

/// One look.
#[derive(Debug, Serialize)]
struct Status {
    at: DateTime<Utc>,
    well: bool,
    facts: Vec<View>,
}

#[derive(Debug, Serialize)]
struct View {
    well: bool,
    #[serde(flatten)]
    fact: Fact,
}

pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let needs = Needs {
        amqp: true,
        database: true,
        ..Needs::NOTHING
    };
    let config = context.config(needs)?;
    let mut eyes = look::Eyes::open(&config, service::targets(&args.services, &config)?)?;
    let words = crate::words::of(context.lang);
    let Some(seconds) = args.watch else {
        let status = Status::of(eyes.look().await);
        status.present(args.json, false, words)?;
        return status.exit(words);
    };
    let stop = shutdown::on_signal().map_err(|error| Failure::Refused(error.to_string()))?;
    let redraws = !args.json && std::io::stdout().is_terminal();
    let mut ticks = tokio::time::interval(Duration::from_secs(seconds));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let Some(facts) = stop.run_until_cancelled(eyes.look()).await else {
            break;
        };
        Status::of(facts).present(args.json, redraws, words)?;
    }
    Ok(Exit::Done)
}

impl Status {
    fn of(facts: Vec<Fact>) -> Self {
        let facts: Vec<View> = facts
            .into_iter()
            .map(|fact| View {
                well: fact.is_well(),
                fact,
            })
            .collect();
        Self {
            at: clock::now(),
            well: facts.iter().all(|view| view.well),
            facts,
        }
    }

    fn present(&self, json: bool, redraws: bool, words: &dyn Words) -> Result<(), Failure> {
        if json {
            return show_json(self);
        }
        // To the top left corner, and clears what was below.
        let home = if redraws { "\u{1b}[H\u{1b}[2J" } else { "" };
        show(&format!("{home}{}", self.page(words)));
        Ok(())
    }

    fn page(&self, words: &dyn Words) -> String {
        let mut page = format!("{}  {}\n", beijing(self.at), words.times_are_beijing());
        for View { well, fact } in &self.facts {
            let mark = if *well { "✓" } else { "✗" };
            page += &format!("{mark} {}\n", plain(&words.fact(fact)));
            if !well && let Some(next) = words.next_step(fact) {
                page += &format!("    → {next}\n");
            }
        }
        page
    }

    fn exit(&self, words: &dyn Words) -> Result<Exit, Failure> {
        let away = self.facts.iter().find(|view| view.fact.is_away());
        match away {
            Some(view) => Err(Failure::Unreachable(plain(&words.fact(&view.fact)))),
            None if self.well => Ok(Exit::Done),
            None => Ok(Exit::No),
        }
    }
}
