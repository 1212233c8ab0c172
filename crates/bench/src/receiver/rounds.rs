//! One round of the receiver's measurements, in turn with the raw programs. The medians of all rounds count.

use super::{Bench, ReceiverFigures};
use crate::figures::Figures;
use crate::report::{CONNECTIONS, RATES};

/// The rate at which the raw broker's confirms are measured too.
const COMPARED: u32 = RATES[1];

/// A number of connections, each with one notice in flight, that the raw broker is compared with at as many messages in
/// flight.
pub const FEW: usize = CONNECTIONS[1];
const MANY: usize = CONNECTIONS[2];

/// A closed loop against one program.
#[derive(Debug, Clone, Copy)]
enum ClosedLoop {
    /// With this number of connections.
    Receiver(usize),
    RawBroker,
    /// With [`FEW`] messages in flight.
    RawBrokerOfFew,
    /// With this number of connections.
    RawHttp(usize),
}

impl Bench {
    /// Every other round runs in reverse, so that a machine that becomes slower or faster favours no program.
    pub async fn closed_loops(&self, round: usize, figures: &mut Figures) -> anyhow::Result<()> {
        // Each raw program runs next to the loop that it is compared with.
        let mut order = [
            ClosedLoop::Receiver(CONNECTIONS[0]),
            ClosedLoop::RawHttp(FEW),
            ClosedLoop::RawBrokerOfFew,
            ClosedLoop::Receiver(FEW),
            ClosedLoop::Receiver(MANY),
            ClosedLoop::RawBroker,
            ClosedLoop::RawHttp(MANY),
        ];
        if round.is_multiple_of(2) {
            order.reverse();
        }
        for closed_loop in order {
            self.empty_queue().await;
            self.closed_loop(closed_loop, figures).await?;
        }
        Ok(())
    }

    async fn closed_loop(&self, closed_loop: ClosedLoop, figures: &mut Figures) -> anyhow::Result<()> {
        let (name, key, rate) = match closed_loop {
            ClosedLoop::Receiver(connections) => {
                let measured = self.closed(connections).await?;
                println!("  {connections:>6} connections  {measured}");
                figures.note(&format!("receiver_rate_{connections}"), measured.load.rate);
                measured.note(&format!("{connections}_connections"), figures);
                return Ok(());
            }
            ClosedLoop::RawBroker => {
                let rate = self.raw_broker.rate().await?;
                ("raw broker".to_owned(), "raw_broker_rate".to_owned(), rate)
            }
            ClosedLoop::RawBrokerOfFew => {
                let rate = self.raw_broker.rate_of_few().await?;
                let key = format!("raw_broker_rate_{FEW}_in_flight");
                (format!("raw, {FEW} in flight"), key, rate)
            }
            ClosedLoop::RawHttp(connections) => {
                let rate = self.raw_http_rate(connections).await?;
                let key = format!("raw_http_rate_{connections}");
                (format!("raw HTTP, {connections}"), key, rate)
            }
        };
        println!("  {name:>18}  {rate:>8.0}/s");
        figures.note(&key, rate);
        Ok(())
    }

    pub async fn fixed_rates(&self, round: usize, figures: &mut Figures) -> anyhow::Result<()> {
        for rate in RATES {
            let raw_first = round.is_multiple_of(2);
            if rate == COMPARED && raw_first {
                self.raw_p99(figures).await?;
            }
            self.empty_queue().await;
            let measured = self.fixed_rate(rate.into()).await?;
            println!("  {rate:>16}/s  {measured}");
            figures.note(&format!("receiver_achieved_{rate}"), measured.load.rate);
            measured.note(&rate.to_string(), figures);
            if rate == COMPARED && !raw_first {
                self.raw_p99(figures).await?;
            }
        }
        Ok(())
    }

    async fn raw_p99(&self, figures: &mut Figures) -> anyhow::Result<()> {
        self.empty_queue().await;
        let p99_ms = self.raw_broker.p99_ms(COMPARED.into()).await?;
        println!("  raw, {COMPARED:>11}/s  p99 {p99_ms:.2} ms");
        figures.note(&format!("raw_broker_p99_ms_{COMPARED}"), p99_ms);
        Ok(())
    }
}

impl ReceiverFigures {
    /// `at` is the end of the keys: a rate, or a number of connections.
    fn note(&self, at: &str, figures: &mut Figures) {
        for (name, value) in [
            ("p50_ms", self.load.p50_ms),
            ("p99_ms", self.load.p99_ms),
            ("p999_ms", self.load.p999_ms),
            ("cpu_ms_per_1000", self.cpu_ms_per_1000),
        ] {
            figures.note(&format!("receiver_{name}_{at}"), value);
        }
    }
}

/// Notes the rates that are possible beside the raw broker and raw HTTP on the same processors.
pub fn note_possible_rates(figures: &mut Figures) {
    let few_in_flight = format!("raw_broker_rate_{FEW}_in_flight");
    for (connections, broker) in [(FEW, few_in_flight.as_str()), (MANY, "raw_broker_rate")] {
        let http = figures.get(&format!("raw_http_rate_{connections}"));
        if let Some(rate) = possible(figures.get(broker), http) {
            figures.note(&format!("receiver_possible_{connections}"), rate);
        }
    }
}

/// The rate that is left if the processors that serve the raw broker serve HTTP too: a notice takes the time of both.
fn possible(broker: Option<f64>, http: Option<f64>) -> Option<f64> {
    let (broker, http) = broker.zip(http).filter(|(b, h)| *b > 0.0 && *h > 0.0)?;
    Some(1.0 / (1.0 / broker + 1.0 / http))
}

#[cfg(test)]
mod tests {
    use super::possible;

    #[test]
    fn the_times_of_broker_and_http_add_up() {
        let rate = possible(Some(30_000.0), Some(60_000.0)).expect("both are known");
        assert!((rate - 20_000.0).abs() < 1e-6, "{rate}");
        assert_eq!(possible(None, Some(1.0)), None);
        assert_eq!(possible(Some(1.0), Some(0.0)), None);
    }
}
