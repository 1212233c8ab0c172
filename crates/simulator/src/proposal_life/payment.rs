//! Payments: single, repeated every month, reported twice, free of charge, beyond what a float can hold.

use chrono::{NaiveDateTime, TimeDelta};

use super::super::story::{Event, Payment, StepOutcome};
use super::super::words;
use super::ProposalLife;

impl ProposalLife<'_> {
    /// `false`: no payment ever succeeded.
    pub fn pay(&mut self) -> bool {
        if self.rng.chance(self.failures) {
            self.failed_payments();
            if self.rng.chance(0.25) {
                return false;
            }
        }
        let first = self.successful_payment();
        self.report(Event::Paid(first.clone()));
        match self.rng.between(0, 9) {
            0 | 1 => self.renewals(&first),
            2 => self.report_again(&first),
            3 => {
                self.renewals(&first);
                self.report_again(&first);
            }
            _ => {}
        }
        true
    }

    /// The cancelled proposal pays for the one issued in its stead.
    pub fn pay_by_reissue(&mut self) {
        let gateway = Some(*self.rng.pick(words::REISSUE_GATEWAYS));
        let payment = Payment {
            gateway,
            ..self.successful_payment()
        };
        self.report(Event::Paid(payment));
    }

    fn successful_payment(&mut self) -> Payment {
        let price = match self.rng.between(0, 19) {
            0 => 0,
            1 => 9_007_199_254_740_993,
            2 => i64::MAX - self.rng.between(0, 9),
            _ => self.rng.between(1, 2_000_000),
        };
        let gateway = *self.rng.pick(words::GATEWAYS);
        Payment {
            outcome: StepOutcome::ok(),
            price_fen: Some(price),
            gateway: self.rng.maybe(0.97, gateway),
            pay_time: Some(self.pay_time()),
        }
    }

    fn pay_time(&mut self) -> NaiveDateTime {
        let noon = self.now.date().and_time(chrono::NaiveTime::MIN);
        match self.rng.between(0, 19) {
            0 => noon,
            1 => noon + TimeDelta::seconds(86_399),
            _ => self.now,
        }
    }

    /// Withholding fails a few times: the same failure with other words is one row, another price is another.
    fn failed_payments(&mut self) {
        let gateway = self.rng.maybe(0.8, -11);
        let price = self.rng.between(1, 90_000);
        let price_fen = self.rng.maybe(0.5, price);
        for _ in 0..self.rng.between(1, 3) {
            let outcome = StepOutcome::failed(self.rng.word(words::FAILURES));
            let pay_time = self.rng.maybe(0.2, self.now);
            self.report(Event::Paid(Payment {
                outcome,
                price_fen,
                gateway,
                pay_time,
            }));
        }
    }

    fn renewals(&mut self, first: &Payment) {
        for month in 1..=self.rng.between(1, 3) {
            let pay_time = first.pay_time.map(|time| time + TimeDelta::days(30 * month));
            self.report(Event::Paid(Payment {
                pay_time,
                ..first.clone()
            }));
        }
    }

    /// The same payment in other words: one row, which takes the bytewise greatest of them.
    fn report_again(&mut self, payment: &Payment) {
        for _ in 0..self.rng.between(1, 2) {
            let fail_msg = self.rng.maybe_word(0.6, words::FAILURES);
            let outcome = StepOutcome {
                fail_msg,
                ..payment.outcome.clone()
            };
            self.report(Event::Paid(Payment {
                outcome,
                ..payment.clone()
            }));
        }
    }
}
