//! What a configuration file may say about a provider, and the options that it means (R-013).
//!
//! ```yaml
//! providers:
//!   anthropic:
//!     api_key: env:TEAM_KEY                  # a reference, never the key itself
//!     timeout: 30                            # options by their own names
//!     retry: {max_attempts: 5, backoff_factor: 2, max_wait: 30, respect_retry_after: true}
//!     rate_limit: {requests_per_minute: 60, tokens_per_minute: 90000}
//! ```
//!
//! Credentials are references: `env:NAME`, `file:PATH` (relative to the file), or `cmd:COMMAND`, which is run without
//! a shell when a key is needed. Files have mappings, lists and scalars only: no tags, anchors or aliases. The keys
//! models, aliases, `default_model`, kind and optimizations belong to tools that share the file.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use secrecy::SecretString;
use serde_json::{json, Map, Value};
use yaml_rust2::parser::{Event, Parser};
use yaml_rust2::scanner::{Marker, TScalarStyle};
use yaml_rust2::Yaml;

use super::auth::{clean, Auth};
use super::core::errors::{Error, Kind, Result};
use super::core::redact::names_a_secret;
use super::named::unknown;
use super::options::ClientOptions;

const MOST_BYTES: u64 = 1024 * 1024;
const MOST_SECRET_BYTES: usize = 64 * 1024;
const MOST_DEPTH: usize = 20;
const REFERENCES: &str = "env:NAME, file:PATH or cmd:COMMAND";
const ROOT_KEYS: [&str; 4] = ["providers", "models", "aliases", "default_model"];
const RETRY_KEYS: [(&str, &str); 4] = [
    ("backoff_factor", "backoff_factor"),
    ("max_attempts", "max_attempts"),
    ("max_wait", "max_backoff"),
    ("respect_retry_after", "respect_retry_after"),
];
const LIMIT_KEYS: [(&str, &str); 2] = [("requests_per_minute", "requests"), ("tokens_per_minute", "tokens")];

/// A value of a file, with the line where it stands.
struct Node {
    line: usize,
    content: Content,
}

enum Content {
    Scalar(Value),
    List(Vec<Node>),
    Mapping(Vec<(String, Node)>),
}

impl Node {
    fn entries(&self) -> &[(String, Node)] {
        match &self.content {
            Content::Mapping(entries) => entries,
            _ => &[],
        }
    }

    fn entry(&self, name: &str) -> Option<&Node> {
        self.entries().iter().find(|(key, _)| key == name).map(|(_, node)| node)
    }

    fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    fn plain(&self) -> Value {
        match &self.content {
            Content::Scalar(value) => value.clone(),
            Content::List(entries) => entries.iter().map(Node::plain).collect(),
            Content::Mapping(entries) => Value::Object(
                entries.iter().map(|(key, node)| (key.clone(), node.plain())).collect::<Map<_, _>>(),
            ),
        }
    }
}

/// A file that is being read; errors name it, the line and the key, and never a value.
struct Source<'a> {
    path: &'a Path,
}

