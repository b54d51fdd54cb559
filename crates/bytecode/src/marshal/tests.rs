//! The bytes here were written by CPython 2.7.18 (`marshal.dumps(value, 2)`).

use super::*;
use crate::heap::Long;

/// Objects are indices into a list of them.
struct Listed(Vec<View<'static, usize>>);

impl Heap for Listed {
    type Ref = usize;

    fn look(&self, object: usize) -> View<'_, usize> {
        self.0[object].clone()
    }
}

const ENOUGH: Budget = Budget { bytes: 1 << 20, objects: 1 << 20 };

fn bytes_of(objects: Vec<View<'static, usize>>) -> (Vec<u8>, Written) {
    let (mut out, mut budget) = (Vec::new(), ENOUGH);
    let written = write(&Listed(objects), 0, 0, &mut budget, &mut out).unwrap();
    assert_eq!(ENOUGH.bytes - budget.bytes, out.len());
    (out, written)
}

fn plain(object: View<'static, usize>) -> Vec<u8> {
    bytes_of(vec![object]).0
}

#[test]
fn leaves() {
    let long = |negative, digits: &[u16]| View::Long(Long { negative, digits: digits.into() });
    for (object, wanted) in [
        (View::None, &b"N"[..]),
        (View::Bool(true), b"T"),
        (View::Bool(false), b"F"),
        (View::Ellipsis, b"."),
        (View::StopIteration, b"S"),
        (View::Int(-2), b"i\xfe\xff\xff\xff"),
        (View::Int(1 << 31), b"I\0\0\0\x80\0\0\0\0"),
        (View::Float(-0.0), b"g\0\0\0\0\0\0\0\x80"),
        (View::Complex(1.0, -0.0), b"y\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\x80"),
        (View::Str(b"a\0"), b"s\x02\0\0\0a\0"),
        (View::Unicode(vec![0xe9, 0xd83d, 0x1_f40d]), {
            b"u\x09\0\0\0\xc3\xa9\xed\xa0\xbd\xf0\x9f\x90\x8d"
        }),
        (long(true, &[0, 1]), b"l\xfe\xff\xff\xff\0\0\x01\0"),
        (long(false, &[]), b"l\0\0\0\0"),
    ] {
        assert_eq!(plain(object), wanted);
    }
}

#[test]
fn containers() {
    let with = |object| bytes_of(vec![object, View::None, View::Bool(true)]);
    for (object, wanted, is_final) in [
        (View::Tuple(vec![1, 2, 1].into()), &b"(\x03\0\0\0NTN"[..], true),
        (View::List(vec![2]), b"[\x01\0\0\0T", false),
        (View::Set(vec![2]), b"<\x01\0\0\0T", false),
        (View::FrozenSet(vec![]), b">\0\0\0\0", true),
        (View::Dict(vec![(1, 2), (2, 1)]), b"{NTTN0", false),
    ] {
        let (bytes, written) = with(object);
        assert_eq!((&bytes[..], written.is_final, written.is_whole), (wanted, is_final, true));
    }
}

#[test]
fn what_marshal_cannot_write_is_marked() {
    let other = View::Other { type_name: b"C".to_vec(), address: 1 };
    let (bytes, written) = bytes_of(vec![View::Tuple(vec![1, 2].into()), other, View::None]);
    assert_eq!((&bytes[..], written.is_whole), (&b"(\x02\0\0\0?N"[..], false));
    let (bytes, written) = bytes_of(vec![View::ByteArray(b"a")]);
    assert_eq!((&bytes[..], written.is_whole, written.is_final), (&b"?"[..], false, false));
}

fn code(constants: usize, names: usize) -> View<'static, usize> {
    View::Code(Box::new(CodeView {
        address: 0x7f,
        numbers: [1, 2, 3, -1],
        code: b"S",
        constants: Some(constants),
        names: [Some(names), None, None, None],
        file: b"p",
        name: b"f",
        first_line: 5,
        lines: b"",
    }))
}

