//! Options by their names, with values of JSON; durations are seconds. What configuration files and variables use.

use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::auth::Auth;
use super::core::errors::{Error, Kind, Result};
use super::core::limiter::{Limit, Mode, Oversize};
use super::core::profile::Unit;
use super::options::{CallOptions, ClientOptions, Timeout};

const NAMES: [&str; 35] = [
    "adaptive_concurrency",
    "adaptive_throttle",
    "allow_insecure_http",
    "api_key",
    "attempt_timeout",
    "auth",
    "backoff_factor",
    "base_url",
    "breaker",
    "ca_bundle",
    "call_metadata",
    "concurrency",
    "config",
    "connect_timeout",
    "first_event_timeout",
    "headers",
    "hedge_after",
    "idle_timeout",
    "limiter_mode",
    "limits",
    "max_attempts",
    "max_backoff",
    "max_limit_wait",
    "max_server_wait",
    "oversize",
    "pool",
    "pool_timeout",
    "proxy",
    "respect_retry_after",
    "secret_headers",
    "stall_timeout",
    "strict",
    "strict_completion",
    "timeout",
    "trust_env",
];

/// What other libraries call our options.
const ELSEWHERE: [(&str, &str); 8] = [
    ("api_base", "base_url"),
    ("default_headers", "headers"),
    ("endpoint", "base_url"),
    ("http_client", "transport"),
    ("max_retries", "max_attempts (it counts the first attempt too)"),
    ("request_timeout", "timeout"),
    ("retries", "max_attempts (it counts the first attempt too)"),
    ("token", "api_key"),
];
const LEAST_LIKENESS: f64 = 0.5;

impl ClientOptions {
    /// Sets an option by its name.
    ///
    /// # Errors
    /// [`Error::Config`] proposes the nearest name for one that is not known, or says what value is expected.
    pub fn set(&mut self, name: &str, value: &Value) -> Result<()> {
        if set_number(&mut self.calls, name, value)? || set_flag(self, name, value)? {
            return Ok(());
        }
        match name {
            "timeout" => self.calls.timeout = Some(timeout(value)?),
            "max_attempts" => self.calls.max_attempts = Some(whole(name, value)?),
            "concurrency" => self.concurrency = Some(whole(name, value)?),
            "adaptive_throttle" => self.adaptive_throttle = Some(number(name, value)?),
            "api_key" => self.api_key = Some(text(name, value)?.into()),
            "base_url" => self.base_url = Some(text(name, value)?),
            "proxy" => self.proxy = Some(text(name, value)?.into()),
            "ca_bundle" => self.ca_bundle = Some(PathBuf::from(text(name, value)?)),
            "config" => self.config = vec![PathBuf::from(text(name, value)?)],
            "auth" if *value == "none" => self.auth = Some(Auth::None),
            "auth" => return Err(expected(name, "none; other credentials are types")),
            "headers" => self.headers = pairs(name, value)?,
            "secret_headers" => self.secret_headers = texts(name, value)?,
            "trusted_origins" => self.trusted_origins = texts(name, value)?,
            "call_metadata" => {
                self.calls.metadata =
                    value.as_object().cloned().ok_or_else(|| expected(name, "a mapping"))?;
            }
            "limits" => self.limits = limits(value)?,
            "breaker" => self.breaker = object(name, value)?,
            "pool" => self.pool = object(name, value)?,
            "limiter_mode" => {
                self.limiter_mode =
                    word(name, value, &[("bucket", Mode::Bucket), ("sliding", Mode::Sliding)])?;
            }
            "oversize" => {
                let words = [("refuse", Oversize::Refuse), ("admit-when-full", Oversize::AdmitWhenFull)];
                self.oversize = word(name, value, &words)?;
            }
            _ => return Err(Error::new(Kind::Config, unknown(name, "client option", &NAMES))),
        }
        Ok(())
    }
}

/// Whether this was an option that is a number of seconds, or a factor.
fn set_number(calls: &mut CallOptions, name: &str, value: &Value) -> Result<bool> {
    let place = match name {
        "attempt_timeout" => &mut calls.attempt_timeout,
        "first_event_timeout" => &mut calls.first_event_timeout,
        "idle_timeout" => &mut calls.idle_timeout,
        "stall_timeout" => &mut calls.stall_timeout,
        "max_server_wait" => &mut calls.max_server_wait,
        "max_limit_wait" => &mut calls.max_limit_wait,
        "max_backoff" => &mut calls.max_backoff,
        "hedge_after" => &mut calls.hedge_after,
        "connect_timeout" => &mut calls.connect_timeout,
        "pool_timeout" => &mut calls.pool_timeout,
        "backoff_factor" => &mut calls.backoff_factor,
        _ => return Ok(false),
    };
    *place = Some(number(name, value)?);
    Ok(true)
}

