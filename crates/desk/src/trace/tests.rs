//! Stories told from ledgers in memory; the sentences that matter are pinned in both languages.

mod edges;
mod reissues;
mod waiting;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use xiebao_core::facts::Notice;
use xiebao_core::id::{InsureNum, NotifyType};
use xiebao_core::lang::Lang;
use xiebao_core::ledger::{Arrival, Ignored, Ledger};
use xiebao_core::rules::Rules;
use xiebao_store::sql::dead_letters::DeadLetter;
use xiebao_store::sql::notices::NoticeRow;

use super::page;
use crate::story::family::Search;
use crate::story::{Sources, Standing, Story};

pub const NUMBER: &str = "20260723000001";

/// Minutes after 09:00:00 Beijing time on 23 July 2026.
pub fn at(minutes: i64) -> DateTime<Utc> {
    let start = DateTime::parse_from_rfc3339("2026-07-23T09:00:00+08:00").expect("a time");
    start.to_utc() + TimeDelta::minutes(minutes)
}

pub fn number(text: &str) -> InsureNum {
    InsureNum::parse(text).expect("short").expect("not blank")
}

pub fn body(notify_type: i64, of: &str, more: &Value) -> Bytes {
    let mut data = json!({
        "partnerId": 7, "partnerUniqueKey": "u-1", "caseCode": "QX1", "insureNum": of, "state": true,
    });
    for (key, value) in more.as_object().expect("an object") {
        data[key] = value.clone();
    }
    Bytes::from(json!({ "notifyType": notify_type, "sign": "", "data": data }).to_string())
}

/// A proposal, and what is stored of it beside its ledger.
pub struct Case {
    pub ledger: Ledger,
    pub rules: Rules,
    pub inbox: Vec<NoticeRow>,
    pub dead: Vec<DeadLetter>,
    pub now: DateTime<Utc>,
}

impl Case {
    pub fn new() -> Self {
        Self {
            ledger: Ledger::empty(number(NUMBER)),
            rules: Rules::default(),
            inbox: vec![],
            dead: vec![],
            now: at(60),
        }
    }

    /// Delivers that many minutes after nine.
    pub fn came(mut self, minutes: i64, notify_type: i64, more: Value) -> Self {
        let raw = body(notify_type, NUMBER, &more);
        let arrival = Arrival {
            notice: Notice::read(&raw).expect("a sound notice").into(),
            raw,
            received_at: at(minutes),
            redelivered: false,
        };
        self.ledger.deliver(arrival, at(minutes), &self.rules);
        self
    }

    pub fn now(mut self, minutes: i64) -> Self {
        self.now = at(minutes);
        self.ledger.settle(self.now, &self.rules);
        self
    }

    pub fn ignored(mut self, notify_type: i64, more: Value) -> Self {
        let raw = body(notify_type, NUMBER, &more);
        let mut row = NoticeRow {
            insure_num: NUMBER.to_owned(),
            notify_type,
            digest: "0".repeat(64),
            occurrence: 1,
            partner_id: 7,
            outcome: xiebao_store::sql::notices::NoticeOutcome::Ignored,
            seq: None,
            out_of_order: false,
            voided: false,
            raw: raw.to_vec(),
            received_at: at(0).naive_utc(),
            last_received_at: at(0).naive_utc(),
            deliveries: 1,
            held_at: None,
            hold_until: None,
            applied_at: None,
            pruned_at: None,
        };
        row.digest = format!("{notify_type:064}");
        self.ledger.ignored.push(Ignored {
            notify_type: NotifyType(notify_type),
            digest: xiebao_core::id::Digest::parse(&row.digest).expect("64 digits"),
            occurrence: 1,
            deliveries: xiebao_core::ledger::Deliveries::one(at(0)),
        });
        self.inbox.push(row);
        self
    }

    pub fn dead(mut self, id: i64, notify_type: i64, reason: &str, detail: &str) -> Self {
        self.dead.push(DeadLetter {
            id,
            digest: "1".repeat(64),
            insure_num: Some(NUMBER.to_owned()),
            partner_id: Some(7),
            notify_type: Some(notify_type),
            reason: reason.to_owned(),
            detail: detail.to_owned(),
            received_at: at(1).naive_utc(),
            signature_form: Some("raw".to_owned()),
            attempts: 1,
            status: xiebao_store::sql::dead_letters::DeadLetterStatus::Open,
            requeue_count: 0,
            discard_reason: None,
            first_dead_at: at(2).naive_utc(),
            last_dead_at: at(2).naive_utc(),
            pruned_at: None,
        });
        self
    }

