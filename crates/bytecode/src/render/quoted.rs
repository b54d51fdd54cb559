//! Text in quotes and out of them: `repr()` of `str` and `unicode`, and UTF-8.

/// PyString_Repr with smart quotes.
pub fn str_repr(bytes: &[u8], out: &mut Vec<u8>) {
    let quote = quote(bytes.contains(&b'\''), bytes.contains(&b'"'));
    out.push(quote);
    for &byte in bytes {
        escape(u32::from(byte), quote, out);
    }
    out.push(quote);
}

/// unicode_repr: unicodeescape_string with quotes.
pub fn unicode_repr(units: &[u32], out: &mut Vec<u8>) {
    units_repr(&points(units).collect::<Vec<_>>(), out);
}

/// The same of a UCS4 build, which leaves pairs of surrogates apart.
pub fn units_repr(units: &[u32], out: &mut Vec<u8>) {
    let has = |mark: u8| units.contains(&u32::from(mark));
    let quote = quote(has(b'\''), has(b'"'));
    out.push(b'u');
    out.push(quote);
    for &point in units {
        match point {
            0..0x100 => escape(point, quote, out),
            0x100..0x1_0000 => out.extend_from_slice(format!("\\u{point:04x}").as_bytes()),
            _ => out.extend_from_slice(format!("\\U{point:08x}").as_bytes()),
        }
    }
    out.push(quote);
}

/// PyUnicode_EncodeUTF8 of 2.7: pairs of surrogates are joined, on a UCS4 build too, and
/// a lone one is written as three bytes.
pub fn utf8(units: &[u32], out: &mut Vec<u8>) {
    points(units).for_each(|point| push_utf8(point, out));
}

/// Appends a code point, a surrogate too.
pub fn push_utf8(point: u32, out: &mut Vec<u8>) {
    let tail = |shift: u32| 0x80 | (point >> shift & 0x3f) as u8;
    match point {
        0..0x80 => out.push(point as u8),
        0x80..0x800 => out.extend([0xc0 | (point >> 6) as u8, tail(0)]),
        0x800..0x1_0000 => out.extend([0xe0 | (point >> 12) as u8, tail(6), tail(0)]),
        _ => out.extend([0xf0 | (point >> 18 & 7) as u8, tail(12), tail(6), tail(0)]),
    }
}

/// The code points of `units`, pairs of surrogates joined.
fn points(units: &[u32]) -> impl Iterator<Item = u32> {
    let mut units = units.iter().copied().peekable();
    std::iter::from_fn(move || {
        let unit = units.next()?;
        let low = units
            .next_if(|next| (0xd800..0xdc00).contains(&unit) && (0xdc00..0xe000).contains(next));
        Some(low.map_or(unit, |low| 0x1_0000 + ((unit & 0x3ff) << 10 | low & 0x3ff)))
    })
}

fn quote(has_single: bool, has_double: bool) -> u8 {
    if has_single && !has_double { b'"' } else { b'\'' }
}

fn escape(point: u32, quote: u8, out: &mut Vec<u8>) {
    match point {
        0x09 => out.extend_from_slice(b"\\t"),
        0x0a => out.extend_from_slice(b"\\n"),
        0x0d => out.extend_from_slice(b"\\r"),
        0x20..0x7f => {
            let byte = point as u8;
            if byte == quote || byte == b'\\' {
                out.push(b'\\');
            }
            out.push(byte);
        }
        _ => out.extend_from_slice(format!("\\x{point:02x}").as_bytes()),
    }
}
