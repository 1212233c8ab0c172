//! Notices as the platform sends them.

use bytes::Bytes;
use serde_json::{Map, Value, json};
use xiebao_core::facts::Notice;
use xiebao_core::id::InsureNum;

pub const A: &str = "20260301000001";
pub const B: &str = "20260301000002";
pub const C: &str = "20260301000003";

/// A notice under construction. The partner is 7 by default.
#[derive(Debug, Clone)]
pub struct Draft {
    notify_type: i64,
    data: Map<String, Value>,
}

fn draft(notify_type: i64, insure_num: &str) -> Draft {
    let data = [
        ("insureNum", json!(insure_num)),
        ("partnerId", json!(7)),
        ("state", json!(true)),
    ];
    Draft {
        notify_type,
        data: data
            .map(|(key, value)| (key.to_owned(), value))
            .into_iter()
            .collect(),
    }
}

impl Draft {
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.data.insert(key.to_owned(), value.into());
        self
    }

    pub fn failed(self, why: &str) -> Self {
        self.with("state", false).with("failMsg", why)
    }

    pub fn of_partner(self, partner: i64) -> Self {
        self.with("partnerId", partner)
    }

    pub fn body(&self) -> Bytes {
        let envelope = json!({"notifyType": self.notify_type, "sign": "", "data": self.data});
        Bytes::from(envelope.to_string())
    }

    pub fn read(&self) -> Notice {
        Notice::read(&self.body()).expect("the stories hold no dead letters")
    }
}

pub fn number(text: &str) -> InsureNum {
    InsureNum::parse(text).expect("short enough").expect("not blank")
}

pub fn insured(proposal: &str) -> Draft {
    draft(1, proposal)
}

/// Paid on 1 March 2026, at the time given.
pub fn paid(proposal: &str, fen: i64, gateway: i64, time: &str) -> Draft {
    draft(2, proposal)
        .with("price", fen)
        .with("onlinePaymentId", gateway.to_string())
        .with("payTime", format!("2026-03-01 {time}"))
}

/// A policy as an issue notice states it: its number and the names of its persons.
pub fn policy(policy_num: &str, insurant: &str) -> Value {
    json!({"policyNum": policy_num, "insurant": insurant})
}

pub fn issued(proposal: &str, policies: impl Into<Vec<Value>>) -> Draft {
    draft(3, proposal).with("policys", policies.into())
}

pub fn cancelled(proposal: &str) -> Draft {
    draft(4, proposal)
}

/// A cancellation of some persons.
pub fn left(proposal: &str, names: &[&str]) -> Draft {
    draft(4, proposal).with("cancelInsurants", names)
}

pub fn reissued(proposal: &str, new: &str) -> Draft {
    draft(5, proposal).with("newInsureNum", new)
}

pub fn e_policy(proposal: &str) -> Draft {
    draft(9, proposal)
}

/// The platform states the number of the proposal as an integer here.
pub fn endorsed(proposal: &str, status: i64) -> Draft {
    let number: i64 = proposal.parse().expect("digits");
    draft(26, proposal)
        .with("insureNum", number)
        .with("status", status)
}

pub fn alarm(proposal: &str, why: &str) -> Draft {
    let mut draft = draft(27, proposal).with("failMsg", why);
    draft.data.remove("state");
    draft
}
