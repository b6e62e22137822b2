//! A client's and a call's options from their JSON, by the names of the contract.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use llm_forge_runtime::core::errors::Result;
use llm_forge_runtime::core::profile::ClientAuth;
use llm_forge_runtime::{
    Auth, CallOptions, ClientOptions, Error, Kind, OAuth2, PoolLimits, SecretString, Timeout,
};
use serde_json::Value;

use crate::arguments::Said;
use crate::core_functions::breaker_settings;
use crate::core_limiter::{limits_of, mode, oversize};
use crate::tables::placement;

/// Options that are known here; another is a mistake that Rust's compiler finds.
const CLIENT_NAMES: [&str; 18] = [
    "api_key",
    "auth",
    "base_url",
    "headers",
    "secret_headers",
    "allow_insecure_http",
    "ca_bundle",
    "pool",
    "limits",
    "limiter_mode",
    "concurrency",
    "oversize",
    "adaptive_concurrency",
    "adaptive_throttle",
    "breaker",
    "trust_env",
    "trusted_origins",
    "http2",
];
const CALL_NAMES: [&str; 21] = [
    "timeout",
    "max_attempts",
    "attempt_timeout",
    "first_event_timeout",
    "idle_timeout",
    "stall_timeout",
    "max_server_wait",
    "max_limit_wait",
    "max_backoff",
    "backoff_factor",
    "respect_retry_after",
    "connect_timeout",
    "pool_timeout",
    "strict_completion",
    "strict",
    "hedge_after",
    "idempotency_key",
    "trace_parent",
    "extra_headers",
    "extra_query",
    "extra_body",
];

/// A client's options; `folder` has the scenario's files.
pub fn client_options(message: &Value, folder: &Path) -> std::result::Result<ClientOptions, String> {
    let given = &message["options"];
    let known = |name: &String| CLIENT_NAMES.contains(&name.as_str()) || CALL_NAMES.contains(&name.as_str());
    if let Some(name) = given.as_object().into_iter().flat_map(|all| all.keys()).find(|name| !known(name)) {
        return Err(format!("the Rust client has no option {name}"));
    }
    from_json(message, given, folder).map_err(|error| error.to_string())
}

/// The error of options that make no sense, as the client would give it.
pub fn refused(message: &Value, folder: &Path) -> Option<Error> {
    from_json(message, &message["options"], folder).err()
}

