//! The tables, as `migrations/` creates them. See there for widths and collations.

diesel::table! {
    proposal_locks (insure_num) {
        insure_num -> Text,
        version -> BigInt,
    }
}

diesel::table! {
    notices (insure_num, notify_type, digest, occurrence) {
        insure_num -> Text,
        notify_type -> BigInt,
        digest -> Text,
        occurrence -> Integer,
        partner_id -> BigInt,
        outcome -> Text,
        seq -> Nullable<BigInt>,
        out_of_order -> Bool,
        raw -> Binary,
        received_at -> Datetime,
        last_received_at -> Datetime,
        deliveries -> BigInt,
        held_at -> Nullable<Datetime>,
        hold_until -> Nullable<Datetime>,
        applied_at -> Nullable<Datetime>,
        voided -> Bool,
        pruned_at -> Nullable<Datetime>,
    }
}

diesel::table! {
    holds (insure_num) {
        insure_num -> Text,
        due_at -> Datetime,
    }
}

diesel::table! {
    reissue_outbox (insure_num, new_insure_num) {
        insure_num -> Text,
        new_insure_num -> Text,
        partner_id -> BigInt,
        withdrawn -> Bool,
    }
}

diesel::table! {
    reissue_links (insure_num, reissued_from) {
        insure_num -> Text,
        reissued_from -> Text,
        partner_id -> BigInt,
    }
}

/// The business tables, from the list of core.
macro_rules! business_schema {
    ($(
        $(#[$doc:meta])*
        $table:ident: $Row:ident as $Record:ident by $Key:ty = $pattern:tt
        { $($key:ident: $key_type:ty [$($key_sql:tt)+]),* $(,)? }
        { $($(#[$column_doc:meta])* $column:ident: $type:ty [$($sql:tt)+]),+ $(,)? }
    )+) => {$(
        diesel::table! {
            $table (insure_num $(, $key)*) {
                insure_num -> Text,
                $($key -> $($key_sql)+,)*
                $($column -> $($sql)+,)+
            }
        }
    )+};
}
xiebao_core::business_tables!(business_schema);

diesel::table! {
    dead_letters (id) {
        id -> BigInt,
        digest -> Text,
        insure_num -> Nullable<Text>,
        partner_id -> Nullable<BigInt>,
        notify_type -> Nullable<BigInt>,
        reason -> Text,
        detail -> Text,
        body -> Binary,
        received_at -> Datetime,
        signature_form -> Nullable<Text>,
        attempts -> BigInt,
        status -> Text,
        requeue_count -> BigInt,
        discard_reason -> Nullable<Text>,
        first_dead_at -> Datetime,
        last_dead_at -> Datetime,
        pruned_at -> Nullable<Datetime>,
    }
}

diesel::table! {
    dead_letter_attempts (digest, at) {
        digest -> Text,
        at -> Datetime,
        worker -> Text,
        error -> Text,
    }
}

diesel::table! {
    operations (id) {
        id -> BigInt,
        at -> Datetime,
        actor -> Text,
        action -> Text,
        insure_num -> Nullable<Text>,
        notify_type -> Nullable<BigInt>,
        digest -> Nullable<Text>,
        dead_letter_id -> Nullable<BigInt>,
        reason -> Nullable<Text>,
        detail -> Nullable<Text>,
    }
}

diesel::table! {
    refused_requests (id) {
        id -> Text,
        first_at -> Datetime,
        last_at -> Datetime,
        tries -> BigInt,
        verdict -> Text,
        source -> Nullable<Text>,
        insure_num -> Nullable<Text>,
        notify_type -> Nullable<BigInt>,
        partner_id -> Nullable<BigInt>,
        digest -> Nullable<Text>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(notices, holds);
