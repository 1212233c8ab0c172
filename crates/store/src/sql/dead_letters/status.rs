use crate::sql::text_enum::text_enum;

text_enum! {
    /// `dead_letters.status`.
    DeadLetterStatus {
        /// It waits for a person.
        Open = "open",
        /// It was put back on the queue, or its notice was applied after all.
        Requeued = "requeued",
        /// A person gave it up.
        Discarded = "discarded",
    }
}
