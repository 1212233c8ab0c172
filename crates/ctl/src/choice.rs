//! Arguments that choose dead letters.

use chrono::{DateTime, Utc};
use clap::Args as ClapArgs;
use xiebao_desk::dead::{self, DeadLetterStatus, Filter};

use crate::exit::Failure;
use crate::when::When;

/// A search for dead letters, besides status and group of causes.
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
    /// Only those whose detailed cause contains this text
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
}

impl Which {
    /// The filter of this search.
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

    fn is_empty(&self) -> bool {
        self.notify_type.is_none()
            && self.proposal.is_none()
            && self.partner.is_none()
            && self.since.is_none()
            && self.until.is_none()
            && self.text.is_none()
    }
}

/// Dead letters that are named, or all that match.
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
    /// Only show how many there are
    #[arg(long)]
    pub dry_run: bool,
}

impl Choice {
    /// The choice. `reason` and `status` come from arguments of their own. A named letter is meant whatever its status; a search finds
    /// open letters unless another status is asked for.
    ///
    /// # Errors
    /// The arguments choose nothing, or contradict each other.
    pub fn choice(
        &self,
        reason: Option<&str>,
        status: Option<DeadLetterStatus>,
        now: DateTime<Utc>,
    ) -> Result<dead::LetterChoice, Failure> {
        let usage = |text: &str| Err(Failure::Usage(text.to_owned()));
        let searched = reason.is_some() || status.is_some() || !self.which.is_empty();
        match (self.ids.is_empty(), searched, self.all) {
            (true, false, false) => usage("name dead letters, or choose them by a filter or --all"),
            (false, true, _) | (false, _, true) => usage("name dead letters or search for them, not both"),
            (_, true, true) => usage("--all and a filter contradict each other"),
            (false, ..) => Ok(dead::LetterChoice::Named(self.ids.clone())),
            (true, ..) => Ok(dead::LetterChoice::Found(Box::new(Filter {
                reason: reason.map(str::to_owned),
                status: Some(status.unwrap_or(DeadLetterStatus::Open)),
                ..self.which.filter(now)
            }))),
        }
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

    fn chosen(choice: &Choice, reason: Option<&str>) -> Option<dead::LetterChoice> {
        choice.choice(reason, None, DateTime::UNIX_EPOCH).ok()
    }

    #[test]
    fn no_argument_chooses_nothing() {
        assert!(chosen(&choice(&[], false, None), None).is_none());
    }

    #[test]
    fn named_letters_may_have_any_status_and_a_search_finds_open_ones() {
        let named = chosen(&choice(&[3], false, None), None);
        assert!(matches!(named, Some(dead::LetterChoice::Named(ids)) if ids == [3]));
        for found in [
            chosen(&choice(&[], false, None), Some("timed_out")),
            chosen(&choice(&[], false, Some(7)), None),
            chosen(&choice(&[], true, None), None),
        ] {
            let Some(dead::LetterChoice::Found(filter)) = found else {
                panic!("no search");
            };
            assert_eq!(filter.status, Some(DeadLetterStatus::Open));
        }
    }

    #[test]
    fn names_and_a_search_contradict_each_other() {
        assert!(chosen(&choice(&[3], true, None), None).is_none());
        assert!(chosen(&choice(&[3], false, Some(7)), None).is_none());
        assert!(chosen(&choice(&[], true, Some(7)), None).is_none());
    }
}
