//! Takes deliveries of notices from the broker, bounded in number and in bytes, and spreads them over the lanes.

mod window;

use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, future};
use lapin::message::Delivery;
use lapin::options::BasicCancelOptions;
use lapin::{Channel, Connection, Consumer};
use prometheus_client::metrics::gauge::Gauge;
use tokio::time::timeout;
use xiebao_amqp::topology::{NOTICES, Part};
use xiebao_amqp::{ReadGate, connect_behind};

use crate::lane::Lanes;
use crate::session::{SessionError, consume, subscribe};
use crate::worker::Worker;
use window::Window;

/// Bytes of unacknowledged deliveries after which no more are read from the broker.
const BYTES_IN_HAND: usize = 8 * 1024 * 1024;

/// A delivery may be larger than what is read ahead of it, so that nothing tells of it.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The subscription of a session.
pub(crate) struct Intake {
    pub connection: Connection,
    pub channel: Channel,
    pub deliveries: Consumer,
    pub gate: Arc<ReadGate>,
    window: Window,
}

impl Intake {
    pub async fn begin(worker: &Worker) -> Result<Self, SessionError> {
        let (gate, window) = (
            ReadGate::new(BYTES_IN_HAND),
            Window::new(worker.settings.prefetch),
        );
        let connection = connect_behind(&gate, &worker.amqp.settings(), "xiebao-worker").await?;
        let (channel, deliveries) = subscribe(&connection, Part::Notices, NOTICES, window.size()).await?;
        Ok(Self {
            connection,
            channel,
            deliveries,
            gate,
            window,
        })
    }

    /// Sends each delivery to its lane until the subscription ends.
    pub async fn distribute(&mut self, lanes: &Lanes, in_hand: &Gauge) -> Result<(), SessionError> {
        while let Some(delivery) = self.next().await {
            let delivery = delivery?;
            let changes = self.window.note(delivery.data.len());
            if !self.hand_over(delivery, lanes, in_hand).await {
                return Ok(());
            }
            if changes {
                self.subscribe_again(lanes, in_hand).await?;
            }
        }
        tracing::warn!("the broker ended the subscription");
        Ok(())
    }

    async fn next(&mut self) -> Option<Result<Delivery, lapin::Error>> {
        if let Some(next) = self.deliveries.next().now_or_never() {
            return next;
        }
        loop {
            self.gate.catch_up();
            if let Ok(next) = timeout(LOOK_EVERY, self.deliveries.next()).await {
                return next;
            }
        }
    }

    /// Returns `false` if the lanes have ended.
    async fn hand_over(&self, mut delivery: Delivery, lanes: &Lanes, in_hand: &Gauge) -> bool {
        // lapin grows the body by doubling.
        delivery.data.shrink_to_fit();
        self.gate.hold(delivery.data.len());
        in_hand.inc();
        lanes.send(delivery).await
    }

    /// Subscribes with the size of the window: a broker's bound belongs to a subscription and cannot be changed.
    async fn subscribe_again(&mut self, lanes: &Lanes, in_hand: &Gauge) -> Result<(), SessionError> {
        let channel = self.channel.clone();
        let cancelling = channel.basic_cancel(self.deliveries.tag(), BasicCancelOptions::default());
        let draining = async {
            while let Some(delivery) = self.next().await {
                if !self.hand_over(delivery?, lanes, in_hand).await {
                    break;
                }
            }
            Ok::<_, SessionError>(())
        };
        let (cancelled, drained) = future::join(cancelling, draining).await;
        cancelled?;
        drained?;
        self.deliveries = consume(&self.channel, NOTICES, self.window.size()).await?;
        Ok(())
    }
}
