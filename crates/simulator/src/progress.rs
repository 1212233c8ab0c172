//! Progress of a run: a bar on a terminal, a plain line now and then elsewhere. On standard error, so that
//! the report can be piped.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::sender::Load;
use xiebao_core::lang::Lang;

const REDRAW: Duration = Duration::from_millis(200);
const LINE_EVERY: Duration = Duration::from_secs(5);

/// A bar, or lines.
struct Display {
    bar: Option<ProgressBar>,
    label: &'static str,
    total: u64,
    last_line: Instant,
}

impl Display {
    fn new(label: &'static str, total: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total);
            let style = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.with_prefix(label)
        });
        Self {
            bar,
            label,
            total,
            last_line: Instant::now(),
        }
    }

    fn show(&mut self, position: u64, message: String) {
        match &self.bar {
            Some(bar) => {
                bar.set_message(message);
                bar.set_position(position);
            }
            None if self.last_line.elapsed() >= LINE_EVERY => {
                self.last_line = Instant::now();
                eprintln!("{} {position}/{} {message}", self.label, self.total);
            }
            None => {}
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Shows the requests as they go, until it is dropped.
pub struct Sending(JoinHandle<()>);

impl Sending {
    /// Shows the progress of a load until it is dropped.
    pub fn watch(load: &Arc<Load>, lang: Lang) -> Self {
        let load = Arc::clone(load);
        Self(tokio::spawn(async move { watch(&load, lang).await }))
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn watch(load: &Load, lang: Lang) {
    let mut display = Display::new(lang.pick("发送", "sending"), load.sendings() as u64);
    let mut recent = Recent {
        acks: 0,
        at: Instant::now(),
        rate: 0.0,
    };
    loop {
        sleep(REDRAW).await;
        let tally = load.tally();
        let (acks, sent) = (tally.acks, tally.requests);
        let p = tally.percentiles();
        drop(tally);
        let rate = recent.update(acks);
        let unanswered = lang.pick("未确认", "not acknowledged");
        display.show(
            acks,
            format!(
                "{rate:.0}/s  p50 {:.1} ms  p99 {:.1} ms  p99.9 {:.1} ms  {unanswered} {}",
                p.p50_ms,
                p.p99_ms,
                p.p99_9_ms,
                sent - acks
            ),
        );
    }
}

/// The rate over about the last second.
struct Recent {
    acks: u64,
    at: Instant,
    rate: f64,
}

impl Recent {
    fn update(&mut self, acks: u64) -> f64 {
        let passed = self.at.elapsed().as_secs_f64();
        if passed >= 1.0 || self.rate == 0.0 {
            self.rate = (acks - self.acks) as f64 / passed.max(0.001);
            (self.acks, self.at) = (acks, Instant::now());
        }
        self.rate
    }
}

/// Shows how far the workers have come.
pub struct Waiting {
    lang: Lang,
    display: Option<Display>,
}

impl Waiting {
    /// Shows nothing yet.
    pub fn new(lang: Lang) -> Self {
        Self { lang, display: None }
    }

    /// Shows how many notices are done, and how many of the proposals wait.
    pub fn show(&mut self, done: i64, wanted: usize, held: i64) {
        let label = self.lang.pick("入库", "applying");
        let display = self
            .display
            .get_or_insert_with(|| Display::new(label, wanted as u64));
        let waiting = self.lang.pick("等待前序", "waiting for a predecessor");
        display.show(done.unsigned_abs(), format!("{waiting}: {held}"));
    }
}
