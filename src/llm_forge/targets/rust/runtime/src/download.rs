//! Files that arrive, and lines of JSON that arrive.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::stream::{self, BoxStream, Stream, StreamExt as _};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use url::Url;

use super::arrival::Arrival;
use super::atomic_file::{choose_target, AtomicFile};
use super::body::BODY_BYTES;
use super::client::typed;
use super::core::errors::{Error, Kind, Result};
use super::core::file_names::disposition_name;
use super::core::framing::{FrameLimits, JsonLineDecoder, RawEvent};
use super::core::json::decode;

/// A file that arrives; dropping it closes its connection.
pub struct Download(Arrival);

impl std::fmt::Debug for Download {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Download({})", self.0.call.operation.name)
    }
}

impl Download {
    pub(super) fn new(arrival: Arrival) -> Self {
        Self(arrival)
    }

    /// The media type that the server named.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.0.headers.get("content-type")
    }

    /// The bytes announced; `None` where the server announced none, or compressed them.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        let plain = !self.0.headers.contains("content-encoding");
        self.0.headers.get("content-length").filter(|_| plain)?.parse().ok()
    }

    /// The provider's id of this exchange.
    #[must_use]
    pub fn request_id(&self) -> Option<String> {
        self.0.call.request_id()
    }

    /// The file name that the server gave, as it gave it: [`Download::to_file`] makes it safe before it is used.
    #[must_use]
    pub fn served_name(&self) -> String {
        let told = self.0.headers.get("content-disposition").and_then(disposition_name);
        told.unwrap_or_else(|| {
            let url = Url::parse(&self.0.call.prepared().request.url).ok();
            let last = url.as_ref().and_then(|url| url.path_segments()?.next_back());
            last.unwrap_or_default().to_owned()
        })
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// What ended the answer before its end; it never looks complete.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        self.0.more().await
    }

    /// All bytes of a file of at most 64 MiB.
    ///
    /// # Errors
    /// [`Error::ResponseTooLarge`] beyond; [`Download::to_file`] and [`Download::chunk`] have no limit.
    pub async fn bytes(mut self) -> Result<Bytes> {
        let mut content = Vec::new();
        while let Some(piece) = self.0.more().await? {
            content.extend_from_slice(&piece);
            if content.len() > BODY_BYTES {
                let message = format!("The answer exceeds {BODY_BYTES} bytes; store it with to_file");
                return Err(self.0.fail(Error::new(Kind::ResponseTooLarge, message)));
            }
        }
        Ok(content.into())
    }

    /// Writes all bytes; how many there were.
    ///
    /// # Errors
    /// What ended the answer; [`Error::Config`] with its cause where the writer failed.
    pub async fn write_to<W: AsyncWrite + Unpin>(mut self, writer: &mut W) -> Result<u64> {
        let mut count = 0;
        while let Some(piece) = self.0.more().await? {
            writer.write_all(&piece).await.map_err(|cause| not_stored("a writer", cause))?;
            count += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        }
        writer.flush().await.map_err(|cause| not_stored("a writer", cause))?;
        Ok(count)
    }

    /// Stores the answer and returns its path; in a folder, under the server's name made safe. The file appears when
    /// it is whole, readable by its owner only, and replaces an older one of that path.
    ///
    /// # Errors
    /// What ended the answer; [`Error::Config`] with its cause where the file cannot be written, or where a folder
    /// has a file of the server's name already.
    pub async fn to_file(mut self, path: impl AsRef<Path>) -> Result<PathBuf> {
        let path = path.as_ref();
        let shown = path.display().to_string();
        let failed = |cause| not_stored(&shown, cause);
        let target = choose_target(path, &self.served_name()).await.map_err(failed)?;
        let mut file = AtomicFile::create(&target, false).await.map_err(failed)?;
        while let Some(piece) = self.0.more().await? {
            file.write(&piece).await.map_err(failed)?;
        }
        file.commit().await.map_err(failed)?;
        Ok(target)
    }

    /// The bytes as they arrive, as a stream.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes>> + Send {
        stream::try_unfold(self, |mut download| async move {
            Ok(download.chunk().await?.map(|piece| (piece, download)))
        })
    }
}

