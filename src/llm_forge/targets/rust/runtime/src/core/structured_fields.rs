//! The little of Structured Fields (RFC 9651) that rate-limit headers use: a list of items with parameters.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use regex::Regex;

const MOST_ITEMS: usize = 16;
const LONGEST_FIELD: usize = 2048;
const VALUE: &str = r#"(?:"(?:[^"\\]|\\.)*"|[^",;\s=]+)"#;

/// An item as text, with its parameters.
pub type Item = (String, BTreeMap<String, String>);

/// The items of all fields of one name; nothing if anything is malformed.
pub fn parse_items<'a>(fields: impl Iterator<Item = &'a str>) -> Vec<Item> {
    let text = fields.collect::<Vec<_>>().join(",");
    if text.chars().count() > LONGEST_FIELD {
        return Vec::new();
    }
    let (mut items, mut rest) = (Vec::new(), text.as_str());
    while !rest.is_empty() {
        let Some(found) = item().captures(rest).filter(|_| items.len() < MOST_ITEMS) else {
            return Vec::new();
        };
        let parameters = parameter().captures_iter(&found[2]);
        let parameters =
            parameters.map(|one| (one[1].to_owned(), one.get(2).map_or("1".into(), |v| bare(v.as_str()))));
        items.push((bare(&found[1]), parameters.collect()));
        rest = &rest[found[0].len()..];
    }
    items
}

fn bare(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else {
        return value.to_owned();
    };
    let mut text = String::new();
    let mut chars = inner.strip_suffix('"').unwrap_or(inner).chars();
    while let Some(char) = chars.next() {
        text.extend(if char == '\\' { chars.next() } else { Some(char) });
    }
    text
}

fn item() -> &'static Regex {
    static ITEM: OnceLock<Regex> = OnceLock::new();
    let pattern = format!(r"^\s*({VALUE})((?:\s*;\s*[a-z*][a-z0-9_.*-]*(?:={VALUE})?)*)\s*(?:,|$)");
    ITEM.get_or_init(|| compiled(&pattern))
}

fn parameter() -> &'static Regex {
    static PARAMETER: OnceLock<Regex> = OnceLock::new();
    PARAMETER.get_or_init(|| compiled(&format!(r";\s*([a-z*][a-z0-9_.*-]*)(?:=({VALUE}))?")))
}

/// A pattern of ours.
pub(super) fn compiled(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap_or_else(|error| unreachable!("a pattern of this file is wrong: {error}"))
}
