//! Which models share a limit.
//!
//! Rules:
//! - A limit's `models` is a pattern, and names a family; all limits of the same pattern belong to it.
//! - A model belongs to the first pattern, in the order of declaration, that matches its whole name; `*` stands
//!   for any text, every other character for itself.
//! - Limits without a pattern hold for each model that belongs to no family, on its own.

use super::model::Limit;

/// The pattern of the family that a model belongs to; `None` for a model on its own.
#[must_use]
pub fn family_of<'a>(model: &str, limits: &'a [Limit]) -> Option<&'a str> {
    limits.iter().filter_map(|limit| limit.models.as_deref()).find(|pattern| matches(pattern, model))
}

/// The limits of a family, or those of each model without one.
#[must_use]
pub fn limits_of(family: Option<&str>, limits: &[Limit]) -> Vec<Limit> {
    limits.iter().filter(|limit| limit.models.as_deref() == family).cloned().collect()
}

/// Whether a pattern covers a model's name; linear in both, as each part takes its first place.
fn matches(pattern: &str, model: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == model;
    };
    let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(mut inner) = model.strip_prefix(first).and_then(|inner| inner.strip_suffix(last)) else {
        return false;
    };
    for part in middle.split('*') {
        let Some(at) = inner.find(part) else {
            return false;
        };
        inner = &inner[at + part.len()..];
    }
    true
}
