//! Code info of objects that are made up.

use super::*;
use bytecode::marshal::nested_codes;
use bytecode::pyc::Pyc;
use wire::code::{Body, Recorded};

/// Objects are indices into a list of them.
struct Listed(Vec<View<'static, usize>>);

impl Heap for Listed {
    type Ref = usize;

    fn look(&self, object: usize) -> View<'_, usize> {
        self.0[object].clone()
    }
}

fn code(constants: Option<usize>) -> CodeView<'static, usize> {
    CodeView {
        address: 0xabc,
        numbers: [0, 1, 2, -1],
        code: b"d\0\0S",
        constants,
        names: [None; 4],
        file: b"p.py",
        name: b"f",
        first_line: 3,
        lines: b"",
    }
}

/// The code info of a code object with these constants; what they hold is behind them.
fn recorded(count: usize, objects: Vec<View<'static, usize>>) -> (CodeInfo, Captured) {
    let tuple = View::Tuple((1..=count).collect::<Vec<_>>().into());
    let heap = Listed([vec![tuple], objects].concat());
    let (mut bytes, mut out) = (Vec::new(), Vec::new());
    let captured = body(&heap, &code(Some(0)), &mut bytes);
    let Captured { constants, texts, addresses, .. } = &captured;
    let (constants, body) = (*constants, Body::Whole(&bytes));
    let module = Some(&b"m"[..]);
    Recorded { is_watched: false, module, constants, body, texts, addresses }.write(&mut out);
    let info = CodeInfo::read(&out).unwrap();
    // The places are those of code objects in the body.
    for nested in &captured.nested {
        assert!(nested_codes(&bytes).contains(&nested.place));
    }
    (info, captured)
}

fn text(info: &CodeInfo, index: usize) -> String {
    let text = info.marshalled.as_ref().unwrap().text(index).unwrap();
    String::from_utf8(text.into_owned()).unwrap()
}

#[test]
fn the_text_is_that_of_the_objects() {
    let other = View::Other { type_name: b"C".to_vec(), address: 1 };
    let nested = View::Code(Box::new(code(Some(6))));
    let objects = vec![
        View::Tuple(vec![5, 5].into()),
        View::Float(0.1),
        nested.clone(),
        View::Tuple(vec![7].into()),
        nested,
        View::Tuple(vec![7].into()),
        other,
    ];
    let (info, captured) = recorded(4, objects);
    let code = "<code object f at 0xabc, file \"p.py\", line 3>";
    assert_eq!(text(&info, 0), format!("({code}, {code})"));
    assert_eq!(text(&info, 1), "0.1");
    assert_eq!(text(&info, 2), code);
    assert_eq!(text(&info, 3), "(<C object at 0x1>,)");
    assert_eq!(info.marshalled.as_ref().unwrap().text(4), None);
    assert!(!captured.can_change);
    let whole: Vec<_> = captured.nested.iter().map(|nested| nested.is_whole).collect();
    assert_eq!(whole, [false; 3]);
    let bytes = info.marshalled.as_ref().unwrap().bytes();
    let (values, codes) = Pyc::read_constants(bytes, MOST_OBJECTS).unwrap();
    assert_eq!((values.len(), codes.len()), (4, 3));
    assert!(values[3].holds_unknown() && !values[0].holds_unknown());
    assert!(codes[0].constants[0].holds_unknown());
}

#[test]
fn what_can_change_is_known_without_text() {
    for (object, changes) in [
        (View::List(vec![]), true),
        (View::ByteArray(b"a"), true),
        (View::Tuple(vec![2].into()), true),
        (View::Int(1), false),
    ] {
        let (_, captured) = recorded(1, vec![object, View::Dict(vec![])]);
        assert_eq!(captured.can_change, changes);
    }
}

/// One constant that is too large leaves the others as they are.
#[test]
fn a_constant_that_is_too_large_is_text_alone() {
    let large = vec![b'x'; LARGEST_CONSTANT].leak();
    let (info, _) = recorded(3, vec![View::Int(6), View::Str(large), View::Int(7)]);
    let bytes = info.marshalled.as_ref().unwrap().bytes();
    assert_eq!(bytes, b"(\x03\0\0\0i\x06\0\0\0?i\x07\0\0\0");
    assert_eq!((text(&info, 0), text(&info, 2)), ("6".to_owned(), "7".to_owned()));
    assert_eq!(text(&info, 1).len(), LARGEST_CONSTANT);
}

#[test]
fn without_a_recording_constants_are_text_or_nothing() {
    let heap = Listed(vec![View::Tuple(vec![1].into()), View::Int(5)]);
    let of = |constants| info(&heap, &code(Some(0)), None, constants).0;
    assert_eq!(of(Constants::Text).constants, [b"5"]);
    assert_eq!(of(Constants::Text).marshalled, None);
    assert_eq!(of(Constants::Absent).constants, Vec::<Vec<u8>>::new());
}
