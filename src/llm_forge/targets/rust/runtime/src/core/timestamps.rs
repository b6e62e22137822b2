//! Instants in header fields, as seconds since the epoch: HTTP dates (RFC 9110 section 5.6.7) and RFC 3339.
//!
//! Written out because the ready-made readers depend on the wall clock or accept too much.

use super::durations::LONGEST_TEXT;
use super::headers::Headers;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const HALF_CENTURY: i64 = 50;
const DAY: i64 = 86_400;

/// The instant of an IMF-fixdate, RFC 850 or asctime date; `None` if it is none of them.
///
/// `wall_now` decides the century of RFC 850's two-digit year: never more than 50 years ahead.
#[must_use]
pub fn parse_http_date(text: &str, wall_now: f64) -> Option<f64> {
    if text.chars().count() > LONGEST_TEXT {
        return None;
    }
    let text = text.trim_matches([' ', '\t']);
    imf_fixdate(text).or_else(|| rfc_850(text, wall_now)).or_else(|| asctime(text))
}

/// The instant of an RFC 3339 date-time with its offset; `None` if it is not one.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<f64> {
    if text.chars().count() > LONGEST_TEXT {
        return None;
    }
    let text = text.trim_matches([' ', '\t']);
    let (date, rest) = (text.get(..10)?, text.get(10..)?);
    let clock = rest.strip_prefix(['T', 't', ' '])?;
    let mut parts = date.split('-');
    let (year, month, day) =
        (digits(parts.next()?, 4)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let seconds = instant(year, month, day, clock.get(..8)?)?;
    let (fraction, zone) = split_fraction(clock.get(8..)?)?;
    Some(to_f64(seconds - offset(zone)?) + fraction)
}

/// The server's clock when it answered: its own Date, else our wall clock.
#[must_use]
pub fn server_now(headers: &Headers, wall_now: f64) -> f64 {
    headers.get("date").and_then(|date| parse_http_date(date, wall_now)).unwrap_or(wall_now)
}

fn imf_fixdate(text: &str) -> Option<f64> {
    let (weekday, rest) = text.split_once(", ")?;
    let mut parts = rest.split(' ');
    let day = digits(parts.next()?, 2)?;
    let month = month(parts.next()?)?;
    let year = digits(parts.next()?, 4)?;
    let seconds = instant(year, month, day, parts.next()?)?;
    (is_weekday(weekday, 3, 3) && parts.next() == Some("GMT") && parts.next().is_none())
        .then(|| to_f64(seconds))
}

fn rfc_850(text: &str, wall_now: f64) -> Option<f64> {
    let (weekday, rest) = text.split_once(", ")?;
    let mut parts = rest.split(' ');
    let mut date = parts.next()?.split('-');
    let day = digits(date.next()?, 2)?;
    let month = month(date.next()?)?;
    let year = full_year(digits(date.next()?, 2)?, wall_now);
    let seconds = instant(year, month, day, parts.next()?)?;
    let whole = date.next().is_none() && parts.next() == Some("GMT") && parts.next().is_none();
    (is_weekday(weekday, 6, 9) && whole).then(|| to_f64(seconds))
}

fn asctime(text: &str) -> Option<f64> {
    if !text.is_ascii() || text.len() != 24 || text.as_bytes()[3] != b' ' || text.as_bytes()[7] != b' ' {
        return None;
    }
    let day = digits(text[8..10].trim_start_matches(' '), text[8..10].trim_start_matches(' ').len())?;
    let year = digits(&text[20..24], 4)?;
    let spaced = text.as_bytes()[10] == b' ' && text.as_bytes()[19] == b' ';
    let seconds = instant(year, month(&text[4..7])?, day, &text[11..19])?;
    (spaced && is_weekday(&text[..3], 3, 3)).then(|| to_f64(seconds))
}

fn is_weekday(text: &str, shortest: usize, longest: usize) -> bool {
    let fits = (shortest..=longest).contains(&text.len());
    let (first, rest) = text.split_at(text.len().min(1));
    fits && first.bytes().all(|b| b.is_ascii_uppercase()) && rest.bytes().all(|b| b.is_ascii_lowercase())
}

fn month(word: &str) -> Option<i64> {
    let place = MONTHS.iter().position(|one| *one == word)?;
    i64::try_from(place).ok().map(|place| place + 1)
}

fn digits(text: &str, count: usize) -> Option<i64> {
    let plain = count > 0 && text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn full_year(digits: i64, wall_now: f64) -> i64 {
    let this_year = year_of(wall_now);
    let year = digits + this_year - this_year.rem_euclid(100);
    if year > this_year + HALF_CENTURY {
        year - 100
    } else {
        year
    }
}

/// The year of an instant, within a day of its turn.
#[allow(clippy::cast_possible_truncation)] // seconds since the epoch fit
fn year_of(wall: f64) -> i64 {
    1970 + (wall / (365.2425 * 86_400.0)).floor() as i64
}

/// `hh:mm:ss` of a date; a leap second (60) is read as the start of the next minute.
fn instant(year: i64, month: i64, day: i64, clock: &str) -> Option<i64> {
    let mut parts = clock.split(':');
    let (hour, minute) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let second = digits(parts.next()?, 2)?;
    let valid = parts.next().is_none()
        && year >= 1
        && (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    valid.then(|| days_since_epoch(year, month, day) * DAY + hour * 3600 + minute * 60 + second)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar, counted in years that begin in March.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn split_fraction(text: &str) -> Option<(f64, &str)> {
    let Some(rest) = text.strip_prefix('.') else {
        return Some((0.0, text));
    };
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let fraction = (end > 0).then(|| format!("0.{}", &rest[..end]).parse().ok()).flatten()?;
    Some((fraction, &rest[end..]))
}

fn offset(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = zone.strip_prefix(['+', '-'])?.split_once(':')?;
    let minutes = digits(hours, 2)? * 60 + digits(minutes, 2)?;
    (minutes < 24 * 60).then_some(sign * minutes * 60)
}

#[allow(clippy::cast_precision_loss)] // seconds since the epoch fit
fn to_f64(seconds: i64) -> f64 {
    seconds as f64
}
