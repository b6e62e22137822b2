//! Text, headers and URLs without credentials (R-242, R-218).
//!
//! A secret is found as it is, percent-encoded, JSON-escaped (also mixed: each character that an encoder may touch
//! is taken in any of these spellings) and inside Base64 at each of the three alignments.

use std::sync::OnceLock;

use base64::Engine as _;
use regex::Regex;
use secrecy::{ExposeSecret, SecretString};

use super::headers::Headers;
use super::structured_fields::compiled;

/// What stands where a credential stood.
pub const REDACTED: &str = "[redacted]";

const SECRET_HEADERS: [&str; 7] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
];
const SHOWN_HEADERS: [&str; 8] = [
    "content-type",
    "date",
    "retry-after",
    "retry-after-ms",
    "x-should-retry",
    "openai-processing-ms",
    "cf-ray",
    "mistral-correlation-id",
];
const SHOWN_PARTS: [&str; 2] = ["ratelimit", "request-id"];
const MIN_BASE64: usize = 8;
/// A shorter credential is a word of a test or a local server: it goes where it stands alone, for inside other
/// words it is chance.
const SHORTEST_ANYWHERE: usize = 8;
const SHORTEST_PART: usize = 4;

/// Whether a header's name says that its value is a credential (R-242).
#[must_use]
pub fn names_a_secret(header: &str) -> bool {
    static NAME: OnceLock<Regex> = OnceLock::new();
    let pattern =
        r"(?i)(?:^|[-_])(?:api-?key|token|secret|auth|authorization|cookie|password|credentials?)(?:$|[-_])";
    let known = SECRET_HEADERS.iter().any(|name| name.eq_ignore_ascii_case(header));
    known || NAME.get_or_init(|| compiled(pattern)).is_match(header)
}

/// What to look for of a secret header's value: all of it, what follows a scheme, values of cookies.
#[must_use]
pub fn secrets_in_header(value: &str) -> Vec<SecretString> {
    let after_scheme = value.split_whitespace().skip(1);
    let of_cookies = value.split(';').filter_map(|pair| Some(pair.split_once('=')?.1.trim()));
    let parts = after_scheme.chain(of_cookies).filter(|part| part.chars().count() >= SHORTEST_PART);
    let mut found: Vec<&str> = parts.chain([value.trim()]).filter(|text| !text.is_empty()).collect();
    found.sort_unstable();
    found.dedup();
    found.into_iter().map(SecretString::from).collect()
}

/// Replaces credentials by `[redacted]`; made once per client from everything it holds secret.
#[derive(Default)]
pub struct Redactor {
    values: Vec<SecretString>,
    short: Vec<Regex>,
    long: Option<Regex>,
    hidden: Vec<String>,
    parameters: Vec<Regex>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} secrets)", self.values.len())
    }
}

impl Redactor {
    /// One for these credentials, headers and query parameters.
    #[must_use]
    pub fn new(secrets: &[SecretString], secret_headers: &[String], secret_parameters: &[String]) -> Self {
        let mut values: Vec<&str> = secrets.iter().map(ExposeSecret::expose_secret).collect();
        values.retain(|value| !value.is_empty());
        values.sort_unstable_by_key(|value| (usize::MAX - value.len(), *value));
        values.dedup();
        let is_short = |value: &&&str| value.chars().count() < SHORTEST_ANYWHERE;
        let long: Vec<String> = values.iter().filter(|v| !is_short(v)).flat_map(|v| forms(v)).collect();
        let parameter = |name: &String| {
            let name: String = url_encoded(name);
            compiled(&format!(r"([?&;]{}=)[^&#\s]*", regex::escape(&name)))
        };
        Self {
            short: values.iter().filter(is_short).map(|v| compiled(&plain_form(v))).collect(),
            long: (!long.is_empty()).then(|| compiled(&long.join("|"))),
            values: values.into_iter().map(SecretString::from).collect(),
            hidden: secret_headers.iter().map(|name| name.to_ascii_lowercase()).collect(),
            parameters: secret_parameters.iter().map(parameter).collect(),
        }
    }

