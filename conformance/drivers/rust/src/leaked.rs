//! Facts of providers from JSON. The runtime knows them as `'static`, as generated SDKs have them, so what comes
//! from JSON is kept for as long as the driver runs.

use llm_forge_runtime::core::profile::{LimitHeaders, Names, ResetForm, ResetMeaning, Unit};
use serde_json::Value;

/// A text that stays.
pub fn text(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

/// A list that stays.
pub fn list<T>(entries: Vec<T>) -> &'static [T] {
    Box::leak(entries.into_boxed_slice())
}

/// A list of texts that stays.
pub fn names(value: &Value) -> Names {
    list(value.as_array().into_iter().flatten().filter_map(Value::as_str).map(text).collect())
}

/// The text of a field, if it has one.
pub fn optional(value: &Value) -> Option<&'static str> {
    value.as_str().map(text)
}

/// The unit of a word.
pub fn unit(word: Option<&str>) -> Unit {
    match word {
        Some("requests") => Unit::Requests,
        Some("tokens") => Unit::Tokens,
        Some("input") => Unit::Input,
        Some("output") => Unit::Output,
        _ => Unit::Other,
    }
}

/// One rate-limit family.
pub fn limit_headers(rule: &Value) -> LimitHeaders {
    LimitHeaders {
        family: text(rule["family"].as_str().unwrap_or_default()),
        unit: unit(rule["unit"].as_str()),
        limit: text(rule["limit"].as_str().unwrap_or_default()),
        remaining: text(rule["remaining"].as_str().unwrap_or_default()),
        reset: optional(&rule["reset"]),
        reset_form: match rule["reset_form"].as_str() {
            Some("seconds") => ResetForm::Seconds,
            Some("epoch") => ResetForm::Epoch,
            Some("rfc3339") => ResetForm::Rfc3339,
            _ => ResetForm::Duration,
        },
        reset_meaning: match rule["reset_meaning"].as_str() {
            Some("refill") => ResetMeaning::Refill,
            _ => ResetMeaning::Window,
        },
        period: rule["period"].as_f64(),
    }
}
