//! `xiebao migrate`: brings the schema up to this release.

use clap::Args as ClapArgs;
use serde::Serialize;
use xiebao_worker::store::{self, StoreError, migrations};

use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::screen::{show, show_json};
use crate::words::Words;

const EXAMPLES: &str = "\
The migrations are in this program. The user of database.url must be allowed to create and alter
tables.

Examples:
  xiebao migrate
  xiebao migrate --check || echo \"the schema is behind\"";

/// Bring the schema of the database up to this release
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Only say what is to be run; exit code 1 if anything is
    #[arg(long)]
    check: bool,
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
    let mut conn = database.connection().await?;
    let found = migrations::difference(&mut conn).await?;
    drop(conn);
    let mut report = Report {
        pending: found.pending,
        unknown: found.unknown,
        ..Report::default()
    };
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
        show(&report.in_words(context.lang.words()));
    }
    Ok(if report.pending.is_empty() {
        Exit::Done
    } else {
        Exit::No
    })
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
        runtime.block_on(async { migrations::run(store::connect(url).await?) })
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
