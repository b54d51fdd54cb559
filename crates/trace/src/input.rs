//! Opens a trace for reading: files, standard input and FIFOs, compressed or in UTF-16.
//!
//! What the bytes are is decided by the bytes, never by the file's name. What comes out is the
//! text with `\n` line ends; which format it has is decided in `formats`, lines are cut in `lines`. A
//! file that is still being written is waited for.

mod colours;
mod foreign;
mod seekable;
mod text;

pub use seekable::Seekable;

use std::fmt;
use std::fs::File;
#[cfg(unix)]
use std::fs::TryLockError;
#[cfg(unix)]
use std::io::Write;
use std::io::{self, Cursor, Read};
use std::path::Path;

use memmap2::{Advice, Mmap};

use crate::step::ReadError;
pub(crate) use colours::{Colourless, remove as remove_colours};
use text::{Encoding, Plain, Utf16};

/// How much is read to recognize what the bytes are.
const SAMPLE: usize = 1 << 16;

/// An opened trace.
pub struct Input {
    name: String,
    source: Source,
    /// The file, where it is compressed and may be a recording that can be sought.
    packed: Option<Mmap>,
}

/// Where the text comes from.
pub(crate) enum Source {
    /// A regular file that needs no decoding.
    Mapped(Mmap),
    /// Anything else, decoded as it is read.
    Stream(Box<dyn Read + Send>),
}

impl Input {
    /// Opens `path`; `-` is standard input. Reads no more than the first bytes. Where a writer holds
    /// a lock on a regular file, waits until that is done, and says so.
    ///
    /// # Errors
    ///
    /// A file that cannot be opened or read, or is a directory.
    pub fn open(path: &Path) -> Result<Input, ReadError> {
        if path.as_os_str() == "-" {
            return Input::from_reader("standard input", Box::new(io::stdin()));
        }
        let name = path.display().to_string();
        let fail = |error| ReadError::io(error).in_file(&name);
        let file = File::open(path).map_err(fail)?;
        let mut kind = file.metadata().map_err(fail)?;
        if kind.is_dir() {
            return Err(ReadError::syntax("this is a directory; name a trace in it").in_file(&name));
        }
        #[cfg(unix)]
        if kind.is_file() {
            wait(&file, &name).map_err(fail)?;
            // What is in it now may be more.
            kind = file.metadata().map_err(fail)?;
        }
        if kind.is_file() && kind.len() > 0 {
            // SAFETY: the map is read-only and private to this value. Whoever starts us answers
            // for nobody shortening the file meanwhile: that ends the process with SIGBUS, as it
            // does every program that maps files; recorders only append.
            let map = unsafe { Mmap::map(&file) };
            // A file system that cannot map still reads.
            if let Ok(map) = map
                && foreign::reason(&map[..map.len().min(SAMPLE)]).is_none()
            {
                match Encoding::of(&map[..map.len().min(SAMPLE)]) {
                    Encoding::Plain => {
                        // Only advice: nothing depends on it.
                        let _ = map.advise(Advice::Sequential);
                        return Ok(Input { name, source: Source::Mapped(map), packed: None });
                    }
                    Encoding::Zstd => {
                        let input = Input::from_reader(&name, Box::new(file))?;
                        return Ok(Input { packed: Some(map), ..input });
                    }
                    _ => {}
                }
            }
        }
        Input::from_reader(&name, Box::new(file))
    }

    /// Reads what `reader` gives; `name` is what messages call it. Blocks until the first bytes
    /// are there.
    ///
    /// # Errors
    ///
    /// Those of the reader and of a broken compressed stream.
    pub fn from_reader(name: &str, reader: Box<dyn Read + Send>) -> Result<Input, ReadError> {
        let source = Source::Stream(decode(reader).map_err(|e| ReadError::io(e).in_file(name))?);
        Ok(Input { name: name.to_owned(), source, packed: None })
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text at once, where the input is a plain regular file.
    pub fn mapped(&self) -> Option<&[u8]> {
        match &self.source {
            Source::Mapped(map) => Some(map),
            Source::Stream(_) => None,
        }
    }

    /// Says that the first `bytes` of a mapped text will hardly be looked at again, so that their
    /// pages need not count as this process's. They are still there.
    pub(crate) fn release(&self, bytes: usize) {
        #[cfg(unix)]
        if let Source::Mapped(map) = &self.source {
            let whole = bytes.min(map.len());
            // SAFETY: pages of a shared map of a file that nobody writes through are read from the
            // file again where they are looked at again. Only advice: a failure changes nothing.
            let _ =
                unsafe { map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, 0, whole) };
        }
    }

    /// Its bytes, as they come.
    pub fn into_reader(self) -> Box<dyn Read + Send> {
        match self.source {
            Source::Mapped(map) => Box::new(Cursor::new(map)),
            Source::Stream(reader) => reader,
        }
    }

    /// The same, where it can be sought: a plain file, or a compressed one with a seek table.
    pub fn into_seekable(self) -> Seekable {
        match (self.packed, self.source) {
            (Some(map), source) => Seekable::packed(map).unwrap_or_else(|| source.into()),
            (None, source) => source.into(),
        }
    }

