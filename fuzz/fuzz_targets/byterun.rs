//! The reader of `byterun`: no panic, no endless loop, the same steps whole and in pieces.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trace::step::Format;

fuzz_target!(|bytes: &[u8]| trace_fuzz::read(bytes, Format::Byterun));
