//! A transport that is a script, and a client over it.
#![allow(dead_code)] // not every test uses all of it

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use llm_forge_runtime::core::headers::Headers;
use llm_forge_runtime::core::profile::{Family, Operation, Profile, StreamRule};
use llm_forge_runtime::transport::{Exchange, HttpRequest, OpenError, Timers, Transport};
use llm_forge_runtime::{CallOptions, Client, ClientOptions, Params, SecretString, Timeout};
use serde_json::json;

pub const ACME: Profile = Profile { name: "acme", base_url: "https://api.acme.test", ..Profile::DEFAULT };
pub const CHAT: Operation = Operation {
    name: "chat",
    method: "POST",
    path: "/chat",
    has_body: true,
    stream: Some(StreamRule::of(Family::ChatCompletion)),
    ..Operation::DEFAULT
};
pub const EVENTS: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\n\
                      data: [DONE]\n\n";

/// Answers in turn; without one it never answers.
#[derive(Default)]
pub struct Script {
    pub answers: Mutex<VecDeque<(u16, &'static str, &'static str)>>,
    pub seen: Mutex<Vec<HttpRequest>>,
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

pub fn client(
    answers: &[(u16, &'static str, &'static str)],
    options: ClientOptions,
) -> (Client, Arc<Script>) {
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

pub fn hello() -> Params {
    Params { body: json!({"model": "m-1", "messages": []}), ..Params::default() }
}
