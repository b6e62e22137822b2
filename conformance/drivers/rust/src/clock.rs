//! A clock whose sleeps take no time.
//!
//! Rules of this file:
//! - Sleeping moves the clock instead of waiting: when nobody who takes part is awake, the clock jumps to the earliest
//!   wake-up and wakes that one sleeper. So concurrent calls wake in the order of virtual time.
//! - Who is in a network call is awake. With a `scale` (real seconds of one virtual second) time also flows meanwhile,
//!   and timers of sockets shrink by it; without one, only sleeps move the clock.
//! - A scenario has one thread: a jump waits for some turns of its runtime, after which nothing can be under way.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use futures::future::BoxFuture;
use futures::FutureExt as _;
use llm_forge_runtime::clock::{real_sleep, Clock};

const HOPS: usize = 8;

struct Sleeper {
    id: u64,
    wake: f64,
    waker: Option<Waker>,
}

#[derive(Default)]
struct State {
    offset: f64,
    wall: f64,
    awake: i64,
    sleepers: Vec<Sleeper>,
    last_id: u64,
    advancing: bool,
}

/// Time that begins at 0; cloning gives the same clock.
#[derive(Clone)]
pub struct VirtualClock(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    scale: Option<f64>,
    jump: bool,
    start: Instant,
    note: Box<dyn Fn(f64) + Send + Sync>,
}

impl VirtualClock {
    /// A clock; `note` is told every sleep. With `jump` false it only flows.
    pub fn new(scale: Option<f64>, jump: bool, wall: f64, note: Box<dyn Fn(f64) + Send + Sync>) -> Self {
        let state = Mutex::new(State { wall, ..State::default() });
        Self(Arc::new(Inner { state, scale, jump, start: Instant::now(), note }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn flowed(&self) -> f64 {
        self.0.scale.map_or(0.0, |scale| self.0.start.elapsed().as_secs_f64() / scale)
    }

    /// Let the time of day jump; `now` does not notice.
    pub fn jump_wall(&self, seconds: f64) {
        self.state().wall += seconds;
    }

    /// One more takes part, awake.
    pub fn begin(&self) {
        self.state().awake += 1;
    }

    /// One of those awake takes part no more.
    pub fn end(&self) {
        self.state().awake -= 1;
        self.advance();
    }

    /// Do something at a time from now; `hold`: time does not jump between the action and taking it back.
    pub fn watch(&self, seconds: f64, hold: bool, action: impl FnOnce() + Send + 'static) -> Watch {
        let (fired, clock) = (Arc::new(AtomicBool::new(false)), self.clone());
        let mut sleep = Sleep::new(self.clone(), seconds, false);
        sleep.register();
        let told = fired.clone();
        let task = tokio::spawn(async move {
            sleep.await;
            told.store(true, Ordering::SeqCst);
            action();
            if !hold {
                clock.end();
            }
        });
        Watch { clock: self.clone(), fired, hold, task }
    }

    /// Jump, some turns from now, if then nobody is awake.
    fn advance(&self) {
        {
            let mut state = self.state();
            if state.awake > 0 || state.advancing || !self.0.jump {
                return;
            }
            state.advancing = true;
        }
        let clock = self.clone();
        tokio::spawn(async move {
            for _ in 0..HOPS {
                tokio::task::yield_now().await;
            }
            clock.jump_to_next();
        });
    }

    fn jump_to_next(&self) {
        let now = self.now();
        let mut state = self.state();
        state.advancing = false;
        if state.awake > 0 {
            return;
        }
        let finite = state.sleepers.iter().enumerate().filter(|(_, one)| one.wake.is_finite());
        let first =
            finite.min_by(|(_, one), (_, two)| one.wake.total_cmp(&two.wake).then(one.id.cmp(&two.id)));
        let Some((at, _)) = first else { return };
        let sleeper = state.sleepers.remove(at);
        state.offset += (sleeper.wake - now).max(0.0);
        state.awake += 1;
        drop(state);
        if let Some(waker) = sleeper.waker {
            waker.wake();
        }
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> f64 {
        self.flowed() + self.state().offset
    }

    fn wall(&self) -> f64 {
        let now = self.now();
        self.state().wall + now
    }

    fn sleep(&self, seconds: f64) -> BoxFuture<'static, ()> {
        (self.0.note)(seconds);
        Sleep::new(self.clone(), seconds, true).boxed()
    }

    fn timer(&self, seconds: f64) -> BoxFuture<'static, ()> {
        real_sleep(seconds * self.0.scale.unwrap_or(1.0))
    }
}

/// Something that happens later, unless it is taken back.
pub struct Watch {
    clock: VirtualClock,
    fired: Arc<AtomicBool>,
    hold: bool,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.fired.load(Ordering::SeqCst) {
            self.task.abort();
        } else if self.hold {
            self.clock.end();
        }
    }
}

/// Someone asleep. `counted` are those who were awake before.
struct Sleep {
    clock: VirtualClock,
    seconds: f64,
    counted: bool,
    id: Option<u64>,
    wake: f64,
    flow: Option<BoxFuture<'static, ()>>,
    over: bool,
}

impl Sleep {
    fn new(clock: VirtualClock, seconds: f64, counted: bool) -> Self {
        Self { clock, seconds, counted, id: None, wake: f64::INFINITY, flow: None, over: false }
    }

    fn register(&mut self) {
        self.wake = self.clock.now() + self.seconds;
        if self.clock.0.scale.is_some() && self.seconds.is_finite() {
            self.flow = Some(self.clock.timer(self.seconds));
        }
        let mut state = self.clock.state();
        state.last_id += 1;
        let id = state.last_id;
        state.sleepers.push(Sleeper { id, wake: self.wake, waker: None });
        state.awake -= i64::from(self.counted);
        self.id = Some(id);
    }

    /// Still among the sleepers: no jump has woken it.
    fn leave(&self) -> bool {
        let mut state = self.clock.state();
        let before = state.sleepers.len();
        state.sleepers.retain(|one| Some(one.id) != self.id);
        state.sleepers.len() < before
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.id.is_none() {
            self.register();
        }
        let flowed = self.flow.as_mut().is_some_and(|flow| flow.poll_unpin(cx).is_ready());
        let id = self.id;
        {
            let mut state = self.clock.state();
            let sleeper = state.sleepers.iter_mut().find(|one| Some(one.id) == id);
            if let Some(sleeper) = sleeper {
                sleeper.waker = Some(cx.waker().clone());
            } else {
                drop(state);
                self.over = true;
                return Poll::Ready(());
            }
        }
        if flowed || self.clock.now() >= self.wake {
            self.over = true;
            if self.leave() {
                self.clock.begin();
            }
            return Poll::Ready(());
        }
        self.clock.advance();
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if self.id.is_some() && !self.over && self.leave() && self.counted {
            self.clock.begin();
        }
    }
}
