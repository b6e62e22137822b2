//! The instant by which a call must have ended.

/// Seconds; with less left no attempt starts.
pub const MIN_ATTEMPT: f64 = 0.010;

/// An absolute monotonic instant in seconds; `None` is no deadline.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Deadline {
    /// When.
    pub at: Option<f64>,
}

impl Deadline {
    /// The deadline so many seconds from now.
    #[must_use]
    pub fn after(seconds: Option<f64>, now: f64) -> Self {
        Self { at: seconds.map(|seconds| now + seconds) }
    }

    /// Seconds left, negative once it has passed; `None` without a deadline.
    #[must_use]
    pub fn left(self, now: f64) -> Option<f64> {
        self.at.map(|at| at - now)
    }

    /// Whether it has been reached.
    #[must_use]
    pub fn expired(self, now: f64) -> bool {
        self.at.is_some_and(|at| now >= at)
    }

    /// Whether a wait of so many seconds may begin: it must end by the deadline.
    #[must_use]
    pub fn allows(self, wait: f64, now: f64) -> bool {
        self.at.is_none_or(|at| now + wait <= at)
    }

    /// The earlier of the two.
    #[must_use]
    pub fn tighten(self, other: Self) -> Self {
        match (self.at, other.at) {
            (Some(one), Some(two)) => Self { at: Some(one.min(two)) },
            (one, two) => Self { at: one.or(two) },
        }
    }

    /// The smaller of a phase's own limit and the time left, never negative; `None` for neither.
    #[must_use]
    pub fn timer(self, limit: Option<f64>, now: f64) -> Option<f64> {
        match (limit, self.left(now)) {
            (Some(limit), Some(left)) => Some(limit.min(left.max(0.0))),
            (limit, left) => limit.or(left.map(|left| left.max(0.0))),
        }
    }
}
