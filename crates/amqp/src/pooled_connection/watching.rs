//! The watch over an open connection.

use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::Event;

use super::Shared;
use crate::broker::{ConnectError, within};
use crate::open_connection::OpenConnection;
use crate::trouble::Trouble;

/// How often a connection is looked at, at least.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);
const LOOKS_IN_PATIENCE: u32 = 10;

/// Returns why the connection can't be used any more, or `None` when it is no longer wanted.
pub(super) async fn watch_over(shared: &Shared, open: &OpenConnection) -> Option<Trouble> {
    let mut looks = tokio::time::interval(LOOK_INTERVAL.min(shared.patience / LOOKS_IN_PATIENCE));
    let mut silence = open.silence();
    let mut events = std::pin::pin!(open.connection().events_listener());
    loop {
        tokio::select! {
            () = shared.closing.cancelled() => return None,
            () = open.given_up().cancelled() => return Some(open.end()),
            () = open.unroutable.notified() => {
                let bound = shared.broker.connect_timeout.min(shared.patience);
                let declaration = within(bound, shared.part.ensure(open.connection()));
                let declared = tokio::select! {
                    () = shared.closing.cancelled() => return None,
                    () = open.given_up().cancelled() => return Some(open.end()),
                    declared = declaration => declared,
                };
                match declared {
                    Ok(()) => tracing::warn!("a message came back unroutable; topology declared again"),
                    Err(error) => return Some(Trouble::from(&error)),
                }
            }
            Some(event) = events.next() => {
                if let Some(trouble) = handle_event(shared, open, &event) {
                    return Some(trouble);
                }
            }
            _ = looks.tick() => {
                if !open.is_sound() {
                    return Some(open.end());
                }
                if open.is_silent_for(shared.patience, &mut silence) {
                    return Some(Trouble::Away("nothing is confirmed any more".to_owned()));
                }
            }
        }
    }
}

fn handle_event(shared: &Shared, open: &OpenConnection, event: &Event) -> Option<Trouble> {
    match event {
        Event::ConnectionBlocked(reason) => {
            tracing::warn!(amqp.trouble = reason, "the broker takes no messages");
        }
        Event::ConnectionUnblocked => {
            tracing::info!("the broker takes messages again");
            shared.opened.send_modify(|count| *count += 1);
        }
        // The client says the same of an error that ends a channel alone.
        Event::Error(error) if !open.connection().status().connected() => {
            return Some(Trouble::from(&ConnectError::from(error.clone())));
        }
        _ => {}
    }
    None
}