impl Source<'_> {
    fn refuse(&self, line: usize, what: &str) -> Error {
        Error::new(Kind::Config, format!("{}:{line}: {what}", self.path.display()))
    }

    fn tree(&self, text: &str) -> Result<Option<Node>> {
        let mut parser = Parser::new_from_str(text);
        loop {
            match self.next(&mut parser)? {
                (Event::StreamEnd, _) => return Ok(None),
                (Event::StreamStart | Event::DocumentStart | Event::DocumentEnd | Event::Nothing, _) => {}
                (event, mark) => return self.node(&mut parser, event, mark, 0).map(Some),
            }
        }
    }

    fn next(&self, parser: &mut Parser<std::str::Chars<'_>>) -> Result<(Event, Marker)> {
        parser.next_token().map_err(|error| self.refuse(error.marker().line(), "the file is no valid YAML"))
    }

    fn node(
        &self,
        parser: &mut Parser<std::str::Chars<'_>>,
        event: Event,
        mark: Marker,
        depth: usize,
    ) -> Result<Node> {
        let line = mark.line();
        if depth > MOST_DEPTH {
            return Err(self.refuse(line, "nested too deeply"));
        }
        let content = match event {
            Event::Scalar(text, style, 0, None) => Content::Scalar(scalar(text, style)),
            Event::SequenceStart(0, None) => {
                let mut entries = Vec::new();
                loop {
                    match self.next(parser)? {
                        (Event::SequenceEnd, _) => break Content::List(entries),
                        (event, mark) => entries.push(self.node(parser, event, mark, depth + 1)?),
                    }
                }
            }
            Event::MappingStart(0, None) => Content::Mapping(self.mapping(parser, depth)?),
            _ => return Err(self.refuse(line, "tags, anchors and aliases are not understood")),
        };
        Ok(Node { line, content })
    }

    fn mapping(&self, parser: &mut Parser<std::str::Chars<'_>>, depth: usize) -> Result<Vec<(String, Node)>> {
        let mut entries: Vec<(String, Node)> = Vec::new();
        loop {
            let (key, mark) = match self.next(parser)? {
                (Event::MappingEnd, _) => return Ok(entries),
                (Event::Scalar(key, _, 0, None), mark) => (key, mark),
                (_, mark) => return Err(self.refuse(mark.line(), "a key must be a text")),
            };
            if entries.iter().any(|(known, _)| *known == key) {
                return Err(self.refuse(mark.line(), &format!("{key} stands here twice")));
            }
            let (event, value_mark) = self.next(parser)?;
            let mut node = self.node(parser, event, value_mark, depth + 1)?;
            node.line = mark.line();
            entries.push((key, node));
        }
    }

    /// The options of one provider's section.
    fn options(&self, section: &Node) -> Result<ClientOptions> {
        let mut options = ClientOptions::default();
        for (key, node) in section.entries() {
            match key.as_str() {
                "kind" | "models" | "optimizations" => {}
                "api_key" => options.auth = Some(self.reference(node)?),
                "retry" => self.retry(&mut options, node)?,
                "rate_limit" => self.rate_limit(&mut options, node)?,
                "headers" => options.headers = self.headers(node)?,
                "ca_bundle" => {
                    let path =
                        node.text().ok_or_else(|| self.refuse(node.line, "ca_bundle: expected a path"))?;
                    options.ca_bundle = Some(self.beside(path));
                }
                _ => self.set(&mut options, node, key)?,
            }
        }
        Ok(options)
    }

    fn set(&self, options: &mut ClientOptions, node: &Node, name: &str) -> Result<()> {
        options.set(name, &node.plain()).map_err(|error| self.refuse(node.line, &error.to_string()))
    }

    fn retry(&self, options: &mut ClientOptions, group: &Node) -> Result<()> {
        for (key, node) in group.entries() {
            let known = RETRY_KEYS.iter().find(|(known, _)| known == key);
            let names = RETRY_KEYS.map(|(name, _)| name);
            let (_, name) = known.ok_or_else(|| self.refuse(node.line, &unknown(key, "key", &names)))?;
            self.set(options, node, name)?;
        }
        Ok(())
    }

    fn rate_limit(&self, options: &mut ClientOptions, group: &Node) -> Result<()> {
        let mut limits = Vec::new();
        for (key, node) in group.entries() {
            let known = LIMIT_KEYS.iter().find(|(known, _)| known == key);
            let names = LIMIT_KEYS.map(|(name, _)| name);
            let (_, unit) = known.ok_or_else(|| self.refuse(node.line, &unknown(key, "key", &names)))?;
            limits.push(json!({"unit": unit, "amount": node.plain(), "period": 60}));
        }
        let set = options.set("limits", &Value::Array(limits));
        set.map_err(|error| self.refuse(group.line, &error.to_string()))
    }

    fn headers(&self, group: &Node) -> Result<Vec<(String, String)>> {
        let header = |(name, node): &(String, Node)| {
            let text = node.text().ok_or_else(|| self.refuse(node.line, "headers: expected texts"))?;
            if names_a_secret(name) && !text.starts_with("env:") {
                let what = format!("{name} holds a credential, so it must be a reference (env:NAME)");
                return Err(self.refuse(node.line, &what));
            }
            let value = match text.strip_prefix("env:") {
                Some(variable) => self.variable(node, variable)?,
                None => text.to_owned(),
            };
            Ok((name.clone(), value))
        };
        group.entries().iter().map(header).collect()
    }

    fn variable(&self, node: &Node, name: &str) -> Result<String> {
        let found = std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        found.ok_or_else(|| self.refuse(node.line, &format!("the environment variable {name} is not set")))
    }

    /// The credential that a reference means; an error for anything else, without showing it.
    fn reference(&self, node: &Node) -> Result<Auth> {
        let refuse = || {
            let what = format!("api_key must be a reference ({REFERENCES}), not the credential itself");
            self.refuse(node.line, &what)
        };
        let (form, rest) = node.text().and_then(|text| text.split_once(':')).ok_or_else(refuse)?;
        let cleaned = |secret: &SecretString| {
            let told = clean(secret, "api_key");
            told.map_err(|error| self.refuse(node.line, &error.to_string()))
        };
        match form {
            "env" => Ok(Auth::Key(cleaned(&self.variable(node, rest)?.into())?)),
            "file" => Ok(Auth::Key(cleaned(&secret_in_file(&self.beside(rest))?)?)),
            "cmd" if !rest.trim().is_empty() => Ok(command(rest)),
            _ => Err(refuse()),
        }
    }

    /// A path that starts at the file's folder, unless it is absolute.
    fn beside(&self, path: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }
}

