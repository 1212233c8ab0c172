//! Compares the database with the stories: the speed of wrong rows means nothing.

use std::time::Duration;

use anyhow::{bail, ensure};
use tokio::time::{Instant, sleep};
use xiebao_core::id::{InsureNum, PartnerId};
use xiebao_simulator::database::Database;
use xiebao_simulator::settle::{Expected, ExpectedStory, compare};
use xiebao_testkit::{PARTNER, number};

use crate::backlog::Backlog;
use crate::environment::Environment;

/// The worker writes the last link of a reissue to the new proposal after it has counted the notice.
const RIGHT_WITHIN: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Checks that nothing is lost, extra or different, and that there is no dead letter.
///
/// # Errors
/// If a check fails.
pub async fn all_applied(environment: &Environment, backlog: &Backlog) -> anyhow::Result<()> {
    let url = environment.database.url();
    let (mut database, posted) = (Database::connect(&url).await?, backlog.posted());
    let expected = expected(backlog);
    let deadline = Instant::now() + RIGHT_WITHIN;
    loop {
        let count = database.count(&expected.first, &expected.last).await?;
        let outcome = compare(&mut database, &posted, &expected, count).await?;
        let findings = &outcome.findings;
        if findings.is_clean() && outcome.held == 0 {
            println!(
                "    compared {} notices and {} rows: nothing lost, extra or differing",
                outcome.compared_notices, outcome.compared_rows
            );
            break;
        }
        if Instant::now() > deadline {
            bail!("the rows are wrong: {} held, {findings:#?}", outcome.held);
        }
        sleep(LOOK_AGAIN).await;
    }
    no_dead_letters(&url).await
}

/// Checks that the rows are equal to those rebuilt from the notices, and that every acknowledged delivery is counted.
///
/// # Errors
/// If a check fails.
pub async fn consistent(environment: &Environment, acknowledged: u64) -> anyhow::Result<()> {
    let url = environment.database.url();
    let counted = number(&url, "SELECT COALESCE(SUM(deliveries), 0) FROM notices").await?;
    ensure!(
        u64::try_from(counted)? >= acknowledged,
        "{acknowledged} notices were acknowledged, {counted} are in the database"
    );
    no_dead_letters(&url).await?;
    environment.xiebao(&["rebuild", "--all", "--check"]).await?;
    println!("    rebuild --all --check over {counted} deliveries: no difference");
    Ok(())
}

async fn no_dead_letters(url: &str) -> anyhow::Result<()> {
    let dead = number(url, "SELECT COUNT(*) FROM dead_letters").await?;
    ensure!(dead == 0, "{dead} dead letters");
    Ok(())
}

fn expected(backlog: &Backlog) -> Expected<'_> {
    let mut first_letter = 0;
    let mut stories = Vec::new();
    for story in &backlog.stories {
        stories.push(ExpectedStory { story, first_letter });
        first_letter += story.notices.len();
    }
    let numbers = || backlog.stories.iter().flat_map(|story| &story.proposals);
    let (first, last): (Option<&InsureNum>, Option<&InsureNum>) = (numbers().min(), numbers().max());
    let (Some(first), Some(last)) = (first, last) else {
        unreachable!("a backlog has stories, and a story has proposals")
    };
    Expected {
        partner_id: PartnerId(PARTNER),
        stories,
        first: first.clone(),
        last: last.clone(),
        acks: backlog.len() as u64,
    }
}
