//! Proposal numbers: 14 digits, a date and six more, as the platform's.

use chrono::{Days, NaiveDate};
use md5::{Digest as _, Md5};
use xiebao_core::id::InsureNum;

use super::Settings;

/// How many numbers each story may use.
pub const PER_STORY: u64 = 4;

const A_DAY: u64 = 1_000_000;
const DAYS: u64 = 36_500;
/// Kept free at the end, so that a run's block never wraps around.
const LONGEST_RUN: u64 = 4_000_000_000;

/// The block of numbers of a run. It follows from what shapes the stories and from nothing else: the same seed plays
/// the same notices again, and any other setting plays with other proposals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    first: u64,
}

impl Numbers {
    /// The block of a run with these settings.
    pub fn of(settings: &Settings) -> Self {
        let identity = format!(
            "{} {} {} {}",
            settings.seed, settings.partner_id, settings.failures, settings.missing_predecessors
        );
        let hash: [u8; 16] = Md5::digest(identity.as_bytes()).into();
        let number = hash
            .iter()
            .take(8)
            .fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
        Self {
            first: number % (DAYS * A_DAY - LONGEST_RUN),
        }
    }

    /// `which` is below [`PER_STORY`].
    pub fn get(self, story: u64, which: u64) -> InsureNum {
        let number = self.first + (story * PER_STORY + which) % LONGEST_RUN;
        let day = NaiveDate::default() + Days::new(10_957 + number / A_DAY);
        let text = format!("{}{:06}", day.format("%Y%m%d"), number % A_DAY);
        InsureNum::parse(&text)
            .ok()
            .flatten()
            .expect("14 digits are a proposal number")
    }
}
