//! Calls over a transport that is a script: what is given back however a call ends.

mod script;

use std::sync::Arc;

use futures::FutureExt as _;
use llm_forge_runtime::core::breaker::{BreakerSettings, State};
use llm_forge_runtime::{CallOptions, CancellationToken, ClientOptions, Completion, Error};
use script::{client, hello, CHAT, EVENTS};
use serde_json::{json, Value};

#[derive(serde::Deserialize)]
struct Reply {
    id: String,
    #[serde(flatten)]
    extra: serde_json::Map<String, Value>,
}

#[tokio::test]
async fn a_fault_is_repeated_and_the_typed_result_returned() {
    let (client, script) = client(
        &[(500, "text/plain", "oh"), (200, "application/json", r#"{"id":"x","n":1}"#)],
        ClientOptions::default(),
    );
    let reply: Reply = client.call(&CHAT, &hello(), CallOptions::default()).await.unwrap();
    assert_eq!((reply.id.as_str(), &reply.extra["n"]), ("x", &json!(1)));
    let seen = script.seen.lock().unwrap();
    assert_eq!(seen.len(), 2);
    assert!(seen[0].headers.contains(&("authorization".to_owned(), "Bearer sk-a-secret-key".to_owned())));
}

#[tokio::test]
async fn a_stream_ends_at_its_terminal_event_and_adds_up() {
    let (client, _) = client(&[(200, "text/event-stream", EVENTS)], ClientOptions::default());
    let mut stream = client.stream(&CHAT, &hello(), CallOptions::default()).await.unwrap();
    let message = stream.collect_message().await.unwrap();
    assert_eq!(message["choices"][0]["message"]["content"], "Hi");
    assert_eq!(stream.completion(), Some(Completion::Explicit));
    assert!(matches!(stream.collect_message().await, Ok(_) | Err(Error::Stream(_))));
}

#[tokio::test]
async fn a_token_cancels_and_is_no_error_of_the_provider() {
    let (client, _) = client(&[], ClientOptions::default());
    let token = CancellationToken::new();
    let options = CallOptions { cancel: Some(token.clone()), ..CallOptions::default() };
    let params = hello();
    let call = client.call_json(&CHAT, &params, options);
    let (result, ()) = tokio::join!(call, async { token.cancel() });
    assert!(matches!(result, Err(Error::Cancelled(_))));
}

#[tokio::test]
async fn a_dropped_call_gives_its_place_and_its_permit_back() {
    let breaker = BreakerSettings { min_outcomes: 1, ..BreakerSettings::default() };
    let options = ClientOptions { concurrency: Some(1), breaker, ..ClientOptions::default() };
    let (client, script) = client(&[], options);
    let params = hello();
    {
        let call = client.call_json(&CHAT, &params, CallOptions::default());
        futures::pin_mut!(call);
        assert!(call.as_mut().now_or_never().is_none()); // sent, and never answered
    }
    script.answers.lock().unwrap().push_back((200, "application/json", "{}"));
    assert_eq!(client.call_json(&CHAT, &params, CallOptions::default()).await.unwrap(), json!({}));
    assert_eq!(client.circuit_states()["default"], State::Closed);
}

#[tokio::test]
async fn a_closed_client_sends_nothing() {
    let (client, script) = client(&[], ClientOptions::default());
    client.close().await;
    let refused = client.call_json(&CHAT, &hello(), CallOptions::default()).await;
    assert!(matches!(refused, Err(Error::ClientClosed(_))));
    assert!(script.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_hook_that_panics_changes_nothing() {
    let options =
        ClientOptions { on_event: vec![Arc::new(|_| panic!("the hook's own"))], ..ClientOptions::default() };
    let (client, _) = client(&[(200, "application/json", "{}")], options);
    assert!(client.call_json(&CHAT, &hello(), CallOptions::default()).await.is_ok());
}

#[tokio::test]
async fn hooks_are_told_what_an_answer_cost_and_none_of_its_content() {
    let told = Arc::new(std::sync::Mutex::new(serde_json::Map::new()));
    let keep = told.clone();
    let hook = move |event: &llm_forge_runtime::observability::ClientEvent| {
        if event.name == "call-end" {
            *keep.lock().unwrap() = event.facts.clone();
        }
    };
    let answer = r#"{"id":"m-1","model":"big","stop_reason":"end_turn","content":"a secret story",
        "usage":{"input_tokens":3,"cache_read_input_tokens":4,"output_tokens":5}}"#;
    let options = ClientOptions { on_event: vec![Arc::new(hook)], ..ClientOptions::default() };
    let (client, _) = client(&[(200, "application/json", answer)], options);
    client.call_json(&CHAT, &hello(), CallOptions::default()).await.unwrap();
    let facts = told.lock().unwrap();
    let wanted = json!({
        "outcome": "ok", "status": 200, "attempts": 1, "response_id": "m-1", "response_model": "big",
        "finish_reasons": ["end_turn"], "input_tokens": 7, "cache_read_tokens": 4, "output_tokens": 5,
    });
    for (name, value) in wanted.as_object().unwrap() {
        assert_eq!(facts.get(name), Some(value), "{name}");
    }
    assert!(!Value::Object(facts.clone()).to_string().contains("secret story"));
}
