//! Response bodies: content encodings, and the limits of R-195.

use flate2::write::{DeflateDecoder, GzDecoder, ZlibDecoder};

use super::core::errors::{Error, Kind, Result};
use super::core::headers::Headers;

/// Bytes of a whole response.
pub const BODY_BYTES: usize = 64 * 1024 * 1024;
/// Bytes of an error's body that are read.
pub const ERROR_BYTES: usize = 64 * 1024;
/// Bytes of a stream.
pub const STREAM_BYTES: usize = 1024 * 1024 * 1024;
const RATIO: usize = 200;
const RATIO_FROM: usize = 1024 * 1024;
/// Compressed bytes that are decoded at once, so that a bomb is seen before it has gone off.
const STEP: usize = 1024;

enum Coding {
    Plain,
    Gzip(GzDecoder<Vec<u8>>),
    Zlib(ZlibDecoder<Vec<u8>>),
    /// Some servers mean this by deflate.
    Raw(DeflateDecoder<Vec<u8>>),
    /// Deflate of either kind, before its first byte.
    Deflate,
}

/// Undoes the content encoding of one body; only those that requests offer are known.
pub(super) struct Decoder {
    coding: Coding,
    most: usize,
    taken: usize,
    pub(super) total: usize,
}

impl Decoder {
    pub(super) fn new(headers: &Headers, most: usize) -> Result<Self> {
        let named: Vec<String> = headers
            .get_all("content-encoding")
            .flat_map(|value| value.split(','))
            .map(|word| word.trim().to_ascii_lowercase())
            .filter(|word| !word.is_empty() && word != "identity")
            .collect();
        let coding = match named.as_slice() {
            [] => Coding::Plain,
            [one] if one == "gzip" || one == "x-gzip" => Coding::Gzip(GzDecoder::new(Vec::new())),
            [one] if one == "deflate" => Coding::Deflate,
            _ => {
                let message = "The answer has a content encoding that was not asked for";
                return Err(Error::new(Kind::Protocol, message));
            }
        };
        Ok(Self { coding, most, taken: 0, total: 0 })
    }

    /// The decoded bytes of this chunk.
    pub(super) fn feed(&mut self, chunk: &[u8]) -> Result<Vec<u8>> {
        if matches!(self.coding, Coding::Plain) {
            self.count(chunk.len(), chunk.len())?;
            return Ok(chunk.to_vec());
        }
        let mut out = Vec::new();
        for part in chunk.chunks(STEP) {
            let piece = self.decode(part).map_err(corrupt)?;
            self.count(part.len(), piece.len())?;
            out.extend_from_slice(&piece);
        }
        Ok(out)
    }

    /// The body has ended.
    pub(super) fn finish(&mut self) -> Result<()> {
        match &mut self.coding {
            Coding::Gzip(decoder) if self.taken > 0 => decoder.try_finish().map_err(corrupt),
            Coding::Zlib(decoder) => decoder.try_finish().map_err(corrupt),
            Coding::Raw(decoder) => decoder.try_finish().map_err(corrupt),
            _ => Ok(()),
        }
    }

    fn decode(&mut self, part: &[u8]) -> std::io::Result<Vec<u8>> {
        if matches!(self.coding, Coding::Deflate) {
            let is_zlib = part.first().is_some_and(|byte| byte & 0x0f == 8);
            self.coding = if is_zlib {
                Coding::Zlib(ZlibDecoder::new(Vec::new()))
            } else {
                Coding::Raw(DeflateDecoder::new(Vec::new()))
            };
        }
        match &mut self.coding {
            Coding::Gzip(decoder) => taken(decoder, part, GzDecoder::get_mut),
            Coding::Zlib(decoder) => taken(decoder, part, ZlibDecoder::get_mut),
            Coding::Raw(decoder) => taken(decoder, part, DeflateDecoder::get_mut),
            Coding::Plain | Coding::Deflate => Ok(part.to_vec()),
        }
    }

    fn count(&mut self, taken: usize, made: usize) -> Result<()> {
        self.taken += taken;
        self.total += made;
        if self.total > RATIO_FROM && self.total > self.taken.saturating_mul(RATIO) {
            return Err(Error::new(Kind::ResponseTooLarge, "The response is compressed more than 200 to 1"));
        }
        if self.total > self.most {
            return Err(Error::new(
                Kind::ResponseTooLarge,
                format!("The response exceeds {} bytes", self.most),
            ));
        }
        Ok(())
    }
}

fn taken<D: std::io::Write>(
    decoder: &mut D,
    part: &[u8],
    made: fn(&mut D) -> &mut Vec<u8>,
) -> std::io::Result<Vec<u8>> {
    decoder.write_all(part)?;
    decoder.flush()?;
    Ok(std::mem::take(made(decoder)))
}

fn corrupt(cause: std::io::Error) -> Error {
    Error::new(Kind::Protocol, "The content encoding of the answer is corrupt").caused_by(cause)
}
