//! What is recorded of code objects that are made up.

use std::cell::Cell;

use super::*;
use crate::capture::code;
use bytecode::heap::{CodeView, Heap, View};
use wire::code::{body_of, whole_of};

/// A program: objects are indices into a list of them, and so are the ids of code objects.
struct Program {
    objects: Vec<View<'static, usize>>,
    ids: Vec<Cell<CodeId>>,
}

struct Listed<'a>(&'a [View<'static, usize>]);

impl Heap for Listed<'_> {
    type Ref = usize;

    fn look(&self, object: usize) -> View<'_, usize> {
        self.0[object].clone()
    }
}

/// One of its code objects.
struct Code<'a>(&'a Program, usize);

impl Subject for Code<'_> {
    fn code_id(&self) -> CodeId {
        self.0.ids[self.1].get()
    }

    fn set_code_id(&self, id: CodeId) {
        self.0.ids[self.1].set(id);
    }

    fn address(&self) -> usize {
        self.1
    }

    fn bytes(&self) -> &[u8] {
        b"S"
    }

    fn info(&self, _: Constants) -> (CodeInfo, bool) {
        (CodeInfo::default(), false)
    }

    fn module(&self) -> Option<&[u8]> {
        Some(b"m")
    }

    fn body(&self, out: &mut Vec<u8>) -> Captured {
        let heap = Listed(&self.0.objects);
        let View::Code(view) = heap.look(self.1) else { panic!("{} is no code object", self.1) };
        code::body(&heap, &view, out)
    }

    fn set_nested_code_id(&self, address: usize, id: &mut dyn FnMut(CodeId) -> Option<CodeId>) {
        let nested = &self.0.ids[address];
        nested.set(id(nested.get()).unwrap_or(nested.get()));
    }

    fn meaning(&self, _: Operand, _: i32, _: &mut Vec<u8>) -> bool {
        false
    }
}

fn code_object(address: usize, constants: usize) -> View<'static, usize> {
    View::Code(Box::new(CodeView {
        address,
        numbers: [0; 4],
        code: b"S",
        constants: Some(constants),
        names: [None; 4],
        file: b"p.py",
        name: b"f",
        first_line: 1,
        lines: b"",
    }))
}

/// Code object 0 holds 2, which holds 4, which holds what is given.
fn program(innermost: View<'static, usize>) -> Program {
    let tuple = |items: Vec<usize>| View::Tuple(items.into());
    let objects = vec![
        code_object(0, 1),
        tuple(vec![2]),
        code_object(2, 3),
        tuple(vec![4]),
        code_object(4, 5),
        tuple(vec![6]),
        innermost,
    ];
    let ids = objects.iter().map(|_| Cell::default()).collect();
    Program { objects, ids }
}

/// The definition that a recorder makes when a code object runs; `None` if it makes none.
fn run(recorder: &mut Recorder, program: &Program, address: usize) -> Option<Vec<u8>> {
    recorder.begin(BranchBits::default(), None);
    recorder.enter(&Code(program, address), -1, 0);
    match event::read(&recorder.out).unwrap().1 {
        Packet::CodeDefined { definition, .. } => Some(definition.to_vec()),
        _ => None,
    }
}

/// The same of a recorder that has seen nothing before.
fn whole(program: &Program, address: usize) -> Vec<u8> {
    let ids = program.objects.iter().map(|_| Cell::default()).collect();
    let program = Program { objects: program.objects.clone(), ids };
    let mut recorder = Recorder::new(Constants::Marshalled, CodeIds::NONE);
    run(&mut recorder, &program, address).unwrap()
}

#[test]
fn a_nested_code_object_is_marshalled_once() {
    let program = program(View::Int(7));
    let mut recorder = Recorder::new(Constants::Marshalled, CodeIds::NONE);
    let outer = run(&mut recorder, &program, 0).unwrap();
    let body = outer[body_of(&outer).unwrap()].to_vec();
    for address in [4, 2] {
        assert!(Code(&program, address).code_id().nested().is_some());
        let part = run(&mut recorder, &program, address).unwrap();
        let found = whole_of(&part, |part| {
            assert_eq!(part.code, 1);
            body.get(part.start..part.start + part.length)
        });
        assert_eq!(found, Ok(Some(whole(&program, address))));
        assert_eq!(Code(&program, address).code_id().nested(), None);
        assert_eq!(run(&mut recorder, &program, address), None);
    }
    assert!(recorder.unrun.is_empty());
}

/// What can change, what foreign code may have rewritten, and what the writer no longer has.
#[test]
fn what_may_have_changed_is_marshalled_again() {
    let mutable = program(View::List(vec![]));
    let mut recorder = Recorder::new(Constants::Marshalled, CodeIds::NONE);
    run(&mut recorder, &mutable, 0);
    assert_eq!(Code(&mutable, 4).code_id(), CodeId::default());
    assert!(Code(&mutable, 2).code_id().nested().is_some());

    let rewritten = program(View::Int(7));
    let mut recorder = Recorder::new(Constants::Marshalled, CodeIds::NONE);
    run(&mut recorder, &rewritten, 0);
    recorder.tables_may_change();
    assert_eq!(run(&mut recorder, &rewritten, 2), Some(whole(&rewritten, 2)));
    assert_eq!(Code(&rewritten, 4).code_id().nested().map(|_| ()), Some(()));
    assert_eq!(run(&mut recorder, &rewritten, 4), Some(whole(&rewritten, 4)));

    let late = program(View::Int(7));
    let mut recorder = Recorder::new(Constants::Marshalled, CodeIds::NONE);
    run(&mut recorder, &late, 0);
    recorder.sent += KEPT_BODIES as u64;
    assert_eq!(run(&mut recorder, &late, 2), Some(whole(&late, 2)));
}

#[test]
fn a_code_object_that_dies_unrun_is_forgotten() {
    let program = program(View::Int(7));
    let mut recorder = Recorder::new(Constants::Marshalled, CodeIds::NONE);
    run(&mut recorder, &program, 0);
    assert_eq!(recorder.unrun.len(), 2);
    recorder.begin(BranchBits::default(), None);
    recorder.forget(Code(&program, 4).code_id());
    assert!(recorder.out.is_empty() && recorder.unrun.len() == 1);
}

/// The ids that a forked child finds are its parent's.
#[test]
fn the_ids_of_another_process_mean_nothing() {
    let program = program(View::Int(7));
    let mut parent = Recorder::new(Constants::Marshalled, CodeIds::NONE);
    run(&mut parent, &program, 0);
    let parents = Code(&program, 4).code_id();
    let mut child = Recorder::new(Constants::Marshalled, parent.last_code_ids());
    let outer = run(&mut child, &program, 2).unwrap();
    assert_eq!(outer, whole(&program, 2));
    assert_ne!(Code(&program, 4).code_id(), parents);
    assert!(whole_of(&run(&mut child, &program, 4).unwrap(), |_| Some(b"c")).unwrap().is_some());
    assert_eq!(child.number(parents), 0);
    assert!(!parents.is_watched() && parents.number() == 0);
}
