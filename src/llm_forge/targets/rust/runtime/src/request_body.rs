//! Bodies of requests: whole, or pieces that are read while they are sent.

use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryFutureExt as _};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncSeek, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

const READ_AT_ONCE: usize = 64 * 1024;
/// A body of several pieces in memory becomes one up to this size.
const JOINED_BYTES: u64 = 1024 * 1024;

type Pieces = BoxStream<'static, std::io::Result<Bytes>>;

/// What a file must be able to do to be sent again.
pub(super) trait SeekableFile: AsyncRead + AsyncSeek + Send + Unpin {}
impl<F: AsyncRead + AsyncSeek + Send + Unpin> SeekableFile for F {}

/// A reader until it was read.
type OneReading = Arc<Mutex<Option<Pin<Box<dyn AsyncRead + Send>>>>>;

/// One source of bytes.
#[derive(Clone)]
pub(super) enum Piece {
    Bytes(Bytes),
    Path { path: Arc<Path>, size: u64 },
    Seekable { file: Arc<tokio::sync::Mutex<Box<dyn SeekableFile>>>, start: u64, size: u64 },
    Once(OneReading),
}

impl Piece {
    pub(super) fn seekable(file: impl SeekableFile + 'static, start: u64, size: u64) -> Self {
        Self::Seekable { file: Arc::new(tokio::sync::Mutex::new(Box::new(file))), start, size }
    }

    pub(super) fn once(reader: impl AsyncRead + Send + 'static) -> Self {
        Self::Once(Arc::new(Mutex::new(Some(Box::pin(reader)))))
    }

    fn size(&self) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => u64::try_from(bytes.len()).ok(),
            Self::Path { size, .. } | Self::Seekable { size, .. } => Some(*size),
            Self::Once(_) => None,
        }
    }

    fn pieces(self) -> Pieces {
        match self {
            Self::Bytes(bytes) => futures::stream::iter([Ok(bytes)]).boxed(),
            Self::Path { path, size } => {
                let opened = async move { tokio::fs::File::open(path).await };
                opened.map_ok(move |file| read(file.take(size))).try_flatten_stream().boxed()
            }
            Self::Seekable { file, start, size } => {
                let sought = async move {
                    let mut file = file.lock_owned().await;
                    file.seek(std::io::SeekFrom::Start(start)).await?;
                    Ok(read(Pin::new(file).take(size)))
                };
                sought.try_flatten_stream().boxed()
            }
            Self::Once(reader) => match reader.lock().unwrap_or_else(PoisonError::into_inner).take() {
                Some(reader) => read(reader).boxed(),
                None => {
                    let sent = std::io::Error::other("the file was sent already and cannot be read again");
                    futures::stream::iter([Err(sent)]).boxed()
                }
            },
        }
    }
}

fn read<R: AsyncRead>(reader: R) -> ReaderStream<R> {
    ReaderStream::with_capacity(reader, READ_AT_ONCE)
}

/// The body of a request; cloning it copies no content.
#[derive(Clone, Default)]
pub struct RequestBody(Option<Arc<[Piece]>>);

impl std::fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.size() {
            Some(size) => write!(f, "{size} bytes"),
            None => f.write_str("bytes of a reader"),
        }
    }
}

impl From<Piece> for RequestBody {
    fn from(piece: Piece) -> Self {
        Self(Some(Arc::new([piece])))
    }
}

impl RequestBody {
    /// A body in memory.
    pub fn whole(content: impl Into<Bytes>) -> Self {
        Piece::Bytes(content.into()).into()
    }

    /// Bodies one after another.
    pub(super) fn joined(parts: impl IntoIterator<Item = Self>) -> Self {
        let pieces: Vec<Piece> = parts.into_iter().flat_map(|part| part.pieces().to_vec()).collect();
        let joined = Self(Some(pieces.into()));
        let content = |piece: &Piece| match piece {
            Piece::Bytes(bytes) => Some(bytes.clone()),
            _ => None,
        };
        let all: Option<Vec<Bytes>> = joined.pieces().iter().map(content).collect();
        match all.filter(|_| joined.size().is_some_and(|size| size <= JOINED_BYTES)) {
            Some(all) => Self::whole(all.concat()),
            None => joined,
        }
    }

    /// Whether there is a body; an empty one is one too.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.0.is_some()
    }

    /// The number of bytes; `None` where nobody knows it beforehand.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.pieces().iter().map(Piece::size).sum()
    }

    /// Whether it can be sent more than once.
    #[must_use]
    pub fn can_repeat(&self) -> bool {
        !self.pieces().iter().any(|piece| matches!(piece, Piece::Once(_)))
    }

    /// The bytes of a body that is whole in memory.
    #[must_use]
    pub fn bytes(&self) -> Option<&Bytes> {
        match self.pieces() {
            [Piece::Bytes(bytes)] => Some(bytes),
            _ => None,
        }
    }

    /// The bytes as they are to be sent, read when they are asked for.
    #[must_use]
    pub fn stream(&self) -> BoxStream<'static, std::io::Result<Bytes>> {
        futures::stream::iter(self.pieces().to_vec()).flat_map(Piece::pieces).boxed()
    }

    fn pieces(&self) -> &[Piece] {
        self.0.as_deref().unwrap_or_default()
    }
}
