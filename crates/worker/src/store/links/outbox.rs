//! The rows of the outbox, and the statements over many of them.

use diesel::mysql::Mysql;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{Bool, Text};

use super::PendingLink;
use crate::schema::reissue_outbox;
use crate::store::kept::{filled, kept_row};

pub(super) struct OutboxRow {
    pub insure_num: String,
    pub new_insure_num: String,
    pub partner_id: i64,
    pub withdrawn: bool,
}

kept_row!(OutboxRow => reissue_outbox { insure_num, new_insure_num, partner_id, withdrawn } updating { partner_id, withdrawn });

/// A row of the outbox and what it is there for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Queryable, Selectable)]
#[diesel(table_name = reissue_outbox, check_for_backend(Mysql))]
pub(super) struct OutboxKey {
    pub insure_num: String,
    pub new_insure_num: String,
    pub withdrawn: bool,
}

impl OutboxKey {
    pub fn of(link: &PendingLink) -> Self {
        Self {
            insure_num: link.link.reissued_from.to_string(),
            new_insure_num: link.new_insure_num.to_string(),
            withdrawn: link.withdrawn,
        }
    }
}

/// Deletes rows by their keys, filled up to a power of two by the last key again. The index is named because the table
/// is mostly so small that the server would look through all of it, and wait for rows that others are writing.
#[derive(Debug)]
pub(super) struct DeleteKeys<'k>(pub &'k [OutboxKey]);

impl QueryFragment<Mysql> for DeleteKeys<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        out.push_sql("DELETE `reissue_outbox` FROM `reissue_outbox` FORCE INDEX (PRIMARY) WHERE FALSE");
        let filling = self.0.len().next_power_of_two() - self.0.len();
        for key in filled(self.0, filling) {
            out.push_sql(" OR (`insure_num` = ");
            out.push_bind_param::<Text, _>(&key.insure_num)?;
            out.push_sql(" AND `new_insure_num` = ");
            out.push_bind_param::<Text, _>(&key.new_insure_num)?;
            out.push_sql(" AND `withdrawn` = ");
            out.push_bind_param::<Bool, _>(&key.withdrawn)?;
            out.push_sql(")");
        }
        Ok(())
    }
}

/// Kept by its text.
impl QueryId for DeleteKeys<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
