//! Runtime of the Rust SDKs that LLM-Forge generates.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod core;
