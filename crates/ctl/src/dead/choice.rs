//! Which dead letters a command is about.

use chrono::{DateTime, Utc};
use clap::Args as ClapArgs;
use xiebao_store::sql::dead_letters::Filter;

use crate::exit::Failure;
use crate::when::When;

/// What dead letters can be searched by, besides status and group of causes.
#[derive(Debug, Clone, Default, ClapArgs)]
pub struct Which {
    /// Only those of this notice type
    #[arg(long = "type", value_name = "N")]
    notify_type: Option<i64>,
    /// Only those of this proposal
    #[arg(long, value_name = "INSURE_NUM")]
    proposal: Option<String>,
    /// Only those of this partner
    #[arg(long, value_name = "ID")]
    partner: Option<i64>,
    /// Only those that died last at this time or later: Beijing time, or how long ago (2h)
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    since: Option<When>,
    /// Only those that died last before this time
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    until: Option<When>,
    /// Only those whose cause in words holds this text
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
}

impl Which {
    pub fn filter(&self, now: DateTime<Utc>) -> Filter {
        Filter {
            insure_num: self.proposal.as_deref().map(|number| number.trim().to_owned()),
            partner_id: self.partner,
            notify_type: self.notify_type,
            since: self.since.map(|when| when.utc(now)),
            until: self.until.map(|when| when.utc(now)),
            text: self.text.clone(),
            ..Filter::default()
        }
    }

    fn says_nothing(&self) -> bool {
        self.notify_type.is_none()
            && self.proposal.is_none()
            && self.partner.is_none()
            && self.since.is_none()
            && self.until.is_none()
            && self.text.is_none()
    }
}

/// What something is to be done with: some that are named, or all that match.
#[derive(Debug, Clone, ClapArgs)]
pub struct Choice {
    /// The numbers that `dead list` shows
    #[arg(value_name = "ID")]
    ids: Vec<i64>,
    /// All that are open
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    which: Which,
    /// Only say how many it would be
    #[arg(long)]
    pub dry_run: bool,
}

impl Choice {
    /// The filter, in which `reason` and `status` have been given by arguments of their own. What is named is meant
    /// whatever its status; a search finds what is open unless another status is asked for.
    pub fn filter(
        &self,
        reason: Option<&str>,
        status: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Filter, Failure> {
        let usage = |text: &str| Err(Failure::Usage(text.to_owned()));
        let searched = reason.is_some() || status.is_some() || !self.which.says_nothing();
        match (self.ids.is_empty(), searched, self.all) {
            (true, false, false) => usage("name dead letters, or say which by a filter or --all"),
            (false, true, _) | (false, _, true) => usage("name dead letters or search for them, not both"),
            (_, true, true) => usage("--all and a filter contradict each other"),
            (false, ..) => Ok(Filter {
                ids: Some(self.ids.clone()),
                ..Filter::default()
            }),
            (true, ..) => Ok(Filter {
                reason: reason.map(str::to_owned),
                status: Some(status.unwrap_or("open").to_owned()),
                ..self.which.filter(now)
            }),
        }
    }

    /// The named ones, each once; empty for a search.
    pub fn named(&self) -> Vec<i64> {
        let mut ids = self.ids.clone();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(ids: &[i64], all: bool, partner: Option<i64>) -> Choice {
        let which = Which {
            partner,
            ..Which::default()
        };
        Choice {
            ids: ids.to_vec(),
            all,
            which,
            dry_run: false,
        }
    }

    fn filter(choice: &Choice, reason: Option<&str>) -> Option<Filter> {
        choice.filter(reason, None, DateTime::UNIX_EPOCH).ok()
    }

    #[test]
    fn nothing_is_chosen_by_saying_nothing() {
        assert!(filter(&choice(&[], false, None), None).is_none());
    }

    #[test]
    fn what_is_named_is_meant_whatever_its_status_and_what_is_searched_is_open() {
        let named = filter(&choice(&[3], false, None), None).expect("a choice");
        assert_eq!((named.ids, named.status), (Some(vec![3]), None));
        for found in [
            filter(&choice(&[], false, None), Some("timed_out")),
            filter(&choice(&[], false, Some(7)), None),
            filter(&choice(&[], true, None), None),
        ] {
            assert_eq!(found.expect("a choice").status.as_deref(), Some("open"));
        }
    }

    #[test]
    fn names_and_a_search_contradict_each_other() {
        assert!(filter(&choice(&[3], true, None), None).is_none());
        assert!(filter(&choice(&[3], false, Some(7)), None).is_none());
        assert!(filter(&choice(&[], true, Some(7)), None).is_none());
    }
}
