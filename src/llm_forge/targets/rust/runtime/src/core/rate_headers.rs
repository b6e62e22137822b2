//! What a response says about the provider's rate limits (R-113, R-114).
//!
//! Rules:
//! - A family is read whole or not at all: one malformed field makes it unknown for this response, so a bad
//!   field never changes what is stored.
//! - Absolute resets are turned into a delay by the response's own Date (R-064).
//! - A family without a reset header, but with a period, is taken to refill evenly over that period.
//! - `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers) are read from every provider.

use std::collections::BTreeMap;

use super::durations::{parse_duration, parse_number};
use super::headers::Headers;
use super::profile::{LimitHeaders, ResetForm, ResetMeaning, Unit};
use super::structured_fields::parse_items;
use super::timestamps::{parse_rfc3339, server_now};

/// One family as a response reports it; what is unknown is `None`.
///
/// `resets_at` is an absolute monotonic instant: the end of the window, or when the family will have refilled.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// Its name.
    pub family: String,
    /// What it counts.
    pub unit: Unit,
    /// The limit.
    pub limit: Option<f64>,
    /// What is left.
    pub remaining: Option<f64>,
    /// When it resets.
    pub resets_at: Option<f64>,
    /// What happens then.
    pub meaning: ResetMeaning,
}

/// A field of the family is present and makes no sense.
struct Malformed;

/// The families that the response reports, in the descriptor's order, then the IETF fields.
///
/// `now` is monotonic and `wall_now` the local wall clock, both in seconds.
#[must_use]
pub fn observe(headers: &Headers, limits: &[LimitHeaders], now: f64, wall_now: f64) -> Vec<Observed> {
    let reported = limits.iter().filter(|one| headers.contains(one.limit) || headers.contains(one.remaining));
    let server = server_now(headers, wall_now);
    let known = reported.filter_map(|entry| family(headers, entry, now, server).ok().flatten());
    known.chain(standard_fields(headers, now)).collect()
}

/// The families of a throttled answer, none of them exhausted for longer than the wait it asks for.
///
/// Where an answer has Retry-After and a reset, Retry-After is the one that is meant.
#[must_use]
pub fn shortened(mut observed: Vec<Observed>, until: f64) -> Vec<Observed> {
    for one in observed.iter_mut().filter(|one| one.remaining == Some(0.0)) {
        one.resets_at = one.resets_at.map(|at| at.min(until));
    }
    observed
}

fn family(
    headers: &Headers,
    entry: &LimitHeaders,
    now: f64,
    server: f64,
) -> Result<Option<Observed>, Malformed> {
    let limit = amount(headers.get(entry.limit))?;
    let remaining = amount(headers.get(entry.remaining))?;
    let mut delay = reset(headers, entry, server)?;
    if remaining.is_none() && limit.is_none() {
        return Ok(None);
    }
    let mut meaning = entry.reset_meaning;
    if entry.reset.is_none() {
        (delay, meaning) = (even_refill(limit, remaining, entry.period), ResetMeaning::Refill);
    }
    let resets_at = delay.map(|delay| now + delay);
    Ok(Some(Observed {
        family: entry.family.to_owned(),
        unit: entry.unit,
        limit,
        remaining,
        resets_at,
        meaning,
    }))
}

/// Seconds until the family is full, if it gains its limit in a period.
fn even_refill(limit: Option<f64>, remaining: Option<f64>, period: Option<f64>) -> Option<f64> {
    let limit = limit.filter(|limit| *limit > 0.0)?;
    Some(period? * (limit - remaining?).max(0.0) / limit)
}

fn amount(text: Option<&str>) -> Result<Option<f64>, Malformed> {
    text.map(|text| parse_number(text).ok_or(Malformed)).transpose()
}

/// Seconds to the reset; `None` where the response does not say.
fn reset(headers: &Headers, entry: &LimitHeaders, server: f64) -> Result<Option<f64>, Malformed> {
    let Some(text) = entry.reset.and_then(|name| headers.get(name)) else {
        return Ok(None);
    };
    let delay = match entry.reset_form {
        ResetForm::Duration => parse_duration(text),
        ResetForm::Seconds => parse_number(text),
        ResetForm::Epoch => parse_number(text).map(|at| at - server),
        ResetForm::Rfc3339 => parse_rfc3339(text).map(|at| at - server),
    };
    delay.map(|delay| Some(delay.max(0.0))).ok_or(Malformed)
}

fn standard_fields(headers: &Headers, now: f64) -> Vec<Observed> {
    if !headers.contains("ratelimit") {
        return Vec::new();
    }
    let policies: BTreeMap<_, _> = parse_items(headers.get_all("ratelimit-policy")).into_iter().collect();
    let reports = parse_items(headers.get_all("ratelimit"));
    let read = |(name, report): (String, BTreeMap<String, String>)| {
        let policy = policies.get(&name);
        let of_policy = |key: &str| policy.and_then(|policy| policy.get(key)).map(String::as_str);
        let number = |key: &str| report.get(key).and_then(|text| parse_number(text));
        Some(Observed {
            family: format!("ratelimit:{name}"),
            unit: match of_policy("qu").unwrap_or("requests") {
                "requests" => Unit::Requests,
                "tokens" => Unit::Tokens,
                _ => Unit::Other,
            },
            limit: of_policy("q").and_then(parse_number),
            remaining: Some(number("r")?),
            resets_at: number("t").map(|delay| now + delay),
            meaning: ResetMeaning::Window,
        })
    };
    reports.into_iter().filter_map(read).collect()
}
