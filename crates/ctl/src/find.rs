//! `xiebao find`: proposals by a clue of a customer.

use clap::Args as ClapArgs;
use xiebao_desk::find::{self, Clue};

use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::output::{show, show_json};

const EXAMPLES: &str = "\
Exit code 1 if none is found.

Examples:
  xiebao find --policy 8600021234567
  xiebao find --user u-651532
  xiebao find --name 张三
  xiebao find --unmatched";

/// Find proposals by a policy, the user, or a name, or whose cancellation names nobody insured
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
    /// Proposals with a cancellation that names a person who is in no policy
    #[arg(long)]
    unmatched: bool,
}

/// Runs the command.
pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let database = Database::reach(context).await?;
    let found = find::find(&database.store, &args.by.clue(), args.limit).await?;
    if args.json {
        show_json(&found)?;
    } else {
        show(&found.page(context.words()))?;
    }
    Ok(Exit::of_found(!found.proposals.is_empty()))
}

impl By {
    fn clue(self) -> Clue {
        if self.unmatched {
            return Clue::Unmatched;
        }
        match (self.policy, self.name) {
            (Some(policy), _) => Clue::Policy(policy),
            (None, Some(name)) => Clue::Name(name),
            (None, None) => Clue::User(self.user.unwrap_or_default()),
        }
    }
}
