//! The index at the end of a recording: where its chunks are, for a reader that seeks.
//!
//! It is a chunk like any other, and its last 16 bytes are the last of the file: a reader finds it
//! from there. What it says is never trusted: a reader that follows it checks each chunk that it leads to,
//! and that no chunk of code objects was passed over ([`super::Stretch::codes`]).

use std::io::{Read, Seek, SeekFrom};

use wire::fields::{Fields, write_number};

use super::{HEAD, LONGEST, START, checksum, section};

/// The last bytes of a recording that has an index.
const MAGIC: [u8; 8] = *b"py27indx";

/// Bytes of the index after its entries: its own offset, and [`MAGIC`].
const TRAILER: usize = 16;

/// Chunks of packets that start at least this far apart, in bytes, have an entry each; those between are found by
/// going from chunk to chunk.
const APART: u64 = 1 << 20;

/// A chunk of packets that the index names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Where the chunk starts in the (decompressed) file.
    pub offset: u64,
    /// How many instructions come before it.
    pub first: u64,
    /// Its time, in microseconds since the recording's start.
    pub time: u64,
}

/// Collects what the index will hold.
#[derive(Debug, Default)]
pub(super) struct Builder {
    entries: Vec<u8>,
    count: u64,
    last: Option<Entry>,
    codes: Vec<u8>,
    codes_count: u64,
    last_codes: u64,
}

impl Builder {
    /// A chunk of packets starts.
    pub(super) fn packets(&mut self, entry: Entry) {
        let last = self.last.unwrap_or_default();
        if self.last.is_some() && entry.offset - last.offset < APART {
            return;
        }
        for number in [
            entry.offset - last.offset,
            entry.first - last.first,
            entry.time.saturating_sub(last.time),
        ] {
            write_number(&mut self.entries, number);
        }
        self.count += 1;
        self.last = Some(Entry { time: entry.time.max(last.time), ..entry });
    }

    /// A chunk of code objects starts.
    pub(super) fn codes(&mut self, offset: u64) {
        write_number(&mut self.codes, offset - self.last_codes);
        self.codes_count += 1;
        self.last_codes = offset;
    }

    /// The content of the index that starts at an offset.
    pub(super) fn content(&self, offset: u64) -> Vec<u8> {
        let mut content = Vec::with_capacity(self.entries.len() + self.codes.len() + 40);
        write_number(&mut content, self.count);
        content.extend_from_slice(&self.entries);
        write_number(&mut content, self.codes_count);
        content.extend_from_slice(&self.codes);
        content.extend_from_slice(&offset.to_le_bytes());
        content.extend_from_slice(&MAGIC);
        content
    }
}

/// An index that was read. It holds its bytes, not what they say, so that it never takes more
/// memory than the file has.
#[derive(Clone, Debug)]
pub struct Index {
    content: Vec<u8>,
    /// Where it starts itself.
    offset: u64,
    /// Where the code objects' part starts.
    codes: usize,
}

impl Index {
    /// Of a chunk that starts at an offset; `None` if it contradicts itself.
    pub fn new(content: Vec<u8>, offset: u64) -> Option<Index> {
        let (_, trailer) = content.split_last_chunk::<TRAILER>()?;
        if trailer[8..] != MAGIC || trailer[..8] != offset.to_le_bytes() {
            return None;
        }
        let mut index = Index { content, offset, codes: 0 };
        let mut entries = index.entries();
        while entries.next()?.is_some() {}
        index.codes = entries.fields.at;
        let mut codes = index.codes();
        while codes.next()?.is_some() {}
        (codes.fields.at == index.content.len() - TRAILER).then_some(index)
    }

    /// The index of a file, if it has one that is whole.
    pub(super) fn read(input: &mut (impl Read + Seek), end: u64) -> Option<Index> {
        input.seek(SeekFrom::Start(end.checked_sub(TRAILER as u64)?)).ok()?;
        let mut trailer = [0; TRAILER];
        input.read_exact(&mut trailer).ok()?;
        let (offset, magic) = trailer.split_first_chunk()?;
        let offset = u64::from_le_bytes(*offset);
        let length = end.checked_sub(offset)?.checked_sub(HEAD as u64)?;
        if magic != MAGIC || length > LONGEST.into() {
            return None;
        }
        let (_, content, _) = chunk(input, &[section::INDEX], offset)?;
        if content.len() as u64 == length { Index::new(content, offset) } else { None }
    }

    /// The last entry that is not after an instruction.
    pub fn find(&self, instruction: u64) -> Option<Entry> {
        let (mut entries, mut found) = (self.entries(), None);
        while let Some(entry) = entries.next()?
            && entry.first <= instruction
        {
            found = Some(entry);
        }
        found
    }

    /// The chunks of packets that it names, in order.
    pub fn entries(&self) -> Entries<'_> {
        Entries { fields: self.fields(0), left: None, last: Entry::default(), end: self.offset }
    }

    /// The chunks of code objects, in order.
    pub fn codes(&self) -> CodeOffsets<'_> {
        CodeOffsets { fields: self.fields(self.codes), left: None, last: 0, end: self.offset }
    }

    fn fields(&self, at: usize) -> Fields<'_> {
        let end = self.content.len() - TRAILER;
        Fields { bytes: &self.content[..end], at }
    }
}

/// Reads [`Index::entries`].
#[derive(Debug)]
pub struct Entries<'a> {
    fields: Fields<'a>,
    left: Option<u64>,
    last: Entry,
    end: u64,
}

