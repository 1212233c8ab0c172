use crate::sql::text_enum::text_enum;

text_enum! {
    /// `notices.outcome`.
    NoticeOutcome {
        /// Its facts count, unless it is voided.
        Applied = "applied",
        /// It waits for another notice.
        Held = "held",
        /// Its type was not subscribed when it came.
        Ignored = "ignored",
    }
}
