//! What a caller has of a stream: its events, what they add up to, and how it ended.

use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use futures::{FutureExt as _, Stream, StreamExt as _};
use serde_json::Value;

use super::atomic_file::AtomicFile;
use super::attempt::lacking;
use super::call::Call;
use super::core::accumulate::{accumulator, Accumulator, Completion};
use super::core::errors::{Error, Kind, Result};
use super::core::profile::StreamRule;
use super::core::reader::{Event, StreamReader};
use super::core::synthesise::synthesise;
use super::middleware::{Content, EventSource, Response, WrapEvents};
use super::pump::Pump;
use super::shared::locked;

type Step = BoxFuture<'static, (Box<Pump>, Result<Option<Event>>)>;
/// How the stream below a wrapped one ended, once it has.
type Below = Arc<Mutex<Option<Completion>>>;

enum State {
    Ready(Box<Pump>),
    Reading(Step),
    /// Events that middleware made of others.
    Wrapped(EventSource, Below),
    Over,
}

/// The events of a stream, one consumption of them: a [`futures::Stream`] that ends at the terminal event.
///
/// Dropping it closes the connection at once. After its end, [`EventStream::message`] is what the events add
/// up to; a second iteration fails.
pub struct EventStream {
    state: State,
    call: Arc<Call>,
    /// Knows what an event says; of events that middleware made it also adds up the message.
    accumulator: Box<dyn Accumulator>,
    message: Option<Value>,
    lacking: Option<Error>,
    completion: Option<Completion>,
    below: Option<Below>,
    synthesised: bool,
    told_again: bool,
}

impl std::fmt::Debug for EventStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EventStream({:?})", self.completion)
    }
}

impl EventStream {
    /// The stream in a call's response.
    pub(super) fn of(response: Response, rule: &StreamRule, call: &Arc<Call>) -> Result<Self> {
        match response.content {
            Content::Events(pump) => Ok(Self::pumped(pump, rule, response.wraps)),
            Content::Whole(value) => {
                let stream = Self::answered(&value, rule, call);
                call.finish(&super::call::outcome_name(stream.as_ref().err()));
                stream
            }
            Content::Pieces(_) => Err(no_result(call)),
        }
    }

    fn new(state: State, rule: &StreamRule, call: Arc<Call>) -> Self {
        Self {
            state,
            call,
            accumulator: accumulator(rule),
            message: None,
            lacking: None,
            completion: None,
            below: None,
            synthesised: false,
            told_again: false,
        }
    }

    fn pumped(mut pump: Box<Pump>, rule: &StreamRule, wraps: Vec<WrapEvents>) -> Self {
        pump.handed_over = true;
        let (synthesised, call) = (pump.synthesised, pump.call.clone());
        let mut stream = Self::new(State::Ready(pump), rule, call.clone());
        if !wraps.is_empty() {
            let below = Below::default();
            stream.below = Some(below.clone());
            let events = wraps.into_iter().fold(stream.boxed(), |events, wrap| wrap(events));
            stream = Self::new(State::Wrapped(events, below), rule, call);
        }
        stream.synthesised = synthesised;
        stream
    }

    /// The events of a whole answer that middleware gave.
    fn answered(value: &Value, rule: &StreamRule, call: &Arc<Call>) -> Result<Self> {
        let events = value.as_object().and_then(|value| synthesise(rule.family, value));
        let events = events.ok_or_else(|| no_result(call))?;
        let mut reader = StreamReader::new(rule, Box::new(|_| None), Box::new(str::to_owned));
        for (name, data) in events {
            reader.accept(&name, data, String::new());
        }
        let ready: Vec<Result<Event>> = reader.ready.drain(..).map(Ok).collect();
        let below = Arc::new(Mutex::new(Some(Completion::Explicit)));
        let state = State::Wrapped(futures::stream::iter(ready).boxed(), below);
        Ok(Self { synthesised: true, ..Self::new(state, rule, call.clone()) })
    }

    /// How the stream ended: its terminal event was seen, or its end was inferred; `None` before the end.
    #[must_use]
    pub fn completion(&self) -> Option<Completion> {
        self.completion
    }

    /// Whether the events stood in one whole answer.
    #[must_use]
    pub fn synthesised(&self) -> bool {
        self.synthesised
    }

    /// The provider's id of this exchange.
    #[must_use]
    pub fn request_id(&self) -> Option<String> {
        self.call.request_id()
    }

    /// The text that an event adds, of the first choice; empty for events that add none.
    #[must_use]
    pub fn text_of(&self, event: &Event) -> String {
        self.accumulator.text_of(&event.name, &event.data)
    }

    /// What the events add up to; `None` unless the stream has ended well.
    #[must_use]
    pub fn message(&self) -> Option<&Value> {
        self.message.as_ref()
    }

    /// What the events so far add up to; unfinished parts carry `"complete": false`.
    #[must_use]
    pub fn partial(&self) -> Option<Value> {
        match &self.state {
            State::Ready(pump) => Some(pump.reader.accumulator.partial()),
            State::Wrapped(..) => Some(self.accumulator.partial()),
            _ => self.message.clone(),
        }
    }

