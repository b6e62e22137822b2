//! The pure functions of the runtime's core, asked by corpora; inputs and outputs are in conformance/README.md.

use std::collections::HashMap;

use llm_forge_runtime::core::breaker::{outcome_of, Breaker, BreakerSettings, Outcome, Permit};
use llm_forge_runtime::core::durations::parse_duration;
use llm_forge_runtime::core::error_body::{api_error, stream_error, ErrorContext};
use llm_forge_runtime::core::errors::{Error, Result};
use llm_forge_runtime::core::file_names::{disposition_name, safe_file_name};
use llm_forge_runtime::core::framing::{FrameLimits, JsonLineDecoder, RawEvent};
use llm_forge_runtime::core::headers::Headers;
use llm_forge_runtime::core::profile::{Family, Profile, Replay, StreamRule};
use llm_forge_runtime::core::reader::StreamReader;
use llm_forge_runtime::core::redact::Redactor;
use llm_forge_runtime::core::retry::{check_attempts, Failure, FailureKind, RetryPolicy, Situation};
use llm_forge_runtime::core::server_wait::server_wait;
use llm_forge_runtime::core::sse::SseDecoder;
use serde_json::{json, Map, Value};

use crate::core_limiter::limiter;
use crate::core_storms::{backoff, breaker_storm, limiter_storm};
use crate::facts::error_fact;
use crate::leaked::{limit_headers, names, text};

const SHOWN: usize = 65_536;
/// The time of day of corpora that name none.
pub const WALL: f64 = 1_800_000_000.0;
const TEST: Profile = Profile { name: "test", base_url: "https://example.test", ..Profile::DEFAULT };

/// A function of the core, from JSON to JSON.
type Function = fn(&Value) -> Result<Value>;

/// The functions by name.
pub const FUNCTIONS: [(&str, Function); 13] = [
    ("sse", sse),
    ("lines", lines),
    ("file_name", file_name),
    ("durations", durations),
    ("server_wait", wait_of_server),
    ("retry", retry),
    ("backoff", backoff),
    ("breaker", breaker),
    ("breaker_storm", breaker_storm),
    ("limiter", limiter),
    ("limiter_storm", limiter_storm),
    ("accumulate", accumulate),
    ("errors", errors),
];

/// A function's output, or the kind of the error it raised.
pub fn answer(name: &str, input: &Value) -> Map<String, Value> {
    let function = FUNCTIONS.iter().find(|(known, _)| *known == name);
    let outcome = function.map(|(_, function)| function(input));
    match outcome {
        Some(Ok(output)) => Map::from_iter([("output".to_owned(), output)]),
        Some(Err(error)) => Map::from_iter([("error".to_owned(), error.kind().as_str().into())]),
        None => Map::from_iter([("error".to_owned(), "Unknown".into())]),
    }
}

fn sse(input: &Value) -> Result<Value> {
    let mut decoder = SseDecoder::new(limits(input));
    let (mut events, mut error, mut rest) = (Vec::new(), Value::Null, Value::Null);
    for (number, chunk) in chunks(input).enumerate() {
        match decoder.feed(&chunk) {
            Ok(found) => events.extend(found.iter().map(|event| event_json(event, Some(number)))),
            Err(crossed) => {
                error = crossed.kind().as_str().into();
                break;
            }
        }
    }
    if error.is_null() {
        match decoder.finish() {
            Ok(found) => rest = found.map_or(Value::Null, |event| event_json(&event, None)),
            Err(crossed) => error = crossed.kind().as_str().into(),
        }
    }
    let retry = decoder.retry().and_then(|digits| digits.parse::<u64>().ok());
    Ok(json!({
        "events": events, "rest": rest, "error": error, "retry": retry, "decode_errors": decoder.decode_errors(),
    }))
}

