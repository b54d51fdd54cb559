//! Files that are no trace and that their first bytes give away, with what to do about each.

/// Why what starts with these bytes is no trace.
pub(super) fn reason(sample: &[u8]) -> Option<&'static str> {
    const TAR: usize = 257;
    Some(match sample {
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
            "this is compressed with xz, which trace27 does not read; use `xz -dc FILE | trace27 ...` \
             and `-` for the file"
        }
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..] => {
            "this is compressed with bzip2, which trace27 does not read; use `bzip2 -dc FILE | trace27 \
             ...` and `-` for the file"
        }
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => {
            "this is a 7z archive; unpack it with `7z x` and name the trace in it"
        }
        [b'P', b'K', 3 | 5, 4 | 6, ..] => {
            "this is a zip archive; unpack it with `unzip` and name the trace in it"
        }
        [0x04, 0x22, 0x4d, 0x18, ..] => {
            "this is compressed with lz4, which trace27 does not read; use `lz4 -dc FILE | trace27 ...` \
             and `-` for the file"
        }
        [b'R', b'a', b'r', b'!', ..] => "this is a rar archive; unpack it and name the trace in it",
        [0x7f, b'E', b'L', b'F', ..] => {
            "this is an ELF program, not a trace; run it and give its trace"
        }
        [_, 0xf2 | 0xf3, b'\r', b'\n', ..] => {
            "this is a `.pyc`, not a trace; trace it with `./python27-traced tracer.py FILE.pyc \
             TRACE`"
        }
        _ if sample.get(TAR..TAR + 5) == Some(b"ustar") => {
            "this is a tar archive; unpack it with `tar -xf` and name the trace in it"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_trace_is_named() {
        let tar = [&[b'a'; 257][..], b"ustar\0"].concat();
        for (bytes, wanted) in [
            (&b"\xfd7zXZ\0\0\x04"[..], "xz -dc"),
            (b"BZh91AY&SYxx", "bzip2 -dc"),
            (b"7z\xbc\xaf\x27\x1c\0\x04", "7z archive"),
            (b"PK\x03\x04", "zip archive"),
            (b"PK\x05\x06", "zip archive"),
            (b"\x7fELF\x02", "ELF program"),
            (b"\x03\xf3\r\n", "tracer.py"),
            (&tar, "tar archive"),
        ] {
            assert!(reason(bytes).is_some_and(|reason| reason.contains(wanted)), "{wanted}");
        }
        for trace in
            [&b"f> 0 POP_TOP\n"[..], b"{\"pc\":0", b"py27flow\x01", b"\x1f\x8b\x08", b"", b"PK"]
        {
            assert_eq!(reason(trace), None);
        }
    }
}
