//! The figures of the receiver and of the raw programs, round by round.

use super::{Bench, ReceiverFigures};
use crate::median;
use crate::report::{CONNECTIONS, RATES, Results};

/// The index of the rate at which the raw broker's confirms are measured too.
const COMPARED: usize = 1;

/// A number of connections, each with one notice in flight, that the raw broker is compared with at as many messages in
/// flight.
pub const FEW: usize = CONNECTIONS[1];
const MANY: usize = CONNECTIONS[2];

type Figure = fn(&ReceiverFigures) -> f64;

/// A closed loop against one program.
#[derive(Debug, Clone, Copy)]
enum ClosedLoop {
    /// With the connections at this index of [`CONNECTIONS`].
    Receiver(usize),
    RawBroker,
    /// With [`FEW`] messages in flight.
    RawBrokerOfFew,
    /// With this number of connections.
    RawHttp(usize),
}

#[derive(Debug, Default)]
pub struct Rounds {
    raw_rates: Vec<f64>,
    raw_rates_of_few: Vec<f64>,
    http_rates: Vec<f64>,
    http_rates_of_few: Vec<f64>,
    raw_p99s_ms: Vec<f64>,
    /// In the order of [`CONNECTIONS`].
    closed: [Vec<ReceiverFigures>; CONNECTIONS.len()],
    /// In the order of [`RATES`].
    fixed: [Vec<ReceiverFigures>; RATES.len()],
}

impl Rounds {
    /// Every other round runs in reverse, so that a machine that becomes slower or faster favours no program.
    pub async fn closed_loops(&mut self, bench: &Bench, round: usize) -> anyhow::Result<()> {
        // Each raw program runs next to the loop that it is compared with.
        let mut order = [
            ClosedLoop::Receiver(0),
            ClosedLoop::RawHttp(FEW),
            ClosedLoop::RawBrokerOfFew,
            ClosedLoop::Receiver(1),
            ClosedLoop::Receiver(2),
            ClosedLoop::RawBroker,
            ClosedLoop::RawHttp(MANY),
        ];
        if round.is_multiple_of(2) {
            order.reverse();
        }
        for closed_loop in order {
            bench.empty_queue().await;
            self.closed_loop(bench, closed_loop).await?;
        }
        Ok(())
    }

    async fn closed_loop(&mut self, bench: &Bench, closed_loop: ClosedLoop) -> anyhow::Result<()> {
        let (name, rate, rates) = match closed_loop {
            ClosedLoop::Receiver(index) => {
                let figures = bench.closed(CONNECTIONS[index]).await?;
                println!("  {:>6} connections  {figures}", CONNECTIONS[index]);
                self.closed[index].push(figures);
                return Ok(());
            }
            ClosedLoop::RawBroker => {
                let rate = bench.raw_broker.rate().await?;
                ("raw broker".to_owned(), rate, &mut self.raw_rates)
            }
            ClosedLoop::RawBrokerOfFew => {
                let rate = bench.raw_broker.rate_of_few().await?;
                (format!("raw, {FEW} in flight"), rate, &mut self.raw_rates_of_few)
            }
            ClosedLoop::RawHttp(connections) => {
                let rate = bench.raw_http_rate(connections).await?;
                let rates = match connections {
                    FEW => &mut self.http_rates_of_few,
                    _ => &mut self.http_rates,
                };
                (format!("raw HTTP, {connections}"), rate, rates)
            }
        };
        println!("  {name:>18}  {rate:>8.0}/s");
        rates.push(rate);
        Ok(())
    }

    pub async fn fixed_rates(&mut self, bench: &Bench, round: usize) -> anyhow::Result<()> {
        for (index, rate) in RATES.into_iter().enumerate() {
            let raw_first = round.is_multiple_of(2);
            if index == COMPARED && raw_first {
                self.raw_p99(bench).await?;
            }
            bench.empty_queue().await;
            let figures = bench.fixed_rate(rate.into()).await?;
            println!("  {rate:>16}/s  {figures}");
            self.fixed[index].push(figures);
            if index == COMPARED && !raw_first {
                self.raw_p99(bench).await?;
            }
        }
        Ok(())
    }

    async fn raw_p99(&mut self, bench: &Bench) -> anyhow::Result<()> {
        bench.empty_queue().await;
        let rate = RATES[COMPARED];
        let p99_ms = bench.raw_broker.p99_ms(rate.into()).await?;
        println!("  raw, {rate:>11}/s  p99 {p99_ms:.2} ms");
        self.raw_p99s_ms.push(p99_ms);
        Ok(())
    }

    /// Writes the medians of all rounds.
    pub fn write(&self, results: &mut Results) {
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
        let rate = |rounds| median_of(rounds, |figures| figures.load.rate);
        results.receiver_rate_8 = rate(at_8);
        results.receiver_rate_64 = rate(at_64);
        results.receiver_rate_256 = rate(at_256);
        for (rounds, connections) in self.closed.iter().zip(CONNECTIONS) {
            write_times(results, rounds, &format!("{connections}_connections"));
        }
        results.receiver_p99_ms_2000 = median_of(&self.fixed[COMPARED], |figures| figures.load.p99_ms);
        for (rounds, at) in self.fixed.iter().zip(RATES) {
            results.add(&format!("receiver_achieved_{at}"), rate(rounds));
            write_times(results, rounds, &at.to_string());
        }
    }
}

/// `at` is the end of the keys: a rate, or a number of connections.
fn write_times(results: &mut Results, rounds: &[ReceiverFigures], at: &str) {
    let figures: [(&str, Figure); 4] = [
        ("p50_ms", |figures| figures.load.p50_ms),
        ("p99_ms", |figures| figures.load.p99_ms),
        ("p999_ms", |figures| figures.load.p999_ms),
        ("cpu_ms_per_1000", |figures| figures.cpu_ms_per_1000),
    ];
    for (name, figure) in figures {
        results.add(&format!("receiver_{name}_{at}"), median_of(rounds, figure));
    }
}

/// The rate that is left if the processors that serve the raw broker serve HTTP too: a notice takes the time of both.
fn possible(broker: Option<f64>, http: Option<f64>) -> Option<f64> {
    let (broker, http) = broker.zip(http).filter(|(b, h)| *b > 0.0 && *h > 0.0)?;
    Some(1.0 / (1.0 / broker + 1.0 / http))
}

fn median_of(rounds: &[ReceiverFigures], figure: impl Fn(&ReceiverFigures) -> f64) -> Option<f64> {
    known(&rounds.iter().map(figure).collect::<Vec<_>>())
}

fn known(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| median(values))
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
