//! Widths of the columns, in characters. A value that does not fit makes its notice a dead letter (`too_long`); it is never cut.
//! A test compares these with the schema.

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
/// `insurants`: length of the JSON array in bytes, because the column is TEXT.
pub const INSURANTS_BYTES: usize = 65_535;
