//! The arguments of `raw-broker`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::measure::Sweep;

/// Publish notices to a quorum queue, confirmed, persistent and mandatory, as fast as the broker takes them
///
/// The queue and its exchange belong to this run and are deleted at its end. Exit codes: 0 done, 1 the broker refused
/// or returned a message or stopped confirming, 2 wrong usage, 3 the broker can't be reached.
#[derive(Debug, Clone, Parser)]
#[command(name = "raw-broker", version)]
pub struct Args {
    #[arg(long, value_name = "URL", env = "XIEBAO__AMQP__URL", hide_env_values = true)]
    pub url: String,
    /// The bodies to publish, over and over: the HTTP body of a notice on each line
    #[arg(long, value_name = "FILE")]
    pub bodies: PathBuf,
    /// How long each shape of load is measured, after a quarter of that time (at most a second) to warm up
    #[arg(long, value_name = "S", default_value_t = 4.0, value_parser = seconds)]
    pub seconds: f64,
    /// The number of windows, whose median counts; without effect beside --rate
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub windows: u32,
    /// Publish at this rate (messages a second) on two channels, and report percentiles of the time from when each
    /// message was due to its confirm
    #[arg(long, value_name = "R", value_parser = rate, conflicts_with_all = ["channels", "sweep"])]
    pub rate: Option<f64>,
    /// The number of connections that share the channels
    #[arg(long, value_name = "C", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub connections: u16,
    /// The shapes of load: 1 to 4 channels, each with 64, 256 and 1,024 in flight; full: also with 128 and 512
    #[arg(long, value_enum, default_value_t = Sweep::Quick)]
    pub sweep: Sweep,
    /// Measure one shape of load only, with this number of channels
    #[arg(long, value_name = "N", requires = "in_flight", conflicts_with = "sweep",
          value_parser = clap::value_parser!(u16).range(1..=256))]
    pub channels: Option<u16>,
    /// The most unconfirmed messages of all channels together
    #[arg(long, value_name = "M", requires = "channels", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub in_flight: Option<u32>,
    /// Print JSON on standard output instead of text
    #[arg(long)]
    pub json: bool,
}

/// A shape of load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    pub channels: usize,
    /// The total of all channels.
    pub in_flight: usize,
}

impl Shape {
    /// The unconfirmed messages allowed to each channel: `in_flight` in total, and at least one each.
    pub fn shares(self) -> impl Iterator<Item = usize> {
        let (each, more) = (self.in_flight / self.channels, self.in_flight % self.channels);
        (0..self.channels).map(move |channel| (each + usize::from(channel < more)).max(1))
    }
}

impl Args {
    pub fn length(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    pub fn warm_up(&self) -> Duration {
        Duration::from_secs_f64((self.seconds / 4.0).min(1.0))
    }

    /// The single shape of load, if the arguments name one.
    pub fn shape(&self) -> Option<Shape> {
        Some(Shape {
            channels: self.channels?.into(),
            in_flight: usize::try_from(self.in_flight?).ok()?,
        })
    }
}

impl Sweep {
    pub fn shapes(self) -> Vec<Shape> {
        let in_flight: &[usize] = match self {
            Self::Quick => &[64, 256, 1_024],
            Self::Full => &[64, 128, 256, 512, 1_024],
        };
        let all = (1..=4).flat_map(|channels| in_flight.iter().map(move |&in_flight| (channels, in_flight)));
        all.map(|(channels, in_flight)| Shape { channels, in_flight })
            .collect()
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.1..=3_600.0).contains(&seconds) => Ok(seconds),
        _ => Err("must be a number from 0.1 to 3600".to_owned()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (1.0..=1_000_000.0).contains(&rate) => Ok(rate),
        _ => Err("must be a number from 1 to 1000000".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_channels_share_the_messages_in_flight() {
        for shape in Sweep::Full.shapes() {
            assert_eq!(shape.shares().count(), shape.channels);
            assert_eq!(shape.shares().sum::<usize>(), shape.in_flight, "{shape:?}");
        }
    }

    #[test]
    fn a_sweep_goes_from_one_to_four_channels_and_from_64_to_1024_in_flight() {
        for (sweep, size) in [(Sweep::Quick, 12), (Sweep::Full, 20)] {
            let shapes = sweep.shapes();
            assert_eq!(shapes.len(), size);
            for channels in [1, 4] {
                for in_flight in [64, 256, 1_024] {
                    assert!(shapes.contains(&Shape { channels, in_flight }));
                }
            }
        }
    }

    #[test]
    fn a_single_shape_needs_both_its_numbers() {
        let line = |more: &[&str]| {
            let fixed = ["raw-broker", "--url", "amqp://127.0.0.1", "--bodies", "b"];
            Args::try_parse_from(fixed.iter().chain(more))
        };
        let both = line(&["--channels", "2", "--in-flight", "64"]).expect("both");
        assert_eq!(
            both.shape(),
            Some(Shape {
                channels: 2,
                in_flight: 64
            })
        );
        assert!(line(&["--channels", "2"]).is_err());
        assert!(line(&["--in-flight", "64"]).is_err());
        assert!(line(&["--rate", "2000", "--channels", "2", "--in-flight", "64"]).is_err());
        assert_eq!(line(&[]).expect("a sweep").shape(), None);
    }
}
