//! Local rate limiting, fed by declared limits and by what servers report.

mod adaptive;
mod families;
mod meters;
mod model;
mod model_families;
mod queue;
mod release;

pub use meters::Mode;
pub use model::{
    Cost, Decision, FamilyState, Health, Limit, LimitSource, Refusal, Reservation, Settlement, Ticket,
};
pub use model_families::{family_of, limits_of};
pub use queue::{Limiter, LimiterOptions, Oversize};
