//! `xiebao status`: what needs a person now, on one screen.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::time::Duration;

use clap::Args as ClapArgs;
use futures_util::future::join_all;
use tokio::time::Instant;
use xiebao_desk::fact::Fact;
use xiebao_desk::screen::plain;
use xiebao_desk::status::{self, Status};
use xiebao_desk::words::Words;
use xiebao_runtime::config::{AmqpConfig, Config, Needs, without_password};
use xiebao_runtime::{clock, shutdown};
use xiebao_store::Store;

use crate::admin::Admin;
use crate::broker;
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::{show, show_json};
use crate::services::{self, ServiceState};

/// How long a server may be silent until it counts as away.
const PATIENCE: Duration = Duration::from_secs(5);

const EXAMPLES: &str = "\
Changes nothing, and asks nothing that is slow. ✓ marks facts that are well, ✗ those that need a person, with the next command.
Services answer at their admin listeners: those of the configuration, or those that --service names. With --watch, rates
are the differences between two looks; Ctrl-C ends it. Refused requests need a person if they identify a notice that
has not come since. Exit code 1 if anything needs a person, 3 if the broker or the database cannot be reached.

Examples:
  xiebao status
  xiebao status --watch
  xiebao status --watch 10 --service http://10.0.0.7:9090 --service http://10.0.0.8:9091";

/// Show what needs a person now: queues, held, dead, stuck, refused, and the readiness of the services
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Repeat every so many seconds
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2",
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    watch: Option<u64>,
    /// The admin listener of a service, as in http://127.0.0.1:9090; several times for several [default: those of the
    /// configuration]
    #[arg(long = "service", value_name = "URL")]
    services: Vec<String>,
    /// Print JSON; times are UTC there. With --watch, one object per look
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let needs = Needs {
        amqp: true,
        database: true,
        ..Needs::NOTHING
    };
    let config = context.config(needs)?;
    let mut observer = Observer::new(&config, services::targets(&args.services, &config)?)?;
    let words = context.words();
    let Some(seconds) = args.watch else {
        let status = observer.look().await;
        present(&status, args.json, false, words)?;
        return exit(&status, words);
    };
    let stop = shutdown::on_signal().map_err(|error| Failure::Refused(error.to_string()))?;
    let redraws = !args.json && std::io::stdout().is_terminal();
    let mut ticks = tokio::time::interval(Duration::from_secs(seconds));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let Some(status) = stop.run_until_cancelled(observer.look()).await else {
            break;
        };
        present(&status, args.json, redraws, words)?;
    }
    Ok(Exit::Done)
}

fn present(status: &Status, json: bool, redraws: bool, words: &dyn Words) -> Result<(), Failure> {
    if json {
        return show_json(status);
    }
    // Moves the cursor to the top left corner and clears the screen.
    let home = if redraws { "\u{1b}[H\u{1b}[2J" } else { "" };
    show(&format!("{home}{}", status.page(words)))?;
    Ok(())
}

fn exit(status: &Status, words: &dyn Words) -> Result<Exit, Failure> {
    match status.away() {
        Some(fact) => Err(Failure::Unreachable(plain(&words.fact(fact)))),
        None => Ok(Exit::of_found(status.well)),
    }
}

/// Looks at broker, database and services, and remembers the counters of the last look.
struct Observer {
    amqp: AmqpConfig,
    store: Store,
    database: String,
    stuck_after: Duration,
    services: Vec<Admin>,
    /// When each service was asked last, and the sum of its counters then.
    before: BTreeMap<String, (Instant, f64)>,
}

impl Observer {
    fn new(config: &Config, services: Vec<Admin>) -> Result<Self, Failure> {
        let database = config.require_database()?;
        Ok(Self {
            amqp: config.require_amqp()?.clone(),
            store: Store::new(database.url.expose(), 1),
            database: without_password(database.url.expose()),
            stuck_after: config.worker.stuck_after,
            services,
            before: BTreeMap::new(),
        })
    }

    async fn look(&mut self) -> Status {
        let tables = status::tables(&self.store, &self.database, self.stuck_after, clock::now());
        let (mut facts, tables) = tokio::join!(broker::facts(&self.amqp, PATIENCE), tables);
        facts.extend(tables);
        let asked = self
            .services
            .iter()
            .map(|admin| async move { (admin.url(), services::ask(admin, PATIENCE).await) });
        let answers = join_all(asked).await;
        for (url, answer) in answers {
            facts.push(self.service(url, answer));
        }
        Status::of(facts, clock::now())
    }

    fn service(&mut self, url: String, answer: ServiceState) -> Fact {
        let total: f64 = answer.counts.values().sum();
        let now = Instant::now();
        let before = self.before.insert(url.clone(), (now, total));
        let per_second = before.map(|(at, before)| {
            // A smaller total means that the service restarted and counts from zero.
            let more = if total < before { total } else { total - before };
            more / (now - at).as_secs_f64().max(0.001)
        });
        Fact::Service {
            url,
            ready: answer.problem.is_none(),
            why: answer.problem,
            counts: answer.counts,
            per_second,
        }
    }
}