    pub fn story(&self) -> Story<'_> {
        let sources = Sources {
            ledger: &self.ledger,
            tables: None,
            inbox: &self.inbox,
            dead: &self.dead,
            operations: &[],
            rules: &self.rules,
            now: self.now,
        };
        Story::tell(sources, Search::begin(&self.ledger, None).finish())
    }

    pub fn page(&self, lang: Lang) -> String {
        page::of(&self.story(), crate::words::of(lang))
    }

    /// Asserts that the page has these lines, indentation aside, in this order.
    #[track_caller]
    pub fn says(&self, lang: Lang, lines: &[&str]) {
        let page = self.page(lang);
        let mut rest = page.lines();
        for line in lines {
            assert!(
                rest.any(|said| said.trim() == *line),
                "{line:?} is not said, or not here, in:\n{page}"
            );
        }
    }
}

pub fn paid() -> Value {
    json!({ "price": 85764, "payTime": "2026-07-23 09:00:30", "onlinePaymentId": "21" })
}

pub fn issued() -> Value {
    json!({ "policys": [{
        "policyNum": "P1", "productName": "健康险", "planName": "基础版", "applicant": "张三",
        "insurant": "李四，王五", "startDate": "2026-08-01", "endDate": "2027-07-31",
    }] })
}

#[test]
fn a_whole_life_is_told_in_the_order_of_applying() {
    let case = Case::new()
        .came(0, 1, json!({ "otherInfo": { "channel": "app" } }))
        .came(1, 2, paid())
        .came(2, 2, paid())
        .came(3, 3, issued())
        .came(4, 9, json!({}))
        .came(5, 26, json!({ "status": 4, "msg": "ok" }));
    case.says(
        Lang::Zh,
        &[
            "投保单 20260723000001   已出单",
            "电子保单已生成",
            "（时间均为北京时间）",
            "渠道          7",
            "渠道用户      u-1",
            "1  投保通知（1）  成功",
            "其他信息：{\"channel\":\"app\"}",
            "2  支付通知（2）  成功",
            "¥857.64  微信  支付时间：2026-07-23 09:00:30",
            "2026-07-23 09:01:00 收到，共来过 2 次，最后一次 2026-07-23 09:02:00",
            "3  出单通知（3）  成功",
            "保单  P1  健康险 / 基础版  2026-08-01 ~ 2027-07-31",
            "投保人：张三  被保人：李四、王五",
            "5  批改通知（26）  成功",
            "批改状态：批改成功 (4)",
            "可以向携保下载电子保单",
            "可以通过携保的批改文件下载接口下载批改文件",
        ],
    );
    case.says(
        Lang::En,
        &[
            "Proposal 20260723000001   issued",
            "the e-policy is ready",
            "2  payment notice (2)  success",
            "¥857.64  WeChat  paid at: 2026-07-23 09:00:30",
            "received 2026-07-23 09:01:00; came twice, last 2026-07-23 09:02:00",
            "endorsement: endorsed (4)",
            "the e-policy can be fetched from the platform",
            "the endorsement's file can be fetched from the platform",
        ],
    );
    assert!(case.story().not_come_yet.is_empty());
}

#[test]
fn failures_say_why_wherever_the_reason_is_kept() {
    let case = Case::new()
        .came(0, 1, json!({}))
        .came(
            1,
            2,
            json!({ "state": false, "onlinePaymentId": -11, "failMsg": "余额不足" }),
        )
        .came(2, 3, json!({ "state": false, "failMsg": "核保\n不通过" }))
        .now(20);
    case.says(
        Lang::Zh,
        &[
            "投保单 20260723000001   出单失败",
            "银行代扣",
            "失败原因：余额不足",
            "失败原因：核保⏎不通过",
        ],
    );
    case.says(
        Lang::En,
        &[
            "Proposal 20260723000001   issue failed",
            "bank withholding",
            "reason of the failure: 余额不足",
        ],
    );
}

#[test]
fn persons_who_left_are_marked_in_the_rows() {
    let leaving = json!({ "cancelInsurants": ["李四"], "cancelMsg": "客户申请" });
    let case = Case::new()
        .came(0, 1, json!({}))
        .came(1, 2, paid())
        .came(2, 3, issued())
        .came(3, 4, leaving);
    case.says(
        Lang::Zh,
        &[
            "投保单 20260723000001   部分被保人已退保",
            "退保的被保人：李四",
            "退保原因：客户申请",
        ],
    );
    case.says(
        Lang::Zh,
        &["目前的业务数据", "投保人：张三  被保人：李四 [已退保]、王五"],
    );
    case.says(
        Lang::En,
        &[
            "persons who leave: 李四",
            "applicant: 张三  insured: 李四 [left], 王五",
        ],
    );
}
