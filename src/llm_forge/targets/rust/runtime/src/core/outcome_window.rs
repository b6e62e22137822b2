//! Outcomes of the last seconds, counted in a ring of buckets.

/// Outcomes of one bucket or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All.
    pub total: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that were slow.
    pub slow: u64,
}

/// Sums over a sliding window; adding and reading cost the same whatever the traffic.
#[derive(Clone, Debug)]
pub struct OutcomeWindow {
    width: f64,
    buckets: Vec<(i64, Counts)>,
}

impl OutcomeWindow {
    /// A window of so many seconds in so many buckets.
    #[must_use]
    pub fn new(seconds: f64, buckets: u32) -> Self {
        let width = seconds / f64::from(buckets);
        Self { width, buckets: vec![(i64::MIN, Counts::default()); buckets as usize] }
    }

    /// Forget everything.
    pub fn clear(&mut self) {
        self.buckets.fill((i64::MIN, Counts::default()));
    }

    /// Count one outcome.
    pub fn add(&mut self, now: f64, failed: bool, slow: bool) {
        let number = self.number(now);
        let place = usize::try_from(number.rem_euclid(self.length())).unwrap_or_default();
        let bucket = &mut self.buckets[place];
        if bucket.0 != number {
            *bucket = (number, Counts::default());
        }
        bucket.1.total += 1;
        bucket.1.failed += u64::from(failed);
        bucket.1.slow += u64::from(slow);
    }

    /// All outcomes, failed ones and slow ones of the window that ends now.
    #[must_use]
    pub fn totals(&self, now: f64) -> Counts {
        let oldest = self.number(now) - self.length() + 1;
        let recent = self.buckets.iter().filter(|(number, _)| *number >= oldest);
        recent.fold(Counts::default(), |sum, (_, one)| Counts {
            total: sum.total + one.total,
            failed: sum.failed + one.failed,
            slow: sum.slow + one.slow,
        })
    }

    #[allow(clippy::cast_possible_truncation)] // a saturating cast of any instant is right
    fn number(&self, now: f64) -> i64 {
        (now / self.width).floor() as i64
    }

    fn length(&self) -> i64 {
        i64::try_from(self.buckets.len()).unwrap_or(i64::MAX)
    }
}
