//! `convert`: what is read of any trace is written as py27-trace 1 that is valid, and which
//! converted again is the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trace::formats::Reader;
use trace::convert::{To, convert};
use trace::step::{Format, Position};
use trace::lines::Lines;

fn converted(bytes: &[u8], format: Option<Format>, to: To) -> Option<Vec<u8>> {
    let mut reader = Reader::new(Lines::of("f", bytes, Position::START), format).ok()?;
    let mut out = Vec::new();
    convert(&mut reader, to, false, &mut out).ok()?;
    Some(out)
}

// The first byte chooses the format.
fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, bytes)) = bytes.split_first() else { return };
    let format = Format::ALL.get(usize::from(choice & 7)).copied();
    let Some(json) = converted(bytes, format, To::Jsonl) else { return };
    let again = converted(&json, Some(Format::Jsonl), To::Jsonl).expect("what we wrote is valid");
    assert!(json == again, "{}\n{}", json.escape_ascii(), again.escape_ascii());
    // Where nothing holds a newline, a step is a line of text, and the other way round.
    let Some(text) = converted(&json, Some(Format::Jsonl), To::Line) else { return };
    if !json.windows(2).any(|pair| pair == br"\n") {
        let back = converted(&text, Some(Format::Line), To::Line).expect("what we wrote is valid");
        assert_eq!(text.escape_ascii().to_string(), back.escape_ascii().to_string());
    }
});
