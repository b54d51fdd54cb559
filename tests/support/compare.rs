//! Traces side by side: what may differ is masked, what must not is shown.

use std::env;
use std::fs;
use std::path::Path;

use similar::TextDiff;

/// Lines shown around the first difference.
const CONTEXT: usize = 6;

/// Hides memory addresses: every `0x` and the hexadecimal digits behind it.
pub fn mask(text: &[u8]) -> Vec<u8> {
    let mut masked = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.windows(2).position(|pair| pair == b"0x") {
        let (before, after) = rest.split_at(at + 2);
        masked.extend_from_slice(before);
        let digits = after.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if digits > 0 {
            masked.push(b'*');
        }
        rest = &after[digits..];
    }
    masked.extend_from_slice(rest);
    masked
}

/// Where two texts part, as a unified diff of the lines around; `None` if they are the same
/// once masked.
pub fn difference(left: &[u8], right: &[u8]) -> Option<String> {
    let (left, right) = (mask(left), mask(right));
    if left == right {
        return None;
    }
    let left: Vec<&[u8]> = left.split_inclusive(|&byte| byte == b'\n').collect();
    let right: Vec<&[u8]> = right.split_inclusive(|&byte| byte == b'\n').collect();
    let same = left.iter().zip(&right).take_while(|(left, right)| left == right).count();
    let window = |lines: &[&[u8]]| {
        let from = same.saturating_sub(CONTEXT).min(lines.len());
        let to = (same + CONTEXT).min(lines.len());
        String::from_utf8_lossy(&lines[from..to].concat()).into_owned()
    };
    let (left_window, right_window) = (window(&left), window(&right));
    let diff = TextDiff::from_lines(&left_window, &right_window);
    Some(format!(
        "the first difference is in line {} (of {} and {})\n{}",
        same + 1,
        left.len(),
        right.len(),
        diff.unified_diff()
    ))
}

/// Compares with the text of a golden file; `ACCEPT_GOLDEN=1` writes it instead.
pub fn assert_golden(file: &Path, found: &[u8]) {
    let wanted = fs::read(file).unwrap_or_default();
    let Some(difference) = difference(&wanted, found) else { return };
    if env::var_os("ACCEPT_GOLDEN").is_some_and(|value| value == "1") {
        assert!(env::var_os("CI").is_none(), "CI accepts nothing");
        fs::write(file, found).expect("a golden file can be written");
        return;
    }
    panic!("`{}`: ACCEPT_GOLDEN=1 accepts\n{difference}", file.display());
}

/// Panics with the difference, if there is one.
pub fn assert_same(what: &str, left: &[u8], right: &[u8]) {
    if let Some(difference) = difference(left, right) {
        panic!("{what}: {difference}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_masked_and_nothing_else() {
        assert_eq!(mask(b"at 0x7f3aB0, 0xzz 00x1"), b"at 0x*, 0xzz 00x*");
    }

    #[test]
    fn the_first_difference_is_shown() {
        let left: Vec<String> = (0..100).map(|n| format!("f> {n} NOP at 0x{n:x}\n")).collect();
        let mut right = left.clone();
        assert_eq!(difference(left.concat().as_bytes(), right.concat().as_bytes()), None);
        right[50] = "f> 51 NOP\n".into();
        let shown = difference(left.concat().as_bytes(), right.concat().as_bytes()).unwrap();
        assert!(shown.contains("line 51 (of 100 and 100)"), "{shown}");
        assert!(shown.contains("-f> 50 NOP at 0x*\n+f> 51 NOP\n"), "{shown}");
    }
}