    /// The text with every credential replaced.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let mut text = match &self.long {
            Some(pattern) => pattern.replace_all(text, REDACTED).into_owned(),
            None => text.to_owned(),
        };
        for pattern in &self.short {
            text = replace_alone(pattern, &text);
        }
        let text = self.without_half_masked(&text);
        let shown = format!("$1$2{REDACTED}");
        looks_secret().replace_all(&text, shown.as_str()).into_owned()
    }

    /// The headers worth keeping on an error: limits, waits, ids and the content type.
    #[must_use]
    pub fn headers(&self, headers: &Headers) -> Vec<(String, String)> {
        let mut kept: Vec<(String, String)> = Vec::new();
        for (name, value) in headers.pairs().iter().filter(|(name, _)| self.shows(name)) {
            if !kept.iter().any(|(known, _)| known == name) {
                kept.push((name.clone(), self.text(value)));
            }
        }
        kept
    }

    /// The URL without user-info and without the values of query parameters that hold secrets.
    #[must_use]
    pub fn url(&self, url: &str) -> String {
        let url = user_info().replace_all(url, "$1");
        let shown = format!("$1{REDACTED}");
        let mut url = query_value().replace_all(&url, shown.as_str()).into_owned();
        for pattern in &self.parameters {
            url = pattern.replace_all(&url, shown.as_str()).into_owned();
        }
        self.text(&url)
    }

    fn shows(&self, name: &str) -> bool {
        let hidden = SECRET_HEADERS.contains(&name) || self.hidden.iter().any(|one| one == name);
        !hidden && (SHOWN_HEADERS.contains(&name) || SHOWN_PARTS.iter().any(|part| name.contains(part)))
    }

    /// A half-masked key goes if it is one of ours: no character of a secret is shown (R-005).
    fn without_half_masked(&self, text: &str) -> String {
        let replace = |found: &regex::Captures<'_>| {
            let ours = |value: &SecretString| {
                let value = value.expose_secret();
                value.starts_with(&found[1]) && value.ends_with(&found[2])
            };
            if self.values.iter().any(ours) {
                REDACTED.to_owned()
            } else {
                found[0].to_owned()
            }
        };
        half_masked().replace_all(text, replace).into_owned()
    }
}

/// Replaces what stands alone: not inside a longer word.
fn replace_alone(pattern: &Regex, text: &str) -> String {
    let is_word = |char: Option<char>| char.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '-');
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for found in pattern.find_iter(text) {
        let inside =
            is_word(text[..found.start()].chars().next_back()) || is_word(text[found.end()..].chars().next());
        out.push_str(&text[at..found.start()]);
        out.push_str(if inside { found.as_str() } else { REDACTED });
        at = found.end();
    }
    out.push_str(&text[at..]);
    out
}

/// Patterns for one secret.
fn forms(value: &str) -> Vec<String> {
    let mut forms = vec![plain_form(value)];
    forms.extend(base64_forms(value.as_bytes()));
    forms
}

fn plain_form(value: &str) -> String {
    value.chars().map(char_form).collect()
}

/// One character as it is, percent-encoded, or escaped for JSON any number of times.
fn char_form(char: char) -> String {
    if char.is_ascii_alphanumeric() || "-_.".contains(char) {
        return regex::escape(char.encode_utf8(&mut [0; 4])); // no encoder touches these
    }
    let percent: String = url_encoded(&char.to_string());
    let literal = match char {
        '\\' => r"\\+".to_owned(),
        '"' | '/' => format!(r"\\*{}", regex::escape(&char.to_string())),
        _ => regex::escape(&char.to_string()),
    };
    format!(r"(?:{literal}|(?i:{percent})|(?i:\\+u{:04x}))", u32::from(char))
}

/// The Base64 characters that depend on the secret alone, whatever stands before and after it.
fn base64_forms(value: &[u8]) -> Vec<String> {
    let engine = base64::engine::general_purpose::STANDARD_NO_PAD;
    let mut forms = Vec::new();
    for before in 0..3 {
        let text = engine.encode([&vec![0; before], value].concat());
        let (first, last) = ((before * 8).div_ceil(6), (before + value.len()) * 8 / 6);
        let part = &text[first..last];
        if part.len() >= MIN_BASE64 {
            forms.push(part.to_owned());
            forms.push(part.replace('+', "-").replace('/', "_"));
        }
    }
    forms.sort_unstable();
    forms.dedup();
    forms.iter().map(|form| regex::escape(form)).collect()
}

fn url_encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn query_value() -> &'static Regex {
    static PATTERN: OnceLock<Regex> = OnceLock::new();
    let pattern =
        r"(?i)([?&;][^=&#?;]{0,64}(?:key|token|secret|sig|auth|passw|credential)[^=&#?;]{0,64}=)[^&#\s]*";
    PATTERN.get_or_init(|| compiled(pattern))
}

fn user_info() -> &'static Regex {
    static PATTERN: OnceLock<Regex> = OnceLock::new();
    PATTERN.get_or_init(|| compiled(r"(://)[^/?#@\s]*@"))
}

/// A credential by its scheme, although it is none of ours. Other keys that a provider quotes in its own message
/// stay: the message is the provider's (R-218).
fn looks_secret() -> &'static Regex {
    static PATTERN: OnceLock<Regex> = OnceLock::new();
    PATTERN.get_or_init(|| compiled(r"(?i)\b(bearer|basic)(\s+)[\w.~+/=*-]{8,}"))
}

fn half_masked() -> &'static Regex {
    static PATTERN: OnceLock<Regex> = OnceLock::new();
    PATTERN.get_or_init(|| compiled(r"([\w-]+)\*{3,}([\w-]*)"))
}
