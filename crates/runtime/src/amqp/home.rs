//! Which connection lives on which thread.

use std::cell::RefCell;
use std::sync::{Arc, Weak};

use tokio::runtime::{self, Handle};

use super::link::Link;

/// A connection's place on this thread, until the thread ends.
struct Home {
    number: usize,
    runtime: runtime::Id,
    link: Weak<Link>,
    /// Where the connections live when this thread has ended.
    fallback: Handle,
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Some(link) = self.link.upgrade() {
            link.lose_host(self.runtime, &self.fallback);
        }
    }
}

thread_local! {
    static HOME: RefCell<Option<Home>> = const { RefCell::new(None) };
}

/// Gives the first of the links that has none a home in this thread's runtime, if there is such a one.
pub(super) fn take_one_of(links: &[Arc<Link>], fallback: &Handle) {
    let here = Handle::current();
    let Some(number) = links.iter().position(|link| link.take_host(&here, true)) else {
        return;
    };
    let home = Home {
        number,
        runtime: here.id(),
        link: Arc::downgrade(&links[number]),
        fallback: fallback.clone(),
    };
    HOME.with_borrow_mut(|current| *current = Some(home));
}

/// The number of the link that lives on this thread.
pub(super) fn number() -> Option<usize> {
    HOME.with_borrow(|home| home.as_ref().map(|home| home.number))
}
