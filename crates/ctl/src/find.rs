//! `xiebao find`: from what a customer can tell to proposal numbers.

use std::collections::BTreeMap;

use clap::Args as ClapArgs;
use serde::Serialize;
use xiebao_core::lifecycle::Status;
use xiebao_store::sql::find::{self, Summary};

use crate::context::Context;
use crate::database::{Connection, Database};
use crate::exit::{Exit, Failure};
use crate::screen::{columns, cut_to, plain, show, show_json};
use crate::words::{Flags, Label, Words};

const EXAMPLES: &str = "\
Exit code 1 if none is found.

Examples:
  xiebao find --policy 8600021234567
  xiebao find --user u-651532
  xiebao find --name 张三";

/// Find proposals by what a customer can tell: a policy, the user, a name
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    by: By,
    /// How many to list
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, ClapArgs)]
#[group(required = true, multiple = false)]
struct By {
    /// The number of a policy (保单号)
    #[arg(long, value_name = "NUM")]
    policy: Option<String>,
    /// The user at the channel (partnerUniqueKey)
    #[arg(long, value_name = "KEY")]
    user: Option<String>,
    /// The name of an insured person or applicant, in full
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

#[derive(Debug, Serialize)]
struct List {
    proposals: Vec<Found>,
    cut: bool,
}

#[derive(Debug, Serialize)]
struct Found {
    insure_num: String,
    partner_unique_key: Option<String>,
    status: Option<String>,
    abnormal: bool,
    policies: Vec<String>,
}

pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let database = Database::of(context)?;
    let mut conn = database.connection().await?;
    let mut numbers = args.by.numbers(&mut conn, i64::from(args.limit) + 1).await?;
    let cut = cut_to(&mut numbers, i64::from(args.limit));
    let list = List {
        proposals: described(&mut conn, &numbers).await?,
        cut,
    };
    if args.json {
        show_json(&list)?;
    } else {
        show(&list.page(crate::words::of(context.lang)));
    }
    Ok(Exit::of_found(!list.proposals.is_empty()))
}

impl By {
    async fn numbers(&self, conn: &mut Connection, limit: i64) -> Result<Vec<String>, Failure> {
        let trimmed = |text: &Option<String>| text.as_ref().map(|text| text.trim().to_owned());
        if let Some(policy) = trimmed(&self.policy) {
            return Ok(find::by_policy(conn, &policy).await?);
        }
        if let Some(name) = trimmed(&self.name) {
            return Ok(find::by_name(conn, &name, limit).await?);
        }
        let user = self.user.clone().unwrap_or_default();
        Ok(find::by_user(conn, &user, limit).await?)
    }
}

async fn described(conn: &mut Connection, numbers: &[String]) -> Result<Vec<Found>, Failure> {
    let summaries = find::summaries(conn, numbers).await?;
    let mut policies: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (number, policy) in find::policy_numbers(conn, numbers).await? {
        policies.entry(number).or_default().push(policy);
    }
    let found = |summary: Summary| Found {
        policies: policies.remove(&summary.insure_num).unwrap_or_default(),
        insure_num: summary.insure_num,
        partner_unique_key: summary.partner_unique_key,
        status: summary.status,
        abnormal: summary.abnormal,
    };
    Ok(summaries.into_iter().map(found).collect())
}

impl List {
    fn page(&self, words: &dyn Words) -> String {
        if self.proposals.is_empty() {
            return words.nothing_found().to_owned();
        }
        let rows: Vec<[String; 4]> = self.proposals.iter().map(|found| found.row(words)).collect();
        let cut = words.if_cut(self.cut, self.proposals.len());
        format!("{}{cut}", columns(0, &rows))
    }
}

impl Found {
    fn row(&self, words: &dyn Words) -> [String; 4] {
        let status = self.status.as_deref().map(|name| match Status::from_name(name) {
            Some(status) => words.status(status).to_owned(),
            None => plain(name),
        });
        let mut standing = vec![status.unwrap_or_else(|| "-".to_owned())];
        standing.extend(words.flags(Flags {
            abnormal: self.abnormal,
            ..Flags::default()
        }));
        let policies: Vec<String> = self.policies.iter().map(|policy| plain(policy)).collect();
        let policies = match policies.is_empty() {
            true => String::new(),
            false => words.pair(words.label(Label::Policies), &words.list(&policies)),
        };
        let user = self.partner_unique_key.as_deref().map(plain).unwrap_or_default();
        [plain(&self.insure_num), words.clauses(&standing), user, policies]
    }
}
