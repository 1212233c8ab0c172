//! The list. Columns and tables are contract: see the migrations of the store for their widths.

/// Passes every business table to the macro `$expand`, as
///
/// ```text
/// /// What the table holds.
/// table: Row as Record by Key = (pattern) { key_column: Type [SqlType], … } { /// Its meaning.  column: Type [SqlType], … }
/// ```
///
/// - `Row` is the struct of core, `Record` the name of the same row in the store, where every value is plain.
/// - `Key` identifies a row within its proposal. `pattern` takes a `Key` apart into its columns, and as an expression puts them
///   together again. The column `insure_num`, which begins the primary key of every table, is not listed.
/// - `Type` is the type of core, `SqlType` that of diesel. The types of core are in scope after `use xiebao_core::tables::*`.
///
/// ```
/// macro_rules! columns {
///     ($(
///         $(#[$doc:meta])*
///         $table:ident: $Row:ident as $Record:ident by $Key:ty = ($($pattern:tt)*)
///         { $($key:ident: $key_type:ty [$($key_sql:tt)+]),* $(,)? }
///         { $($(#[$column_doc:meta])* $column:ident: $type:ty [$($sql:tt)+]),+ $(,)? }
///     )+) => {
///         /// Every column beside the keys, by table.
///         const COLUMNS: &[(&str, &[&str])] = &[$((stringify!($table), &[$(stringify!($column)),+])),+];
///     };
/// }
/// xiebao_core::business_tables!(columns);
///
/// assert_eq!(COLUMNS[3], ("insured_persons", &["cancelled"][..]));
/// ```
#[macro_export]
macro_rules! business_tables {
    ($expand:ident) => {
        $expand! {
            /// Proposals (投保单): at most one row each.
            proposals: ProposalRow as Proposal by () = (()) {} {
                /// `partnerId` of the platform.
                partner_id: PartnerId [BigInt],
                /// The user at the channel, as stated by the notice of the lowest type that states one.
                partner_unique_key: Option<String> [Nullable<Text>],
                /// Product code, as stated by the notice of the lowest type that states one.
                case_code: Option<String> [Nullable<Text>],
                /// The first status that holds; `None` if none does yet.
                status: Option<Status> [Nullable<Text>],
                /// The e-policy can be fetched from the platform.
                e_policy_ready: bool [Bool],
                /// An abnormality was reported. Never cleared.
                abnormal: bool [Bool],
                /// The cancelled proposal that this one replaces.
                reissued_from: Option<InsureNum> [Nullable<Text>],
                /// The proposal that replaces this one.
                reissued_to: Option<InsureNum> [Nullable<Text>],
            }

            /// Payments, failed ones included: one row a payment, however often it was reported.
            payments: PaymentRow as Payment by FactKey = (FactKey(fact)) { fact: String [Text] } {
                /// Paid, or failed.
                success: bool [Bool],
                /// Amount in fen (1/100 yuan).
                price_fen: Option<i64> [Nullable<BigInt>],
                /// `onlinePaymentId` of the platform; undocumented codes are kept.
                gateway: Option<i64> [Nullable<BigInt>],
                /// Beijing wall-clock time, as the platform states it.
                pay_time: Option<NaiveDateTime> [Nullable<Datetime>],
                /// Reason of a failure.
                fail_msg: Option<String> [Nullable<Text>],
                /// False for the gateways -3 and -12: the cancelled proposal pays for the reissued one.
                new_money: bool [Bool],
            }

            /// Policies (保单) of issued proposals.
            policies: PolicyRow as Policy by InsureNum = (policy_num) { policy_num: InsureNum [Text] } {
                /// Product id of the platform.
                product_id: Option<i64> [Nullable<BigInt>],
                /// Product name.
                product_name: Option<String> [Nullable<Text>],
                /// Plan id of the platform.
                plan_id: Option<i64> [Nullable<BigInt>],
                /// Plan name.
                plan_name: Option<String> [Nullable<Text>],
                /// Name of the applicant (投保人).
                applicant: Option<String> [Nullable<Text>],
                /// First day of cover (Beijing), as the platform states it.
                start_date: Option<NaiveDate> [Nullable<Date>],
                /// Last day of cover (Beijing), as the platform states it.
                end_date: Option<NaiveDate> [Nullable<Date>],
                /// The whole proposal was cancelled, or cancelled and reissued.
                cancelled: bool [Bool],
            }

            /// Insured persons (被保人): one row a distinct name in a policy.
            insured_persons: PersonRow as InsuredPerson by PersonKey = (PersonKey { policy_num, name })
            { policy_num: InsureNum [Text], name: String [Text] } {
                /// A successful cancellation names this person, in whichever spelling.
                cancelled: bool [Bool],
            }

            /// Cancellations, failed ones included: one row a cancellation, however often it was reported.
            cancellations: CancellationRow as Cancellation by FactKey = (FactKey(fact)) { fact: String [Text] } {
                /// `notifyType`: 4 cancelled, 5 cancelled and reissued.
                notify_type: i64 [BigInt],
                /// Cancelled, or refused.
                success: bool [Bool],
                /// Sorted JSON array of the persons who leave; `None` for the whole proposal.
                insurants: Option<String> [Nullable<Text>],
                /// The proposal that replaces this one (type 5).
                new_insure_num: Option<InsureNum> [Nullable<Text>],
                /// Reason of the cancellation.
                cancel_msg: Option<String> [Nullable<Text>],
                /// Reason of a failure.
                fail_msg: Option<String> [Nullable<Text>],
            }

            /// Log of endorsements (批改).
            endorsements: EndorsementRow as Endorsement by LogKey = (LogKey { digest, occurrence })
            { digest: Digest [Text], occurrence: i32 [Integer] } {
                /// 1 approved, 2 refused, 3 submitted, 4 endorsed, 5 failed.
                status: i64 [BigInt],
                /// `state` of the notice.
                success: bool [Bool],
                /// Message about the endorsement.
                msg: Option<String> [Nullable<Text>],
                /// Remark.
                remark: Option<String> [Nullable<Text>],
            }

            /// Log of abnormalities (异常单).
            abnormalities: AbnormalityRow as Abnormality by LogKey = (LogKey { digest, occurrence })
            { digest: Digest [Text], occurrence: i32 [Integer] } {
                /// The abnormality, in the words of the platform.
                fail_msg: Option<String> [Nullable<Text>],
            }

            /// Successful cancellations that name persons who are in no policy, so that nobody was marked for them. Usually none.
            unmatched_persons: UnmatchedRow as UnmatchedPersons by FactKey = (FactKey(fact)) { fact: String [Text] } {
                /// Sorted JSON array of these persons.
                names: String [Text],
            }
        }
    };
}
