//! Waiters held by one pause or window leave one after another, not in one tick.

const LONGEST_SPREAD: f64 = 5.0;
const SPACING: f64 = 0.050;

/// Spaces the grants after a hold: at the limiter's rate, else evenly over min(5 s, waiters x 50 ms).
///
/// The first waiter goes when the hold ends; the spacing covers those who waited then, not later ones.
#[derive(Debug)]
pub(super) struct Release {
    pub(super) not_before: f64,
    armed: bool,
    left: usize,
    spacing: f64,
}

impl Default for Release {
    fn default() -> Self {
        Self { not_before: f64::NEG_INFINITY, armed: false, left: 0, spacing: SPACING }
    }
}

impl Release {
    /// Somebody is held: the next grant from the queue begins a release.
    pub(super) fn arm(&mut self) {
        self.armed = true;
    }

    /// A waiter was granted and so many still wait; `step` is the seconds its cost takes to refill.
    pub(super) fn granted(&mut self, step: f64, waiting: usize, now: f64) {
        if self.armed {
            self.armed = false;
            self.left = waiting;
            self.spacing = spacing(waiting + 1);
        } else if self.left > 0 {
            self.left = waiting.min(self.left - 1);
        }
        let pause = if step > 0.0 { step } else { self.spacing };
        self.not_before = if self.left > 0 { now + pause } else { f64::NEG_INFINITY };
    }

    /// Seconds after the hold's end at which a waiter with so many before it may expect to go.
    pub(super) fn delay(ahead: usize, step: f64) -> f64 {
        count(ahead) * if step > 0.0 { step } else { spacing(ahead + 1) }
    }
}

fn spacing(waiters: usize) -> f64 {
    SPACING.min(LONGEST_SPREAD / count(waiters))
}

#[allow(clippy::cast_precision_loss)] // a queue's length
fn count(waiters: usize) -> f64 {
    waiters as f64
}
