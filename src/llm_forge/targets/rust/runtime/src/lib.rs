//! Runtime of the Rust SDKs that LLM-Forge generates: one client that is told of providers and operations by data.
//!
//! [`Client`] makes calls and streams of an [`Operation`](core::profile::Operation) at a
//! [`Profile`](core::profile::Profile). Inside, pure decisions ([`core`]) say whether, when and what; the rest waits
//! and sends. Files refer to each other by relative paths, so that the source can stand in a module of an SDK.
#![forbid(unsafe_code)]
#![deny(missing_docs)]
// Allowed, with reasons: a name that repeats its module's is what users import on its own.
#![allow(clippy::module_name_repetitions)]
// A table of cases, each on its line, is read more easily than one arm with all that give the same.
#![allow(clippy::match_same_arms, clippy::single_match_else)]
// Words that differ by one letter are told apart by their types.
#![allow(clippy::similar_names)]

mod arrival;
mod atomic_file;
mod attempt;
pub mod auth;
mod base_url;
mod body;
mod builder;
mod call;
mod client;
pub mod clock;
mod config_file;
pub mod core;
mod download;
mod fetch;
mod forms;
mod gate;
mod head_guard;
mod hedge;
pub mod middleware;
mod named;
mod oauth2;
pub mod observability;
pub mod options;
mod pages;
mod pool;
mod proxy;
mod pump;
mod request;
mod request_body;
mod resolve;
mod retry_loop;
mod shared;
mod stream;
#[cfg(feature = "tracing")]
pub mod tracing_hook;
pub mod transport;
mod upload;
mod webhooks;

pub use auth::Auth;
pub use builder::ClientBuilder;
pub use client::{Answer, Client};
pub use config_file::secret_in_file;
pub use core::accumulate::Completion;
pub use core::errors::{Error, Kind, Result};
pub use core::finite::to_json;
pub use core::reader::Event;
pub use core::webhooks::WebhookScheme;
pub use download::{Download, Lines};
pub use fetch::{fetch_url, Fetched};
pub use middleware::Middleware;
pub use oauth2::{OAuth2, OnRefreshToken};
pub use options::{CallOptions, ClientOptions, Timeout};
pub use pages::Page;
pub use pool::{HyperTransport, PoolLimits};
pub use proxy::Proxies;
pub use request::Params;
pub use request_body::RequestBody;
pub use secrecy::{ExposeSecret, SecretString};
pub use stream::EventStream;
pub use tokio_util::sync::CancellationToken;
pub use upload::Upload;
pub use webhooks::verify_webhook;
