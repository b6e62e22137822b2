//! Durations as servers write them and as users give them.

use super::errors::{Error, Kind, Result};

/// Characters; a longer header value is not a duration.
pub const LONGEST_TEXT: usize = 64;
/// Seconds; a shorter option is refused.
pub const SHORTEST: f64 = 0.001;

/// Units in falling order, each at most once. Both ways to write the micro sign are in use.
const UNITS: [(&[&str], f64); 6] = [
    (&["h"], 3600.0),
    (&["m"], 60.0),
    (&["s"], 1.0),
    (&["ms"], 1e-3),
    (&["us", "\u{b5}s", "\u{3bc}s"], 1e-6),
    (&["ns"], 1e-9),
];

/// A plain non-negative decimal number, `None` for anything else: signs, exponents, NaN, over-long text.
#[must_use]
pub fn parse_number(text: &str) -> Option<f64> {
    if text.chars().count() > LONGEST_TEXT {
        return None;
    }
    let text = trimmed(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (digits(whole) && digits(fraction)).then(|| text.parse().ok()).flatten()
}

/// Seconds of a duration such as `1h2m3s`, `106.66ms` or `60`; `None` if it is not one.
#[must_use]
pub fn parse_duration(text: &str) -> Option<f64> {
    let plain = parse_number(text);
    if plain.is_some() || text.chars().count() > LONGEST_TEXT {
        return plain;
    }
    let mut rest = trimmed(text);
    let (mut seconds, mut next_unit) = (0.0, 0);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (count, after) = leading_number(rest)?;
        let word = &after[..after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len())];
        let unit = UNITS.iter().position(|(names, _)| names.contains(&word))?;
        if unit < next_unit {
            return None;
        }
        seconds += count * UNITS[unit].1;
        next_unit = unit + 1;
        rest = &after[word.len()..];
    }
    Some(seconds)
}

fn leading_number(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    parse_number(&text[..end]).map(|number| (number, &text[end..]))
}

fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// The value in seconds, if the option `name` may have it: finite and at least 1 ms.
///
/// # Errors
/// [`Error::Config`] otherwise.
pub fn check_seconds(name: &str, value: f64) -> Result<f64> {
    if value.is_finite() && value >= SHORTEST {
        return Ok(value);
    }
    let message = format!("{name} must be a number of seconds of at least {SHORTEST}, not {value}");
    Err(Error::new(Kind::Config, message))
}
