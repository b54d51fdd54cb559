//! Where nested code objects are in marshalled bytes, without reading what else there is.

use std::ops::Range;

/// The objects of a code object before `co_firstlineno`.
const FIELDS: usize = 8;

/// Something that is not at its end yet.
struct Open {
    start: usize,
    /// Objects still to come; a dict ends at a null instead.
    left: usize,
    /// Of a code object: whether `co_firstlineno` is still to come.
    is_code: bool,
    has_line: bool,
}

/// The ranges of all code objects inside the one that `bytes` are, each after those inside it. Bytes
/// that are damaged end the search.
pub fn nested_codes(bytes: &[u8]) -> Vec<Range<usize>> {
    let (mut found, mut open, mut at) = (Vec::new(), Vec::<Open>::new(), 0);
    while let Some(&kind) = bytes.get(at) {
        let field = |at: usize| bytes.get(at..).and_then(<[u8]>::first_chunk);
        let count = field(at + 1).map_or(0, |&field| i32::from_le_bytes(field));
        let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
        let opened = |left| Open { start: at, left, is_code: false, has_line: false };
        let mut is_done = true;
        let length = match kind {
            b'N' | b'F' | b'T' | b'S' | b'.' | b'?' => 1,
            b'i' | b'R' => 5,
            b'I' | b'g' => 9,
            b'y' => 17,
            b'l' => size.saturating_mul(2).saturating_add(5),
            b's' | b't' | b'u' => size.saturating_add(5),
            b'(' | b'[' | b'<' | b'>' if size > 0 => {
                open.push(opened(size));
                is_done = false;
                5
            }
            b'(' | b'[' | b'<' | b'>' => 5,
            b'{' => {
                open.push(opened(usize::MAX));
                is_done = false;
                1
            }
            b'0' => {
                // The end of a dict, which is done itself.
                open.pop();
                1
            }
            b'c' => {
                open.push(Open { is_code: true, ..opened(FIELDS) });
                is_done = false;
                17
            }
            _ => return found,
        };
        at = at.saturating_add(length);
        if !is_done {
            continue;
        }
        // What is done may be the last of what it is in.
        loop {
            let Some(last) = open.last_mut() else { return found };
            last.left -= 1;
            if last.left > 0 {
                break;
            }
            if last.is_code && !last.has_line {
                (last.left, last.has_line) = (1, true);
                at = at.saturating_add(4);
                break;
            }
            let (start, is_code) = (last.start, last.is_code);
            open.pop();
            if is_code && !open.is_empty() && at <= bytes.len() {
                found.push(start..at);
            }
        }
    }
    found
}