fn scalar(text: String, style: TScalarStyle) -> Value {
    if style != TScalarStyle::Plain {
        return Value::String(text);
    }
    match Yaml::from_str(&text) {
        Yaml::Null => Value::Null,
        Yaml::Boolean(flag) => flag.into(),
        Yaml::Integer(number) => number.into(),
        Yaml::Real(number) => number.parse::<f64>().map_or(Value::String(text), Value::from),
        _ => Value::String(text),
    }
}

/// The options that a file gives a provider.
pub(super) fn options_in_file(path: &Path, provider: &str) -> Result<ClientOptions> {
    let path = in_home(path)?;
    let source = Source { path: &path };
    let unreadable = |_| Error::new(Kind::Config, format!("{}: the file cannot be read", path.display()));
    if std::fs::metadata(&path).map_err(unreadable)?.len() > MOST_BYTES {
        return Err(source.refuse(1, "a configuration of more than 1 MiB is refused"));
    }
    let text = std::fs::read_to_string(&path).map_err(unreadable)?;
    let Some(root) = source.tree(&text)? else { return Ok(ClientOptions::default()) };
    if let Some((key, node)) = root.entries().iter().find(|(key, _)| !ROOT_KEYS.contains(&key.as_str())) {
        return Err(source.refuse(node.line, &unknown(key, "key", &ROOT_KEYS)));
    }
    let section = root.entry("providers").and_then(|providers| providers.entry(provider));
    section.map_or_else(|| Ok(ClientOptions::default()), |section| source.options(section))
}

fn in_home(path: &Path) -> Result<PathBuf> {
    let Ok(rest) = path.strip_prefix("~") else { return Ok(path.to_owned()) };
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    let home = home.ok_or_else(|| Error::new(Kind::Config, "There is no home folder for a path with ~"))?;
    Ok(PathBuf::from(home).join(rest))
}

/// The credential in a file, without the white space around it (R-006).
///
/// # Errors
/// [`Error::Config`] names the file, never its content.
pub fn secret_in_file(path: &Path) -> Result<SecretString> {
    let refuse = |why: &str| {
        let message = format!("The credential cannot be read from the file {}: {why}", path.display());
        Error::new(Kind::Config, message)
    };
    let content = std::fs::read(path).map_err(|error| refuse(&error.kind().to_string()))?;
    if content.len() > MOST_SECRET_BYTES {
        return Err(refuse("it is larger than a credential"));
    }
    let text = String::from_utf8(content).map_err(|_| refuse("it is not text"))?;
    clean(&text.into(), &format!("The credential in the file {}", path.display()))
}

/// Asks a command once, when a key is first needed.
fn command(line: &str) -> Auth {
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    let known = OnceLock::new();
    Auth::Source(Arc::new(move || {
        if let Some(secret) = known.get() {
            return Ok(SecretString::clone(secret));
        }
        let done = std::process::Command::new(&words[0]).args(&words[1..]).output()?;
        if !done.status.success() {
            return Err(format!("the command {} failed: {}", words[0], done.status).into());
        }
        let secret = clean(&String::from_utf8(done.stdout)?.into(), "the command's output")?;
        Ok(known.get_or_init(|| secret).clone())
    }))
}
