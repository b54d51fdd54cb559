//! The texts here were printed by CPython 2.7.18 (`str(value)`, `repr(value)`).

use super::*;
use crate::heap::{CodeView, Long};

/// Objects are indices into a list of values.
struct Objects(Vec<View<'static, usize>>);

impl Heap for Objects {
    type Ref = usize;

    fn look(&self, object: usize) -> View<'_, usize> {
        self.0[object].clone()
    }
}

fn text(values: Vec<View<'static, usize>>) -> (String, bool) {
    let mut out = Vec::new();
    let is_final = str(&Objects(values), 0, &mut out);
    (String::from_utf8_lossy(&out).into_owned(), is_final)
}

fn plain(value: View<'static, usize>) -> String {
    text(vec![value]).0
}

/// As an item of a tuple, so by `repr()`.
fn quoted(value: View<'static, usize>) -> String {
    let (text, _) = text(vec![View::Tuple(vec![1].into()), value]);
    text.strip_prefix('(').unwrap().strip_suffix(",)").unwrap().to_owned()
}

fn units(text: &str) -> View<'static, usize> {
    View::Unicode(text.chars().map(u32::from).collect())
}

#[test]
fn floats() {
    for (value, str, repr) in [
        (0.0, "0.0", "0.0"),
        (-0.0, "-0.0", "-0.0"),
        (0.1 + 0.2, "0.3", "0.30000000000000004"),
        (1e11, "1e+11", "100000000000.0"),
        (123456789012.0, "1.23456789012e+11", "123456789012.0"),
        (12345678901.0, "12345678901.0", "12345678901.0"),
        (1e15, "1e+15", "1000000000000000.0"),
        (1e16, "1e+16", "1e+16"),
        (1e-4, "0.0001", "0.0001"),
        (1e-5, "1e-05", "1e-05"),
        (99999999999.95, "99999999999.9", "99999999999.95"),
        (5e-324, "4.94065645841e-324", "5e-324"),
        (f64::MAX, "1.79769313486e+308", "1.7976931348623157e+308"),
        (f64::INFINITY, "inf", "inf"),
        (f64::NEG_INFINITY, "-inf", "-inf"),
        (-f64::NAN, "nan", "nan"),
    ] {
        assert_eq!(plain(View::Float(value)), str);
        assert_eq!(quoted(View::Float(value)), repr);
    }
}

#[test]
fn complexes() {
    for (real, imaginary, str) in [
        (0.0, 2.0, "2j"),
        (-0.0, 2.0, "(-0+2j)"),
        (1.0, f64::NAN, "(1+nanj)"),
        (-0.0, f64::INFINITY, "(-0+infj)"),
        (f64::NAN, f64::NEG_INFINITY, "(nan-infj)"),
        (123456789012.0, 0.1, "(123456789012+0.1j)"),
        (1e12, 1e13, "(1e+12+1e+13j)"),
    ] {
        assert_eq!(plain(View::Complex(real, imaginary)), str);
    }
    assert_eq!(quoted(View::Complex(0.0, 0.1 + 0.2)), "0.30000000000000004j");
}

#[test]
fn longs() {
    let long =
        |negative, digits: &[u32]| View::Long(Long::new(negative, 30, digits.iter().copied()));
    assert_eq!(plain(long(false, &[])), "0");
    assert_eq!(quoted(long(false, &[])), "0L");
    assert_eq!(plain(long(true, &[1])), "-1");
    // 2 ** 90 and 10 ** 27
    assert_eq!(plain(long(false, &[0, 0, 0, 1])), "1237940039285380274899124224");
    assert_eq!(quoted(long(true, &[0, 0, 0, 1])), "-1237940039285380274899124224L");
    assert_eq!(plain(long(false, &[671088640, 1061290227, 867361737])), {
        "1000000000000000000000000000"
    });
}

#[test]
fn strings() {
    assert_eq!(plain(View::Str(b"a\n'\"")), "a\n'\"");
    assert_eq!(quoted(View::Str(b"a\n\t\r\0\x7f\xff\\")), r"'a\n\t\r\x00\x7f\xff\\'");
    assert_eq!(quoted(View::Str(b"it's")), "\"it's\"");
    assert_eq!(quoted(View::Str(b"it's \"so\"")), "'it\\'s \"so\"'");
    assert_eq!(plain(units("h\u{e9}\u{20ac}\u{1f40d}")), "h\u{e9}\u{20ac}\u{1f40d}");
    assert_eq!(quoted(units("h\u{e9}\u{20ac}\u{1f40d}\n")), r"u'h\xe9\u20ac\U0001f40d\n'");
    assert_eq!(quoted(units("it's")), "u\"it's\"");
}

#[test]
fn surrogates_join_and_lone_ones_stay() {
    let mut out = Vec::new();
    let objects = Objects(vec![View::Unicode(vec![0xd83d, 0xdc0d, 0xdc0d, 0xd83d])]);
    assert!(str(&objects, 0, &mut out));
    assert_eq!(out, b"\xf0\x9f\x90\x8d\xed\xb0\x8d\xed\xa0\xbd");
}

