//! `xiebao migrate`: brings the schema up to this release.

use std::time::Duration;

use clap::Args as ClapArgs;
use tokio::time::{sleep, timeout};
use xiebao_desk::schema::{self, SchemaReport};
use xiebao_desk::words::Words;
use xiebao_runtime::shutdown;
use xiebao_store::connect;
use xiebao_store::sql::migrations;

use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::output::{show, show_json};

/// How often `--wait` looks.
const EVERY: Duration = Duration::from_secs(2);
/// `--wait` does not wait for a database that is silent for longer.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

const EXAMPLES: &str = "\
The migrations are in this program. The user of database.url must be allowed to create and alter
tables. A run that was interrupted is continued by the next one.

Examples:
  xiebao migrate
  xiebao migrate --check || echo \"the schema is behind\"
  xiebao migrate --wait";

/// Bring the schema of the database up to this release
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Only list the pending migrations; exit code 1 if there are any
    #[arg(long)]
    check: bool,
    /// Run nothing; end when the schema has been brought up to this release, or at once when the
    /// database cannot be reached; exit code 1 when a signal (SIGTERM, Ctrl-C) ends it earlier
    #[arg(long, conflicts_with_all = ["check", "json"])]
    wait: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let database = Database::of(context)?;
    if args.wait {
        // The first process of a container ends by a signal only if it handles it.
        let stop = shutdown::on_signal().map_err(|error| Failure::Refused(error.to_string()))?;
        let waited = stop.run_until_cancelled(wait(&database, context.words()));
        return waited.await.unwrap_or(Ok(Exit::No));
    }
    let mut report = look(&database).await?;
    if !args.check && !report.pending.is_empty() {
        report.ran(run_all(&database, context.words()).await?);
    }
    if args.json {
        show_json(&report)?;
    } else {
        show(&report.page(context.words()))?;
    }
    Ok(Exit::of_found(report.pending.is_empty()))
}

/// Compares the database with this release.
async fn look(database: &Database) -> Result<SchemaReport, Failure> {
    let mut conn = database.for_looking().await?;
    Ok(schema::examine(&mut conn).await?)
}

/// Only a database that answers can tell that its schema is behind. An unreachable database delays nobody: a receiver needs none,
/// and a worker waits for it by itself.
async fn wait(database: &Database, words: &dyn Words) -> Result<Exit, Failure> {
    let mut announced = false;
    loop {
        let report = match timeout(ANSWER_WITHIN, look(database)).await {
            Ok(Err(Failure::Unreachable(problem))) => {
                show(&words.waiting_for_no_database(&problem))?;
                return Ok(Exit::Done);
            }
            Ok(looked) => looked?,
            Err(_) => {
                let problem = format!("no answer within {} s", ANSWER_WITHIN.as_secs());
                show(&words.waiting_for_no_database(&problem))?;
                return Ok(Exit::Done);
            }
        };
        if report.pending.is_empty() {
            show(&report.page(words))?;
            return Ok(Exit::Done);
        }
        if !announced {
            show(&words.waiting_for_schema(&report.pending))?;
            announced = true;
        }
        sleep(EVERY).await;
    }
}

/// Runs the missing migrations and returns their names. They may take hours, so this connection has no time limit.
async fn run_all(database: &Database, words: &dyn Words) -> Result<Vec<String>, Failure> {
    let url = database.config.require_database()?.url.expose().to_owned();
    let mut conn = connect(url).await?;
    let ran = migrations::run(&mut conn).await;
    ran.map_err(|error| {
        let text = schema::failure(&error, words);
        if error.is_unreachable() {
            Failure::Unreachable(text)
        } else {
            Failure::Refused(text)
        }
    })
}
