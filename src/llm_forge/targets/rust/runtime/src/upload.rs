//! Files in request bodies.
//!
//! - Nothing is read before it is sent, and then in pieces; only what the user holds in memory is in memory.
//! - A file by its path, and one that can seek, is sent from the same position on every attempt.
//! - A reader that cannot seek can be sent once.

use std::io::SeekFrom;
use std::path::Path;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncSeek, AsyncSeekExt as _};

use super::core::errors::{Error, Kind, Result};
use super::request_body::{Piece, RequestBody};

/// A file with the name and media type that the server is to see; both are guessed where they are not told.
#[derive(Clone)]
pub struct Upload {
    pub(super) name: Option<String>,
    pub(super) media_type: Option<String>,
    pub(super) content: RequestBody,
}

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Upload({:?})", self.content)
    }
}

impl Upload {
    /// A file in memory.
    pub fn bytes(name: impl Into<String>, content: impl Into<Bytes>) -> Self {
        Self::of(Some(name.into()), RequestBody::whole(content))
    }

    /// A file by its path, opened anew for each attempt.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] if there is no file that can be read.
    pub fn path(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let unreadable = |cause: std::io::Error| {
            let message = format!("The file {} cannot be read", path.display());
            Error::new(Kind::InvalidRequest, message).caused_by(cause)
        };
        let size = std::fs::File::open(path).and_then(|file| file.metadata()).map_err(unreadable)?.len();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        Ok(Self::of(name, Piece::Path { path: path.into(), size }.into()))
    }

    /// What an open file has from its position now to its end, on every attempt.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] if it cannot seek.
    pub async fn seekable<F>(name: impl Into<String>, mut file: F) -> Result<Self>
    where
        F: AsyncRead + AsyncSeek + Send + Unpin + 'static,
    {
        let stuck = |cause| Error::new(Kind::InvalidRequest, "The file cannot seek").caused_by(cause);
        let start = file.stream_position().await.map_err(stuck)?;
        let end = file.seek(SeekFrom::End(0)).await.map_err(stuck)?;
        Ok(Self::of(Some(name.into()), Piece::seekable(file, start, end.saturating_sub(start)).into()))
    }

    /// What a reader gives; it can be sent once, so the call has one attempt.
    pub fn reader(name: impl Into<String>, reader: impl AsyncRead + Send + 'static) -> Self {
        Self::of(Some(name.into()), Piece::once(reader).into())
    }

    /// The same file under another name.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// The same file as of this media type.
    #[must_use]
    pub fn typed(self, media_type: impl Into<String>) -> Self {
        Self { media_type: Some(media_type.into()), ..self }
    }

    fn of(name: Option<String>, content: RequestBody) -> Self {
        Self { name: name.filter(|name| !name.is_empty()), media_type: None, content }
    }
}

/// The media type that a file's name suggests.
pub(super) fn guess_type(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase();
    let found = MEDIA_TYPES.iter().find(|(known, _)| *known == extension);
    found.map_or("application/octet-stream", |(_, media_type)| media_type)
}

const MEDIA_TYPES: [(&str, &str); 28] = [
    ("csv", "text/csv"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("flac", "audio/flac"),
    ("gif", "image/gif"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("json", "application/json"),
    ("jsonl", "application/jsonl"),
    ("m4a", "audio/mp4"),
    ("md", "text/markdown"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("mpeg", "video/mpeg"),
    ("oga", "audio/ogg"),
    ("ogg", "audio/ogg"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain"),
    ("wav", "audio/wav"),
    ("webm", "audio/webm"),
    ("webp", "image/webp"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("xml", "application/xml"),
    ("zip", "application/zip"),
];