impl Entries<'_> {
    /// The next one, `Some(None)` after the last; `None` if it cannot be.
    #[allow(clippy::should_implement_trait, reason = "it fails")]
    pub fn next(&mut self) -> Option<Option<Entry>> {
        let left = count(&mut self.left, &mut self.fields)?;
        if left == 0 {
            return Some(None);
        }
        let mut add = |last: u64| last.checked_add(self.fields.number().ok()?);
        let (offset, first, time) =
            (add(self.last.offset)?, add(self.last.first)?, add(self.last.time)?);
        // Chunks have heads, and come before the index.
        let is_after = offset >= self.last.offset.max(START) + HEAD as u64 && offset < self.end;
        self.last = Entry { offset, first, time };
        self.left = Some(left - 1);
        is_after.then_some(Some(self.last))
    }
}

/// Reads [`Index::codes`].
#[derive(Debug)]
pub struct CodeOffsets<'a> {
    fields: Fields<'a>,
    left: Option<u64>,
    last: u64,
    end: u64,
}

impl CodeOffsets<'_> {
    /// The next one, `Some(None)` after the last; `None` if it cannot be.
    #[allow(clippy::should_implement_trait, reason = "it fails")]
    pub fn next(&mut self) -> Option<Option<u64>> {
        let left = count(&mut self.left, &mut self.fields)?;
        if left == 0 {
            return Some(None);
        }
        let offset = self.last.checked_add(self.fields.number().ok()?)?;
        let is_after = offset >= self.last.max(START) + HEAD as u64 && offset < self.end;
        self.last = offset;
        self.left = Some(left - 1);
        is_after.then_some(Some(offset))
    }
}

/// The kind of a chunk, its content and its checksum, if there is one of these kinds at an offset.
pub(super) fn chunk(
    input: &mut (impl Read + Seek),
    kinds: &[u8],
    offset: u64,
) -> Option<(u8, Vec<u8>, u32)> {
    input.seek(SeekFrom::Start(offset)).ok()?;
    let mut head = [0; HEAD];
    input.read_exact(&mut head).ok()?;
    let number = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|byte| head[at + byte]));
    let (length, said) = (number(4), number(8));
    if !kinds.contains(&head[0]) || head[1..4] != [0; 3] || length > LONGEST {
        return None;
    }
    // Grows with what is there, not with what the length says.
    let mut content = Vec::new();
    input.take(length.into()).read_to_end(&mut content).ok()?;
    let is_whole = content.len() == length as usize && checksum(&head, &[&content]) == said;
    is_whole.then_some((head[0], content, said))
}

/// How many are left; how many there are is said before the first.
fn count(left: &mut Option<u64>, fields: &mut Fields) -> Option<u64> {
    if left.is_none() {
        *left = Some(fields.number().ok()?);
    }
    *left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built() -> (Index, Vec<Entry>, Vec<u64>) {
        let mut builder = Builder::default();
        let (mut entries, mut codes) = (Vec::new(), Vec::new());
        for at in 0..300u64 {
            let offset = 100 + at * 300_000;
            if at % 3 == 0 {
                builder.codes(offset - 50);
                codes.push(offset - 50);
            }
            let entry = Entry { offset, first: at * 1000, time: at * 7_000_000 };
            builder.packets(entry);
            if at % 4 == 0 {
                entries.push(entry);
            }
        }
        let offset = 400 * 300_000;
        (Index::new(builder.content(offset), offset).unwrap(), entries, codes)
    }

    #[test]
    fn what_was_collected_is_found() {
        let (index, entries, codes) = built();
        let (mut read, mut known) = (index.entries(), entries.iter());
        while let Some(entry) = read.next().unwrap() {
            assert_eq!(Some(&entry), known.next());
        }
        assert_eq!(known.next(), None);
        let (mut read, mut known) = (index.codes(), codes.iter());
        while let Some(offset) = read.next().unwrap() {
            assert_eq!(Some(&offset), known.next());
        }
        assert_eq!(known.next(), None);
        for (instruction, wanted) in [(0, 0), (3_999, 0), (4_000, 1), (150_001, 37), (1 << 60, 74)]
        {
            assert_eq!(index.find(instruction), Some(entries[wanted]), "{instruction}");
        }
        assert_eq!(Index::new(Builder::default().content(99), 99).unwrap().find(5), None);
    }

    #[test]
    fn an_index_that_contradicts_itself_is_none() {
        let (index, ..) = built();
        let content = &index.content;
        assert!(Index::new(content.clone(), index.offset + 1).is_none());
        for cut in 0..content.len() {
            assert!(Index::new(content[..cut].to_vec(), index.offset).is_none());
        }
        for (at, byte) in [(0, 0xff), (0, 1), (2, 0x80), (content.len() - 17, 0x80)] {
            let mut content = content.clone();
            content[at] = byte;
            assert!(Index::new(content, index.offset).is_none(), "byte {at}");
        }
        // Offsets that do not grow, that lie outside the file, that overflow.
        let number = |number: u64| {
            let mut bytes = Vec::new();
            write_number(&mut bytes, number);
            bytes
        };
        for numbers in [
            &[1, 5, 0, 0, 0][..],
            &[1, 2_000, 0, 0, 0],
            &[2, 100, 0, 0, 3, 0, 0, 0],
            &[2, 100, u64::MAX, 0, 100, 1, 0, 0],
            &[u64::MAX, 100, 0, 0, 0],
            &[0, 1, 3],
            &[0, 2, 100, u64::MAX],
            &[0, 0, 0],
        ] {
            let mut content = numbers.iter().flat_map(|&n| number(n)).collect::<Vec<_>>();
            content.extend_from_slice(&1_000u64.to_le_bytes());
            content.extend_from_slice(&MAGIC);
            assert!(Index::new(content, 1_000).is_none(), "{numbers:?}");
        }
    }
}
