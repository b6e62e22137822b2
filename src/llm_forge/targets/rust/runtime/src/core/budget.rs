//! The retry budget: retries are paid for by successes, so an outage is not answered by a flood.

/// Tokens of a new budget, and the most it holds.
pub const CAPACITY: u32 = 500;

/// Tokens of one client and origin; starts full and never holds more than its capacity.
#[derive(Clone, Debug)]
pub struct RetryBudget {
    capacity: u32,
    tokens: u32,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self { capacity: CAPACITY, tokens: CAPACITY }
    }
}

impl RetryBudget {
    /// Tokens left.
    #[must_use]
    pub fn tokens(&self) -> u32 {
        self.tokens
    }

    /// Whether the retry can be paid; only then are the tokens taken.
    pub fn spend(&mut self, cost: u32) -> bool {
        let left = self.tokens.checked_sub(cost);
        self.tokens = left.unwrap_or(self.tokens);
        left.is_some()
    }

    /// A retry succeeded: what it cost comes back.
    pub fn refund(&mut self, cost: u32) {
        self.tokens = self.capacity.min(self.tokens + cost);
    }
}