fn lines(input: &Value) -> Result<Value> {
    let mut decoder = JsonLineDecoder::new(limits(input));
    let (mut lines, mut error, mut rest) = (Vec::new(), Value::Null, Value::Null);
    for chunk in chunks(input) {
        match decoder.feed(&chunk) {
            Ok(found) => lines.extend(found.iter().map(|line| line.data().trim().to_owned())),
            Err(crossed) => {
                error = crossed.kind().as_str().into();
                break;
            }
        }
    }
    if error.is_null() {
        match decoder.finish() {
            Ok(found) => rest = found.map_or(json!(""), |line| line.data().trim().into()),
            Err(crossed) => error = crossed.kind().as_str().into(),
        }
    }
    Ok(json!({"lines": lines, "rest": rest, "error": error}))
}

fn limits(input: &Value) -> FrameLimits {
    let given = |name: &str| input["limits"][name].as_u64().and_then(|n| usize::try_from(n).ok());
    let usual = FrameLimits::default();
    FrameLimits {
        line: given("max_line_bytes").unwrap_or(usual.line),
        event: given("max_event_bytes").unwrap_or(usual.event),
        comments: given("max_comment_bytes").unwrap_or(usual.comments),
    }
}

fn chunks(input: &Value) -> impl Iterator<Item = Vec<u8>> + '_ {
    let listed = input["chunks"].as_array().into_iter().flatten();
    listed.flat_map(|entry| match entry {
        Value::String(hex) => std::iter::repeat_n(bytes(hex), 1),
        _ => {
            let count = |name: &str| entry[name].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
            let chunk = bytes(entry["hex"].as_str().unwrap_or_default()).repeat(count("times"));
            std::iter::repeat_n(chunk, count("pieces"))
        }
    })
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2).filter_map(|pair| std::str::from_utf8(pair).ok());
    pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
}

fn event_json(event: &RawEvent, chunk: Option<usize>) -> Value {
    let data = event.data();
    let size = data.chars().count();
    let mut shown = json!({"event": event.event, "id": event.id, "size": size});
    if size <= SHOWN {
        shown["data"] = data.into();
    }
    if let Some(chunk) = chunk {
        shown["chunk"] = chunk.into();
    }
    shown
}

fn file_name(input: &Value) -> Result<Value> {
    let served = disposition_name(input["disposition"].as_str().unwrap_or_default());
    Ok(json!({"served": served, "safe": safe_file_name(served.as_deref().unwrap_or_default())}))
}

fn durations(input: &Value) -> Result<Value> {
    Ok(json!({"seconds": parse_duration(input["text"].as_str().unwrap_or_default())}))
}