/// Whether this was an option that is true or false.
fn set_flag(options: &mut ClientOptions, name: &str, value: &Value) -> Result<bool> {
    let flag = || value.as_bool().ok_or_else(|| expected(name, "true or false"));
    match name {
        "respect_retry_after" => options.calls.respect_retry_after = Some(flag()?),
        "strict" => options.calls.strict = Some(flag()?),
        "strict_completion" => options.calls.strict_completion = Some(flag()?),
        "allow_insecure_http" => options.allow_insecure_http = flag()?,
        "adaptive_concurrency" => options.adaptive_concurrency = flag()?,
        "trust_env" => options.trust_env = Some(flag()?),
        "http2" if flag()? => {
            return Err(Error::new(Kind::Config, "http2: this runtime speaks HTTP/1.1 only; leave it out"));
        }
        "http2" => {}
        _ => return Ok(false),
    }
    Ok(true)
}

fn expected(name: &str, what: &str) -> Error {
    Error::new(Kind::Config, format!("{name}: expected {what}"))
}

fn text(name: &str, value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).ok_or_else(|| expected(name, "a text"))
}

fn number(name: &str, value: &Value) -> Result<f64> {
    value.as_f64().ok_or_else(|| expected(name, "a number"))
}

fn whole(name: &str, value: &Value) -> Result<u32> {
    let found = value.as_u64().and_then(|count| u32::try_from(count).ok());
    found.ok_or_else(|| expected(name, "a whole number above 0"))
}

fn timeout(value: &Value) -> Result<Timeout> {
    if value.is_null() {
        return Ok(Timeout::Never);
    }
    number("timeout", value).map(Timeout::After)
}

fn texts(name: &str, value: &Value) -> Result<Vec<String>> {
    let entries = value.as_array().ok_or_else(|| expected(name, "a list of texts"))?;
    entries.iter().map(|entry| text(name, entry)).collect()
}

fn pairs(name: &str, value: &Value) -> Result<Vec<(String, String)>> {
    let fields = value.as_object().ok_or_else(|| expected(name, "a mapping of texts"))?;
    fields.iter().map(|(key, entry)| Ok((key.clone(), text(name, entry)?))).collect()
}

fn word<T: Copy>(name: &str, value: &Value, words: &[(&str, T)]) -> Result<T> {
    let found = words.iter().find(|(word, _)| value == *word).map(|(_, meaning)| *meaning);
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    found.ok_or_else(|| expected(name, &known.join(" or ")))
}

fn object<T: DeserializeOwned>(name: &str, value: &Value) -> Result<T> {
    serde_json::from_value(value.clone())
        .map_err(|error| Error::new(Kind::Config, format!("{name}: {error}")))
}

fn limits(value: &Value) -> Result<Vec<Limit>> {
    let entries = value.as_array().ok_or_else(|| expected("limits", "a list"))?;
    entries.iter().map(limit).collect()
}

fn limit(value: &Value) -> Result<Limit> {
    let units = [
        ("requests", Unit::Requests),
        ("tokens", Unit::Tokens),
        ("input", Unit::Input),
        ("output", Unit::Output),
    ];
    Limit {
        unit: word("limits.unit", &value["unit"], &units)?,
        amount: number("limits.amount", &value["amount"])?,
        period: number("limits.period", &value["period"])?,
        burst: value.get("burst").filter(|one| !one.is_null()).map(|one| number("burst", one)).transpose()?,
        models: value["models"].as_str().map(str::to_owned),
    }
    .checked()
}

/// A sentence on a name that is not known, with the nearest one that is.
pub(super) fn unknown(name: &str, what: &str, known: &[&str]) -> String {
    let candidates = known.iter().map(|one| (*one, *one)).chain(ELSEWHERE);
    let judged = candidates.map(|(one, meant)| (likeness(name, one), meant));
    match judged.max_by(|one, other| one.0.total_cmp(&other.0)) {
        Some((likeness, meant)) if likeness > LEAST_LIKENESS => {
            format!("Unknown {what} {name}; did you mean {meant}?")
        }
        _ => format!("Unknown {what} {name}"),
    }
}

/// 1 for equal names and 0 for those with nothing in common: the share of letters that need no edit.
#[allow(clippy::cast_precision_loss)] // names are short
fn likeness(one: &str, other: &str) -> f64 {
    let letters: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=letters.len()).collect();
    let mut length = 0;
    for letter in one.chars() {
        let mut diagonal = row[0];
        length += 1;
        row[0] = length;
        for (at, candidate) in letters.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *candidate);
            diagonal = row[at + 1];
            row[at + 1] = replaced.min(diagonal + 1).min(row[at] + 1);
        }
    }
    1.0 - row[letters.len()] as f64 / length.max(letters.len()).max(1) as f64
}
