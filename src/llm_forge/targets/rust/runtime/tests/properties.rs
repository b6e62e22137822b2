//! Properties of the pure parts, on the suite's own corpora and on made-up input.

use std::path::Path;

use llm_forge_runtime::core::accumulate::accumulator;
use llm_forge_runtime::core::addresses::is_public;
use llm_forge_runtime::core::durations::parse_duration;
use llm_forge_runtime::core::framing::{FrameLimits, RawEvent};
use llm_forge_runtime::core::headers::Headers;
use llm_forge_runtime::core::json::decode;
use llm_forge_runtime::core::profile::{Family, StreamRule};
use llm_forge_runtime::core::reader::StreamReader;
use llm_forge_runtime::core::sse::SseDecoder;
use llm_forge_runtime::core::webhooks::WebhookScheme;
use llm_forge_runtime::{Error, SecretString};
use proptest::prelude::*;
use serde_json::Value;

/// The cases of a corpus; none where the suite is not at hand.
fn corpus(function: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../../conformance/corpora");
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(text) = std::fs::read_to_string(entry.path()) else { continue };
        let Ok(table) = serde_json::from_str::<Value>(&text) else { continue };
        if table["fn"] == function {
            cases.extend(table["cases"].as_array().into_iter().flatten().cloned());
        }
    }
    cases
}

fn family(word: &str) -> Option<Family> {
    Some(match word {
        "chat-completion" => Family::ChatCompletion,
        "block-event" => Family::BlockEvent,
        "response" => Family::Response,
        "conversation" => Family::Conversation,
        _ => return None,
    })
}

fn events(text: &[u8], cuts: &[usize]) -> Result<Vec<RawEvent>, Error> {
    let mut decoder = SseDecoder::new(FrameLimits::default());
    let mut all = Vec::new();
    let mut from = 0;
    for cut in cuts.iter().map(|cut| cut % (text.len() + 1)).chain([text.len()]) {
        if cut > from {
            all.extend(decoder.feed(&text[from..cut])?);
            from = cut;
        }
    }
    all.extend(decoder.finish()?);
    Ok(all)
}

fn message(rule: &StreamRule, body: &[u8], cuts: &[usize]) -> (Value, Option<String>) {
    let mut reader = StreamReader::new(rule, Box::new(|_| None), Box::new(str::to_owned));
    let mut from = 0;
    for cut in cuts.iter().map(|cut| cut % (body.len() + 1)).chain([body.len()]) {
        if cut > from {
            reader.feed(&body[from..cut]);
            while !reader.ready.is_empty() {
                reader.ready.clear();
                reader.refill();
            }
            from = cut;
        }
    }
    reader.finish(false);
    (reader.accumulator.partial(), reader.failure.map(|failure| failure.kind().as_str().to_owned()))
}

/// A stream of the corpus as its text.
fn text_of(case: &Value) -> Option<String> {
    let input = &case["input"];
    if let Some(text) = input["text"].as_str() {
        return Some(text.to_owned());
    }
    let line = |event: &Value| match event {
        Value::String(text) => format!("data: {text}\n\n"),
        event => format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or("message")),
    };
    let tail = input["tail"].as_str().unwrap_or_default();
    Some(input["events"].as_array()?.iter().map(line).collect::<String>() + tail)
}

#[test]
fn streams_of_the_corpora_add_up_alike_however_they_are_cut() {
    let mut seen = 0;
    for case in corpus("accumulate") {
        let Some(family) = case["input"]["family"].as_str().and_then(family) else { continue };
        let Some(text) = text_of(&case) else { continue };
        let rule = StreamRule::of(family);
        let whole = message(&rule, text.as_bytes(), &[]);
        let bytes: Vec<usize> = (1..text.len()).collect();
        assert_eq!(message(&rule, text.as_bytes(), &bytes), whole, "{}", case["name"]);
        seen += 1;
    }
    assert!(seen > 20 || corpus("accumulate").is_empty());
}

#[test]
fn durations_of_the_corpora_are_never_negative() {
    for case in corpus("durations") {
        let found = case["input"]["text"].as_str().and_then(parse_duration);
        assert!(found.is_none_or(|seconds| seconds >= 0.0 && seconds.is_finite()));
    }
}