    pub(crate) fn into_parts(self) -> (String, Source) {
        (self.name, self.source)
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Input").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Waits for the process that writes the file: our writers lock it until all is there.
#[cfg(unix)]
fn wait(file: &File, name: &str) -> io::Result<()> {
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            // There is nowhere to report that standard error is closed.
            let _ = writeln!(io::stderr(), "trace27: `{name}` is still being written; waiting");
            file.lock_shared()?;
        }
        // A file system without locks is read all the same.
        Err(TryLockError::Error(_)) => return Ok(()),
        Ok(()) => {}
    }
    // Nobody who wants to write it has to wait for us.
    file.unlock()
}

/// Looks at the first bytes, and again at what comes out of a decompressor.
fn decode(mut reader: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    // A compressed trace may hold UTF-16; nobody compresses more than twice by accident.
    for _ in 0..3 {
        let (sample, again) = peek(reader)?;
        if let Some(reason) = foreign::reason(&sample) {
            return Err(io::Error::other(reason));
        }
        let encoding = Encoding::of(&sample);
        reader = match encoding {
            Encoding::Gzip => Box::new(flate2::read::MultiGzDecoder::new(again)),
            Encoding::Zstd => Box::new(zstd::stream::read::Decoder::new(again)?),
            Encoding::Utf16 { little } => return Ok(Box::new(Utf16::new(again, little))),
            Encoding::CarriageReturns => return Ok(Box::new(Plain::new(again))),
            Encoding::Plain => return Ok(Box::new(again)),
        };
    }
    Ok(reader)
}

type Again = io::Chain<Cursor<Vec<u8>>, Box<dyn Read + Send>>;

/// Reads a sample, and gives a reader that starts with it again. Waits for the first few bytes
/// only: what is on the other side of a FIFO may write no more until we have answered.
fn peek(mut reader: Box<dyn Read + Send>) -> io::Result<(Vec<u8>, Again)> {
    let mut sample = vec![0; SAMPLE];
    let mut len = 0;
    while len < 4 {
        match reader.read(&mut sample[len..]) {
            Ok(0) => break,
            Ok(read) => len += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    sample.truncate(len);
    Ok((sample.clone(), Cursor::new(sample).chain(reader)))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const TEXT: &[u8] = b"f> 0 LOAD_CONST (\xc3\xa9)\nf> 3 RETURN_VALUE\n";

    fn read(bytes: Vec<u8>) -> Vec<u8> {
        let input = Input::from_reader("test", Box::new(Cursor::new(bytes))).unwrap();
        let Source::Stream(mut reader) = input.source else { panic!("not a stream") };
        let mut text = Vec::new();
        reader.read_to_end(&mut text).unwrap();
        text
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn content_decides_how_it_is_decoded() {
        let text = std::str::from_utf8(TEXT).unwrap();
        let windows = text.replace('\n', "\r\n");
        let wide =
            |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
        let with_bom: Vec<u8> = [&b"\xff\xfe"[..], &wide(&windows)].concat();
        let big: Vec<u8> = windows.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let members = [gzip(&TEXT[..9]), gzip(&TEXT[9..])].concat();
        for bytes in [
            TEXT.to_vec(),
            gzip(TEXT),
            members,
            zstd::encode_all(TEXT, 1).unwrap(),
            gzip(&with_bom),
            with_bom,
            wide(text),
            big,
            windows.clone().into_bytes(),
            [b"\xef\xbb\xbf", TEXT].concat(),
        ] {
            assert_eq!(read(bytes.clone()), TEXT, "{:?}", bytes.escape_ascii().to_string());
        }
        assert_eq!(read(vec![]), b"");
    }

    #[test]
    fn plain_files_are_mapped_and_others_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trace.txt");
        std::fs::write(&path, TEXT).unwrap();
        assert_eq!(Input::open(&path).unwrap().mapped(), Some(TEXT));
        std::fs::write(&path, gzip(TEXT)).unwrap();
        assert_eq!(Input::open(&path).unwrap().mapped(), None);
        std::fs::write(&path, b"").unwrap();
        assert_eq!(Input::open(&path).unwrap().mapped(), None);
        let error = Input::open(&dir.path().join("none")).unwrap_err().to_string();
        assert!(error.contains("none`: "), "{error}");
        assert!(Input::open(dir.path()).is_err());
    }

    /// Whoever opens it sees all that the writer has written by the time that it lets go.
    #[cfg(unix)]
    #[test]
    fn a_file_that_is_being_written_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trace.txt");
        let mut file = File::create(&path).unwrap();
        file.lock().unwrap();
        let (send, opened) = std::sync::mpsc::channel();
        let reader = std::thread::spawn({
            let path = path.clone();
            move || {
                let input = Input::open(&path).unwrap();
                send.send(()).unwrap();
                input.mapped().unwrap().to_vec()
            }
        });
        file.write_all(&TEXT[..9]).unwrap();
        assert!(opened.try_recv().is_err());
        file.write_all(&TEXT[9..]).unwrap();
        drop(file);
        assert_eq!(reader.join().unwrap(), TEXT);
        // Readers keep no lock.
        let input = Input::open(&path).unwrap();
        File::open(&path).unwrap().try_lock().unwrap();
        assert_eq!(input.mapped(), Some(TEXT));
    }

    #[test]
    fn a_broken_compressed_stream_is_an_error() {
        let mut bytes = gzip(TEXT);
        bytes.truncate(bytes.len() - 9);
        let input = Input::from_reader("test", Box::new(Cursor::new(bytes)));
        let failed = input.map(|input| match input.source {
            Source::Stream(mut reader) => io::copy(&mut reader, &mut io::sink()).is_err(),
            Source::Mapped(_) => false,
        });
        assert!(!matches!(failed, Ok(false)));
    }
}
