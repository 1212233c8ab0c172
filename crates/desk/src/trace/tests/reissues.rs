use serde_json::json;
use xiebao_core::id::PartnerId;
use xiebao_core::lang::Lang;
use xiebao_core::ledger::{Ledger, Link};

use super::{Case, at, issued, number, paid};
use crate::story::family::Search;

fn link(from: &str, partner: i64) -> Link {
    Link {
        reissued_from: number(from),
        partner_id: PartnerId(partner),
    }
}

#[test]
fn a_reissue_leads_on_to_the_new_proposal() {
    let reissue = json!({ "newInsureNum": "20260724000002", "cancelMsg": "信息有误" });
    let case = Case::new()
        .came(0, 1, json!({}))
        .came(1, 2, paid())
        .came(2, 3, issued())
        .came(3, 5, reissue);
    case.says(
        Lang::Zh,
        &[
            "投保单 20260723000001   已退保重出",
            "4  退保重出通知（5）  成功",
            "重出的新投保单：20260724000002",
            "退保原因：信息有误",
            "退保重出",
            "20260723000001 [本单] → 20260724000002",
            "xiebao trace 20260724000002",
        ],
    );
    case.says(
        Lang::En,
        &[
            "reissued as: 20260724000002",
            "20260723000001 [this one] → 20260724000002",
            "xiebao trace 20260724000002",
        ],
    );
}

#[test]
fn a_proposal_known_by_a_link_alone_says_what_comes_next() {
    let mut case = Case::new();
    case.ledger.link(link("20260722000009", 7), at(0), &case.rules);
    case.says(
        Lang::Zh,
        &[
            "投保单 20260723000001   由退保重出而来，还没有它自己的通知",
            "出单通知（3）还没有来",
            "20260722000009 → 20260723000001 [本单]",
            "重出的投保单不再有投保和支付通知，由原投保单的退保重出通知代替",
            "xiebao trace 20260722000009",
        ],
    );
    case.says(
        Lang::En,
        &["Proposal 20260723000001   created by a reissue; it has no notice of its own yet"],
    );
    assert!(!case.page(Lang::Zh).contains("支付通知（2）还没有来"));
}

#[test]
fn a_link_of_another_partner_is_shown_but_not_believed() {
    let mut case = Case::new().came(0, 1, json!({}));
    case.ledger.link(link("20260722000009", 8), at(1), &case.rules);
    case.says(
        Lang::Zh,
        &["另一渠道的投保单 20260722000009 声称重出为本单，不予采信"],
    );
    case.says(
        Lang::En,
        &["proposal 20260722000009 of another partner claims to be replaced by this one; not believed"],
    );
}

/// A ledger that was reissued from one proposal and into another.
fn between(from: &str, own: &str, to: &str) -> Ledger {
    let case = Case::new()
        .came(0, 1, json!({}))
        .came(1, 2, paid())
        .came(2, 3, issued())
        .came(3, 5, json!({ "newInsureNum": to }));
    let mut ledger = case.ledger;
    ledger.insure_num = number(own);
    ledger.link(link(from, 7), at(4), &case.rules);
    ledger
}

#[test]
fn a_circle_of_reissues_ends_and_is_named() {
    let mut search = Search::begin(&between("C", "A", "B"), None);
    assert_eq!(search.unvisited(), [number("B"), number("C")]);
    search.visit(&between("A", "B", "C"), None);
    search.visit(&between("B", "C", "A"), None);
    assert!(search.unvisited().is_empty());
    let family = search.finish();
    assert_eq!(family.links.len(), 3);
    assert!(family.goes_round && !family.cut);
}

#[test]
fn a_chain_without_end_is_cut() {
    let mut search = Search::begin(&between("n000", "n001", "n002"), None);
    let mut visited = 1;
    while let Some(next) = search.unvisited().pop() {
        visited += 1;
        let place: i64 = next.as_str()[1..].parse().expect("digits");
        search.visit(
            &between(
                &format!("n{:03}", place - 1),
                next.as_str(),
                &format!("n{:03}", place + 1),
            ),
            None,
        );
        assert!(visited < 100, "it never ends");
    }
    let family = search.finish();
    assert!(family.cut && !family.goes_round);
}

#[test]
fn money_of_a_reissue_is_said_to_be_none() {
    let mut unpaid = paid();
    unpaid["onlinePaymentId"] = json!(-3);
    let case = Case::new().came(0, 1, json!({})).came(1, 2, unpaid);
    assert!(case.page(Lang::Zh).contains("由原投保单支付，没有新的收款"));
    assert!(case.page(Lang::En).contains("no new money"));
}