proptest! {
    #[test]
    fn the_same_events_come_from_every_cut(text in "(data|event|id|retry|:)?[:a-z0-9 é]{0,6}(\n|\r|\r\n){1,3}[\\x00-\\x7f]{0,40}", cuts in proptest::collection::vec(0usize..60, 0..8)) {
        let mut cuts = cuts;
        cuts.sort_unstable();
        prop_assert_eq!(events(text.as_bytes(), &cuts).ok(), events(text.as_bytes(), &[]).ok());
    }

    #[test]
    fn a_duration_is_read_back(hours in 0u32..50, minutes in 0u32..60, millis in 0u32..60_000) {
        let seconds = f64::from(millis) / 1000.0;
        let found = parse_duration(&format!("{hours}h{minutes}m{seconds}s"));
        let wanted = f64::from(hours) * 3600.0 + f64::from(minutes) * 60.0 + seconds;
        prop_assert!(found.is_some_and(|found| (found - wanted).abs() < 1e-6));
    }

    #[test]
    fn no_text_is_too_strange_for_a_duration(text in "\\PC{0,20}") {
        prop_assert!(parse_duration(&text).is_none_or(|seconds| seconds >= 0.0));
    }

    #[test]
    fn events_in_any_order_are_added_or_refused(events in proptest::collection::vec(event(), 0..12)) {
        for family in [Family::ChatCompletion, Family::BlockEvent, Family::Response, Family::Conversation] {
            let mut accumulator = accumulator(&StreamRule::of(family));
            for event in &events {
                let name = event["type"].as_str().unwrap_or("message");
                if accumulator.add(name, Some(event)).is_err() {
                    break;
                }
            }
            let text = accumulator.partial().to_string();
            prop_assert!(decode(text.as_bytes()).is_ok());
        }
    }

    #[test]
    fn an_address_is_judged_as_the_one_inside_it(bits in any::<u32>()) {
        let four = std::net::Ipv4Addr::from(bits);
        let public = is_public(four.into());
        prop_assert_eq!(is_public(four.to_ipv6_mapped().into()), public);
        let [one, two, three, last] = four.octets().map(u16::from);
        let nat64 = std::net::Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, one << 8 | two, three << 8 | last);
        prop_assert_eq!(is_public(nat64.into()), public);
    }
}

/// Something like an event of any family.
fn event() -> impl Strategy<Value = Value> {
    let types = prop::sample::select(vec![
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "response.created",
        "response.output_item.added",
        "response.output_text.delta",
        "response.completed",
        "message.output.delta",
        "conversation.response.done",
        "ping",
        "unknown",
    ]);
    (types, 0i64..3, "[a-zé\"\\\\{}]{0,6}", any::<bool>()).prop_map(|(kind, index, text, call)| {
        let delta = if call {
            serde_json::json!({"type": "input_json_delta", "partial_json": text, "tool_calls": [{"index": index, "id": text, "function": {"name": "f", "arguments": text}}]})
        } else {
            serde_json::json!({"type": "text_delta", "text": text, "content": text})
        };
        serde_json::json!({
            "type": kind, "index": index, "output_index": index, "content_index": 0, "delta": delta,
            "content_block": {"type": if call { "tool_use" } else { "text" }, "text": "", "input": {}},
            "message": {"content": [], "usage": {}}, "response": {"output": []}, "item": {"type": "message", "content": []},
            "choices": [{"index": index, "delta": delta, "finish_reason": null}],
        })
    })
}

#[test]
fn a_webhook_is_taken_if_it_is_genuine_and_fresh() {
    // The example of the specification of standard webhooks.
    let secret = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let body = br#"{"test": 2432232314}"#;
    let stamp = 1_614_265_330.0;
    let headers = |signature: &'static str| {
        Headers::new([
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", signature),
        ])
    };
    let good = headers("v2,other v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    let check = |body: &[u8], headers: &Headers, now| {
        WebhookScheme::STANDARD.check(body, headers, std::slice::from_ref(&secret), now)
    };
    assert_eq!(check(body, &good, stamp + 299.0).unwrap()["test"], 2_432_232_314_i64);
    assert!(matches!(check(body, &good, stamp + 301.0), Err(Error::Auth(_))));
    assert!(matches!(check(b"{}", &good, stamp), Err(Error::Auth(_))));
    assert!(matches!(check(body, &headers("v1,AAAA"), stamp), Err(Error::Auth(_))));
    assert!(matches!(check(body, &Headers::default(), stamp), Err(Error::Auth(_))));
}

#[test]
fn private_shared_and_reserved_addresses_are_not_public() {
    let private = [
        "127.0.0.1",
        "10.1.2.3",
        "172.31.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fec0::1",
        "fc00::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "2001:db8::1",
    ];
    for address in private {
        assert!(!is_public(address.parse().unwrap()), "{address}");
    }
    for address in ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "64:ff9b::808:808", "172.32.0.1", "100.128.0.1"]
    {
        assert!(is_public(address.parse().unwrap()), "{address}");
    }
}
