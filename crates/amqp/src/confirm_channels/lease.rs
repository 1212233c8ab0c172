//! The use of a channel by one publish, from its begin to its confirm, also when its caller has left.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lapin::options::BasicPublishOptions;
use lapin::{Channel, Confirmation, PublisherConfirm};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::{Message, PublishError, Shared};

/// `delivery_mode` of a message that the broker writes to disk.
const PERSISTENT: u8 = 2;

/// How long the channel of a caller that has left waits for the confirm, before it is closed.
const ABANDONED_WITHIN: Duration = Duration::from_secs(30);

/// A publish that has begun. It counts as ended when this is dropped.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Shared>);

/// A channel in use by one publish, and how far that is.
pub(super) struct Lease {
    in_flight: Option<InFlight>,
    channel: Option<Channel>,
    progress: Progress,
    /// Given back with the lease.
    permit: Option<OwnedSemaphorePermit>,
}

enum Progress {
    /// Nothing is in flight: the channel can be used again.
    Idle,
    /// The message may be half written.
    Sending,
    Sent(PublisherConfirm),
    /// The channel must not be used again.
    Failed,
}

impl InFlight {
    pub fn begin(shared: &Arc<Shared>) -> Self {
        shared.begun.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(shared))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

impl Lease {
    pub fn new(in_flight: InFlight, channel: Channel, permit: Option<OwnedSemaphorePermit>) -> Self {
        Self {
            in_flight: Some(in_flight),
            channel: Some(channel),
            progress: Progress::Idle,
            permit,
        }
    }

    /// Sends the message.
    pub async fn send(&mut self, message: &Message<'_>) -> Result<(), lapin::Error> {
        let Some(channel) = &self.channel else {
            unreachable!("a lease has its channel until it ends");
        };
        let options = BasicPublishOptions {
            mandatory: true,
            ..BasicPublishOptions::default()
        };
        let properties = message.properties.clone().with_delivery_mode(PERSISTENT);
        let routing_key = message.routing_key.as_ref().into();
        self.progress = Progress::Sending;
        let sending = channel.basic_publish(
            message.exchange.into(),
            routing_key,
            options,
            message.body,
            properties,
        );
        match sending.await {
            Ok(confirm) => {
                self.progress = Progress::Sent(confirm);
                Ok(())
            }
            Err(error) => {
                self.progress = Progress::Failed;
                Err(error)
            }
        }
    }

    /// Waits for the confirm of the message that was sent.
    pub async fn confirmation(&mut self) -> Result<(), PublishError> {
        let Progress::Sent(confirm) = &mut self.progress else {
            unreachable!("the message was sent");
        };
        let confirmation = confirm.await;
        let outcome = outcome(confirmation);
        self.progress = match &outcome {
            Ok(()) | Err(PublishError::Unroutable { .. }) => Progress::Idle,
            // A broker of 3.10 goes on refusing on a channel on which it has refused once.
            Err(_) => Progress::Failed,
        };
        outcome
    }
}

fn outcome(confirmation: Result<Confirmation, lapin::Error>) -> Result<(), PublishError> {
    match confirmation? {
        Confirmation::Ack(None) => Ok(()),
        Confirmation::Ack(Some(returned)) | Confirmation::Nack(Some(returned)) => {
            Err(PublishError::Unroutable {
                code: returned.reply_code,
                text: returned.reply_text.to_string(),
            })
        }
        Confirmation::Nack(None) | Confirmation::NotRequested => Err(PublishError::Nacked),
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let (Some(channel), Some(in_flight)) = (self.channel.take(), self.in_flight.take()) else {
            return;
        };
        let rest = match std::mem::replace(&mut self.progress, Progress::Failed) {
            Progress::Idle => return in_flight.0.put_back(channel),
            // The client closes a channel that nobody holds any more.
            Progress::Failed => return,
            Progress::Sending => None,
            Progress::Sent(confirm) => Some(confirm),
        };
        let permit = self.permit.take();
        // Without a runtime the process ends, and the connection with it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let _permit = permit;
                finish(&in_flight.0, channel, rest).await;
            });
        }
    }
}

/// Waits for the end of a publish whose caller has left. To close the channel earlier would send the close before the frames
/// of the message, and the broker answers that by closing the connection.
async fn finish(shared: &Shared, channel: Channel, confirm: Option<PublisherConfirm>) {
    match confirm {
        Some(confirm) => {
            let confirmation = timeout(ABANDONED_WITHIN, confirm).await;
            if let Ok(Ok(Confirmation::Ack(_))) = confirmation {
                shared.put_back(channel);
            }
        }
        None => drop(timeout(ABANDONED_WITHIN, channel.wait_for_confirms()).await),
    }
}
