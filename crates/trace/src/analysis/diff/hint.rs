//! Why two traces diverge, as far as the steps around show.

use super::rules::Field;
use super::stat::opname;
use crate::step::Step;
use bytecode::opcode::{self, HAVE_ARGUMENT, Operand as Kind};

/// The kinds of causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The bytes at the same place are not the same.
    OtherProgram,
    /// One trace ends before the other.
    EndedEarly,
    /// A conditional jump was decided otherwise.
    WrongBranch,
    /// An unconditional jump, or the end of a block, went to different places.
    WrongTarget,
    /// One side enters a frame and the other does not.
    Call,
    /// Both enter a frame, but not of the same code.
    OtherCall,
    /// One side goes on, the other is in a handler or has left the frame; or both, elsewhere.
    Exception,
    /// A frame is left for different ones.
    WrongReturn,
    /// Only the operands differ.
    Operand,
    /// Only the values or blocks differ.
    Stack,
    /// None of these.
    Unknown,
}

impl Class {
    /// As `--json` spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Class::OtherProgram => "other-program",
            Class::EndedEarly => "ended-early",
            Class::WrongBranch => "wrong-branch",
            Class::WrongTarget => "wrong-target",
            Class::Call => "missing-or-extra-call",
            Class::OtherCall => "other-call",
            Class::Exception => "exception-handled-elsewhere",
            Class::WrongReturn => "wrong-return",
            Class::Operand => "operand-only",
            Class::Stack => "stack-differs",
            Class::Unknown => "unknown",
        }
    }
}

/// A class, and a sentence about this very case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The kind of cause.
    pub class: Class,
    /// For people; lower case, without dense stop.
    pub text: String,
}

/// How a side went on from one step to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    /// To the instruction behind.
    Next,
    /// To another one of the same frame.
    Jump,
    /// Into a new frame, or one that was suspended.
    Enter,
    /// To a frame further out.
    Leave,
}

const RETURN_VALUE: u8 = opcode::number("RETURN_VALUE");
const YIELD_VALUE: u8 = opcode::number("YIELD_VALUE");
const BREAK_LOOP: u8 = opcode::number("BREAK_LOOP");
const END_FINALLY: u8 = opcode::number("END_FINALLY");
const CONTINUE_LOOP: u8 = opcode::number("CONTINUE_LOOP");
const JUMP_FORWARD: u8 = opcode::number("JUMP_FORWARD");
const JUMP_ABSOLUTE: u8 = opcode::number("JUMP_ABSOLUTE");
const FOR_ITER: u8 = opcode::number("FOR_ITER");

/// Says why `left` and `right` differ in `field`, or why one of them has ended; `last` are the
/// last steps that they have in common.
pub fn hint(
    last: Option<(&Step<'_>, &Step<'_>)>,
    left: Option<&Step<'_>>,
    right: Option<&Step<'_>>,
    field: Option<Field>,
) -> Hint {
    let (Some(l), Some(r)) = (left, right) else { return ended(left.is_none()) };
    let (class, text) = match (field, last) {
        (Some(Field::Operand), _) => (
            Class::Operand,
            format!(
                "the same instruction, {}: {} {}",
                match opcode::operand(l.opcode) {
                    Kind::Const => "another constant",
                    Kind::Name | Kind::Local | Kind::Free => "another name",
                    Kind::Compare => "another comparison",
                    Kind::JumpAbsolute | Kind::JumpRelative => "another target",
                    Kind::Plain | Kind::None => "another number",
                },
                opname(l.opcode),
                place(l)
            ),
        ),
        (Some(Field::Stack), _) => stack(last, "value stack"),
        (Some(Field::Blocks), _) => stack(last, "block stack"),
        (Some(Field::Opcode), _) => (
            Class::OtherProgram,
            format!(
                "other program: {} the left has {}, the right {}; compare traces of the same \
                 `.pyc`",
                place(l),
                opname(l.opcode),
                opname(r.opcode)
            ),
        ),
        (Some(Field::Code), _) if l.code.name == r.code.name && l.pc == r.pc => (
            Class::OtherProgram,
            format!("other program: the two have different code objects {}", place(l)),
        ),
        (_, None) => {
            let (left, right) = (place(l), place(r));
            let decorated = is_decorated(l, r) || is_decorated(r, l);
            let advice = if decorated { "; `--lenient` leaves out text before a name" } else { "" };
            let text = format!(
                "the first steps differ: the left starts {left}, the right {right}{advice}"
            );
            (Class::Unknown, text)
        }
        (_, Some((lp, rp))) => moved((lp, l, way(lp, l)), (rp, r, way(rp, r))),
    };
    Hint { class, text }
}

