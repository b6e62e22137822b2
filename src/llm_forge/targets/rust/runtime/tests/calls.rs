//! Calls over a transport that is a script: what is given back however a call ends.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use llm_forge_runtime::core::breaker::{BreakerSettings, State};
use llm_forge_runtime::core::headers::Headers;
use llm_forge_runtime::core::profile::{Family, Operation, Profile, StreamRule};
use llm_forge_runtime::transport::{Exchange, HttpRequest, OpenError, Timers, Transport};
use llm_forge_runtime::{
    CallOptions, CancellationToken, Client, ClientOptions, Completion, Error, Params, SecretString, Timeout,
};
use serde_json::{json, Value};

const ACME: Profile = Profile { name: "acme", base_url: "https://api.acme.test", ..Profile::DEFAULT };
const CHAT: Operation = Operation {
    name: "chat",
    method: "POST",
    path: "/chat",
    has_body: true,
    stream: Some(StreamRule::of(Family::ChatCompletion)),
    ..Operation::DEFAULT
};
const EVENTS: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\n\
                      data: [DONE]\n\n";

/// Answers in turn; without one it never answers.
#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<(u16, &'static str, &'static str)>>,
    seen: Mutex<Vec<HttpRequest>>,
}

impl Transport for Script {
    fn open(
        &self,
        request: HttpRequest,
        _: Timers,
        _: bool,
    ) -> BoxFuture<'static, Result<Exchange, OpenError>> {
        self.seen.lock().unwrap().push(request);
        let Some((status, kind, body)) = self.answers.lock().unwrap().pop_front() else {
            return futures::future::pending().boxed();
        };
        let headers = Headers::new([("content-type", kind)]);
        let body = futures::stream::iter([Ok(Bytes::from(body))]).boxed();
        async move { Ok(Exchange { status, headers, body }) }.boxed()
    }

    fn close(&self) {}
}

fn client(answers: &[(u16, &'static str, &'static str)], options: ClientOptions) -> (Client, Arc<Script>) {
    let script =
        Arc::new(Script { answers: Mutex::new(answers.iter().copied().collect()), ..Script::default() });
    let calls = CallOptions { timeout: Some(Timeout::After(30.0)), ..options.calls.clone() };
    let options = ClientOptions {
        api_key: Some(SecretString::from("sk-a-secret-key")),
        transport: Some(script.clone()),
        random: Some(Arc::new(|| 0.0)),
        calls,
        ..options
    };
    (Client::new(ACME, options).unwrap(), script)
}

fn hello() -> Params {
    Params { body: json!({"model": "m-1", "messages": []}), ..Params::default() }
}

#[tokio::test]
async fn a_fault_is_repeated_and_the_typed_result_returned() {
    let (client, script) = client(
        &[(500, "text/plain", "oh"), (200, "application/json", r#"{"id":"x","n":1}"#)],
        ClientOptions::default(),
    );
    #[derive(serde::Deserialize)]
    struct Reply {
        id: String,
        #[serde(flatten)]
        extra: serde_json::Map<String, Value>,
    }
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
