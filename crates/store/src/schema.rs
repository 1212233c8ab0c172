//! The tables, as `migrations/` makes them. `numeric`, `bytes` and widths are the database's business; see there.

diesel::table! {
    proposal_locks (insure_num) {
        insure_num -> Text,
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

diesel::table! {
    proposals (insure_num) {
        insure_num -> Text,
        partner_id -> BigInt,
        partner_unique_key -> Nullable<Text>,
        case_code -> Nullable<Text>,
        status -> Nullable<Text>,
        e_policy_ready -> Bool,
        abnormal -> Bool,
        reissued_from -> Nullable<Text>,
        reissued_to -> Nullable<Text>,
    }
}

diesel::table! {
    payments (insure_num, fact) {
        insure_num -> Text,
        fact -> Text,
        success -> Bool,
        price_fen -> Nullable<BigInt>,
        gateway -> Nullable<BigInt>,
        pay_time -> Nullable<Datetime>,
        fail_msg -> Nullable<Text>,
        new_money -> Bool,
    }
}

diesel::table! {
    policies (insure_num, policy_num) {
        insure_num -> Text,
        policy_num -> Text,
        product_id -> Nullable<BigInt>,
        product_name -> Nullable<Text>,
        plan_id -> Nullable<BigInt>,
        plan_name -> Nullable<Text>,
        applicant -> Nullable<Text>,
        start_date -> Nullable<Date>,
        end_date -> Nullable<Date>,
        cancelled -> Bool,
    }
}

diesel::table! {
    insured_persons (insure_num, policy_num, name) {
        insure_num -> Text,
        policy_num -> Text,
        name -> Text,
        cancelled -> Bool,
    }
}

diesel::table! {
    cancellations (insure_num, fact) {
        insure_num -> Text,
        fact -> Text,
        notify_type -> BigInt,
        success -> Bool,
        insurants -> Nullable<Text>,
        new_insure_num -> Nullable<Text>,
        cancel_msg -> Nullable<Text>,
        fail_msg -> Nullable<Text>,
    }
}

diesel::table! {
    endorsements (insure_num, digest, occurrence) {
        insure_num -> Text,
        digest -> Text,
        occurrence -> Integer,
        status -> BigInt,
        success -> Bool,
        msg -> Nullable<Text>,
        remark -> Nullable<Text>,
    }
}

diesel::table! {
    abnormalities (insure_num, digest, occurrence) {
        insure_num -> Text,
        digest -> Text,
        occurrence -> Integer,
        fail_msg -> Nullable<Text>,
    }
}

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
