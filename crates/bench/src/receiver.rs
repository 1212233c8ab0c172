//! The receiver, in turn with the raw broker: so both figures of a ratio are of the same minutes.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::median;
use crate::report::{CONNECTIONS, RATES, Results};
use crate::usage::Usage;

mod posting;

use posting::Measured;

/// Which of them the raw broker's confirms are measured at too.
const COMPARED: usize = 1;

/// Connections, each with one notice in flight, beside which the raw broker is measured with as many messages in flight.
pub const FEW: usize = CONNECTIONS[1];
const MANY: usize = CONNECTIONS[2];

/// A receiver that runs.
#[derive(Debug, Clone)]
pub struct Receiver {
    pub address: SocketAddr,
    /// `receiver.path`.
    pub path: String,
    pub pid: u32,
    /// Signed notices, used in turn; repetitions are nothing to the receiver.
    pub bodies: Arc<[Bytes]>,
}

/// How long everything is measured.
#[derive(Debug, Clone, Copy)]
pub struct Lengths {
    /// How often everything is measured; the medians count.
    pub rounds: usize,
    pub warm_up: Duration,
    /// Of a closed loop.
    pub window: Duration,
    pub windows: usize,
    /// Of a fixed rate.
    pub fixed: Duration,
}

impl Lengths {
    /// A minute and three quarters beside the raw broker's time.
    pub const QUICK: Self = Self {
        rounds: 3,
        warm_up: Duration::from_millis(700),
        window: Duration::from_secs(1),
        windows: 3,
        fixed: Duration::from_secs(3),
    };
    /// Ten minutes beside the raw broker's time.
    pub const FULL: Self = Self {
        rounds: 5,
        warm_up: Duration::from_secs(2),
        window: Duration::from_secs(3),
        windows: 5,
        fixed: Duration::from_secs(10),
    };
}

/// What stands beside the receiver: the raw programs, and the queue that nobody consumes.
pub trait Beside {
    /// Publishes as fast as the best setting of the sweep goes; messages confirmed in a second.
    fn raw_rate(&mut self) -> impl Future<Output = anyhow::Result<f64>>;

    /// The same with no more messages in flight than [`FEW`] connections of the receiver have.
    fn raw_rate_of_few(&mut self) -> impl Future<Output = anyhow::Result<f64>>;

    /// Publishes at that rate (messages a second); the 99th percentile of the confirm in milliseconds.
    fn raw_p99_ms(&mut self, rate: f64) -> impl Future<Output = anyhow::Result<f64>>;

    /// A server that acknowledges whatever is posted, and does nothing else.
    fn http(&self) -> SocketAddr;

    /// Takes away what the measurement before has left on the queue, so that each meets the broker in the same state.
    fn empty_queue(&mut self) -> impl Future<Output = anyhow::Result<()>>;
}

/// Everything about the receiver: closed loop and fixed rates, in rounds. Medians over the rounds go into the results.
///
/// # Errors
/// Those of the load and of what stands beside, and when a notice is refused.
pub async fn measure(
    receiver: &Receiver,
    beside: &mut impl Beside,
    lengths: Lengths,
    results: &mut Results,
) -> anyhow::Result<()> {
    let mut rounds = Rounds::default();
    for round in 0..lengths.rounds {
        println!("receiver, round {} of {}", round + 1, lengths.rounds);
        rounds.closed_loop(receiver, beside, lengths, round).await?;
        rounds.fixed_rates(receiver, beside, lengths, round).await?;
    }
    beside.empty_queue().await?;
    rounds.write(results);
    results.receiver_rss_mb = Some(Usage::of(receiver.pid)?.peak_rss_mb);
    Ok(())
}

type Figure = fn(&Measured) -> f64;

/// What a closed loop is run against.
#[derive(Debug, Clone, Copy)]
enum Closed {
    /// With that many of [`CONNECTIONS`].
    Receiver(usize),
    RawBroker,
    /// With [`FEW`] messages in flight.
    RawBrokerOfFew,
    /// With that many connections.
    RawHttp(usize),
}

#[derive(Debug, Default)]
struct Rounds {
    raw_rates: Vec<f64>,
    raw_rates_of_few: Vec<f64>,
    http_rates: Vec<f64>,
    http_rates_of_few: Vec<f64>,
    raw_p99s_ms: Vec<f64>,
    /// As [`CONNECTIONS`] and [`RATES`] have them.
    closed: [Vec<Measured>; CONNECTIONS.len()],
    fixed: [Vec<Measured>; RATES.len()],
}

