//! A client's and a call's options from their JSON, by the names of the contract.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use llm_forge_runtime::core::errors::Result;
use llm_forge_runtime::core::profile::ClientAuth;
use llm_forge_runtime::{
    secret_in_file, Auth, CallOptions, ClientOptions, Error, Kind, OAuth2, SecretString, Timeout,
};
use serde_json::{json, Value};

use crate::arguments::Said;
use crate::tables::placement;

/// A client's options; `folder` has the scenario's files.
pub fn client_options(message: &Value, folder: &Path) -> Result<ClientOptions> {
    let mut options = ClientOptions::default();
    for (name, value) in message["options"].as_object().into_iter().flatten() {
        match (name.as_str(), value["file"].as_str()) {
            ("api_key", Some(file)) => options.api_key = Some(secret_in_file(&folder.join(file))?),
            (_, Some(file)) => options.set(name, &json!(folder.join(file)))?,
            ("auth", None) => options.auth = auth(value),
            _ => options.set(name, value)?,
        }
    }
    options.base_url = message["base_url"].as_str().map(str::to_owned).or(options.base_url);
    if let Some(keys) = message["keys"].as_array().filter(|keys| !keys.is_empty()) {
        options.auth = Some(key_source(keys));
    }
    Ok(options)
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