#[test]
fn code_objects() {
    let other = View::Other { type_name: b"C".to_vec(), address: 1 };
    let names = View::Tuple(vec![3].into());
    let constants = View::Tuple(vec![4, 5].into());
    let objects =
        vec![code(1, 2), constants, names, View::Interned(b"x"), other, View::List(vec![])];
    let (bytes, written) = bytes_of(objects);
    let wanted = [
        &b"c\x01\0\0\0\x02\0\0\0\x03\0\0\0\xff\xff\xff\xff"[..],
        b"s\x01\0\0\0S",
        b"(\x02\0\0\0?[\0\0\0\0",
        b"(\x01\0\0\0t\x01\0\0\0x",
        b"(\0\0\0\0(\0\0\0\0(\0\0\0\0",
        b"s\x01\0\0\0pt\x01\0\0\0f\x05\0\0\0s\0\0\0\0",
    ];
    assert_eq!(bytes, wanted.concat());
    // What it holds does not count.
    let nested = Nested {
        address: 0x7f,
        place: 0..bytes.len(),
        constants: 11,
        is_final: false,
        is_whole: false,
        codes: vec![],
    };
    let codes = vec![0x7f];
    assert_eq!(written, Written { is_final: true, is_whole: true, codes, nested: vec![nested] });
}

#[test]
fn interned_strings_are_written_once_in_a_file() {
    let objects =
        vec![View::Tuple(vec![1, 2, 1, 1].into()), View::Interned(b"x"), View::Interned(b"y")];
    let mut out = Vec::new();
    write_once(&Listed(objects.clone()), 0, &mut ENOUGH.clone(), &mut out).unwrap();
    assert_eq!(out, b"(\x04\0\0\0t\x01\0\0\0xt\x01\0\0\0yR\0\0\0\0R\0\0\0\0");
    let (bytes, _) = bytes_of(objects);
    assert_eq!(bytes, b"(\x04\0\0\0t\x01\0\0\0xt\x01\0\0\0yt\x01\0\0\0xt\x01\0\0\0x");
}

#[test]
fn nested_code_objects_are_found() {
    let tuple = |items: Vec<usize>| View::Tuple(items.into());
    // 0 holds 2, twice, in a dict and alone; 2 holds 6.
    let objects = vec![
        code(1, 4),
        tuple(vec![3, 2, 5]),
        code(8, 4),
        View::Dict(vec![(7, 2), (5, 5)]),
        tuple(vec![]),
        View::Float(1.0),
        code(4, 4),
        View::Unicode(vec![0x20ac]),
        tuple(vec![7, 6, 7]),
    ];
    let (outer, inner) = (bytes_of(objects.clone()).0, {
        let mut out = Vec::new();
        write(&Listed(objects.clone()), 2, 0, &mut ENOUGH.clone(), &mut out).unwrap();
        out
    });
    let mut innermost = Vec::new();
    write(&Listed(objects), 6, 0, &mut ENOUGH.clone(), &mut innermost).unwrap();
    let found: Vec<&[u8]> = nested_codes(&outer).into_iter().map(|at| &outer[at]).collect();
    assert_eq!(found, [&innermost[..], &inner, &innermost, &inner]);
    for cut in 0..outer.len() {
        assert!(nested_codes(&outer[..cut]).into_iter().all(|range| range.end <= cut));
    }
    assert!(nested_codes(b"l\0\0\0\x80").is_empty() && nested_codes(b"00000").is_empty());
}

/// `marshal.loads` takes 2000 objects inside one another, the innermost included.
#[test]
fn nesting_is_bounded_as_marshal_bounds_it() {
    let nested = |depth, innermost| {
        let mut deep: Vec<_> = (1..=depth).map(|inner| View::Tuple(vec![inner].into())).collect();
        deep.push(innermost);
        bytes_of(deep).1.is_whole
    };
    for innermost in [View::None, View::Tuple(vec![].into())] {
        assert!(nested(1999, innermost.clone()) && !nested(2000, innermost));
    }
    // A dict has its end inside it.
    assert!(nested(1998, View::Dict(vec![])) && !nested(1999, View::Dict(vec![])));
}

#[test]
fn size_is_bounded() {
    // 2 ** 40 items, described by forty tuples.
    let mut wide: Vec<_> = (1..=40).map(|inner| View::Tuple(vec![inner, inner].into())).collect();
    wide.push(View::Int(7));
    let heap = Listed(wide);
    for budget in [Budget { bytes: 1000, ..ENOUGH }, Budget { objects: 1000, ..ENOUGH }] {
        let (mut out, mut left) = (Vec::new(), budget);
        assert_eq!(write(&heap, 0, 0, &mut left, &mut out), Err(TooLarge));
        assert!(left.bytes == 0 || left.objects == 0, "{left:?}");
        assert!(out.len() < 10_000);
    }
    let large = Listed(vec![View::Str(&[b'x'; 5000])]);
    let (mut out, mut left) = (Vec::new(), Budget { bytes: 100, ..ENOUGH });
    assert_eq!(write(&large, 0, 0, &mut left, &mut out), Err(TooLarge));
}
