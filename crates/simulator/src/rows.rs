//! The business rows, with the contract's columns and no others: as expected, and as fetched.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Date, Datetime, Nullable, Text};

/// A row that can be told from others of its table, and compared with them.
pub trait Row {
    const TABLE: &'static str;
    /// The columns as a select list.
    const SELECT: &'static str;

    fn insure_num(&self) -> &str;
    /// Its key among the rows of its proposal, column by column.
    fn key(&self) -> Vec<(&'static str, String)>;
    /// The other columns.
    fn rest(&self) -> Vec<(&'static str, String)>;
}

/// A value as a person reads it.
trait Show {
    fn show(&self) -> String;
}

macro_rules! show_as_displayed {
    ($($type:ty),*) => {$(
        impl Show for $type {
            fn show(&self) -> String {
                self.to_string()
            }
        }
    )*};
}
show_as_displayed!(bool, i64, String, NaiveDate, NaiveDateTime);

impl<T: Show> Show for Option<T> {
    fn show(&self) -> String {
        self.as_ref().map_or_else(|| "NULL".to_owned(), Show::show)
    }
}

macro_rules! row {
    (
        $(#[$doc:meta])*
        $name:ident in $table:literal
        { $($key:ident: $key_type:ty as $key_sql:ty),* $(,)? }
        { $($rest:ident: $rest_type:ty as $rest_sql:ty),* $(,)? }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
        pub struct $name {
            #[diesel(sql_type = Text)]
            pub insure_num: String,
            $(#[diesel(sql_type = $key_sql)] pub $key: $key_type,)*
            $(#[diesel(sql_type = $rest_sql)] pub $rest: $rest_type,)*
        }

        impl Row for $name {
            const TABLE: &'static str = $table;
            const SELECT: &'static str =
                concat!("insure_num" $(, ", ", stringify!($key))* $(, ", ", stringify!($rest))*);

            fn insure_num(&self) -> &str {
                &self.insure_num
            }

            fn key(&self) -> Vec<(&'static str, String)> {
                vec![$((stringify!($key), self.$key.show())),*]
            }

            fn rest(&self) -> Vec<(&'static str, String)> {
                vec![$((stringify!($rest), self.$rest.show())),*]
            }
        }
    };
}

row! {
    Proposal in "proposals"
    {}
    {
        partner_id: i64 as BigInt,
        partner_unique_key: Option<String> as Nullable<Text>,
        case_code: Option<String> as Nullable<Text>,
        status: Option<String> as Nullable<Text>,
        e_policy_ready: bool as Bool,
        abnormal: bool as Bool,
        reissued_from: Option<String> as Nullable<Text>,
        reissued_to: Option<String> as Nullable<Text>,
    }
}

row! {
    Payment in "payments"
    {
        success: bool as Bool,
        price_fen: Option<i64> as Nullable<BigInt>,
        gateway: Option<i64> as Nullable<BigInt>,
        pay_time: Option<NaiveDateTime> as Nullable<Datetime>,
    }
    {
        fail_msg: Option<String> as Nullable<Text>,
        new_money: bool as Bool,
    }
}

row! {
    Policy in "policies"
    { policy_num: String as Text }
    {
        product_id: Option<i64> as Nullable<BigInt>,
        product_name: Option<String> as Nullable<Text>,
        plan_id: Option<i64> as Nullable<BigInt>,
        plan_name: Option<String> as Nullable<Text>,
        applicant: Option<String> as Nullable<Text>,
        start_date: Option<NaiveDate> as Nullable<Date>,
        end_date: Option<NaiveDate> as Nullable<Date>,
        cancelled: bool as Bool,
    }
}

row! {
    InsuredPerson in "insured_persons"
    { policy_num: String as Text, name: String as Text }
    { cancelled: bool as Bool }
}

row! {
    Cancellation in "cancellations"
    {
        notify_type: i64 as BigInt,
        success: bool as Bool,
        insurants: Option<String> as Nullable<Text>,
        new_insure_num: Option<String> as Nullable<Text>,
    }
    {
        cancel_msg: Option<String> as Nullable<Text>,
        fail_msg: Option<String> as Nullable<Text>,
    }
}

row! {
    /// A log: several rows may be alike, as the notices differ in what has no column.
    Endorsement in "endorsements"
    {
        status: i64 as BigInt,
        success: bool as Bool,
        msg: Option<String> as Nullable<Text>,
        remark: Option<String> as Nullable<Text>,
    }
    {}
}

row! {
    /// A log, as endorsements.
    Abnormality in "abnormalities"
    { fail_msg: Option<String> as Nullable<Text> }
    {}
}

row! {
    /// Cancelled persons who are in no policy.
    UnmatchedPersons in "unmatched_persons"
    { names: String as Text }
    {}
}

/// The rows of some proposals in all business tables.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// Rows of `proposals`.
    pub proposals: Vec<Proposal>,
    /// Rows of `payments`.
    pub payments: Vec<Payment>,
    /// Rows of `policies`.
    pub policies: Vec<Policy>,
    /// Rows of `insured_persons`.
    pub insured_persons: Vec<InsuredPerson>,
    /// Rows of `cancellations`.
    pub cancellations: Vec<Cancellation>,
    /// Rows of `endorsements`.
    pub endorsements: Vec<Endorsement>,
    /// Rows of `abnormalities`.
    pub abnormalities: Vec<Abnormality>,
    /// Rows of `unmatched_persons`.
    pub unmatched_persons: Vec<UnmatchedPersons>,
}

impl Rows {
    /// How many rows there are.
    pub fn count(&self) -> usize {
        self.proposals.len()
            + self.payments.len()
            + self.policies.len()
            + self.insured_persons.len()
            + self.cancellations.len()
            + self.endorsements.len()
            + self.abnormalities.len()
            + self.unmatched_persons.len()
    }

    /// Adds the rows of another set.
    pub fn append(&mut self, mut other: Rows) {
        self.proposals.append(&mut other.proposals);
        self.payments.append(&mut other.payments);
        self.policies.append(&mut other.policies);
        self.insured_persons.append(&mut other.insured_persons);
        self.cancellations.append(&mut other.cancellations);
        self.endorsements.append(&mut other.endorsements);
        self.abnormalities.append(&mut other.abnormalities);
        self.unmatched_persons.append(&mut other.unmatched_persons);
    }
}
