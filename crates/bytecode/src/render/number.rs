//! Numbers as Python 2.7 writes them.

use crate::heap::Long;

/// Appends a `long` in decimal, without the `L`.
pub fn long(long: &Long, out: &mut Vec<u8>) {
    const GROUP: u64 = 1_000_000_000;
    // Decimal digits in groups of nine, the lowest first.
    let mut groups: Vec<u32> = Vec::new();
    // Two digits at a time, the highest first: half the work.
    for pair in long.digits.chunks(2).rev() {
        let mut carry = pair.iter().rev().fold(0, |carry, &digit| carry << 15 | u64::from(digit));
        for group in &mut groups {
            carry += u64::from(*group) << 30;
            *group = (carry % GROUP) as u32;
            carry /= GROUP;
        }
        while carry > 0 {
            groups.push((carry % GROUP) as u32);
            carry /= GROUP;
        }
    }
    if long.negative {
        out.push(b'-');
    }
    let mut groups = groups.iter().rev();
    let highest = groups.next().copied().unwrap_or(0);
    out.extend_from_slice(highest.to_string().as_bytes());
    for group in groups {
        out.extend_from_slice(format!("{group:09}").as_bytes());
    }
}

/// How many digits PyOS_double_to_string is asked for.
#[derive(Clone, Copy)]
enum Format {
    /// As few as read back the same (`'r'`)
    Repr,
    /// At most twelve (`'g'`, PyFloat_STR_PRECISION)
    Str,
}

#[derive(Clone, Copy)]
struct Flags {
    /// Py_DTSF_ADD_DOT_0
    dot_0: bool,
    /// Py_DTSF_SIGN
    sign: bool,
}

const FLOAT: Flags = Flags { dot_0: true, sign: false };

/// float_str
pub fn float_str(value: f64, out: &mut Vec<u8>) {
    double(value, Format::Str, FLOAT, out);
}

/// float_repr
pub fn float_repr(value: f64, out: &mut Vec<u8>) {
    double(value, Format::Repr, FLOAT, out);
}

/// complex_str
pub fn complex_str(real: f64, imaginary: f64, out: &mut Vec<u8>) {
    complex(real, imaginary, Format::Str, out);
}

/// complex_repr
pub fn complex_repr(real: f64, imaginary: f64, out: &mut Vec<u8>) {
    complex(real, imaginary, Format::Repr, out);
}

/// complex_format: a positive zero as real part is left out.
fn complex(real: f64, imaginary: f64, format: Format, out: &mut Vec<u8>) {
    let plain = Flags { dot_0: false, sign: false };
    if real == 0.0 && real.is_sign_positive() {
        double(imaginary, format, plain, out);
        out.push(b'j');
        return;
    }
    out.push(b'(');
    double(real, format, plain, out);
    double(imaginary, format, Flags { dot_0: false, sign: true }, out);
    out.extend_from_slice(b"j)");
}

/// PyOS_double_to_string, format_float_short in Python/pystrtod.c.
fn double(value: f64, format: Format, flags: Flags, out: &mut Vec<u8>) {
    let negative = value.is_sign_negative() && !value.is_nan();
    if negative {
        out.push(b'-');
    } else if flags.sign {
        out.push(b'+');
    }
    if !value.is_finite() {
        out.extend_from_slice(if value.is_nan() { b"nan" } else { b"inf" });
        return;
    }
    let scientific = match format {
        Format::Repr => format!("{:e}", value.abs()),
        Format::Str => format!("{:.11e}", value.abs()),
    };
    let (mantissa, exponent) = scientific.split_once('e').expect("`{:e}` writes an exponent");
    let exponent: i32 = exponent.parse().expect("`{:e}` writes a number behind the `e`");
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = match digits.trim_end_matches('0') {
        "" => "0",
        digits => digits,
    };
    let point = exponent + 1; // digits before the point
    let most = match (format, flags.dot_0) {
        (Format::Repr, _) => 16,
        (Format::Str, true) => 11,
        (Format::Str, false) => 12,
    };
    if point <= -4 || point > most {
        let (first, rest) = digits.split_at(1);
        let dot = if rest.is_empty() { "" } else { "." };
        let sign = if exponent < 0 { '-' } else { '+' };
        out.extend_from_slice(
            format!("{first}{dot}{rest}e{sign}{:02}", exponent.unsigned_abs()).as_bytes(),
        );
        return;
    }
    let text = match usize::try_from(point) {
        Ok(point) if point >= digits.len() => {
            let tail = if flags.dot_0 { ".0" } else { "" };
            format!("{digits}{}{tail}", "0".repeat(point - digits.len()))
        }
        Ok(point) if point > 0 => format!("{}.{}", &digits[..point], &digits[point..]),
        _ => format!("0.{}{digits}", "0".repeat(point.unsigned_abs() as usize)),
    };
    out.extend_from_slice(text.as_bytes());
}
