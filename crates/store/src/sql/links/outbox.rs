//! The rows of the outbox, and the statements over many of them.

use diesel::mysql::Mysql;
use diesel::prelude::*;
use serde::Serialize;

use super::PendingLink;
use crate::schema::reissue_outbox;
use crate::sql::bulk::bulk_row;
use crate::sql::by_keys::{self, joined};
use crate::{Connection, StoreError};

pub(super) struct OutboxRow {
    pub insure_num: String,
    pub new_insure_num: String,
    pub partner_id: i64,
    pub withdrawn: bool,
}

bulk_row!(OutboxRow => reissue_outbox { insure_num, new_insure_num, partner_id, withdrawn } updating { partner_id, withdrawn });

/// The key of a row of the outbox, and its purpose.
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

/// Deletes rows in the given order, which must be that of the table's key, and returns their number.
pub(super) async fn delete(conn: &mut Connection, keys: &[OutboxKey]) -> Result<usize, StoreError> {
    let keys: Vec<_> = keys
        .iter()
        .map(|key| HexKey {
            insure_num: by_keys::hex(&key.insure_num),
            new_insure_num: by_keys::hex(&key.new_insure_num),
            withdrawn: key.withdrawn.into(),
        })
        .collect();
    let rows = joined!("reissue_outbox": text "insure_num", text "new_insure_num", number "withdrawn");
    by_keys::delete(conn, rows, &keys).await
}

#[derive(Serialize)]
struct HexKey {
    insure_num: String,
    new_insure_num: String,
    withdrawn: u8,
}
