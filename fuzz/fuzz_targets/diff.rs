//! `diff` of any two traces: no panic, no endless loop, the same report each time, and no trace
//! differs from itself.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use trace::diff::rules::Level;
use trace::diff::{Config, Report, compare};
use trace::step::{Format, ReadError};
use trace::input::Input;

fn run(left: &[u8], right: &[u8], config: &Config) -> Result<Report, ReadError> {
    let open = |bytes: &[u8]| Input::from_reader("f", Box::new(Cursor::new(bytes.to_vec())));
    compare(open(left)?, open(right)?, config)
}

fn format(choice: u8) -> Option<Format> {
    Format::ALL.get(usize::from(choice)).copied()
}

// The first byte chooses formats and level; the sides are parted by the first byte 1.
fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, rest)) = bytes.split_first() else { return };
    let Some(at) = rest.iter().position(|&byte| byte == 1) else { return };
    let (left, right) = (&rest[..at], &rest[at + 1..]);
    let level = [Level::Flow, Level::Operand, Level::Stack][usize::from(choice >> 6) % 3];
    let formats = [format(choice & 7), format(choice >> 3 & 7)];
    let config = Config { formats, level, max_divergences: 3, stat: true, ..Config::default() };
    match (run(left, right, &config), run(left, right, &config)) {
        (Ok(one), Ok(other)) => assert_eq!(one.to_json(), other.to_json()),
        (Err(one), Err(other)) => assert_eq!(one.to_string(), other.to_string()),
        _ => panic!("an error now, none then"),
    }
    let config = Config { formats: [formats[0]; 2], ..config };
    if let Ok(report) = run(left, left, &config) {
        assert!(report.is_identical(), "{:#}", report.to_json());
    }
});
