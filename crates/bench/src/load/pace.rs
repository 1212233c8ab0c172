//! Says when something is due, to some microseconds.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
use rustix::time::{timerfd_create, timerfd_settime};
use tokio::io::unix::AsyncFd;

/// Ticks at an even rate from its making on. A timer of the kernel, because tokio's own ticks once in a millisecond: at
/// 2,000 a second that would send two at a time, up to a millisecond late. Needs a tokio runtime with I/O.
#[derive(Debug)]
pub struct Pace {
    start: Instant,
    interval: Duration,
    timer: AsyncFd<OwnedFd>,
}

impl Pace {
    /// `rate` is in ticks a second, above 0.
    pub fn new(rate: f64) -> io::Result<Self> {
        let interval = Duration::from_secs_f64(1.0 / rate).max(Duration::from_nanos(1));
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        #[expect(
            deprecated,
            reason = "unsound only for what swaps its descriptor, which an OwnedFd does not; what follows it is unsafe"
        )]
        let timer = AsyncFd::new(timer)?;
        let start = Instant::now();
        let tick = Timespec {
            tv_sec: interval.as_secs().cast_signed(),
            tv_nsec: interval.subsec_nanos().into(),
        };
        let ticks = Itimerspec {
            it_interval: tick,
            it_value: tick,
        };
        timerfd_settime(timer.get_ref(), TimerfdTimerFlags::empty(), &ticks)?;
        Ok(Self {
            start,
            interval,
            timer,
        })
    }

    /// When the tick of that number (from 0 on) is due.
    pub fn due(&self, number: u64) -> Instant {
        self.start + Duration::from_nanos(self.interval.as_nanos() as u64 * (number + 1))
    }

    /// Waits for a tick; how many have come due since the last call.
    pub async fn ticks(&self) -> io::Result<u64> {
        loop {
            let mut ready = self.timer.readable().await?;
            let mut count = [0; 8];
            let read = ready.try_io(|timer| Ok(rustix::io::read(timer.get_ref(), &mut count)?));
            if let Ok(read) = read {
                read?;
                return Ok(u64::from_ne_bytes(count));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ticks_come_when_they_are_due_and_none_is_lost() {
        let pace = Pace::new(1_000.0).expect("a timer");
        let mut ticks = 0;
        while ticks < 50 {
            ticks += pace.ticks().await.expect("a tick");
            assert!(pace.due(ticks - 1) <= Instant::now(), "tick {ticks} is early");
        }
        std::thread::sleep(Duration::from_millis(20));
        assert!(pace.ticks().await.expect("a tick") >= 19);
        assert_eq!(pace.due(999) - pace.due(0), Duration::from_millis(999));
    }
}
