//! What a person has done to dead letters, written together with the note of who did it.

use diesel_async::AsyncConnection as _;
use xiebao_runtime::clock;
use xiebao_store::StoreError;
use xiebao_store::sql::dead_letters::{self, DeadLetter};
use xiebao_store::sql::operations::{self, Action, NewOperation};

use crate::database::Connection;

/// How often a transaction that loses a race with a worker is run again.
const TRIES: usize = 20;

/// Marks letters that the broker has confirmed.
pub async fn requeued(conn: &mut Connection, letters: &[DeadLetter], actor: &str) -> Result<(), StoreError> {
    if letters.is_empty() {
        return Ok(());
    }
    let deeds = letters
        .iter()
        .map(|letter| deed(Action::RequeueDead, letter, actor).with_detail(&letter.reason));
    let deeds: Vec<NewOperation> = deeds.collect();
    let mark = async || {
        conn.transaction(async |conn| {
            dead_letters::mark_requeued(conn, letters).await?;
            operations::record(conn, &deeds).await
        })
        .await
    };
    until_won(mark).await
}

/// Gives up those of the letters that are open, and tells which were.
pub async fn discarded(
    conn: &mut Connection,
    ids: &[i64],
    why: &str,
    actor: &str,
) -> Result<Vec<DeadLetter>, StoreError> {
    let give_up = async || {
        conn.transaction(async |conn| {
            let letters = dead_letters::discard(conn, ids, why).await?;
            let deeds = letters.iter().map(|letter| {
                deed(Action::DiscardDead, letter, actor)
                    .because(why)
                    .with_detail(&letter.reason)
            });
            operations::record(conn, &deeds.collect::<Vec<_>>()).await?;
            Ok(letters)
        })
        .await
    };
    until_won(give_up).await
}

fn deed(action: Action, letter: &DeadLetter, actor: &str) -> NewOperation {
    let mut deed = NewOperation::new(action, actor, clock::now());
    deed.insure_num.clone_from(&letter.insure_num);
    deed.notify_type = letter.notify_type;
    deed.digest = Some(letter.digest.clone());
    deed.dead_letter_id = Some(letter.id);
    deed
}

/// Runs a transaction again when it loses a race for a lock with a worker that files or closes letters.
async fn until_won<T>(mut transaction: impl AsyncFnMut() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let mut tries = 1;
    loop {
        match transaction().await {
            Err(StoreError::Conflict(_)) if tries < TRIES => tries += 1,
            result => return result,
        }
    }
}