#[test]
fn singletons_and_objects() {
    assert_eq!(plain(View::None), "None");
    assert_eq!(plain(View::Bool(true)), "True");
    assert_eq!(plain(View::Ellipsis), "Ellipsis");
    assert_eq!(plain(View::Int(i64::MIN)), "-9223372036854775808");
    assert_eq!(plain(View::NotImplemented), "NotImplemented");
    assert_eq!(plain(View::BuiltinFunction(b"len")), "<built-in function len>");
    let type_ = |name: &str, is_class| plain(View::Type { name: name.into(), is_class });
    assert_eq!(plain(View::StopIteration), "<type 'exceptions.StopIteration'>");
    assert_eq!(type_("exceptions.StopIteration", false), "<type 'exceptions.StopIteration'>");
    assert_eq!(type_("__main__.C", true), "<class '__main__.C'>");
    let old = View::OldClass { name: b"__main__.Box".to_vec(), address: 0x7f };
    assert_eq!(plain(old.clone()), "__main__.Box");
    assert_eq!(quoted(old), "<class __main__.Box at 0x7f>");
    assert_eq!(plain(View::Other { type_name: b"thread.lock".to_vec(), address: 0x7f00 }), {
        "<thread.lock object at 0x7f00>"
    });
}

#[test]
fn ranges_slices_and_bytearrays() {
    assert_eq!(plain(View::XRange(0, 1, 5)), "xrange(5)");
    assert_eq!(plain(View::XRange(2, 1, 5)), "xrange(2, 7)");
    assert_eq!(plain(View::XRange(5, -2, 3)), "xrange(5, -1, -2)");
    let slice = vec![View::Slice([1, 1, 2]), View::None, View::List(vec![])];
    assert_eq!(text(slice), ("slice(None, None, [])".into(), false));
    assert_eq!(text(vec![View::ByteArray(b"a\n")]), ("a\n".into(), false));
    let inside = vec![View::Tuple(vec![1].into()), View::ByteArray(b"a\n")];
    assert_eq!(text(inside), ("(bytearray(b'a\\n'),)".into(), false));
}

#[test]
fn code_objects_cut_names_as_c_does() {
    let code = |name, file, line| {
        let (address, first_line) = (0xabc, line);
        let (numbers, code, lines) = ([0; 4], &b""[..], &b""[..]);
        let (constants, names) = (None, [None; 4]);
        let code =
            CodeView { address, numbers, code, constants, names, file, name, first_line, lines };
        plain(View::Code(Box::new(code)))
    };
    assert_eq!(code(b"f", b"x.py", 3), "<code object f at 0xabc, file \"x.py\", line 3>");
    assert_eq!(code(b"f\0g", b"", 0), "<code object f at 0xabc, file \"\", line -1>");
    let long = vec![b'n'; 400].leak();
    let text = code(long, long, 1);
    assert_eq!(text.matches('n').count(), 100 + 300 + 1, "{text}");
}

#[test]
fn containers() {
    let items = vec![1, 2, 1];
    let with = |value| {
        text(vec![value, View::Int(1), View::Str(b"b"), View::Tuple(vec![].into()), View::None])
    };
    assert_eq!(with(View::Tuple(items.clone().into())), ("(1, 'b', 1)".into(), true));
    assert_eq!(with(View::Tuple(vec![3].into())), ("((),)".into(), true));
    assert_eq!(with(View::List(items.clone())), ("[1, 'b', 1]".into(), false));
    assert_eq!(with(View::Set(vec![])), ("set([])".into(), false));
    assert_eq!(with(View::FrozenSet(vec![2])), ("frozenset(['b'])".into(), true));
    assert_eq!(with(View::Dict(vec![(1, 2), (4, 3)])), ("{1: 'b', None: ()}".into(), false));
    let nested = text(vec![View::Tuple(vec![1].into()), View::List(vec![])]);
    assert_eq!(nested, ("([],)".into(), false), "a list inside keeps the text from being final");
}

#[test]
fn a_container_inside_itself_is_not_entered_again() {
    assert_eq!(text(vec![View::List(vec![0, 0])]).0, "[[...], [...]]");
    assert_eq!(
        text(vec![View::Tuple(vec![1].into()), View::Dict(vec![(2, 1)]), View::Int(1)]).0,
        { "({1: {...}},)" }
    );
}

#[test]
fn depth_and_size_are_bounded() {
    let depth = 200_000;
    let mut deep: Vec<_> = (1..=depth).map(|inner| View::Tuple(vec![inner].into())).collect();
    deep.push(View::None);
    assert_eq!(text(deep).0.len(), depth + "None".len() + 2 * depth);

    // 2 ** 40 items, described by forty tuples.
    let mut wide: Vec<_> = (1..=40).map(|inner| View::Tuple(vec![inner, inner].into())).collect();
    wide.push(View::Int(7));
    let (text, _) = text(wide);
    assert!(text.ends_with("...") && text.len() < LONGEST + 100);
}
