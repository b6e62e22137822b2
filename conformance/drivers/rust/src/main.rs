//! The Rust driver: reads the conformance protocol on standard input and answers on standard output.
//!
//! See conformance/README.md. Each scenario runs in a thread of its own, on a runtime of its own.

mod arguments;
mod clock;
mod core_functions;
mod core_limiter;
mod core_storms;
mod facts;
mod leaked;
mod options;
mod reading;
mod record;
mod recorder;
mod scenarios;
mod tables;

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
    let uploads = arguments::upload_folder();
    if uploads.exists() && std::fs::remove_dir_all(uploads).is_err() {
        eprintln!("a folder was left behind");
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
    } else if message.get("call").is_some() {
        std::thread::spawn(move || say(&scenarios::run(&message)));
    }
}

/// The features of scenarios, with the reason where one is lacking.
const FEATURES: [(&str, Option<&str>); 30] = [
    ("unary", None),
    ("streams", None),
    ("concurrency", None),
    ("cancel", None),
    ("flowing-clock", None),
    ("environment", None),
    ("local-limits", None),
    ("breaker-options", None),
    ("key-source", None),
    ("paths", None),
    ("events", None),
    ("wall-clock", None),
    ("descriptor", None),
    ("circuits", None),
    ("limit-status", None),
    ("closing", None),
    ("tls", None),
    ("pool", None),
    (
        "mutation",
        Some("a call borrows or owns its arguments: the compiler lets nobody change them while it runs"),
    ),
    ("half-surrogates", Some("a Rust string cannot hold half of a surrogate pair")),
    ("auth", None),
    ("files", None),
    ("middleware", None),
    ("hedging", None),
    ("stream-files", None),
    ("uploads", None),
    ("downloads", None),
    ("pages", None),
    (
        "enclosing-deadlines",
        Some("Rust code gives calls a deadline by dropping their future; there is no enclosing block"),
    ),
    ("home", None),
];

/// Every feature with true, or why not.
fn supports() -> Value {
    let core = core_functions::FUNCTIONS.iter().map(|(name, _)| (format!("core.{name}"), json!(true)));
    let features =
        FEATURES.iter().map(|(name, why)| ((*name).to_owned(), why.map_or(json!(true), Value::from)));
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
