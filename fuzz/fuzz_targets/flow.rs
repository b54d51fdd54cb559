//! The reader of recordings. No fuzzer finds a checksum, so those are put right first. What is
//! expanded on one thread and on two is the same, and so are the steps.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use trace::formats::{Reader, line};
use trace::step::{Steps, Format, Position};
use recording::expand::expand;
use recording::file::Sections;
use recording::text::RenderOptions;
use trace::lines::Lines;

fn crc32(parts: &[&[u8]]) -> u32 {
    !parts.concat().iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| crc >> 1 ^ (crc & 1) * 0xedb8_8320)
    })
}

fn mend(bytes: &mut [u8]) {
    let (mut at, mut sums) = (12, Vec::new());
    while let Some(head) = bytes.get(at..at + 12) {
        let (kind, head) = (head[0], head[..8].to_vec());
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let Some(content) = bytes.get_mut(at + 12..at + 12 + length) else { return };
        // A chunk of packets says which code objects came before, after three numbers.
        let mut ends = content.iter().enumerate().filter(|(_, byte)| **byte < 0x80);
        let at_codes = ends.nth(2).map_or(0, |(at, _)| at + 1);
        if let (3, Some(said)) = (kind, content.get_mut(at_codes..at_codes + 4)) {
            said.copy_from_slice(&crc32(&[&sums]).to_le_bytes());
        }
        let checksum = crc32(&[&head, content]).to_le_bytes();
        // Code objects, compressed or not.
        if matches!(kind, 2 | 7) {
            sums.extend_from_slice(&checksum);
        }
        bytes[at + 8..at + 12].copy_from_slice(&checksum);
        at += 12 + length;
    }
}

fn expanded(bytes: &[u8], threads: usize) -> Option<(Vec<u8>, bool)> {
    let (sections, about) = Sections::open(Cursor::new(bytes)).ok()?;
    let limit = about["limit"].as_u64().unwrap_or(u64::MAX);
    let options = RenderOptions { resolve: true, ..RenderOptions::default() };
    let mut text = Vec::new();
    let result = expand(sections, &options, &(0..limit), threads, &mut text);
    Some((text, result.is_ok()))
}

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = bytes.to_vec();
    mend(&mut bytes);
    let one = expanded(&bytes, 1);
    assert!(one == expanded(&bytes, 2));
    let lines = Lines::of("f", &bytes, Position::START);
    let (Some((text, is_whole)), Ok(mut reader)) = (one, Reader::new(lines, Some(Format::Flow)))
    else {
        return;
    };
    let mut steps = Vec::new();
    let ended = loop {
        match reader.next() {
            Ok(Some(event)) => line::write(&mut steps, &event, true).expect("it has all"),
            Ok(None) => break true,
            Err(_) => break false,
        }
    };
    assert!(ended == is_whole && (text.starts_with(&steps) || steps.starts_with(&text)));
});
