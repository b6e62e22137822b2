//! Streams of typed events.

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::StreamExt as _;
use serde::de::DeserializeOwned;

use crate::runtime::core::profile::Operation;
use crate::runtime::{CallOptions, Client, Completion, Error, EventStream, Kind, Params, Result};

/// The events of a stream as `E`, which add up to an `R`: a [`futures::Stream`].
///
/// Dropping it closes the connection at once.
pub struct MessageStream<E, R> {
    events: EventStream,
    types: PhantomData<fn() -> (E, R)>,
}

impl<E, R> std::fmt::Debug for MessageStream<E, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.events.fmt(f)
    }
}

impl<E: DeserializeOwned, R: DeserializeOwned> MessageStream<E, R> {
    pub(crate) async fn open(
        client: &Client,
        operation: &Operation,
        params: &Params,
        options: CallOptions,
    ) -> Result<Self> {
        let events = client.stream(operation, params, options).await?;
        Ok(Self { events, types: PhantomData })
    }

    /// Read to the end, unless that was done already: what the events add up to.
    ///
    /// # Errors
    /// What ended the stream, with what had arrived as `partial`.
    pub async fn collect_message(&mut self) -> Result<R> {
        match self.events.message() {
            Some(message) => typed(message.clone()),
            None => typed(self.events.collect_message().await?),
        }
    }

    /// What the events add up to; `None` unless the stream has ended well.
    ///
    /// # Errors
    /// [`Error::InvalidResponse`] for a message of another shape than described.
    pub fn message(&self) -> Result<Option<R>> {
        self.events.message().cloned().map(typed).transpose()
    }

    /// How the stream ended: its terminal event was seen, or its end was inferred; `None` before the end.
    #[must_use]
    pub fn completion(&self) -> Option<Completion> {
        self.events.completion()
    }

    /// End the stream now and close its connection.
    pub fn close(&mut self) {
        self.events.close();
    }

    /// The events as they came.
    #[must_use]
    pub fn into_events(self) -> EventStream {
        self.events
    }
}

impl<E: DeserializeOwned, R> futures::Stream for MessageStream<E, R> {
    type Item = Result<E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.poll_next_unpin(cx).map(|event| event.map(|event| typed(event?.data)))
    }
}

/// A JSON value as the type that describes it.
fn typed<T: DeserializeOwned>(value: serde_json::Value) -> Result<T> {
    serde_json::from_value(value).map_err(|error| {
        Error::new(Kind::InvalidResponse, "The answer has another shape than described").caused_by(error)
    })
}
