//! Work that goes on when nobody waits for it any more.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

/// Where work goes on.
#[derive(Debug, Clone)]
pub(super) struct Elsewhere {
    pub runtime: Handle,
    pub tasks: TaskTracker,
}

/// A future that is never cancelled: dropped before its end, it becomes a task. Costs no task until then, since
/// hardly any is dropped.
pub(super) struct Finishing<T: 'static> {
    work: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
    elsewhere: Elsewhere,
}

impl Elsewhere {
    pub fn start(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn_on(work, &self.runtime);
    }

    pub fn finish<T>(&self, work: impl Future<Output = T> + Send + 'static) -> Finishing<T> {
        Finishing {
            work: Some(Box::pin(work)),
            elsewhere: self.clone(),
        }
    }
}

impl<T> Future for Finishing<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let Some(work) = &mut self.work else {
            return Poll::Pending;
        };
        let polled = work.as_mut().poll(context);
        if polled.is_ready() {
            self.work = None;
        }
        polled
    }
}

impl<T> Drop for Finishing<T> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            self.elsewhere.start(async move { drop(work.await) });
        }
    }
}