fn from_json(message: &Value, given: &Value, folder: &Path) -> Result<ClientOptions> {
    let flag = |name: &str| given[name].as_bool().unwrap_or(false);
    let pool = PoolLimits::default();
    let count =
        |value: &Value, usual: usize| value.as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(usual);
    let keys = message["keys"].as_array().filter(|keys| !keys.is_empty());
    Ok(ClientOptions {
        api_key: given["api_key"].as_str().map(SecretString::from),
        auth: match keys {
            Some(keys) => Some(key_source(keys)),
            None => auth(&given["auth"]),
        },
        base_url: message["base_url"].as_str().map(str::to_owned),
        calls: call_options(given)?,
        headers: pairs(&given["headers"]),
        secret_headers: given["secret_headers"].as_array().into_iter().flatten().map(text).collect(),
        allow_insecure_http: flag("allow_insecure_http"),
        trusted_origins: given["trusted_origins"].as_array().into_iter().flatten().map(text).collect(),
        ca_bundle: given["ca_bundle"]["file"].as_str().map(|name| folder.join(name)),
        pool: PoolLimits {
            connections: count(&given["pool"]["connections"], pool.connections),
            idle: count(&given["pool"]["idle"], pool.idle),
            idle_seconds: given["pool"]["idle_seconds"].as_f64().unwrap_or(pool.idle_seconds),
        },
        limits: limits_of(&given["limits"])?,
        limiter_mode: mode(given["limiter_mode"].as_str()),
        concurrency: given["concurrency"].as_u64().and_then(|n| u32::try_from(n).ok()),
        oversize: oversize(given["oversize"].as_str()),
        adaptive_concurrency: flag("adaptive_concurrency"),
        adaptive_throttle: given["adaptive_throttle"].as_f64(),
        breaker: breaker_settings(&given["breaker"])?,
        ..ClientOptions::default()
    })
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn pairs(value: &Value) -> Vec<(String, String)> {
    value.as_object().into_iter().flatten().map(|(name, one)| (name.clone(), text(one))).collect()
}

fn key_source(keys: &[Value]) -> Auth {
    let (keys, next) = (keys.iter().map(text).collect::<Vec<_>>(), AtomicUsize::new(0));
    Auth::Source(Arc::new(move || {
        let key = keys.get(next.fetch_add(1, Ordering::SeqCst));
        key.map(|key| SecretString::from(key.as_str())).ok_or_else(|| "no keys are left".into())
    }))
}

fn auth(given: &Value) -> Option<Auth> {
    let secret = |name: &str| SecretString::from(given[name].as_str().unwrap_or_default());
    if given == "none" {
        return Some(Auth::None);
    }
    Some(match given["kind"].as_str()? {
        "api-key" => Auth::ApiKey {
            key: secret("key"),
            placement: placement(given["placement"].as_str()),
            name: given["name"].as_str().unwrap_or_default().to_owned(),
        },
        "basic" => Auth::Basic { user: text(&given["user"]), password: secret("password") },
        "oauth2" => Auth::OAuth2(oauth2(given)),
        _ => Auth::Bearer(secret("token")),
    })
}

fn oauth2(given: &Value) -> OAuth2 {
    let word = |name: &str| given[name].as_str();
    OAuth2 {
        client_id: word("client_id").unwrap_or_default().to_owned(),
        client_secret: word("client_secret").map(SecretString::from),
        refresh_token: word("refresh_token").map(SecretString::from),
        token_url: word("token_url").map(str::to_owned),
        scopes: given["scopes"].as_array().map(|scopes| scopes.iter().map(text).collect()),
        client_auth: word("client_auth").map(|how| match how {
            "body" => ClientAuth::Body,
            _ => ClientAuth::Basic,
        }),
        ..OAuth2::default()
    }
}

/// A number that JSON has no word for.
pub fn beyond_json(value: &Value) -> Option<f64> {
    match value["beyond_json"].as_str() {
        Some("nan") => Some(f64::NAN),
        Some("infinity") => Some(f64::INFINITY),
        Some("-infinity") => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

fn seconds(value: &Value) -> Option<f64> {
    beyond_json(value).or_else(|| value.as_f64())
}

/// A call's options.
pub fn call_options(given: &Value) -> Result<CallOptions> {
    let number = |name: &str| given.get(name).and_then(seconds);
    let object = |name: &str| given[name].as_object().cloned().unwrap_or_default();
    let attempts = |value: &Value| match value.as_u64().and_then(|count| u32::try_from(count).ok()) {
        Some(count) => Ok(count),
        None => Err(Error::new(Kind::Config, "max_attempts must be a whole number from 1 to 20")),
    };
    let options = CallOptions {
        timeout: match given.get("timeout") {
            None => None,
            Some(Value::Null) => Some(Timeout::Never),
            Some(value) => seconds(value).map(Timeout::After),
        },
        max_attempts: given.get("max_attempts").map(attempts).transpose()?,
        attempt_timeout: number("attempt_timeout"),
        first_event_timeout: number("first_event_timeout"),
        idle_timeout: number("idle_timeout"),
        stall_timeout: number("stall_timeout"),
        max_server_wait: number("max_server_wait"),
        max_limit_wait: number("max_limit_wait"),
        max_backoff: number("max_backoff"),
        backoff_factor: number("backoff_factor"),
        respect_retry_after: given["respect_retry_after"].as_bool(),
        connect_timeout: number("connect_timeout"),
        pool_timeout: number("pool_timeout"),
        strict_completion: given["strict_completion"].as_bool(),
        strict: given["strict"].as_bool(),
        hedge_after: number("hedge_after"),
        idempotency_key: given["idempotency_key"].as_str().map(str::to_owned),
        trace_parent: given["trace_parent"].as_str().map(str::to_owned),
        metadata: object("call_metadata"),
        extra_headers: pairs(&given["extra_headers"]),
        extra_query: object("extra_query"),
        ..CallOptions::default()
    };
    let mut fields = given["extra_body"].as_object().into_iter().flatten();
    fields.try_fold(options, |options, (name, value)| options.extra_field(name, &Said(value)))
}