    /// Read to the end: what the events add up to.
    ///
    /// # Errors
    /// What ended the stream, with what had arrived as `partial`.
    pub async fn collect_message(&mut self) -> Result<Value> {
        while let Some(event) = self.next().await {
            event?;
        }
        self.whole_message()
    }

    fn whole_message(&self) -> Result<Value> {
        if let Some(error) = &self.lacking {
            return Err(error.clone());
        }
        let again = || Error::new(Kind::Stream, "The stream was read before; its message is gone");
        self.message.clone().ok_or_else(again)
    }

    /// Writes the text of the whole stream to a file, which appears whole or not at all, and returns the
    /// message. A file that is there is replaced; a new one is readable by its owner only. If the stream or the disk
    /// fails, the file is left as it was; `keep_partial` leaves the text that arrived beside it, in `<name>.partial`.
    ///
    /// # Errors
    /// What ended the stream; [`Error::Stream`] with its cause where the file cannot be written.
    pub async fn to_file(&mut self, path: impl AsRef<Path>, keep_partial: bool) -> Result<Value> {
        let path = path.as_ref();
        let created = AtomicFile::create(path, keep_partial).await;
        let mut file = created.map_err(|cause| self.not_written(path, cause))?;
        while let Some(event) = self.next().await {
            let text = self.text_of(&event?);
            file.write(text.as_bytes()).await.map_err(|cause| self.not_written(path, cause))?;
        }
        let message = self.whole_message()?;
        file.commit().await.map_err(|cause| self.not_written(path, cause))?;
        Ok(message)
    }

    fn not_written(&self, path: &Path, cause: std::io::Error) -> Error {
        let message = format!("The stream could not be written to {}", path.display());
        let mut error = Error::new(Kind::Stream, message).caused_by(cause);
        error.facts_mut().partial = self.partial();
        error
    }

    /// End the stream now and close its connection.
    pub fn close(&mut self) {
        self.state = State::Over;
    }

    fn end(&mut self, completion: Option<Completion>, message: Value) {
        self.completion = completion;
        self.lacking = lacking(&self.call, &message).err().map(|error| self.call.enrich(error));
        self.message = Some(message);
        if let Some(below) = &self.below {
            *locked(below) = completion;
        }
    }

    fn settle(&mut self, mut pump: Box<Pump>, result: Result<Option<Event>>) -> Option<Result<Event>> {
        match result {
            Ok(Some(event)) => {
                self.state = State::Ready(pump);
                Some(Ok(event))
            }
            Ok(None) => {
                self.end(pump.reader.completion, pump.reader.accumulator.result());
                None
            }
            Err(error) => {
                pump.end(&error);
                Some(Err(error))
            }
        }
    }

    /// Take over what middleware gave; its end needs an end below, or a terminal event of its own.
    fn settle_wrapped(
        &mut self,
        events: EventSource,
        below: Below,
        item: Option<Result<Event>>,
    ) -> Option<Result<Event>> {
        match item {
            Some(Ok(event)) => {
                if let Err(error) = self.accumulator.add(&event.name, Some(&event.data)) {
                    return Some(Err(self.call.enrich(error)));
                }
                self.state = State::Wrapped(events, below);
                Some(Ok(event))
            }
            Some(Err(error)) => Some(Err(error)),
            None => {
                let ended = *locked(&below);
                let Some(completion) = ended.or_else(|| self.accumulator.ending()) else {
                    let message = "Middleware ended the stream before its terminal event";
                    let mut error = Error::new(Kind::StreamInterrupted, message);
                    error.facts_mut().partial = Some(self.accumulator.partial());
                    return Some(Err(self.call.enrich(error)));
                };
                self.end(Some(completion), self.accumulator.result());
                None
            }
        }
    }

    fn read_again(&mut self) -> Option<Result<Event>> {
        let again = self.completion.is_some() && std::mem::replace(&mut self.told_again, true);
        let message = "The stream was read to its end before; make a new call to read it again";
        again.then(|| Err(Error::new(Kind::Stream, message)))
    }
}

fn no_result(call: &Call) -> Error {
    let message = format!(
        "Middleware answered the stream call {} with what is no result of its operation",
        call.operation.name
    );
    Error::new(Kind::Raised, message)
}

impl Stream for EventStream {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut step = match std::mem::replace(&mut self.state, State::Over) {
            State::Over => return Poll::Ready(self.read_again()),
            State::Wrapped(mut events, below) => {
                let Poll::Ready(item) = events.poll_next_unpin(cx) else {
                    self.state = State::Wrapped(events, below);
                    return Poll::Pending;
                };
                let item = self.settle_wrapped(events, below, item);
                self.told_again |= item.is_none();
                return Poll::Ready(item);
            }
            State::Reading(step) => step,
            State::Ready(mut pump) => async move {
                let call = pump.call.clone();
                let result = call.unless_cancelled(pump.next()).await;
                (pump, result)
            }
            .boxed(),
        };
        match step.poll_unpin(cx) {
            Poll::Pending => {
                self.state = State::Reading(step);
                Poll::Pending
            }
            Poll::Ready((pump, result)) => {
                let item = self.settle(pump, result);
                self.told_again |= item.is_none();
                Poll::Ready(item)
            }
        }
    }
}
