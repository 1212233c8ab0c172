//! `xiebao migrate`: brings the schema up to this release.

use std::time::Duration;

use clap::Args as ClapArgs;
use serde::Serialize;
use tokio::time::{sleep, timeout};
use xiebao_runtime::shutdown;
use xiebao_store::sql::migrations;
use xiebao_store::{StoreError, connect};

use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::screen::{show, show_json};
use crate::words::Words;

/// How often `--wait` looks.
const EVERY: Duration = Duration::from_secs(2);
/// A database that has given no answer by then is none that `--wait` waits for.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

const EXAMPLES: &str = "\
The migrations are in this program. The user of database.url must be allowed to create and alter
tables.

Examples:
  xiebao migrate
  xiebao migrate --check || echo \"the schema is behind\"
  xiebao migrate --wait";

/// Bring the schema of the database up to this release
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Only say what is to be run; exit code 1 if anything is
    #[arg(long)]
    check: bool,
    /// Run nothing; end when somebody has brought the schema up to this release, or at once when the
    /// database can't be reached; exit code 1 when it is told to end before (SIGTERM, Ctrl-C)
    #[arg(long, conflicts_with_all = ["check", "json"])]
    wait: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What was, or is to be, done.
#[derive(Debug, Default, Serialize)]
struct Report {
    done: Vec<String>,
    pending: Vec<String>,
    /// Versions that the database has and this release does not know.
    unknown: Vec<String>,
}

pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let database = Database::of(context)?;
    if args.wait {
        // Asked for, since as the first process of a container it would not be ended by a signal otherwise.
        let stop = shutdown::on_signal().map_err(|error| Failure::Refused(error.to_string()))?;
        let waited = stop.run_until_cancelled(wait(&database, crate::words::of(context.lang)));
        return waited.await.unwrap_or(Ok(Exit::No));
    }
    let mut report = look(&database).await?;
    if !args.check && !report.pending.is_empty() {
        let url = database.config.require_database()?.url.expose().to_owned();
        let versions = run_all(url).await?;
        report.done.clone_from(&report.pending);
        report.done.retain(|name| versions.contains(&version(name)));
        report.pending.clear();
    }
    if args.json {
        show_json(&report)?;
    } else {
        show(&report.in_words(crate::words::of(context.lang)));
    }
    Ok(if report.pending.is_empty() {
        Exit::Done
    } else {
        Exit::No
    })
}

/// What the database has and what it lacks.
async fn look(database: &Database) -> Result<Report, Failure> {
    let mut conn = database.connection().await?;
    let found = migrations::difference(&mut conn).await?;
    Ok(Report {
        pending: found.pending,
        unknown: found.unknown,
        ..Report::default()
    })
}

/// Only a database that answers can say that its schema is behind. One that can't be reached keeps nobody: a receiver needs
/// none, and a worker waits for it by itself.
async fn wait(database: &Database, words: &dyn Words) -> Result<Exit, Failure> {
    let mut said = false;
    loop {
        let report = match timeout(ANSWER_WITHIN, look(database)).await {
            Ok(Err(Failure::Unreachable(problem))) => {
                show(&words.waiting_for_no_database(&problem));
                return Ok(Exit::Done);
            }
            Ok(looked) => looked?,
            Err(_) => {
                let problem = format!("no answer within {} s", ANSWER_WITHIN.as_secs());
                show(&words.waiting_for_no_database(&problem));
                return Ok(Exit::Done);
            }
        };
        if report.pending.is_empty() {
            show(&report.in_words(words));
            return Ok(Exit::Done);
        }
        if !said {
            show(&words.waiting_for_schema(&report.pending));
            said = true;
        }
        sleep(EVERY).await;
    }
}

/// The version in a migration's name, as diesel tells it: the digits before the first underscore.
fn version(name: &str) -> String {
    name.split('_').next().unwrap_or_default().replace('-', "")
}

/// Runs them; the versions of what was run. On a runtime of its own, since the harness blocks the thread that it works on.
async fn run_all(url: String) -> Result<Vec<String>, Failure> {
    let work = move || -> Result<Vec<String>, StoreError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        runtime.block_on(async { migrations::run(connect(url).await?) })
    };
    let ended = tokio::task::spawn_blocking(work).await;
    let ended = ended.map_err(|error| Failure::Refused(error.to_string()))?;
    // The database answered a moment ago, so what fails now is what it is asked to do.
    ended.map_err(|error| Failure::Refused(error.to_string()))
}

impl Report {
    fn in_words(&self, words: &dyn Words) -> String {
        let mut out = String::new();
        if !self.done.is_empty() {
            out.push_str(&words.migrated(&self.done));
        }
        if !self.pending.is_empty() {
            out.push_str(&words.pending(&self.pending));
        }
        if !self.unknown.is_empty() {
            out.push_str(&words.newer_schema(&self.unknown));
        }
        if out.is_empty() {
            out.push_str(words.schema_is_current());
        }
        out
    }
}
