//! Middleware that notes where a call has come to, and does what the scenario says.

use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use llm_forge_runtime::core::call_context::CallContext;
use llm_forge_runtime::core::errors::{Facts, Result};
use llm_forge_runtime::middleware::{EventSource, Next, Request, Response};
use llm_forge_runtime::{Error, Kind, Middleware};
use serde_json::{json, Value};

use crate::record::{notes, CURRENT};

struct Recorder {
    name: String,
    call: String,
    attempt: String,
}

/// The recorders of a scenario.
pub fn recorders(told: &Value) -> Vec<Arc<dyn Middleware>> {
    let word = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
    let made = |one: &Value| -> Arc<dyn Middleware> {
        Arc::new(Recorder { name: word(one, "name"), call: word(one, "call"), attempt: word(one, "attempt") })
    };
    told.as_array().into_iter().flatten().map(made).collect()
}

fn note(story: String) {
    let _outside = CURRENT.try_with(|record| notes(record).story.push(story));
}

impl Recorder {
    async fn around(
        &self,
        level: &str,
        does: &str,
        about: &CallContext,
        mut request: Request,
        mut next: Next<'_>,
    ) -> Result<Response> {
        let place = format!("{} {level} {}", self.name, about.attempt);
        note(place.clone());
        let shown = format!("{request:?} {} {:?} {:?}", request.url, request.headers, request.body);
        let _outside = CURRENT.try_with(|record| notes(record).shown.push(shown));
        let result = match does {
            "raise" => Err(Error::raised(std::io::Error::other("the middleware's own"))),
            "unavailable" if about.attempt <= 1 => Err(unavailable()),
            "answer" => Ok(Response::of(json!({"id": "from-middleware"}))),
            _ => {
                if does == "origin" {
                    request.url = "https://elsewhere.test/".to_owned();
                }
                next.run(request).await
            }
        };
        note(format!("{place} end"));
        result
    }
}

fn unavailable() -> Error {
    let facts = Facts { message: "made up".to_owned(), status: Some(503), ..Facts::default() };
    Error::with_facts(Kind::Unavailable, facts)
}

impl Middleware for Recorder {
    fn call<'a>(
        &'a self,
        about: &'a CallContext,
        request: Request,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Response>> {
        let counts = self.name.clone();
        async move {
            let response = self.around("call", &self.call, about, request, next).await?;
            let streams = response.is_stream();
            Ok(if streams { response.with_events(|events| counting(counts, events)) } else { response })
        }
        .boxed()
    }

    fn attempt<'a>(
        &'a self,
        about: &'a CallContext,
        request: Request,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Response>> {
        self.around("attempt", &self.attempt, about, request, next).boxed()
    }
}

/// The same events; how many there were is noted at their end.
fn counting(name: String, events: EventSource) -> EventSource {
    let start = (events, 0, Some(name));
    futures::stream::unfold(start, |(mut events, count, name)| async move {
        match events.next().await {
            Some(Ok(event)) => Some((Ok(event), (events, count + 1, name))),
            other => {
                if let Some(name) = &name {
                    note(format!("{name} read {count}"));
                }
                other.map(|item| (item, (events, count, None)))
            }
        }
    })
    .boxed()
}
