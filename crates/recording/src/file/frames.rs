//! A compressed recording that can be sought: Zstandard frames with a seek table at their end.
//!
//! The table is that of the Zstandard seekable format, a frame that decompressors skip. A wrong
//! one leads to other bytes than were asked for, never to more memory; chunks have checksums.

use std::fmt;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::sync::Arc;

use zstd::stream::read::Decoder;

/// A frame that decompressors skip, as the seekable format wants it.
const SKIPPED: u32 = 0x184d_2a5e;

/// The last bytes of the seekable format.
const SEEKABLE: u32 = 0x8f92_eab1;

/// Bytes after the table: the number of frames, a descriptor, [`SEEKABLE`].
const FOOTER: usize = 9;

/// Bytes of the table for each frame: its size, and that of what it holds.
const ROW: usize = 8;

/// Collects the seek table.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<u8>,
}

impl Table {
    /// A frame was written. Neither size can exceed 32 bits: chunks are shorter.
    pub(super) fn add(&mut self, compressed: usize, content: usize) {
        self.rows.extend_from_slice(&(compressed as u32).to_le_bytes());
        self.rows.extend_from_slice(&(content as u32).to_le_bytes());
    }

    /// The frame that ends the file; `None` if there were more than it can hold.
    pub(super) fn frame(&self) -> Option<Vec<u8>> {
        let length = u32::try_from(self.rows.len() + FOOTER).ok()?;
        let count = (self.rows.len() / ROW) as u32;
        let mut frame = Vec::with_capacity(self.rows.len() + FOOTER + 8);
        frame.extend_from_slice(&SKIPPED.to_le_bytes());
        frame.extend_from_slice(&length.to_le_bytes());
        frame.extend_from_slice(&self.rows);
        frame.extend_from_slice(&count.to_le_bytes());
        frame.push(0);
        frame.extend_from_slice(&SEEKABLE.to_le_bytes());
        Some(frame)
    }

    /// How large that is.
    pub(super) fn size(&self) -> usize {
        self.rows.len() + FOOTER + 8
    }
}

/// What is shared by those who decompress it.
struct Shared<D>(Arc<D>);

impl<D: AsRef<[u8]>> AsRef<[u8]> for Shared<D> {
    fn as_ref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

/// Decompresses from any offset on.
pub struct Frames<D> {
    data: Arc<D>,
    /// Where each frame starts in the file and in what all of them hold, and where the last ends.
    starts: Vec<(u64, u64)>,
    decoder: Option<Decoder<'static, BufReader<Cursor<Shared<D>>>>>,
    /// Where the next byte is.
    at: u64,
}

impl<D: AsRef<[u8]>> Frames<D> {
    /// Reads the seek table of a compressed file.
    ///
    /// # Errors
    ///
    /// The file, if it has none.
    pub fn open(data: D) -> Result<Frames<D>, D> {
        match starts(data.as_ref()) {
            Some(starts) => Ok(Frames { data: Arc::new(data), starts, decoder: None, at: 0 }),
            None => Err(data),
        }
    }

