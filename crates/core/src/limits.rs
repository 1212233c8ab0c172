//! Widths of the columns, in characters. A value that does not fit is a dead letter (`too_long`), never cut.
//! A test of the worker compares these with the schema.

/// `insure_num`, `policy_num`.
pub const NUMBER_CHARS: usize = 64;
/// `partner_unique_key`, `case_code`.
pub const KEY_CHARS: usize = 128;
/// Names of persons, products and plans.
pub const NAME_CHARS: usize = 255;
/// `name` of an insured person, part of a primary key.
pub const PERSON_CHARS: usize = 128;
/// `fail_msg`, `cancel_msg`, `msg`, `remark`.
pub const MESSAGE_CHARS: usize = 4000;
/// `insurants`: the JSON array, in bytes (a TEXT column).
pub const INSURANTS_BYTES: usize = 65_535;
