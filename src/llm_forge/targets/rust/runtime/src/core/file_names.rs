//! Names of files that a server chose, made harmless (R-244).
//!
//! A name from the network is text an attacker may have written: only its last part counts, without control and
//! path characters, without dots in front, not longer than file systems allow.

use std::sync::OnceLock;

use percent_encoding::percent_decode_str;
use regex::Regex;

use super::structured_fields::compiled;

/// File systems allow 255; room is left for the suffix of an unfinished file.
pub const LONGEST_BYTES: usize = 200;
/// The name where nothing usable is left.
pub const FALLBACK: &str = "download";

/// The base name to store a file under; `download` where nothing usable is left.
#[must_use]
pub fn safe_file_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last.chars().filter(|c| !"<>:\"|?*".contains(*c)).collect();
    let kept = invisible().replace_all(&kept, "");
    let kept = kept.trim_matches([' ', '.']);
    let kept = if device().is_match(kept) { format!("_{kept}") } else { kept.to_owned() };
    Some(shortened(&kept)).filter(|kept| !kept.is_empty()).unwrap_or_else(|| FALLBACK.to_owned())
}

/// The file name of a Content-Disposition header as it was sent (RFC 6266); `None` without one.
///
/// `filename*` comes before `filename`; it is percent-encoded in the character set that it names.
#[must_use]
pub fn disposition_name(header: &str) -> Option<String> {
    let mut plain: Option<String> = None;
    for found in parameter().captures_iter(header) {
        if !found[1].eq_ignore_ascii_case("filename") {
            continue;
        }
        let value = unquoted(found[3].trim());
        if found[2].is_empty() {
            plain = plain.filter(|known| !known.is_empty()).or(Some(value));
        } else if let Some(name) = extended(&value) {
            return Some(name);
        }
    }
    plain.filter(|name| !name.is_empty())
}

fn unquoted(value: &str) -> String {
    static ESCAPE: OnceLock<Regex> = OnceLock::new();
    let Some(inner) = value.strip_prefix('"') else {
        return value.to_owned();
    };
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    ESCAPE.get_or_init(|| compiled(r"\\(.)")).replace_all(inner, "$1").into_owned()
}

/// The text of `UTF-8'en'a%20name` (RFC 8187), `None` if it is malformed.
fn extended(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let encoded = rest.split_once('\'').map_or("", |(_, text)| text);
    let bytes: Vec<u8> = percent_decode_str(encoded).collect();
    let text = match charset.to_ascii_lowercase().as_str() {
        "utf-8" => String::from_utf8_lossy(&bytes).into_owned(),
        "iso-8859-1" => bytes.into_iter().map(char::from).collect(),
        _ => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}

/// The name within the limit, its extension kept.
fn shortened(name: &str) -> String {
    if name.len() <= LONGEST_BYTES {
        return name.to_owned();
    }
    let short = |extension: &&str| extension.len() <= LONGEST_BYTES / 4;
    let parts = name.rsplit_once('.').filter(|(_, extension)| short(extension));
    let (stem, extension) = parts.map_or((name, String::new()), |(stem, rest)| (stem, format!(".{rest}")));
    let mut room = LONGEST_BYTES - extension.len().max(1);
    while !stem.is_char_boundary(room) {
        room -= 1;
    }
    format!("{}{}", stem[..room].trim_end_matches([' ', '.']), if extension == "." { "" } else { &extension })
}

fn parameter() -> &'static Regex {
    static PARAMETER: OnceLock<Regex> = OnceLock::new();
    PARAMETER.get_or_init(|| compiled(r#";\s*([\w!#$&+.^`|~-]+)(\*?)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)"#))
}

/// Windows opens devices by these names, with any extension.
fn device() -> &'static Regex {
    static DEVICE: OnceLock<Regex> = OnceLock::new();
    DEVICE.get_or_init(|| compiled(r"(?is)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?$"))
}

fn invisible() -> &'static Regex {
    static INVISIBLE: OnceLock<Regex> = OnceLock::new();
    INVISIBLE.get_or_init(|| compiled(r"\p{C}"))
}
