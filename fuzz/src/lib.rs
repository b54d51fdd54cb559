//! What the targets share.

use std::io::Cursor;

use trace::formats::Reader;
use trace::step::{Steps, Format, Position, Saved};
use trace::lines::Lines;

/// Reads `bytes` from memory and as a stream, and compares what comes.
pub fn read(bytes: &[u8], format: Format) {
    let stream = Lines::from_reader("f", Box::new(Cursor::new(bytes)));
    let (Ok(mut whole), Ok(mut stream)) = (
        Reader::new(Lines::of("f", bytes, Position::START), Some(format)),
        Reader::new(stream, Some(format)),
    ) else {
        return;
    };
    loop {
        match (whole.next(), stream.next()) {
            (Ok(Some(left)), Ok(Some(right))) => {
                assert_eq!(left, right);
                assert_eq!(Saved::new(&left).step(), left);
            }
            (Ok(None), Ok(None)) => return,
            (Err(left), Err(right)) => return assert_eq!(left.to_string(), right.to_string()),
            (left, right) => panic!("{left:?} and {right:?}"),
        }
    }
}
