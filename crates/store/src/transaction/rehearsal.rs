use diesel_async::AsyncConnection;
use xiebao_core::id::InsureNum;
use xiebao_core::rules::Rules;

use super::{Clock, Plan, carry_out};
use crate::sql::locks;
use crate::{Connection, StoreError};

/// Does everything that [`run`](super::run) does and rolls back, to find out if the database would accept it.
pub async fn rehearse(
    conn: &mut Connection,
    plan: &Plan,
    clock: Clock,
    rules: &Rules,
) -> Result<(), StoreError> {
    let rehearsal = conn
        .transaction(async |conn| {
            let proposals: Vec<&InsureNum> = plan.tasks.keys().collect();
            let played = async {
                locks::acquire(conn, &proposals).await?;
                carry_out(conn, plan, clock(), rules).await
            };
            // An error even on success: it makes the transaction roll back.
            Err::<(), Rehearsal>(Rehearsal(played.await.map(drop)))
        })
        .await;
    match rehearsal {
        Ok(()) => Ok(()),
        Err(Rehearsal(result)) => result,
    }
}

struct Rehearsal(Result<(), StoreError>);

impl From<diesel::result::Error> for Rehearsal {
    fn from(error: diesel::result::Error) -> Self {
        Self(Err(error.into()))
    }
}