/// The error of a file of the user's that cannot be written.
pub(super) fn not_stored(what: &str, cause: std::io::Error) -> Error {
    Error::new(Kind::Config, format!("The answer cannot be stored in {what}")).caused_by(cause)
}

/// Lines of JSON that arrive, as a [`futures::Stream`] of `T`; dropping it closes the connection.
///
/// [`Error::StreamInterrupted`] if they are cut: its `partial` is the torn line, `events_seen` counts whole ones.
pub struct Lines<T = Value> {
    arriving: BoxStream<'static, Result<T>>,
    request_id: Option<String>,
}

impl<T> std::fmt::Debug for Lines<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lines({:?})", self.request_id)
    }
}

impl<T: DeserializeOwned + Send + 'static> Lines<T> {
    pub(super) fn new(arrival: Arrival) -> Self {
        let request_id = arrival.call.request_id();
        let reader = LineReader {
            arrival,
            decoder: JsonLineDecoder::new(FrameLimits::default()),
            ready: VecDeque::new(),
            over: false,
            failure: None,
            seen: 0,
        };
        let lines = stream::try_unfold(reader, |mut reader| async move {
            let Some(line) = reader.next().await? else { return Ok(None) };
            let line = typed(reader.arrival.call.operation.name, line)?;
            Ok(Some((line, reader)))
        });
        Self { arriving: lines.boxed(), request_id }
    }

    /// The provider's id of this exchange.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }
}

impl<T> Stream for Lines<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.arriving.poll_next_unpin(cx)
    }
}

struct LineReader {
    arrival: Arrival,
    decoder: JsonLineDecoder,
    ready: VecDeque<RawEvent>,
    over: bool,
    failure: Option<Error>,
    seen: u64,
}

impl LineReader {
    async fn next(&mut self) -> Result<Option<Value>> {
        while self.ready.is_empty() && !self.over {
            self.read().await;
        }
        let Some(line) = self.ready.pop_front() else {
            return self.failure.take().map_or(Ok(None), Err);
        };
        self.seen += 1;
        decode(&line.raw).map(Some).map_err(|error| {
            let message = format!("Line {} is not valid JSON: {error}", self.seen);
            self.seen -= 1;
            self.failed(Error::new(Kind::StreamDecode, message))
        })
    }

    async fn read(&mut self) {
        match self.arrival.more().await {
            Ok(Some(piece)) => match self.decoder.feed(&piece) {
                Ok(events) => self.ready.extend(events),
                Err(error) => self.fail(error),
            },
            Ok(None) => self.finish(),
            Err(error @ (Error::ConnectionLost(_) | Error::Protocol(_))) => {
                let rest = self.decoder.finish().unwrap_or_default();
                let cut = self.interrupted(rest.as_ref()).caused_by(error);
                self.fail(cut);
            }
            Err(error) => self.fail(error),
        }
    }

    /// Takes a last line without a line end if it is whole.
    fn finish(&mut self) {
        self.over = true;
        match self.decoder.finish() {
            Ok(None) => {}
            Ok(Some(rest)) if matches!(decode(&rest.raw), Ok(Value::Object(_) | Value::Array(_))) => {
                self.ready.push_back(rest);
            }
            Ok(Some(rest)) => {
                let cut = self.interrupted(Some(&rest));
                self.fail(cut);
            }
            Err(error) => self.fail(error),
        }
    }

    fn interrupted(&self, rest: Option<&RawEvent>) -> Error {
        let whole = self.whole();
        let message =
            format!("The answer was cut after {whole} whole lines; the error's partial is the rest");
        let mut error = Error::new(Kind::StreamInterrupted, message);
        error.facts_mut().partial = rest.map(|rest| rest.data().into_owned().into());
        error
    }

    fn whole(&self) -> u64 {
        self.seen + u64::try_from(self.ready.len()).unwrap_or(u64::MAX)
    }

    /// The error comes after the lines that are whole.
    fn fail(&mut self, error: Error) {
        self.over = true;
        self.failure = Some(self.failed(error));
    }

    fn failed(&mut self, mut error: Error) -> Error {
        error.facts_mut().events_seen = Some(self.whole());
        self.arrival.fail(error)
    }
}
