//! How the platform spells a notice: the documented form mostly, and every other form that is accepted.

use bytes::Bytes;
use xiebao_core::id::InsureNum;

use super::rng::Rng;
use super::story::{Cancellation, Endorsement, Event, Notice, Payment, PolicyEntry, StepOutcome};
use super::value::{Members, Value};
use super::words;
use crate::platform::{ContentType, Signer};

mod form;
mod spelling;

pub use form::Form;

use spelling::Spelling;

/// The request of a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The HTTP body.
    pub body: Bytes,
    /// The same notice in another spelling, for some of its repetitions.
    pub twin: Option<Bytes>,
    /// The content type of the request.
    pub content_type: ContentType,
}

/// Spells the notice and signs it.
pub fn write(notice: &Notice, signer: &Signer, rng: &mut Rng) -> Letter {
    let data = Data {
        spelling: Spelling::random(rng),
        rng,
    }
    .of(notice, signer);
    let notify_type = notice.event.notify_type().0;
    let body = envelope(notify_type, &data, signer, rng);
    let twin = rng
        .chance(0.25)
        .then(|| envelope(notify_type, &data, signer, rng));
    let content_type = match rng.between(0, 29) {
        0 => ContentType::None,
        1 => ContentType::Form,
        2 => ContentType::Text,
        _ => ContentType::Json,
    };
    Letter {
        body,
        twin,
        content_type,
    }
}

fn envelope(notify_type: i64, data: &Value, signer: &Signer, rng: &mut Rng) -> Bytes {
    let (sent, signed) = Form::random(rng).texts(data, rng);
    let mut sign = signer.sign(&signed);
    if rng.chance(0.05) {
        sign = sign.to_uppercase();
    }
    let notify_type = if rng.chance(0.05) {
        format!("\"{notify_type}\"")
    } else {
        notify_type.to_string()
    };
    let mut members = [
        format!("\"notifyType\":{notify_type}"),
        format!("\"sign\":\"{sign}\""),
        format!("\"data\":{sent}"),
    ]
    .to_vec();
    if rng.chance(0.04) {
        members.push("\"version\":\"2.0\"".to_owned());
    }
    if rng.chance(0.1) {
        rng.shuffle(&mut members);
    }
    Bytes::from(format!("{{{}}}", members.join(",")))
}

/// Builds `data` as the document's tables have it, field by field in their order.
struct Data<'d> {
    spelling: Spelling,
    rng: &'d mut Rng,
}

