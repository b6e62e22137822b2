//! What happens inside calls, told to hooks. A hook that panics never changes a call.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::core::call_context::CallContext;

/// One thing that happened; `name` is that of the contract, such as `attempt-start`.
#[derive(Clone, Debug)]
pub struct ClientEvent {
    /// What.
    pub name: &'static str,
    /// In which call and attempt.
    pub context: Arc<CallContext>,
    /// What else is to be said, without content and credentials.
    pub facts: Map<String, Value>,
}

/// A function that sees a client's events; it must not block.
pub type Hook = Arc<dyn Fn(&ClientEvent) + Send + Sync>;

/// Tells all hooks; what panics in one is contained.
pub(super) fn tell(hooks: &[Hook], event: &ClientEvent) {
    for hook in hooks {
        // The hook gets a shared reference to plain data, which a panic cannot leave half changed.
        let _failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| hook(event)));
    }
}