/// The headers of an input.
pub fn headers(input: &Value) -> Headers {
    let pairs = input["headers"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Headers::new(pairs.map(|pair| (text(&pair[0]), text(&pair[1]))))
}

fn status(input: &Value) -> Option<u16> {
    input["status"].as_u64().and_then(|status| u16::try_from(status).ok())
}

fn wait_of_server(input: &Value) -> Result<Value> {
    let rules: Vec<_> = input["rules"].as_array().into_iter().flatten().map(limit_headers).collect();
    let wall = input["wall"].as_f64().unwrap_or(WALL);
    let wait = server_wait(&headers(input), status(input).unwrap_or_default(), &rules, wall);
    Ok(json!({"wait": wait}))
}

fn retry(input: &Value) -> Result<Value> {
    let failure = Failure {
        kind: failure_kind(input["kind"].as_str()),
        status: status(input),
        server_wait: input["server_wait"].as_f64(),
        should_retry: input["should_retry"].as_bool(),
        terminal_quota: input["terminal_quota"].as_bool().unwrap_or(false),
    };
    let number = |name: &str| input[name].as_u64().and_then(|n| u32::try_from(n).ok());
    let call = Situation {
        replay: replay(input["replay"].as_str()),
        rewindable: input["rewindable"].as_bool().unwrap_or(true),
        keyed: input["keyed"].as_bool().unwrap_or(false),
        timeouts: number("timeouts").unwrap_or(0),
        renewable: false,
        left: input["left"].as_f64(),
        chance: input["chance"].as_f64().unwrap_or(1.0),
        jitter: input["jitter"].as_f64().unwrap_or(1.0),
    };
    let plan = policy(&input["policy"])?.decide(number("attempt").unwrap_or(1), &failure, &call);
    Ok(json!({"after": plan.ok().map(|plan| plan.after)}))
}

/// The replay class of a word.
pub fn replay(word: Option<&str>) -> Replay {
    match word {
        Some("keyed") => Replay::Keyed,
        Some("once") => Replay::Once,
        _ => Replay::Safe,
    }
}

fn failure_kind(word: Option<&str>) -> FailureKind {
    match word {
        Some("connect") => FailureKind::Connect,
        Some("refused-stream") => FailureKind::RefusedStream,
        Some("lost") => FailureKind::Lost,
        Some("timeout") => FailureKind::Timeout,
        Some("pool") => FailureKind::Pool,
        Some("fatal") => FailureKind::Fatal,
        _ => FailureKind::Status,
    }
}

fn policy(given: &Value) -> Result<RetryPolicy> {
    let usual = RetryPolicy::default();
    let attempts =
        given["max_attempts"].as_i64().map_or(usual.max_attempts, |n| u32::try_from(n).unwrap_or(0));
    let statuses = given["retryable_statuses"].as_array().into_iter().flatten();
    Ok(RetryPolicy {
        max_attempts: check_attempts(attempts)?,
        max_server_wait: given["max_server_wait"].as_f64().unwrap_or(usual.max_server_wait),
        cap: given["cap"].as_f64().unwrap_or(usual.cap),
        factor: given["factor"].as_f64().unwrap_or(usual.factor),
        base: given["base"].as_f64().unwrap_or(usual.base),
        throttle_base: given["throttle_base"].as_f64().unwrap_or(usual.throttle_base),
        retryable_statuses: statuses.filter_map(|one| u16::try_from(one.as_u64()?).ok()).collect(),
        ..usual
    })
}

/// The breaker settings of JSON, by the names of the contract.
pub fn breaker_settings(given: &Value) -> Result<BreakerSettings> {
    let usual = BreakerSettings::default();
    let seconds = |name: &str, usual: f64| given[name].as_f64().unwrap_or(usual);
    let count =
        |name: &str, usual: u32| given[name].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(usual);
    BreakerSettings {
        window: seconds("window", usual.window),
        buckets: count("buckets", usual.buckets),
        min_outcomes: count("min_outcomes", usual.min_outcomes),
        ratio: seconds("ratio", usual.ratio),
        open_seconds: seconds("open_seconds", usual.open_seconds),
        open_max: seconds("open_max", usual.open_max),
        jitter: seconds("jitter", usual.jitter),
        probes: count("probes", usual.probes),
        successes_to_close: count("successes_to_close", usual.successes_to_close),
        enabled: given["enabled"].as_bool().unwrap_or(usual.enabled),
        slow_call_seconds: given["slow_call_seconds"].as_f64(),
        slow_call_ratio: seconds("slow_call_ratio", usual.slow_call_ratio),
        per_model: given["per_model"].as_bool().unwrap_or(usual.per_model),
    }
    .checked()
}

fn breaker(input: &Value) -> Result<Value> {
    let mut breaker = Breaker::new(breaker_settings(&input["settings"])?);
    let mut permits = HashMap::new();
    let steps = input["steps"].as_array().into_iter().flatten();
    let told: Vec<Value> = steps.map(|step| play(&mut breaker, &mut permits, step)).collect();
    Ok(json!({"steps": told}))
}

fn play(breaker: &mut Breaker, permits: &mut HashMap<String, Permit>, step: &Value) -> Value {
    let (mut admitted, mut rejected, mut retry_after) = (0, 0, None);
    let chance = step["chance"].as_f64().unwrap_or(0.5);
    let mut now = step["at"].as_f64().unwrap_or(0.0);
    for _ in 0..step["times"].as_u64().unwrap_or(1) {
        if step["do"] == "record" {
            if let Some(permit) = step["permit"].as_str().and_then(|name| permits.remove(name)) {
                breaker.record(permit, outcome(&step["outcome"]), now, chance, None);
            }
        } else {
            match breaker.admit(now) {
                Err(no) => {
                    rejected += 1;
                    retry_after = Some(no.retry_after);
                }
                Ok(permit) => {
                    admitted += 1;
                    if step["do"] == "attempt" {
                        breaker.record(permit, outcome(&step["outcome"]), now, chance, None);
                    } else if let Some(name) = step["as"].as_str() {
                        permits.insert(name.to_owned(), permit);
                    }
                }
            }
        }
        now += step["every"].as_f64().unwrap_or(0.0);
    }
    let mut told = json!({"admitted": admitted, "rejected": rejected, "state": breaker.state().as_str()});
    if let Some(seconds) = retry_after {
        told["retry_after"] = seconds.into();
    }
    told
}

fn outcome(told: &Value) -> Outcome {
    match told.as_str() {
        Some("success") => Outcome::Success,
        Some("failure") => Outcome::Failure,
        Some(_) => Outcome::Neutral,
        None => {
            let kind = failure_kind(told["kind"].as_str());
            outcome_of(Some(&Failure { status: status(told), ..Failure::of(kind) }))
        }
    }
}

fn family(word: &str) -> Family {
    match word {
        "block-event" => Family::BlockEvent,
        "response" => Family::Response,
        "conversation" => Family::Conversation,
        "events" => Family::Events,
        _ => Family::ChatCompletion,
    }
}

/// The stream rule of JSON, by the names of the contract.
pub fn stream_rule(given: &Value) -> StreamRule {
    StreamRule {
        ndjson: given["ndjson"].as_bool().unwrap_or(false),
        terminal: names(&given["terminal"]),
        type_field: given["type_field"].as_str().map_or("type", text),
        ..StreamRule::of(family(given["family"].as_str().unwrap_or_default()))
    }
}

fn accumulate(input: &Value) -> Result<Value> {
    let error_of = Box::new(|data: &Value| reported(data));
    let mut reader = StreamReader::new(&stream_rule(input), error_of, Box::new(str::to_owned));
    reader.feed(input["text"].as_str().unwrap_or_default().as_bytes());
    while reader.is_full() && !reader.ended() {
        reader.ready.clear();
        reader.refill();
    }
    if !reader.ended() {
        reader.finish(input["strict"].as_bool().unwrap_or(false));
    }
    let made = &reader.accumulator;
    let message = if reader.completion.is_some() { made.result() } else { made.partial() };
    Ok(json!({
        "completion": reader.completion.map(|completion| completion.as_str()),
        "error": reader.failure.as_ref().map(|failure| failure.kind().as_str()),
        "message": message,
    }))
}

fn reported(data: &Value) -> Option<Error> {
    let redactor = Redactor::default();
    stream_error(data, None, &ErrorContext { profile: &TEST, redactor: &redactor, max_server_wait: 60.0 })
}

fn errors(input: &Value) -> Result<Value> {
    let body = input["body"].as_str().unwrap_or_default();
    if input["stream"] == true {
        let inside = serde_json::from_str(body).ok().and_then(|data| reported(&data));
        return Ok(inside.map_or_else(|| json!({"kind": null}), |error| error_fact(&error)));
    }
    let (headers, status) = (headers(input), status(input).unwrap_or_default());
    let redactor = Redactor::default();
    let context = ErrorContext { profile: &TEST, redactor: &redactor, max_server_wait: 60.0 };
    let wait = server_wait(&headers, status, &[], WALL);
    Ok(error_fact(&api_error(status, &headers, body.as_bytes(), wait, &context)))
}