impl Data<'_> {
    fn of(&mut self, notice: &Notice, signer: &Signer) -> Value {
        let mut members = Members::new();
        let partner = self.spelling.number(signer.partner_id().0, self.rng);
        put(&mut members, "partnerId", partner);
        if !matches!(notice.event, Event::Abnormal { .. }) {
            self.identifier(
                &mut members,
                "partnerUniqueKey",
                notice.partner_unique_key.as_deref(),
            );
            if !matches!(notice.event, Event::Endorsed(_)) {
                self.text(&mut members, "caseCode", notice.case_code.as_deref());
            }
        }
        self.insure_num(&mut members, notice);
        self.event(&mut members, &notice.event);
        if !notice.other_info.is_empty() {
            let info = notice.other_info.iter();
            let info = info
                .map(|(key, value)| (key.clone(), Value::literal(value)))
                .collect();
            put(&mut members, "otherInfo", Value::Object(info));
        }
        Value::Object(members)
    }

    fn event(&mut self, members: &mut Members, event: &Event) {
        match event {
            Event::Insured(outcome) | Event::EPolicy(outcome) => self.outcome(members, outcome),
            Event::Paid(payment) => self.payment(members, payment),
            Event::Issued { outcome, policies } => self.issue(members, outcome, policies),
            Event::Cancelled(cancellation) => self.cancellation(members, cancellation, None),
            Event::Reissued {
                cancellation,
                new_insure_num,
            } => {
                self.cancellation(members, cancellation, new_insure_num.as_ref());
            }
            Event::Endorsed(endorsement) => self.endorsement(members, endorsement),
            Event::Abnormal { fail_msg } => self.text(members, "failMsg", fail_msg.as_deref()),
            Event::Unknown(_) => put(members, "state", Value::literal(true)),
        }
    }

    /// A string; in the endorsement notice an integer.
    fn insure_num(&mut self, members: &mut Members, notice: &Notice) {
        let mostly_a_number = matches!(notice.event, Event::Endorsed(_));
        let number = if mostly_a_number {
            self.rng.chance(0.9)
        } else {
            self.rng.chance(0.03)
        };
        let text = notice.insure_num.as_str();
        put(
            members,
            "insureNum",
            if number {
                Value::literal(text)
            } else {
                Value::text(text)
            },
        );
    }

    fn outcome(&mut self, members: &mut Members, outcome: &StepOutcome) {
        put(members, "state", Value::literal(outcome.success));
        self.text(members, "failMsg", outcome.fail_msg.as_deref());
    }

    fn payment(&mut self, members: &mut Members, payment: &Payment) {
        put(members, "state", Value::literal(payment.outcome.success));
        let time = payment
            .pay_time
            .map(|time| Value::text(time.format("%Y-%m-%d %H:%M:%S").to_string()));
        self.optional(members, "payTime", time);
        let price = payment
            .price_fen
            .map(|price| self.spelling.number(price, self.rng));
        self.optional(members, "price", price);
        let gateway = payment
            .gateway
            .map(|gateway| self.spelling.gateway(gateway, self.rng));
        self.optional(members, "onlinePaymentId", gateway);
        self.text(members, "failMsg", payment.outcome.fail_msg.as_deref());
    }

    fn issue(&mut self, members: &mut Members, outcome: &StepOutcome, policies: &[PolicyEntry]) {
        put(members, "state", Value::literal(outcome.success));
        let entries: Vec<Value> = policies.iter().map(|entry| self.entry(entry)).collect();
        self.list(members, "policys", entries);
        self.text(members, "failMsg", outcome.fail_msg.as_deref());
    }

    fn entry(&mut self, entry: &PolicyEntry) -> Value {
        let mut members = Members::new();
        let product = entry.product_id.map(|id| self.spelling.number(id, self.rng));
        let plan = entry.plan_id.map(|id| self.spelling.number(id, self.rng));
        self.text(&mut members, "productName", entry.product_name.as_deref());
        self.optional(&mut members, "productId", product);
        self.text(&mut members, "planName", entry.plan_name.as_deref());
        self.optional(&mut members, "planId", plan);
        self.text(&mut members, "applicant", entry.applicant.as_deref());
        let insurant = self.spelling.names(&entry.persons, self.rng);
        self.text(&mut members, "insurant", insurant.as_deref());
        let start = entry.start_date.map(|date| Value::text(date.to_string()));
        let end = entry.end_date.map(|date| Value::text(date.to_string()));
        self.optional(&mut members, "startDate", start);
        self.optional(&mut members, "endDate", end);
        self.identifier(&mut members, "policyNum", entry.policy_num.as_deref());
        Value::Object(members)
    }

    fn cancellation(&mut self, members: &mut Members, told: &Cancellation, new: Option<&InsureNum>) {
        put(members, "state", Value::literal(told.outcome.success));
        self.identifier(members, "newInsureNum", new.map(InsureNum::as_str));
        let persons = told.persons.iter().map(Value::text).collect();
        self.list(members, "cancelInsurants", persons);
        self.text(members, "cancelMsg", told.cancel_msg.as_deref());
        self.text(members, "failMsg", told.outcome.fail_msg.as_deref());
    }

    fn endorsement(&mut self, members: &mut Members, told: &Endorsement) {
        put(members, "state", Value::literal(told.success));
        self.text(members, "msg", told.msg.as_deref());
        self.text(members, "remark", told.remark.as_deref());
        put(members, "status", self.spelling.number(told.status, self.rng));
    }

    /// Absent is the normal form of empty; `null` and `""` are seen.
    fn text(&mut self, members: &mut Members, key: &str, text: Option<&str>) {
        let empty = if self.rng.chance(0.5) {
            Value::text("")
        } else {
            Value::literal("null")
        };
        match text {
            Some(text) => put(members, key, Value::text(text)),
            None if self.spelling.spells_out_empty(self.rng) => put(members, key, empty),
            None => {}
        }
    }

    fn optional(&mut self, members: &mut Members, key: &str, value: Option<Value>) {
        match value {
            Some(value) => put(members, key, value),
            None if self.spelling.spells_out_empty(self.rng) => put(members, key, Value::literal("null")),
            None => {}
        }
    }

    fn list(&mut self, members: &mut Members, key: &str, items: Vec<Value>) {
        if !items.is_empty() {
            put(members, key, Value::List(items));
        } else if self.spelling.spells_out_empty(self.rng) {
            let empty = if self.rng.chance(0.5) {
                Value::List(Vec::new())
            } else {
                Value::literal("null")
            };
            put(members, key, empty);
        }
    }

    /// A text that may come as a number, if it reads as one.
    fn identifier(&mut self, members: &mut Members, key: &str, text: Option<&str>) {
        match text {
            Some(text) => put(members, key, self.spelling.identifier(text, self.rng)),
            None => self.text(members, key, None),
        }
    }
}

fn put(members: &mut Members, key: &str, value: Value) {
    members.push((key.to_owned(), value));
}

#[cfg(test)]
mod tests;
