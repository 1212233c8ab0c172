//! Exec to ready.

use crate::args::Args;
use crate::figures::Figures;
use crate::service::Service;
use crate::stage::Stage;

pub async fn measure(args: &Args, figures: &mut Figures) -> anyhow::Result<()> {
    println!("start-up");
    let stage = Stage::set_up(&args.programs).await?;
    // The first of all declares the topology, once and for ever.
    stage.receiver().await?.service.stop().await?;
    for _ in 0..args.extent().starts {
        // One after the other, or each would wait for the other's processor.
        note("receiver_start_ms", stage.start_receiver()?.service, figures).await?;
        note("worker_start_ms", stage.start_worker()?, figures).await?;
    }
    Ok(())
}

async fn note(figure: &str, mut service: Service, figures: &mut Figures) -> anyhow::Result<()> {
    let took = service.ready().await?;
    figures.add(figure, took.as_secs_f64() * 1_000.0);
    service.stop().await
}
