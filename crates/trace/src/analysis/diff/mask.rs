//! Memory addresses: what `repr()` writes behind ` at 0x` differs between runs and means nothing.

const BEFORE: &[u8] = b" at 0x";
/// Digits of an address of 64 bits.
const DIGITS: usize = 16;

/// Where two equally long slices first differ.
#[inline]
pub fn first_difference(left: &[u8], right: &[u8]) -> Option<usize> {
    const PIECE: usize = 4096;
    let mut from = 0;
    // Whole pieces as `memcmp` has them, then words, then bytes.
    for (a, b) in left.chunks(PIECE).zip(right.chunks(PIECE)) {
        if a != b {
            let words = a.chunks(32).zip(b.chunks(32)).take_while(|(a, b)| a == b).count() * 32;
            let rest = a[words..].iter().zip(&b[words..]).take_while(|(a, b)| a == b).count();
            return Some(from + words + rest);
        }
        from += a.len();
    }
    None
}

/// Where both texts are in the same address, `left` at `l` and `right` at `r`, all before being
/// the same: where it ends in either.
pub fn address(left: &[u8], l: usize, right: &[u8], r: usize) -> Option<(usize, usize)> {
    let digits = left[..l].iter().rev().take(DIGITS).take_while(|b| b.is_ascii_hexdigit()).count();
    let same = |text: &[u8], at: usize| {
        let start = at.checked_sub(digits)?;
        let end = start + hex(&text[start..]);
        (text[..start].ends_with(BEFORE) && end > start).then_some(end)
    };
    let ends = (same(left, l)?, same(right, r)?);
    // Behind the digits that an address can have, they are not one.
    (ends != (l, r)).then_some(ends)
}

fn hex(text: &[u8]) -> usize {
    text.iter().take(DIGITS).take_while(|byte| byte.is_ascii_hexdigit()).count()
}

/// Whether two texts are the same save for addresses.
pub fn same(left: &[u8], right: &[u8]) -> bool {
    let (mut l, mut r) = (0, 0);
    loop {
        let rest = (left.len() - l).min(right.len() - r);
        match first_difference(&left[l..l + rest], &right[r..r + rest]) {
            None if left.len() - l == right.len() - r => return true,
            differs => {
                // One may end within the digits of the other.
                let differs = differs.unwrap_or(rest);
                match address(left, l + differs, right, r + differs) {
                    Some(ends) => (l, r) = ends,
                    None => return false,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_may_differ() {
        for (left, right, wanted) in [
            ("<f at 0x1f>", "<f at 0x2>", true),
            ("<f at 0x1f>", "<f at 0x1fff>", true),
            ("<f at 0x1f> a", "<f at 0x1fff> b", false),
            ("f at 0x1", "f at 0x12", true),
            ("f at 0x", "f at 0x12", false),
            ("0x1", "0x2", false),
            ("a", "ab", false),
            ("f at 0x1 at 0x2", "f at 0x3 at 0x4", true),
            ("f at 0x11112222333344445", "f at 0x11112222333344446", false),
            ("", "", true),
        ] {
            assert_eq!(same(left.as_bytes(), right.as_bytes()), wanted, "{left} {right}");
            assert_eq!(same(right.as_bytes(), left.as_bytes()), wanted, "{right} {left}");
        }
    }

    #[test]
    fn the_first_difference_is_found_wherever_it_is() {
        let left = vec![b'x'; 9000];
        assert_eq!(first_difference(&left, &left), None);
        for at in [0, 1, 31, 32, 4095, 4096, 8999] {
            let mut right = left.clone();
            right[at] = b'y';
            assert_eq!(first_difference(&left, &right), Some(at));
        }
    }
}
