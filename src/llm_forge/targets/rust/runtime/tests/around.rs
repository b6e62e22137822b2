//! What stands around calls: middleware, hedging, tokens.

mod script;

use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use llm_forge_runtime::core::call_context::CallContext;
use llm_forge_runtime::core::profile::Operation;
use llm_forge_runtime::middleware::{Next, Request, Response};
use llm_forge_runtime::{Auth, CallOptions, ClientOptions, Completion, Error, Middleware, OAuth2};
use script::{client, hello, CHAT, EVENTS};
use serde_json::{json, Value};

/// Adds a header and remembers what it saw.
#[derive(Default)]
struct Tagged(Mutex<Vec<Request>>);

impl Middleware for Tagged {
    fn attempt<'a>(
        &'a self,
        _: &'a CallContext,
        mut request: Request,
        mut next: Next<'a>,
    ) -> BoxFuture<'a, Result<Response, Error>> {
        self.0.lock().unwrap().push(request.clone());
        request.headers.push(("x-tag".to_owned(), "on".to_owned()));
        async move { next.run(request).await }.boxed()
    }
}

/// Lets only events without text through.
struct Silent;

impl Middleware for Silent {
    fn call<'a>(
        &'a self,
        _: &'a CallContext,
        request: Request,
        mut next: Next<'a>,
    ) -> BoxFuture<'a, Result<Response, Error>> {
        let mute = |mut event: llm_forge_runtime::Event| {
            event.data["choices"][0]["delta"] = json!({});
            event
        };
        async move { Ok(next.run(request).await?.with_events(move |events| events.map_ok(mute).boxed())) }
            .boxed()
    }
}

#[tokio::test]
async fn middleware_changes_a_copy_and_sees_no_credential() {
    let tagged = Arc::new(Tagged::default());
    let options = ClientOptions { middleware: vec![tagged.clone()], ..ClientOptions::default() };
    let (client, script) = client(&[(500, "text/plain", ""), (200, "application/json", "{}")], options);
    let mut own = CallOptions::default();
    own.extra_headers.push(("x-api-key".to_owned(), "sk-of-my-own".to_owned()));
    client.call_json(&CHAT, &hello(), own).await.unwrap();
    for sent in script.seen.lock().unwrap().iter() {
        assert_eq!((sent.header("x-tag"), sent.header("x-api-key")), (Some("on"), Some("sk-of-my-own")));
    }
    let shown = tagged.0.lock().unwrap();
    assert_eq!(shown.len(), 2);
    for request in shown.iter() {
        let hidden =
            |(name, _): &(String, String)| name == "x-tag" || name == "x-api-key" || name == "authorization";
        assert!(!request.headers.iter().any(hidden));
    }
}

#[tokio::test]
async fn a_message_is_made_of_the_events_that_come_out_of_the_middleware() {
    let options = ClientOptions { middleware: vec![Arc::new(Silent)], ..ClientOptions::default() };
    let (client, _) = client(&[(200, "text/event-stream", EVENTS)], options);
    let mut stream = client.stream(&CHAT, &hello(), CallOptions::default()).await.unwrap();
    let message = stream.collect_message().await.unwrap();
    assert_eq!(message["choices"][0]["message"].get("content").and_then(Value::as_str).unwrap_or(""), "");
    assert_eq!(stream.completion(), Some(Completion::Explicit));
}

#[tokio::test(start_paused = true)]
async fn a_slow_attempt_gets_company_and_the_faster_one_wins() {
    let (client, script) = client(&[], ClientOptions::default());
    let answers = script.clone();
    let options = CallOptions { hedge_after: Some(1.0), ..CallOptions::default() };
    let params = hello();
    let call = client.answer::<Value>(&CHAT, &params, options);
    let later = async move {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        answers.answers.lock().unwrap().push_back((200, "application/json", "{\"id\":\"second\"}"));
    };
    let (answer, ()) = tokio::join!(call, later);
    let answer = answer.unwrap();
    assert_eq!((answer.value["id"].as_str(), answer.attempts), (Some("second"), 2));
    assert_eq!(script.seen.lock().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_repeated_is_not_hedged() {
    let once = Operation { replay: llm_forge_runtime::core::profile::Replay::Once, ..CHAT };
    let (client, script) = client(&[], ClientOptions::default());
    let options = CallOptions { hedge_after: Some(1.0), ..CallOptions::default() };
    let params = hello();
    let call = client.call_json(&once, &params, options);
    assert!(tokio::time::timeout(std::time::Duration::from_secs(9), call).await.is_err());
    assert_eq!(script.seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn one_token_request_serves_all_who_wait() {
    let saved = Arc::new(Mutex::new(Vec::new()));
    let keep = saved.clone();
    let grant = OAuth2 {
        client_id: "me".to_owned(),
        refresh_token: Some("r-first".into()),
        token_url: Some("https://auth.acme.test/token".to_owned()),
        on_refresh_token: Some(Arc::new(move |token| {
            use llm_forge_runtime::ExposeSecret as _;
            keep.lock().unwrap().push(token.expose_secret().to_owned());
            Ok(())
        })),
        ..OAuth2::default()
    };
    let token =
        r#"{"access_token":"t-1","token_type":"Bearer","expires_in":3600,"refresh_token":"r-second"}"#;
    let ok = (200, "application/json", "{}");
    let options = ClientOptions { auth: Some(Auth::OAuth2(grant)), ..ClientOptions::default() };
    let (client, script) = client(&[(200, "application/json", token), ok, ok], options);
    let params = hello();
    let call = || client.call_json(&CHAT, &params, CallOptions::default());
    let (one, two) = tokio::join!(call(), call());
    assert!(one.is_ok() && two.is_ok());
    let seen = script.seen.lock().unwrap();
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[0].url, "https://auth.acme.test/token");
    assert!(seen[1..].iter().all(|sent| sent.header("authorization") == Some("Bearer t-1")));
    assert_eq!(*saved.lock().unwrap(), ["r-second"]);
}
