//! What the generated code stands on beside the runtime.

// What of it is used depends on the description.
#![allow(dead_code, unused_imports, unused_macros)]

mod arguments;
mod model;
mod stream;

pub(crate) use arguments::{with_body, Arguments};
pub(crate) use model::{fits, into_union, open_enum, present, recast, tagged_union, untagged_union};

pub use model::Object;
pub use stream::MessageStream;
