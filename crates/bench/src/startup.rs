//! Start-up times, from exec to ready.

use crate::args::Args;
use crate::environment::Environment;
use crate::figures::Figures;
use crate::service::Service;

pub async fn measure(args: &Args, figures: &mut Figures) -> anyhow::Result<()> {
    println!("start-up");
    let environment = Environment::set_up(&args.programs).await?;
    // The very first start declares the topology, which later starts find.
    environment.receiver().await?.service.stop().await?;
    for _ in 0..args.extent().starts {
        // One after the other, because two at once would share the processor.
        note(
            "receiver_start_ms",
            environment.start_receiver()?.service,
            figures,
        )
        .await?;
        note("worker_start_ms", environment.start_worker()?, figures).await?;
    }
    Ok(())
}

async fn note(figure: &str, mut service: Service, figures: &mut Figures) -> anyhow::Result<()> {
    let took = service.ready().await?;
    figures.add(figure, took.as_secs_f64() * 1_000.0);
    service.stop().await
}
