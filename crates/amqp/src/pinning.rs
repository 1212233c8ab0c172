//! Assigns connections to threads.

use std::cell::RefCell;
use std::sync::{Arc, Weak};

use tokio::runtime::{self, Handle};

use crate::pooled_connection::PooledConnection;

/// The connection of this thread, until the thread ends.
struct Pinned {
    number: usize,
    runtime: runtime::Id,
    connection: Weak<PooledConnection>,
    /// Where the connection lives after this thread has ended.
    fallback: Handle,
}

impl Drop for Pinned {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.upgrade() {
            connection.unpin(self.runtime, &self.fallback);
        }
    }
}

thread_local! {
    static PINNED: RefCell<Option<Pinned>> = const { RefCell::new(None) };
}

/// Pins the first connection that belongs to no thread to this one, if there is one.
pub(crate) fn pin_one_of(connections: &[Arc<PooledConnection>], fallback: &Handle) {
    let here = Handle::current();
    let Some(number) = connections
        .iter()
        .position(|connection| connection.set_host(&here, true))
    else {
        return;
    };
    let pinned = Pinned {
        number,
        runtime: here.id(),
        connection: Arc::downgrade(&connections[number]),
        fallback: fallback.clone(),
    };
    PINNED.with_borrow_mut(|current| *current = Some(pinned));
}

/// The number of the connection that is pinned to this thread.
pub(crate) fn number() -> Option<usize> {
    PINNED.with_borrow(|pinned| pinned.as_ref().map(|pinned| pinned.number))
}
