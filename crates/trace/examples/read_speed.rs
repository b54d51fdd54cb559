//! Prints how fast a trace is read: `cargo run --release --example read_speed -- FILE…`.

use std::path::Path;
use std::time::Instant;

use trace::formats::Reader;
use trace::input::Input;
use trace::step::Steps;

fn main() -> Result<(), trace::step::ReadError> {
    for file in std::env::args().skip(1) {
        let path = Path::new(&file);
        let mut best = f64::INFINITY;
        let (mut steps, mut sum) = (0, 0);
        for _ in 0..5 {
            let start = Instant::now();
            let mut reader = Reader::open(Input::open(path)?, None)?;
            (steps, sum) = (0u64, 0u64);
            while let Some(event) = reader.next()? {
                steps += 1;
                sum = sum.wrapping_add(u64::from(event.pc));
            }
            best = best.min(start.elapsed().as_secs_f64());
        }
        let bytes = std::fs::metadata(path).map_or(0, |data| data.len());
        let rate = bytes as f64 / best / 1e6;
        println!("{file}: {steps} steps, {bytes} bytes, {best:.3} s, {rate:.0} MB/s (sum {sum})");
    }
    Ok(())
}
