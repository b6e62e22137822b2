//! How long a server asks us to wait.

use super::durations::parse_number;
use super::headers::Headers;
use super::profile::LimitHeaders;
use super::rate_headers::observe;
use super::retry::is_throttling;
use super::timestamps::{parse_http_date, server_now};

/// Seconds of the first valid of `retry-after-ms` and `Retry-After`; `None` if there is none.
///
/// A date is taken relative to the response's own Date, else to `wall_now`. Negative, unparsable and over-long
/// values count as absent; 0 is a valid answer and means no wait.
#[must_use]
pub fn retry_after(headers: &Headers, wall_now: f64) -> Option<f64> {
    let milliseconds = headers.get_all("retry-after-ms").find_map(parse_number);
    let seconds = || headers.get_all("retry-after").find_map(|text| seconds(text, headers, wall_now));
    milliseconds.map(|number| number / 1000.0).or_else(seconds)
}

/// Seconds to wait before the next attempt, `None` where the server asks for none (0 included).
///
/// Without a valid `Retry-After`, a throttling status (429, 498, 529) takes the reset of its exhausted families,
/// the latest of several. A 2xx status asks for nothing, whatever its fields say.
#[must_use]
pub fn server_wait(headers: &Headers, status: u16, limits: &[LimitHeaders], wall_now: f64) -> Option<f64> {
    if status < 300 {
        return None;
    }
    let reset = || is_throttling(status).then(|| longest_reset(headers, limits, wall_now)).flatten();
    retry_after(headers, wall_now).or_else(reset).filter(|wait| *wait > 0.0)
}

/// The server's own word in `x-should-retry`; `None` if it gives none.
#[must_use]
pub fn should_retry(headers: &Headers) -> Option<bool> {
    match headers.get("x-should-retry")?.trim_matches([' ', '\t']).to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn seconds(text: &str, headers: &Headers, wall_now: f64) -> Option<f64> {
    let of_date = || Some(parse_http_date(text, wall_now)? - server_now(headers, wall_now));
    parse_number(text).or_else(of_date).filter(|delay| *delay >= 0.0)
}

fn longest_reset(headers: &Headers, limits: &[LimitHeaders], wall_now: f64) -> Option<f64> {
    let families = observe(headers, limits, 0.0, wall_now).into_iter();
    families.filter(|one| one.remaining == Some(0.0)).filter_map(|one| one.resets_at).reduce(f64::max)
}
