//! The reader of `.pyc` files, and the disassembly of what it reads: no panic, bounded memory.
#![no_main]

use libfuzzer_sys::fuzz_target;
use bytecode::disassemble::around;
use bytecode::pyc::Pyc;

fuzz_target!(|bytes: &[u8]| {
    // The magic number is not what is looked for.
    let bytes = [&bytecode::pyc::MAGIC[..], &[0; 4], bytes].concat();
    match Pyc::read(&bytes) {
        Ok(pyc) => {
            for code in pyc.codes.iter().take(50) {
                around(&pyc, code, &[0, 7, u32::MAX], 4);
            }
        }
        Err(error) => assert!(error.at() <= bytes.len(), "{error}"),
    }
});
