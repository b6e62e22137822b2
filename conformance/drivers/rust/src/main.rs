//! The Rust driver: reads the conformance protocol on standard input and answers on standard output.
//!
//! See conformance/README.md. Each scenario runs in a thread of its own, on a runtime of its own.

mod core_functions;
mod core_limiter;
mod core_storms;
mod facts;
mod leaked;

use std::io::{BufRead as _, Write as _};
use std::sync::Mutex;

use serde_json::{json, Map, Value};

static OUTPUT: Mutex<()> = Mutex::new(());

fn main() {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let Ok(message) = serde_json::from_str::<Value>(&line) else {
            eprintln!("not a message: {line:.200}");
            continue;
        };
        if message.get("stop").is_some() {
            break;
        }
        take(message);
    }
}

fn take(message: Value) {
    if message.get("start").is_some() {
        say(&json!({"protocol": 1, "language": "rust", "supports": supports()}));
    } else if let Some(number) = message.get("core") {
        let mut answer = Map::from_iter([("core".to_owned(), number.clone())]);
        let name = message["fn"].as_str().unwrap_or_default();
        answer.extend(core_functions::answer(name, &message["input"]));
        say(&Value::Object(answer));
    }
}

/// The features of scenarios, with true or the reason why not.
const FEATURES: [(&str, Option<&str>); 30] = [
    ("unary", NOT_YET),
    ("streams", NOT_YET),
    ("concurrency", NOT_YET),
    ("cancel", NOT_YET),
    ("flowing-clock", NOT_YET),
    ("environment", NOT_YET),
    ("local-limits", NOT_YET),
    ("breaker-options", NOT_YET),
    ("key-source", NOT_YET),
    ("mutation", NOT_YET),
    ("paths", NOT_YET),
    ("auth", NOT_YET),
    ("files", NOT_YET),
    ("middleware", NOT_YET),
    ("events", NOT_YET),
    ("half-surrogates", NOT_YET),
    ("wall-clock", NOT_YET),
    ("descriptor", NOT_YET),
    ("circuits", NOT_YET),
    ("limit-status", NOT_YET),
    ("hedging", NOT_YET),
    ("stream-files", NOT_YET),
    ("uploads", NOT_YET),
    ("downloads", NOT_YET),
    ("pages", NOT_YET),
    ("enclosing-deadlines", NOT_YET),
    ("closing", NOT_YET),
    ("home", NOT_YET),
    ("tls", NOT_YET),
    ("pool", NOT_YET),
];
const NOT_YET: Option<&str> = Some("the Rust runtime has no shell yet");

fn supports() -> Value {
    let core = core_functions::FUNCTIONS.iter().map(|(name, _)| (format!("core.{name}"), json!(true)));
    let features = FEATURES.iter().map(|(name, why)| ((*name).to_owned(), why.map_or(json!(true), Value::from)));
    Value::Object(core.chain(features).collect())
}

/// Write one line.
pub fn say(answer: &Value) {
    let _turn = OUTPUT.lock();
    let mut output = std::io::stdout().lock();
    if writeln!(output, "{answer}").and_then(|()| output.flush()).is_err() {
        std::process::exit(1); // nobody listens any more
    }
}