impl Rounds {
    /// Each round the other way round, so that a machine that gets slower or faster favours nobody.
    async fn closed_loop(
        &mut self,
        receiver: &Receiver,
        beside: &mut impl Beside,
        lengths: Lengths,
        round: usize,
    ) -> anyhow::Result<()> {
        // The raw programs come right beside what they are compared with.
        let mut order = vec![
            Closed::Receiver(0),
            Closed::RawHttp(FEW),
            Closed::RawBrokerOfFew,
            Closed::Receiver(1),
            Closed::Receiver(2),
            Closed::RawBroker,
            Closed::RawHttp(MANY),
        ];
        if round.is_multiple_of(2) {
            order.reverse();
        }
        for which in order {
            beside.empty_queue().await?;
            match which {
                Closed::Receiver(index) => {
                    let measured = receiver.closed(CONNECTIONS[index], lengths).await?;
                    println!("  {:>6} connections  {measured}", CONNECTIONS[index]);
                    self.closed[index].push(measured);
                }
                Closed::RawBroker => {
                    let rate = beside.raw_rate().await?;
                    println!("  {:>18}  {rate:>8.0}/s", "raw broker");
                    self.raw_rates.push(rate);
                }
                Closed::RawBrokerOfFew => {
                    let rate = beside.raw_rate_of_few().await?;
                    println!("  raw, {FEW:>3} in flight  {rate:>8.0}/s");
                    self.raw_rates_of_few.push(rate);
                }
                Closed::RawHttp(connections) => {
                    let server = beside.http();
                    let rate = receiver.nothing_but_http(server, connections, lengths).await?;
                    println!("  {:>18}  {rate:>8.0}/s", format!("raw HTTP, {connections}"));
                    match connections {
                        FEW => self.http_rates_of_few.push(rate),
                        _ => self.http_rates.push(rate),
                    }
                }
            }
        }
        Ok(())
    }

    async fn fixed_rates(
        &mut self,
        receiver: &Receiver,
        beside: &mut impl Beside,
        lengths: Lengths,
        round: usize,
    ) -> anyhow::Result<()> {
        for (index, rate) in RATES.into_iter().enumerate() {
            let raw_first = round.is_multiple_of(2);
            if index == COMPARED && raw_first {
                self.raw_p99(beside).await?;
            }
            beside.empty_queue().await?;
            let measured = receiver.fixed(rate.into(), lengths).await?;
            println!("  {rate:>16}/s  {measured}");
            self.fixed[index].push(measured);
            if index == COMPARED && !raw_first {
                self.raw_p99(beside).await?;
            }
        }
        Ok(())
    }

    async fn raw_p99(&mut self, beside: &mut impl Beside) -> anyhow::Result<()> {
        beside.empty_queue().await?;
        let rate = RATES[COMPARED];
        let p99_ms = beside.raw_p99_ms(rate.into()).await?;
        println!("  raw, {rate:>11}/s  p99 {p99_ms:.2} ms");
        self.raw_p99s_ms.push(p99_ms);
        Ok(())
    }

    fn write(&self, results: &mut Results) {
        results.raw_broker_rate = known(&self.raw_rates);
        results.raw_broker_p99_ms_2000 = known(&self.raw_p99s_ms);
        let few = known(&self.raw_rates_of_few);
        results.add(&format!("raw_broker_rate_{FEW}_in_flight"), few);
        for (connections, broker, http) in [
            (FEW, few, &self.http_rates_of_few),
            (MANY, results.raw_broker_rate, &self.http_rates),
        ] {
            let http = known(http);
            results.add(&format!("raw_http_rate_{connections}"), http);
            results.add(
                &format!("receiver_possible_{connections}"),
                possible(broker, http),
            );
        }
        let [at_8, at_64, at_256] = &self.closed;
        let rate = |rounds| of(rounds, |measured| measured.loaded.rate);
        results.receiver_rate_8 = rate(at_8);
        results.receiver_rate_64 = rate(at_64);
        results.receiver_rate_256 = rate(at_256);
        for (rounds, connections) in self.closed.iter().zip(CONNECTIONS) {
            write_times(results, rounds, &format!("{connections}_connections"));
        }
        results.receiver_p99_ms_2000 = of(&self.fixed[COMPARED], |measured| measured.loaded.p99_ms);
        for (rounds, at) in self.fixed.iter().zip(RATES) {
            results.add(&format!("receiver_achieved_{at}"), rate(rounds));
            write_times(results, rounds, &at.to_string());
        }
    }
}

/// `at` is a rate or a number of connections, as the keys end.
fn write_times(results: &mut Results, rounds: &[Measured], at: &str) {
    let figures: [(&str, Figure); 4] = [
        ("p50_ms", |measured| measured.loaded.p50_ms),
        ("p99_ms", |measured| measured.loaded.p99_ms),
        ("p999_ms", |measured| measured.loaded.p999_ms),
        ("cpu_ms_per_1000", |measured| measured.cpu_ms_per_1000),
    ];
    for (name, figure) in figures {
        results.add(&format!("receiver_{name}_{at}"), of(rounds, figure));
    }
}

/// What is left when the processors that the broker is kept busy with also serve HTTP: a notice takes the time of both.
fn possible(broker: Option<f64>, http: Option<f64>) -> Option<f64> {
    let (broker, http) = broker.zip(http).filter(|(b, h)| *b > 0.0 && *h > 0.0)?;
    Some(1.0 / (1.0 / broker + 1.0 / http))
}

fn of(rounds: &[Measured], figure: impl Fn(&Measured) -> f64) -> Option<f64> {
    known(&rounds.iter().map(figure).collect::<Vec<_>>())
}

fn known(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| median(values))
}

#[cfg(test)]
mod tests {
    use super::possible;

    #[test]
    fn the_times_of_both_add_up() {
        let rate = possible(Some(30_000.0), Some(60_000.0)).expect("both are known");
        assert!((rate - 20_000.0).abs() < 1e-6, "{rate}");
        assert_eq!(possible(None, Some(1.0)), None);
        assert_eq!(possible(Some(1.0), Some(0.0)), None);
    }
}
