//! Which page of a list follows an answer.
//!
//! - A list ends where the answer says so, or where a page is empty; an answer that says there is more, and not
//!   where, is an error: a list is never silently short.
//! - Every step has a mark; a mark that comes again is a server that goes round in circles.

use serde_json::{Map, Value};

use super::errors::{Error, Kind, Result};
use super::json::is_truthy;
use super::profile::{PageRule, PageStyle};

/// How the next page is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum PageStep {
    /// With this parameter.
    Param(&'static str, Value),
    /// At this URL.
    Url(String),
}

impl PageStep {
    /// What tells this step from every other.
    #[must_use]
    pub fn mark(&self) -> (&'static str, String) {
        match self {
            Self::Param(name, Value::String(text)) => (name, text.clone()),
            Self::Param(name, value) => (name, value.to_string()),
            Self::Url(url) => ("", url.clone()),
        }
    }
}

/// What stands at a dotted path of JSON.
#[must_use]
pub fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, name| value.get(name))
}

/// The items of a page.
#[must_use]
pub fn items_of<'a>(rule: &PageRule, answer: &'a Value) -> &'a [Value] {
    at(answer, rule.items).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// How to ask for the page after an answer, `None` at the end; `given` are the parameters that it was asked with.
///
/// # Errors
/// [`Error::InvalidResponse`] where more is announced and cannot be asked for.
pub fn next_step(rule: &PageRule, answer: &Value, given: &Map<String, Value>) -> Result<Option<PageStep>> {
    if !rule.more.is_empty() && !at(answer, rule.more).is_some_and(is_truthy) {
        return Ok(None);
    }
    match rule.style {
        PageStyle::AfterId | PageStyle::BeforeId => by_id(rule, items_of(rule, answer), given),
        PageStyle::Cursor => by_cursor(rule, answer, given),
        PageStyle::Page => Ok(by_number(rule, answer, given)),
        PageStyle::Link => {
            let link = at(answer, rule.next).and_then(Value::as_str).filter(|link| !link.is_empty());
            Ok(link.map(|link| PageStep::Url(link.to_owned())))
        }
    }
}

fn by_cursor(rule: &PageRule, answer: &Value, given: &Map<String, Value>) -> Result<Option<PageStep>> {
    let cursor = at(answer, rule.next).filter(|cursor| !cursor.is_null() && *cursor != "");
    match (cursor, rule.otherwise) {
        (Some(cursor), _) => Ok(Some(PageStep::Param(rule.param, cursor.clone()))),
        (None, Some(otherwise)) => next_step(otherwise, answer, given),
        (None, None) if rule.more.is_empty() => Ok(None),
        (None, None) => Err(endless(&format!("there is no cursor at {}", rule.next))),
    }
}

fn by_id(rule: &PageRule, items: &[Value], given: &Map<String, Value>) -> Result<Option<PageStep>> {
    let asked_before = given.get(rule.before).is_some_and(|value| !value.is_null());
    let backwards = rule.style == PageStyle::BeforeId || (!rule.before.is_empty() && asked_before);
    let (param, item) = if backwards {
        (if rule.before.is_empty() { rule.param } else { rule.before }, items.first())
    } else {
        (rule.param, items.last())
    };
    let Some(item) = item else { return Ok(None) };
    let path = if rule.id.is_empty() { "id" } else { rule.id };
    match at(item, path).filter(|id| !id.is_null()) {
        Some(id) => Ok(Some(PageStep::Param(param, id.clone()))),
        None => Err(endless(&format!("its item at the end has no {path}"))),
    }
}

fn by_number(rule: &PageRule, answer: &Value, given: &Map<String, Value>) -> Option<PageStep> {
    let items = items_of(rule, answer);
    if items.is_empty() {
        return None;
    }
    let whole = |name: &str| given.get(name).and_then(Value::as_i64);
    let number = whole(rule.param).unwrap_or(rule.start);
    let size = whole(rule.size_param).or_else(|| i64::try_from(items.len()).ok()).unwrap_or(i64::MAX);
    let total = Some(rule.total).filter(|path| !path.is_empty());
    let total = total.and_then(|path| at(answer, path)).and_then(Value::as_i64);
    let seen = number.saturating_sub(rule.start).saturating_add(1).saturating_mul(size);
    if total.is_some_and(|total| seen >= total) {
        return None;
    }
    Some(PageStep::Param(rule.param, number.saturating_add(1).into()))
}

fn endless(why: &str) -> Error {
    Error::new(Kind::InvalidResponse, format!("The list goes on, but {why}"))
}
