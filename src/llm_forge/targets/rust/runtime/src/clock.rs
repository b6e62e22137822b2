//! Where time and chance come from; both can be replaced, so that tests take no time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::future::BoxFuture;
use futures::FutureExt as _;

/// Time, in seconds.
pub trait Clock: Send + Sync {
    /// Monotonic time.
    fn now(&self) -> f64;

    /// Seconds since the epoch.
    fn wall(&self) -> f64;

    /// Sleeps; dropping the future ends the sleep. An infinite sleep only ends by being dropped.
    fn sleep(&self, seconds: f64) -> BoxFuture<'static, ()>;

    /// The same, for something that the network is also about to end.
    fn timer(&self, seconds: f64) -> BoxFuture<'static, ()>;
}

/// The machine's own clocks.
#[derive(Debug)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }

    fn wall(&self) -> f64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
    }

    fn sleep(&self, seconds: f64) -> BoxFuture<'static, ()> {
        real_sleep(seconds)
    }

    fn timer(&self, seconds: f64) -> BoxFuture<'static, ()> {
        real_sleep(seconds)
    }
}

/// Sleeps in real time.
#[must_use]
pub fn real_sleep(seconds: f64) -> BoxFuture<'static, ()> {
    match Duration::try_from_secs_f64(seconds.max(0.0)) {
        Ok(time) => tokio::time::sleep(time).boxed(),
        Err(_) => futures::future::pending().boxed(),
    }
}

/// A source of chance: uniform in [0, 1].
pub type Chance = std::sync::Arc<dyn Fn() -> f64 + Send + Sync>;
