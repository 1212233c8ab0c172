//! The notation of rows, one a line: `<proposal> <table> <column>=<value>…`. A column that is NULL or false is left out; a column
//! that is true is its name alone. The patterns below name every column, so that a new column does not compile unless it is added.

use std::fmt::Display;

use xiebao_core::id::InsureNum;
use xiebao_core::rows::{
    AbnormalityRow, CancellationRow, EndorsementRow, PaymentRow, PersonRow, PolicyRow, ProposalRow, Rows,
    UnmatchedRow,
};

use super::notices::{A, B, C};

/// The lines of a text, trimmed and sorted, without empty lines.
pub fn lines(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut lines: Vec<String> = lines.map(str::to_owned).collect();
    lines.sort();
    lines
}

/// The rows of one proposal.
pub fn write_down(num: &InsureNum, rows: &Rows) -> Vec<String> {
    let mut out = Vec::new();
    out.extend(rows.proposals.values().map(proposal));
    out.extend(rows.payments.values().map(payment));
    out.extend(rows.policies.iter().map(|(num, row)| policy(num, row)));
    for (key, PersonRow { cancelled }) in &rows.insured_persons {
        let line = Line::new("person").word(&key.policy_num).word(&key.name);
        out.push(line.flag("cancelled", *cancelled));
    }
    out.extend(rows.cancellations.values().map(cancellation));
    out.extend(rows.endorsements.values().map(endorsement));
    for AbnormalityRow { fail_msg } in rows.abnormalities.values() {
        out.push(Line::new("abnormality").column("fail", fail_msg));
    }
    for UnmatchedRow { names } in rows.unmatched_persons.values() {
        out.push(Line::new("unmatched").word(names));
    }
    out.into_iter()
        .map(|line| format!("{} {}", letter(num.as_str()), line.0))
        .collect()
}

struct Line(String);

impl Line {
    fn new(table: &str) -> Self {
        Self(table.to_owned())
    }

    fn word(self, value: impl Display) -> Self {
        Self(format!("{} {value}", self.0))
    }

    fn column(self, name: &str, value: &Option<impl Display>) -> Self {
        match value {
            Some(value) => self.word(format!("{name}={value}")),
            None => self,
        }
    }

    fn flag(self, name: &str, set: bool) -> Self {
        if set { self.word(name) } else { self }
    }
}

fn proposal(row: &ProposalRow) -> Line {
    let ProposalRow {
        partner_id,
        partner_unique_key,
        case_code,
        status,
        e_policy_ready,
        abnormal,
        reissued_from,
        reissued_to,
    } = row;
    Line::new("proposal")
        .column("partner", &Some(partner_id))
        .column("status", status)
        .flag("e_policy_ready", *e_policy_ready)
        .flag("abnormal", *abnormal)
        .column("key", partner_unique_key)
        .column("case", case_code)
        .column("from", &reissued_from.as_ref().map(|num| letter(num.as_str())))
        .column("to", &reissued_to.as_ref().map(|num| letter(num.as_str())))
}

fn payment(row: &PaymentRow) -> Line {
    let PaymentRow {
        success,
        price_fen,
        gateway,
        pay_time,
        fail_msg,
        new_money,
    } = row;
    Line::new("payment")
        .flag("success", *success)
        .column("fen", price_fen)
        .column("gateway", gateway)
        .column("at", &pay_time.map(|time| time.format("%Y-%m-%dT%H:%M:%S")))
        .flag("new_money", *new_money)
        .column("fail", fail_msg)
}

fn policy(num: &InsureNum, row: &PolicyRow) -> Line {
    let PolicyRow {
        product_id,
        product_name,
        plan_id,
        plan_name,
        applicant,
        start_date,
        end_date,
        cancelled,
    } = row;
    Line::new("policy")
        .word(num)
        .column("product_id", product_id)
        .column("product", product_name)
        .column("plan_id", plan_id)
        .column("plan", plan_name)
        .column("applicant", applicant)
        .column("start", start_date)
        .column("end", end_date)
        .flag("cancelled", *cancelled)
}

fn cancellation(row: &CancellationRow) -> Line {
    let CancellationRow {
        notify_type,
        success,
        insurants,
        new_insure_num,
        cancel_msg,
        fail_msg,
    } = row;
    Line::new("cancellation")
        .word(notify_type)
        .flag("success", *success)
        .column("insurants", insurants)
        .column("new", &new_insure_num.as_ref().map(|num| letter(num.as_str())))
        .column("msg", cancel_msg)
        .column("fail", fail_msg)
}

fn endorsement(row: &EndorsementRow) -> Line {
    let EndorsementRow {
        status,
        success,
        msg,
        remark,
    } = row;
    Line::new("endorsement")
        .column("status", &Some(status))
        .flag("success", *success)
        .column("msg", msg)
        .column("remark", remark)
}

fn letter(num: &str) -> &str {
    match num {
        A => "A",
        B => "B",
        C => "C",
        other => other,
    }
}
