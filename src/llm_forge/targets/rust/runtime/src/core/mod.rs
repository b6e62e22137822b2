//! Pure decisions: bytes, numbers and times in, answers out. No clock, no chance, no I/O.

pub mod accumulate;
pub mod breaker;
pub mod budget;
pub mod call_context;
pub mod classify;
pub mod deadline;
pub mod durations;
pub mod error_body;
mod error_json;
mod error_report;
pub mod errors;
pub mod file_names;
pub mod framing;
pub mod headers;
pub mod json;
pub mod limiter;
pub mod outcome_window;
pub mod profile;
pub mod rate_headers;
pub mod reader;
pub mod redact;
pub mod retry;
pub mod server_wait;
pub mod sse;
pub mod structured_fields;
pub mod synthesise;
pub mod timestamps;
