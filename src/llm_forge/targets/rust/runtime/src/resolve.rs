//! Every option that is given anywhere: arguments, then the environment, then files.
//!
//! The key and the credential are one choice: the first layer that gives either of them decides. Variables are read by
//! the names that the provider's own tools use for key and base URL, and for the rest as `LLM_FORGE_` and the option's
//! name in capitals; blank ones count as unset.

use std::path::PathBuf;

use serde_json::Value;

use super::config_file::options_in_file;
use super::core::errors::{Error, Kind, Result};
use super::core::profile::Profile;
use super::options::{CallOptions, ClientOptions};

const PREFIX: &str = "LLM_FORGE_";
const IN_VARIABLES: [&str; 12] = [
    "timeout",
    "max_attempts",
    "attempt_timeout",
    "first_event_timeout",
    "idle_timeout",
    "stall_timeout",
    "max_server_wait",
    "max_limit_wait",
    "max_backoff",
    "hedge_after",
    "connect_timeout",
    "pool_timeout",
];

/// The first of these variables that is set, and its value.
pub(super) fn variable(names: &[&str]) -> Option<(String, String)> {
    let value = |name: &&str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    names.iter().find_map(|name| value(name).map(|value| ((*name).to_owned(), value)))
}

/// The options with what lower layers give.
pub(super) fn resolved(profile: &Profile, given: ClientOptions) -> Result<ClientOptions> {
    let files = if given.config.is_empty() {
        variable(&["LLM_FORGE_CONFIG"]).map(|(_, path)| PathBuf::from(path.trim())).into_iter().collect()
    } else {
        given.config.clone()
    };
    let mut options = given.over(in_variables()?);
    let has_key = variable(profile.env_api_key).is_some();
    let has_base_url = variable(profile.env_base_url).is_some();
    for path in files.iter().rev() {
        let mut below = options_in_file(path, profile.name)?;
        if has_key {
            (below.api_key, below.auth) = (None, None);
        }
        if has_base_url {
            below.base_url = None;
        }
        options = options.over(below);
    }
    Ok(options)
}

fn in_variables() -> Result<ClientOptions> {
    let mut options = ClientOptions::default();
    for name in IN_VARIABLES {
        let variable_name = format!("{PREFIX}{}", name.to_ascii_uppercase());
        let Some((_, text)) = variable(&[&variable_name]) else { continue };
        let text = text.trim();
        let value = if name == "timeout" && text.eq_ignore_ascii_case("none") {
            Value::Null
        } else {
            serde_json::from_str(text).ok().filter(Value::is_number).unwrap_or_else(|| text.into())
        };
        let named = |error: Error| Error::new(Kind::Config, format!("The variable {variable_name}: {error}"));
        options.set(name, &value).map_err(named)?;
    }
    Ok(options)
}

macro_rules! first_given {
    ($above:ident, $below:ident: $($name:ident),*) => {
        $($above.$name = $above.$name.take().or($below.$name);)*
    };
}

impl CallOptions {
    fn or(mut self, below: Self) -> Self {
        first_given!(self, below: timeout, max_attempts, attempt_timeout, first_event_timeout, idle_timeout,
            stall_timeout, max_server_wait, max_limit_wait, max_backoff, backoff_factor, respect_retry_after,
            connect_timeout, pool_timeout, strict_completion, strict, hedge_after);
        if self.metadata.is_empty() {
            self.metadata = below.metadata;
        }
        self
    }
}

impl ClientOptions {
    /// These options, and where they say nothing those of a lower layer.
    fn over(mut self, below: Self) -> Self {
        if self.api_key.is_none() && self.auth.is_none() {
            (self.api_key, self.auth) = (below.api_key, below.auth);
        }
        first_given!(self, below: base_url, ca_bundle, concurrency, adaptive_throttle, proxy, trust_env);
        let usual = Self::default();
        macro_rules! unless_given {
            ($($name:ident),*) => {
                $(if self.$name == usual.$name {
                    self.$name = below.$name;
                })*
            };
        }
        unless_given!(
            headers,
            secret_headers,
            trusted_origins,
            limits,
            pool,
            breaker,
            limiter_mode,
            oversize,
            allow_insecure_http,
            adaptive_concurrency
        );
        self.calls = self.calls.or(below.calls);
        self
    }
}
