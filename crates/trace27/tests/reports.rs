//! Reports as text, of whatever is compared.

#![allow(clippy::unwrap_used, reason = "a test says with it what must be")]

use std::io::Cursor;

use proptest::prelude::*;
use trace::diff::{Config, compare};
use trace::input::Input;
use trace27::render::text;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Bytes in any order give a report or an error.
    #[test]
    fn anything_is_survived(
        left in prop::collection::vec(0..9usize, 0..60),
        right in prop::collection::vec(0..9usize, 0..60),
        divergences in 1..4usize,
    ) {
        let bytes = |pieces: Vec<usize>| -> Vec<u8> {
            let pieces: Vec<&[u8]> = pieces.into_iter().map(|piece| {
                [
                    &b"f> 0 POP_TOP\n"[..], b"f> 3 EXTENDED_ARG (1)\n", b"f> 6 LOAD_CONST (a",
                    b"\n", b")\n", b"\xff\0> ", b"<module>> 0 IMPORT_NAME (x)\n", b" at 0x1f",
                    b"{\"pc\":0}\n",
                ][piece]
            }).collect();
            pieces.concat()
        };
        let config = Config { max_divergences: divergences, ..Config::default() };
        let config = Config { formats: [Some(trace::step::Format::Line); 2], ..config };
        let [left, right] = [left, right].map(|pieces| {
            Input::from_reader("any", Box::new(Cursor::new(bytes(pieces)))).unwrap()
        });
        if let Ok(report) = compare(left, right, &config) {
            let mut shown = String::new();
            text::write(&report, &mut shown, Default::default()).unwrap();
            report.to_json();
        }
    }
}
