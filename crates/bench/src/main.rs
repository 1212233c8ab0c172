//! Only for trying: writes the sample's picture, or loads a receiver.
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use xiebao_bench::load;
use xiebao_bench::report::{Results, picture, text};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let word = |index: usize| args.get(index).map_or("", String::as_str);
    if word(0) == "picture" {
        let results = Results::from_json(&std::fs::read_to_string(word(1))?)?;
        print!("{}", text::report(&results));
        std::fs::write(word(2), picture::svg(&results))?;
        return Ok(());
    }
    // closed ADDRESS CONNECTIONS PID BODIES | open ADDRESS RATE PID BODIES
    let address: SocketAddr = word(1).parse()?;
    let pid: u32 = word(3).parse()?;
    let bodies: Arc<[Bytes]> = std::fs::read_to_string(word(4))?
        .lines()
        .map(|line| Bytes::from(line.to_owned()))
        .collect();
    if word(0) == "measure" {
        struct Constant;
        impl xiebao_bench::receiver::Beside for Constant {
            async fn raw_rate(&mut self) -> anyhow::Result<f64> {
                Ok(15_000.0)
            }
            async fn raw_p99_ms(&mut self, _rate: f64) -> anyhow::Result<f64> {
                Ok(3.0)
            }
            async fn empty_queue(&mut self) -> anyhow::Result<()> {
                Ok(())
            }
        }
        let receiver = xiebao_bench::receiver::Receiver {
            address,
            path: "/notices".to_owned(),
            pid,
            bodies,
        };
        let lengths = xiebao_bench::receiver::Lengths {
            rounds: 2,
            fixed: Duration::from_secs(2),
            ..xiebao_bench::receiver::Lengths::QUICK
        };
        let mut results = Results::default();
        xiebao_bench::receiver::measure(&receiver, &mut Constant, lengths, &mut results).await?;
        println!("{}\n{}", text::report(&results), results.to_json()?);
        return Ok(());
    }
    let before = xiebao_bench::usage::Usage::of(pid)?;
    let start = std::time::Instant::now();
    let (w, s) = (Duration::from_secs(1), Duration::from_secs(2));
    let number: f64 = word(2).parse()?;
    let loaded = match word(0) {
        "closed" => load::closed(address, "/notices", bodies, number as usize, w, s, 3).await?,
        "open" => load::open(address, "/notices", bodies, 256, number, w, s * 3).await?,
        _ => {
            println!(
                "{:?}",
                load::send_all(address, "/notices", bodies, number as usize).await?
            );
            return Ok(());
        }
    };
    let wall = start.elapsed().as_secs_f64();
    let after = xiebao_bench::usage::Usage::of(pid)?;
    println!(
        "{loaded:?}\nown CPU share {:.2}, {:.1} ms per 1,000; receiver {:.1} ms per 1,000, rss {:.1} MiB",
        loaded.own_cpu_seconds / wall,
        loaded.own_cpu_seconds * 1e6 / loaded.answered as f64,
        (after.cpu_seconds - before.cpu_seconds) * 1e6 / loaded.answered as f64,
        after.peak_rss_mb,
    );
    Ok(())
}
