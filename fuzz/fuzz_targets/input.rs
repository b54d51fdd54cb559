//! Decompression, UTF-16, and recognizing the format: any bytes at all, as a file would hold them.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use trace::formats::Reader;
use trace::step::Steps;
use trace::input::Input;

fuzz_target!(|bytes: &[u8]| {
    let bytes = Cursor::new(bytes.to_vec());
    let Ok(input) = Input::from_reader("f", Box::new(bytes)) else { return };
    let Ok(mut reader) = Reader::open(input, None) else { return };
    while let Ok(Some(_)) = reader.next() {}
});