    /// The frame that holds an offset.
    fn frame(&self, offset: u64) -> usize {
        self.starts.partition_point(|&(_, start)| start <= offset).saturating_sub(1)
    }
}

/// The table's sums; `None` if it does not fit the file.
fn starts(data: &[u8]) -> Option<Vec<(u64, u64)>> {
    let (rest, footer) = data.split_last_chunk::<FOOTER>()?;
    let number = |bytes: &[u8], at: usize| -> Option<u32> {
        bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
    };
    let length = (number(footer, 0)? as usize).checked_mul(ROW)?;
    if footer[4] != 0 || number(footer, 5)? != SEEKABLE {
        return None;
    }
    let start = rest.len().checked_sub(length)?;
    let (rest, rows) = rest.split_at(start);
    let (rest, head) = rest.split_last_chunk::<8>()?;
    if number(head, 0)? != SKIPPED || number(head, 4)? as usize != length + FOOTER {
        return None;
    }
    let (mut at, mut offset) = (0u64, 0u64);
    let mut starts = vec![(at, offset)];
    for row in rows.chunks_exact(ROW) {
        at += u64::from(number(row, 0)?);
        offset += u64::from(number(row, 4)?);
        starts.push((at, offset));
    }
    (at == rest.len() as u64).then_some(starts)
}

impl<D: AsRef<[u8]>> Read for Frames<D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let decoder = match &mut self.decoder {
            Some(decoder) => decoder,
            none => {
                let mut cursor = Cursor::new(Shared(Arc::clone(&self.data)));
                cursor.set_position(self.starts[0].0);
                none.insert(Decoder::new(cursor)?)
            }
        };
        let count = decoder.read(buffer)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl<D: AsRef<[u8]>> Seek for Frames<D> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let end = self.starts.last().map_or(0, |start| start.1);
        let offset = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(by) => end.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        let offset = offset.filter(|&offset| offset <= end);
        let offset = offset.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        // The start is where it is whatever the table says.
        let (start, holds) = if offset == 0 { (0, 0) } else { self.starts[self.frame(offset)] };
        let is_ahead = self.at <= offset && self.at >= holds;
        if !is_ahead || self.decoder.is_none() {
            let mut cursor = Cursor::new(Shared(Arc::clone(&self.data)));
            cursor.set_position(start);
            self.decoder = Some(Decoder::new(cursor)?);
            self.at = holds;
        }
        let ahead = offset - self.at;
        let passed = io::copy(&mut self.by_ref().take(ahead), &mut io::sink())?;
        if passed < ahead {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the seek table is wrong"));
        }
        Ok(offset)
    }
}

impl<D> fmt::Debug for Frames<D> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Frames").field("at", &self.at).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> (Vec<u8>, Vec<u8>) {
        let (mut file, mut content, mut table) = (Vec::new(), Vec::new(), Table::default());
        for frame in 0..20u32 {
            let bytes: Vec<u8> =
                (0..500 * frame).flat_map(|n| (n * (frame + 7)).to_le_bytes()).collect();
            let packed = zstd::bulk::compress(&bytes, 1).unwrap();
            table.add(packed.len(), bytes.len());
            file.extend_from_slice(&packed);
            content.extend_from_slice(&bytes);
        }
        let frame = table.frame().unwrap();
        assert_eq!(frame.len(), table.size());
        file.extend_from_slice(&frame);
        (file, content)
    }

    #[test]
    fn any_offset_is_found() {
        let (file, content) = file();
        assert_eq!(zstd::decode_all(&file[..]).unwrap(), content);
        let mut frames = Frames::open(file).unwrap();
        let mut all = Vec::new();
        frames.read_to_end(&mut all).unwrap();
        assert_eq!(all, content);
        assert_eq!(frames.seek(SeekFrom::End(0)).unwrap(), content.len() as u64);
        let mut at = 7;
        while at < content.len() {
            for to in [at, at + 1, at / 2] {
                assert_eq!(frames.seek(SeekFrom::Start(to as u64)).unwrap(), to as u64);
                let mut bytes = [0; 5];
                let length = (content.len() - to).min(5);
                frames.read_exact(&mut bytes[..length]).unwrap();
                assert_eq!(bytes[..length], content[to..to + length], "{to}");
            }
            at += 977;
        }
        assert!(frames.seek(SeekFrom::Start(content.len() as u64 + 1)).is_err());
        assert!(frames.seek(SeekFrom::End(-1 - content.len() as i64)).is_err());
    }

    #[test]
    fn a_table_that_does_not_fit_is_none() {
        let (file, content) = file();
        for cut in 1..200 {
            assert!(Frames::open(file[..file.len() - cut].to_vec()).is_err(), "{cut}");
        }
        // All that a wrong table can do is to lead astray.
        let table = file.len() - 20 * ROW - FOOTER;
        for at in table..file.len() {
            let mut file = file.clone();
            file[at] ^= 0x41;
            if let Ok(mut frames) = Frames::open(file)
                && frames.seek(SeekFrom::Start(90_000)).is_ok()
            {
                let mut bytes = Vec::new();
                let _ = frames.read_to_end(&mut bytes);
                assert!(bytes.len() <= content.len());
            }
        }
    }
}
