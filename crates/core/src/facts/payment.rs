use chrono::NaiveDateTime;

use super::fields::Fields;
use crate::limits::MESSAGE_CHARS;
use crate::reason::{Reason, Rejection};

/// PayNotify (document, section 2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Amount in fen (1/100 yuan).
    pub price: Option<i64>,
    /// Beijing wall-clock time.
    pub pay_time: Option<NaiveDateTime>,
    /// `onlinePaymentId`; undocumented codes are kept.
    pub gateway: Option<i64>,
    /// Reason of a failure.
    pub fail_msg: Option<String>,
}

/// Through these gateways the cancelled proposal "pays" for the reissued one: no money moves.
const REISSUE_GATEWAYS: [i64; 2] = [-3, -12];

impl Payment {
    pub(super) fn read(fields: &Fields<'_>, success: bool) -> Result<Self, Rejection> {
        let payment = Self {
            price: fields.amount("price")?,
            pay_time: fields.moment("payTime")?,
            gateway: fields.integer("onlinePaymentId")?,
            fail_msg: fields.text("failMsg", MESSAGE_CHARS)?,
        };
        let absent = |name| {
            Err(Rejection::new(
                Reason::Incomplete,
                format!("a successful payment without {name}"),
            ))
        };
        match &payment {
            Payment { price: None, .. } if success => absent("price"),
            Payment { pay_time: None, .. } if success => absent("payTime"),
            _ => Ok(payment),
        }
    }

    /// False for the gateways of a reissue.
    pub fn moves_money(&self) -> bool {
        !self
            .gateway
            .is_some_and(|gateway| REISSUE_GATEWAYS.contains(&gateway))
    }
}
