//! The spellings that docs/protocol.md promises.

use std::fs;

use super::*;
use crate::names;

const NONE: &str = "invalid_field";

/// The rows of the section: fields, spellings, and the value read.
fn rows(page: &str) -> Vec<[Vec<String>; 3]> {
    let section = page
        .split("\n### Spellings\n")
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next());
    let lines = section
        .expect("the section")
        .lines()
        .filter(|line| line.starts_with("| `"));
    lines
        .map(|line| {
            let mut cells = line.trim_matches('|').split('|').map(code);
            [(); 3].map(|()| cells.next().expect("three cells"))
        })
        .collect()
}

/// The texts between backquotes.
fn code(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The value that this release reads.
fn read_as(field: &str, spelled: &str) -> Result<String, Rejection> {
    let quoted = json!(spelled).to_string();
    let (notify_type, state, member) = match field {
        "price" => (2, false, format!("\"price\":{spelled}")),
        "insureNum" => (1, true, "\"x\":0".to_owned()),
        "payTime" => (2, false, format!("\"payTime\":{quoted}")),
        _ => (
            3,
            true,
            format!("\"policys\":[{{\"policyNum\":\"P\",\"{field}\":{quoted}}}]"),
        ),
    };
    let number = if field == "insureNum" { spelled } else { "\"A\"" };
    let body = format!(
        r#"{{"notifyType":{notify_type},"sign":"","data":{{"partnerId":7,"insureNum":{number},"state":{state},{member}}}}}"#
    );
    let notice = read_text(&body)?;
    let value = match (field, &notice.fact) {
        ("insureNum", _) => Some(notice.insure_num.to_string()),
        ("price", Fact::Paid(payment)) => payment.price.map(|fen| fen.to_string()),
        ("payTime", Fact::Paid(payment)) => payment.pay_time.map(|time| time.to_string()),
        ("startDate", Fact::Issued(policies)) => policies[0].stated.start_date.map(|day| day.to_string()),
        (_, Fact::Issued(policies)) => policies[0].stated.end_date.map(|day| day.to_string()),
        _ => None,
    };
    Ok(value.expect("it is stated"))
}

#[test]
fn every_spelling_on_the_page_is_read_as_the_page_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol.md");
    let page = fs::read_to_string(path).expect("the page");
    let rows = rows(&page);
    assert!(rows.len() > 8, "{rows:?}");
    for [fields, spellings, value] in rows {
        for (field, spelled) in fields
            .iter()
            .flat_map(|field| spellings.iter().map(move |text| (field, text)))
        {
            let read = read_as(field, spelled).map_err(|rejection| rejection.reason.name().to_owned());
            let wanted = if value[0] == NONE {
                Err(NONE.to_owned())
            } else {
                Ok(value[0].clone())
            };
            assert_eq!(read, wanted, "{field} {spelled}");
        }
    }
    let names = page
        .lines()
        .find(|line| line.contains("`艾力•买买提`"))
        .map(code)
        .expect("names");
    assert!(names.len() > 3, "{names:?}");
    for name in names.iter().filter(|name| name.starts_with('艾')) {
        assert_eq!(names::comparable(name), "艾力·买买提", "{name}");
    }
}
