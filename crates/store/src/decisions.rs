//! The two decisions about dead letters, each written in one transaction with the operations that record who took it.

use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection as _;

use crate::races::Races;
use crate::sql::dead_letters::{self, DeadLetter};
use crate::sql::operations::{self, Action, NewOperation};
use crate::{Connection, StoreError};

/// Marks dead letters as requeued that the broker has confirmed.
pub async fn requeue(
    conn: &mut Connection,
    letters: &[DeadLetter],
    actor: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if letters.is_empty() {
        return Ok(());
    }
    let operations: Vec<NewOperation> = letters
        .iter()
        .map(|letter| operation(Action::RequeueDead, letter, actor, now).with_detail(&letter.reason))
        .collect();
    let mark = async || {
        conn.transaction(async |conn| {
            dead_letters::mark_requeued(conn, letters).await?;
            operations::record(conn, &operations).await
        })
        .await
    };
    until_won(mark).await
}

/// Discards the open ones of these dead letters and returns them.
pub async fn discard(
    conn: &mut Connection,
    ids: &[i64],
    why: &str,
    actor: &str,
    now: DateTime<Utc>,
) -> Result<Vec<DeadLetter>, StoreError> {
    let discard = async || {
        conn.transaction(async |conn| {
            let letters = dead_letters::discard(conn, ids, why).await?;
            let operations: Vec<NewOperation> = letters
                .iter()
                .map(|letter| {
                    operation(Action::DiscardDead, letter, actor, now)
                        .because(why)
                        .with_detail(&letter.reason)
                })
                .collect();
            operations::record(conn, &operations).await?;
            Ok(letters)
        })
        .await
    };
    until_won(discard).await
}

fn operation(action: Action, letter: &DeadLetter, actor: &str, now: DateTime<Utc>) -> NewOperation {
    let mut operation = NewOperation::new(action, actor, now);
    operation.insure_num.clone_from(&letter.insure_num);
    operation.notify_type = letter.notify_type;
    operation.digest = Some(letter.digest.clone());
    operation.dead_letter_id = Some(letter.id);
    operation
}

/// Repeats a transaction that loses a race for a lock with a worker.
async fn until_won<T>(mut transaction: impl AsyncFnMut() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let mut races = Races::default();
    loop {
        match transaction().await {
            Err(StoreError::Conflict(_)) if races.again().await => {}
            result => return result,
        }
    }
}
