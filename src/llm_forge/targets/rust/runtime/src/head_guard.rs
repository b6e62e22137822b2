//! Looks at the head of every response before hyper does, which takes the chunks and drops the length where a head
//! states the body's length in two ways: what follows could then pass for another answer (RFC 9112 section 6.3).

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A head that goes on for longer is refused by hyper.
const MOST_BYTES: usize = 256 * 1024;

/// The head of a response gives two lengths of its body.
#[derive(Debug)]
pub(super) struct Contradiction;

impl std::fmt::Display for Contradiction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the head has both Content-Length and Transfer-Encoding")
    }
}

impl std::error::Error for Contradiction {}

/// A connection whose next bytes are the head of a response whenever `expected` is set.
pub(super) struct HeadGuard<S> {
    stream: S,
    expected: Arc<AtomicBool>,
    head: Vec<u8>,
}

impl<S> HeadGuard<S> {
    pub(super) fn new(stream: S, expected: Arc<AtomicBool>) -> Self {
        Self { stream, expected, head: Vec::new() }
    }

    fn look(&mut self, data: &[u8]) -> Result<()> {
        let mut from = self.head.len().saturating_sub(3); // an end may have begun before
        self.head.extend_from_slice(data);
        while let Some(end) = end_of_head(&self.head[from..]).map(|end| from + end) {
            from = 0;
            let rest = self.head.split_off(end);
            let head = std::mem::replace(&mut self.head, rest);
            if !is_interim(&head) {
                self.stop();
                return if is_contradictory(&head) {
                    Err(std::io::Error::other(Contradiction))
                } else {
                    Ok(())
                };
            }
        }
        if self.head.len() > MOST_BYTES {
            self.stop();
        }
        Ok(())
    }

    fn stop(&mut self) {
        self.expected.store(false, Ordering::SeqCst);
        self.head = Vec::new();
    }
}

/// Behind the empty line that ends a head.
fn end_of_head(data: &[u8]) -> Option<usize> {
    let find = |end: &[u8]| data.windows(end.len()).position(|part| part == end).map(|at| at + end.len());
    [find(b"\r\n\r\n"), find(b"\n\n")].into_iter().flatten().min()
}

/// A status of 1xx announces another head.
fn is_interim(head: &[u8]) -> bool {
    let status = head.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    status.starts_with(b"1") && !status.starts_with(b"101")
}

fn is_contradictory(head: &[u8]) -> bool {
    let names = head.split(|byte| *byte == b'\n').filter_map(|line| line.split(|byte| *byte == b':').next());
    let has = |wanted: &[u8]| names.clone().any(|name| name.eq_ignore_ascii_case(wanted));
    has(b"content-length") && has(b"transfer-encoding")
}

impl<S: AsyncRead + Unpin> AsyncRead for HeadGuard<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if matches!(read, Poll::Ready(Ok(()))) && self.expected.load(Ordering::SeqCst) {
            return Poll::Ready(self.look(&buf.filled()[before..]));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HeadGuard<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
