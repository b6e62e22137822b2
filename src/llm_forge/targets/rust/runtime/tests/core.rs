//! Properties of the pure decisions that tables cannot state.

use llm_forge_runtime::core::accumulate::parse_partial;
use llm_forge_runtime::core::durations::parse_duration;
use llm_forge_runtime::core::framing::{FrameLimits, RawEvent};
use llm_forge_runtime::core::json::decode;
use llm_forge_runtime::core::redact::Redactor;
use llm_forge_runtime::core::sse::SseDecoder;
use llm_forge_runtime::{Error, Kind, SecretString};

const BODY: &[u8] = b"\xef\xbb\xbfevent: a\r\ndata: x\rdata: \xc3\xa9\r\n\r\n: note\nid: 7\ndata:\xf0\x9f\x99\x82\n\ndata: [DONE]\r\r";

fn decoded(chunks: &[&[u8]]) -> Vec<RawEvent> {
    let mut decoder = SseDecoder::new(FrameLimits::default());
    chunks.iter().flat_map(|chunk| decoder.feed(chunk).unwrap()).collect()
}

#[test]
fn every_split_of_a_body_gives_the_same_events() {
    let whole = decoded(&[BODY]);
    assert_eq!(whole.len(), 3);
    for at in 0..=BODY.len() {
        assert_eq!(decoded(&[&BODY[..at], &BODY[at..]]), whole, "cut at {at}");
    }
    let mut dice = fastrand::Rng::with_seed(125);
    for _ in 0..2000 {
        let (mut rest, mut chunks) = (BODY, Vec::new());
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(dice.usize(1..=rest.len()));
            chunks.push(chunk);
            rest = after;
        }
        assert_eq!(decoded(&chunks), whole, "{chunks:?}");
    }
}

#[test]
fn the_beginning_of_a_value_never_shows_what_has_not_arrived() {
    let text = r#"{"a": [1, 23, {"b": "x\n\ud83d\ude42 end"}], "c": true, "d": -1.5e3}"#;
    assert_eq!(parse_partial(text), decode(text.as_bytes()).ok());
    for (at, _) in text.char_indices() {
        let shown = parse_partial(&text[..at]).map(|value| value.to_string()).unwrap_or_default();
        assert!(!shown.contains('\u{fffd}'), "half a character at {at}: {shown}");
        assert!(at >= 66 || !shown.contains("-1500"), "ahead at {at}: {shown}");
    }
    assert_eq!(parse_partial("[1, 2"), Some(serde_json::json!([1])));
    assert_eq!(parse_partial("nonsense"), None);
}

#[test]
fn random_bytes_harm_no_reader() {
    let mut dice = fastrand::Rng::with_seed(1);
    let alphabet = b"data: {}[]\"\\u0d8hms.19\n\r:-+eE,\xc3\xff";
    for _ in 0..20_000 {
        let length = dice.usize(0..40);
        let bytes: Vec<u8> = (0..length).map(|_| alphabet[dice.usize(0..alphabet.len())]).collect();
        let text = String::from_utf8_lossy(&bytes);
        let seconds = parse_duration(&text);
        assert!(seconds.is_none_or(|seconds| seconds >= 0.0 && seconds.is_finite()), "{text:?}");
        let partial = parse_partial(&text);
        assert!(decode(&bytes).is_err() || partial.is_some() || text.trim() == "null", "{text:?}");
        decoded(&[&bytes]);
    }
}

#[test]
fn nesting_and_numbers_have_limits_and_a_bomb_is_an_error() {
    let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert!(decode(deep(200).as_bytes()).is_ok());
    assert!(decode(deep(201).as_bytes()).is_err());
    assert!(decode(deep(100_000).as_bytes()).is_err());
    assert!(decode("1".repeat(1001).as_bytes()).is_err());
    assert!(decode(b"NaN").is_err());
    assert_eq!(decode(b"9223372036854775807").unwrap().to_string(), "9223372036854775807");
    assert_eq!(decode(br#""half \ud83d of a pair""#).unwrap(), "half \u{fffd} of a pair");
}

#[test]
fn a_secret_is_found_in_every_spelling() {
    use base64::Engine as _;
    let key = "sk-\"quoted\"/and+more=1";
    let redactor = Redactor::new(&[SecretString::from(key)], &[], &[]);
    let percent = url::form_urlencoded::byte_serialize(key.as_bytes()).collect::<String>();
    let json = serde_json::json!({ "key": key }).to_string();
    let base64 = base64::engine::general_purpose::STANDARD.encode(format!("user:{key}"));
    for text in [key.to_owned(), percent, json, base64, format!("in {key} text")] {
        let shown = redactor.text(&text);
        assert!(shown.contains("[redacted]"), "{text} -> {shown}");
        assert!(!shown.contains("quoted"), "{text} -> {shown}");
    }
}

#[test]
fn an_error_survives_json_with_its_cause() {
    let cause = Error::new(Kind::ConnectionLost, "lost");
    let mut error = Error::new(Kind::RateLimit, "slow down").with_retry_after(7.0).caused_by(cause);
    error.facts_mut().status = Some(429);
    error.facts_mut().partial = Some(serde_json::json!({"text": "Hel"}));
    let restored = Error::from_json(error.to_json().as_object().unwrap());
    assert_eq!(restored.to_json(), error.to_json());
    assert!(matches!(restored, Error::RateLimit(_)) && restored.is_api());
    assert_eq!(std::error::Error::source(&restored).map(ToString::to_string).as_deref(), Some("lost"));
}