/// Whether `other` has the name of `step` with other text before it, such as a time stamp.
fn is_decorated(step: &Step<'_>, other: &Step<'_>) -> bool {
    let (Some(name), Some(longer)) = (step.code.name, other.code.name) else { return false };
    !name.is_empty() && longer.len() > name.len() && longer.ends_with(name)
}

fn ended(left: bool) -> Hint {
    let (short, long) = if left { ("left", "right") } else { ("right", "left") };
    let text = format!("ended early: the {short} ends here, the {long} goes on");
    Hint { class: Class::EndedEarly, text }
}

fn stack(last: Option<(&Step<'_>, &Step<'_>)>, what: &str) -> (Class, String) {
    let by = match last {
        Some((last, _)) => format!("; {} {} made the difference", opname(last.opcode), place(last)),
        None => String::new(),
    };
    (Class::Stack, format!("the same instruction, another {what}{by}"))
}

type Went<'a> = (&'a Step<'a>, &'a Step<'a>, Move);

fn moved(left: Went<'_>, right: Went<'_>) -> (Class, String) {
    use Move::{Enter, Jump, Leave, Next};
    let (last, l, left_way) = left;
    let (_, r, right_way) = right;
    let by = format!("{} {}", opname(last.opcode), place(last));
    let jumps = matches!(
        last.opcode,
        JUMP_FORWARD | JUMP_ABSOLUTE | CONTINUE_LOOP | BREAK_LOOP | END_FINALLY
    );
    match (left_way, right_way) {
        (Enter, Enter) => (
            Class::OtherCall,
            format!(
                "{by} calls different functions: the left starts {}, the right {}",
                place(l),
                place(r)
            ),
        ),
        (Enter, _) => (
            Class::Call,
            format!("missing call: at {by} the left calls {}, the right {}", name(l), went(right)),
        ),
        (_, Enter) => (
            Class::Call,
            format!("extra call: at {by} the right calls {}, the left {}", name(r), went(left)),
        ),
        (Next | Jump, Next | Jump) if is_conditional(last.opcode) => (
            Class::WrongBranch,
            format!("wrong branch: after {by} the left {}, the right {}", went(left), went(right)),
        ),
        (Next | Jump, Next | Jump) if jumps => (
            Class::WrongTarget,
            format!("wrong target: after {by} the left {}, the right {}", went(left), went(right)),
        ),
        (Leave, Leave) if matches!(last.opcode, RETURN_VALUE | YIELD_VALUE) => (
            Class::WrongReturn,
            format!("{by} returns to {} on the left, to {} on the right", name(l), name(r)),
        ),
        _ => (
            Class::Exception,
            format!(
                "exception handled elsewhere: after {by} the left {}, the right {}",
                went(left),
                went(right)
            ),
        ),
    }
}

/// How a side went on, after "the left".
fn went((last, event, way): Went<'_>) -> String {
    match way {
        Move::Next if last.opcode == FOR_ITER => format!("goes on with the loop {}", at(event)),
        Move::Next if is_conditional(last.opcode) => {
            format!("does not jump and goes on {}", at(event))
        }
        Move::Next => format!("goes on {}", at(event)),
        Move::Jump if last.opcode == FOR_ITER => format!("leaves the loop for {}", event.pc),
        Move::Jump => format!("jumps to {}", event.pc),
        Move::Enter => format!("calls {}", name(event)),
        Move::Leave => format!("leaves the frame and goes on {}", place(event)),
    }
}

fn way(last: &Step<'_>, next: &Step<'_>) -> Move {
    let jump = matches!(opcode::operand(last.opcode), Kind::JumpAbsolute | Kind::JumpRelative);
    if let (Some(before), Some(after)) = (last.depth, next.depth) {
        if after != before {
            return if after > before { Move::Enter } else { Move::Leave };
        }
    } else if next.pc == 0 && !jump {
        return Move::Enter;
    } else if last.code.name != next.code.name || last.opcode == RETURN_VALUE {
        return Move::Leave;
    }
    let size = if last.opcode >= HAVE_ARGUMENT { 3 } else { 1 };
    if next.pc == last.pc.saturating_add(size) { Move::Next } else { Move::Jump }
}

fn is_conditional(number: u8) -> bool {
    number == FOR_ITER
        || opcode::operand(number) == Kind::JumpAbsolute
            && !matches!(number, JUMP_ABSOLUTE | CONTINUE_LOOP)
}

fn at(event: &Step<'_>) -> String {
    format!("at {}", event.pc)
}

fn place(event: &Step<'_>) -> String {
    match event.code.name {
        Some(_) => format!("at {} of {}", event.pc, name(event)),
        None => format!("at {}", event.pc),
    }
}

fn name(event: &Step<'_>) -> String {
    match event.code.name {
        Some(name) => format!("`{}`", name.escape_ascii()),
        None => "a function".to_owned(),
    }
}
