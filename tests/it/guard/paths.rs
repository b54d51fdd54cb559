//! Belongs here: every path through a code object, values taken for what they are known to be: what the
//! guard says on none of them is a false alarm on none of them.
//!
//! A second account of what instructions do, of values too; it shares with the guard's the depths alone.

use std::collections::{BTreeMap, HashSet};

use bytecode::opcode::{self, EXTENDED_ARG, HAVE_ARGUMENT};
use shim::guard::{Block, Facts, Frame, Moment, Plan, Value, check, enter, fetch};

/// States of one code object, beyond which it is given up: there are none like that.
const STATES: usize = 200_000;

/// A line of `code_objects.py`.
pub struct Code {
    /// The file and the code object's name.
    pub name: String,
    bytes: Vec<u8>,
    numbers: Vec<usize>,
    constants: Vec<Value>,
}

/// A place in a code object and what a frame holds there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    offset: usize,
    stack: Vec<Value>,
    blocks: Vec<Block>,
}

impl Frame for State {
    fn value(&self, below_top: usize) -> Value {
        self.stack[self.stack.len() - 1 - below_top]
    }
    /// What is not known to be something else may be one.
    fn is_iterator(&self, below_top: usize) -> bool {
        self.value(below_top) == Value::Other
    }
    fn cell(&self, _: usize) -> Value {
        Value::Cell
    }
    fn truth(&self, _: usize) -> Option<bool> {
        None
    }

    fn has_locals(&self) -> bool {
        true
    }
}

impl Code {
    /// Reads a line.
    pub fn parse(line: &str) -> Code {
        let words: Vec<&str> = line.split(' ').collect();
        let byte = |at: usize| u8::from_str_radix(&words[2][at..at + 2], 16).unwrap();
        let constant = |word: &&str| match *word {
            "None" => Value::None,
            // What the program computes with is of no interest, and there are many.
            "True" | "False" | "Int" | "Other" => Value::Other,
            "Str" => Value::Str,
            "Unicode" => Value::Unicode,
            code => Value::Code(code.strip_prefix("Code").unwrap().parse().unwrap()),
        };
        Code {
            name: format!("{} in {}", words[1], words[0]),
            bytes: (0..words[2].len()).step_by(2).map(byte).collect(),
            numbers: words[3..10].iter().map(|number| number.parse().unwrap()).collect(),
            constants: words[10..].iter().map(constant).collect(),
        }
    }

    /// The sum of all states, or what the guard has against one.
    pub fn walk(&self) -> Result<usize, String> {
        let [locals, cellvars, freevars, stacksize, argcount, flags, names] = self.numbers[..]
        else {
            return Err(format!("{} numbers", self.numbers.len()));
        };
        let facts = Facts {
            code: Some(&self.bytes),
            consts: self.constants.len(),
            names,
            locals,
            cellvars,
            freevars,
            stacksize: stacksize as i32,
            argcount,
            flags: flags as u32,
            asserts: true,
        };
        let plan = Plan::new(&facts);
        let start = State { offset: 0, stack: Vec::new(), blocks: Vec::new() };
        let (mut seen, mut left) = (HashSet::from([start.clone()]), vec![start]);
        while let Some(state) = left.pop() {
            for next in self.step(&plan, state)? {
                if seen.insert(next.clone()) {
                    left.push(next);
                }
            }
            if seen.len() > STATES {
                return Err(format!("more than {STATES} states"));
            }
        }
        Ok(seen.len())
    }

    /// Asks the guard, then runs the instruction at a state in all ways.
    fn step(&self, plan: &Plan, state: State) -> Result<Vec<State>, String> {
        let (mut offset, mut prefix) = (state.offset, 0);
        loop {
            let at = |place: usize| self.bytes.get(place).copied().unwrap_or(0);
            let (number, prefixed) = (at(offset), offset != state.offset);
            let wide = number >= HAVE_ARGUMENT || prefixed;
            let operand = i32::from(at(offset + 1)) | i32::from(at(offset + 2)) << 8;
            let operand = if wide { prefix << 16 | operand } else { 0 };
            let next = offset + if wide { 3 } else { 1 };
            let moment = Moment {
                code: &self.bytes,
                offset,
                next,
                opcode: number,
                operand,
                depth: state.stack.len(),
                blocks: &state.blocks,
            };
            let said = fetch(&self.bytes, offset as i64).and(check(plan, &moment, &state));
            said.map_err(|violation| format!("offset {offset}: {violation}; {state:?}"))?;
            if number == EXTENDED_ARG {
                (offset, prefix) = (next, operand);
                continue;
            }
            let mut run = Run { code: self, plan, moment, state: &state, next: Vec::new() };
            run.instruction()?;
            return Ok(run.next);
        }
    }
}

/// One instruction, running.
struct Run<'a> {
    code: &'a Code,
    plan: &'a Plan,
    moment: Moment<'a>,
    state: &'a State,
    next: Vec<State>,
}

impl Run<'_> {
    fn instruction(&mut self) -> Result<(), String> {
        let (opcode, operand) = (self.moment.opcode, self.moment.operand);
        let name = opcode::name(opcode).ok_or("an unknown opcode")?;
        let mut stack = self.state.stack.clone();
        let mut blocks = self.state.blocks.clone();
        let top = stack.last().copied();
        let n = operand as usize;
        // Anything may raise, be it by a signal.
        self.raise()?;
        match name {
            "RETURN_VALUE" => return self.unwind(stack.len() - 1, 8, top),
            "BREAK_LOOP" => return self.unwind(stack.len(), 16, None),
            "CONTINUE_LOOP" => {
                return self.unwind(stack.len(), 32, Some(Value::Int(operand.into())));
            }
            "RAISE_VARARGS" => return Ok(()),
            "END_FINALLY" => match top {
                Some(Value::Int(why @ (8 | 32))) => {
                    let carried = stack[stack.len() - 2];
                    return self.unwind(stack.len() - 2, why, Some(carried));
                }
                Some(Value::Int(why)) => return self.unwind(stack.len() - 1, why, None),
                Some(Value::None) => stack.truncate(stack.len() - 1),
                // An exception goes on.
                _ => return Ok(()),
            },
            "WITH_CLEANUP" => {
                let above = match top {
                    Some(Value::Int(8 | 32)) => 2,
                    Some(Value::Int(_) | Value::None) => 1,
                    _ => 3,
                };
                let exit = stack.len() - 1 - above;
                stack.remove(exit);
                if above == 3 {
                    let mut swallowed = stack[..exit].to_vec();
                    swallowed.push(Value::None);
                    self.go(self.moment.next, swallowed, blocks.clone());
                }
            }
            "POP_BLOCK" => {
                let block = blocks.pop().ok_or("no block")?;
                stack.truncate(block.level);
            }
            "SETUP_LOOP" | "SETUP_EXCEPT" | "SETUP_FINALLY" | "SETUP_WITH" => {
                let handler = self.moment.next as i32 + operand;
                blocks.push(Block { kind: opcode, handler, level: stack.len() });
                if name == "SETUP_WITH" {
                    stack.pop();
                    stack.extend([Value::Other; 2]);
                }
            }
            "ROT_TWO" => rotate(&mut stack, 2),
            "ROT_THREE" => rotate(&mut stack, 3),
            "ROT_FOUR" => rotate(&mut stack, 4),
            "DUP_TOP" => stack.extend(top),
            "DUP_TOPX" => stack.extend_from_within(stack.len() - n..),
            "LOAD_CONST" => stack.push(self.code.constants[n]),
            "LOAD_CLOSURE" => stack.push(Value::Cell),
            "BUILD_MAP" => stack.push(Value::Dict),
            "BUILD_TUPLE" => {
                stack.truncate(stack.len() - n);
                stack.push(Value::Tuple(n));
            }
            // The container stays what it is.
            "STORE_MAP" => stack.truncate(stack.len() - 2),
            "LIST_APPEND" | "SET_ADD" => stack.truncate(stack.len() - 1),
            "MAP_ADD" => stack.truncate(stack.len() - 2),
            "JUMP_IF_TRUE_OR_POP" | "JUMP_IF_FALSE_OR_POP" => {
                self.go(n, stack.clone(), blocks.clone());
                stack.pop();
            }
            _ => {
                let effect = opcode::stack_effect(opcode, operand);
                let kept = stack.len() - effect.takes as usize;
                let with = |values: u32| {
                    let mut after = stack[..kept].to_vec();
                    after.resize(kept + values as usize, Value::Other);
                    after
                };
                let target = match name {
                    "JUMP_ABSOLUTE" | "POP_JUMP_IF_TRUE" | "POP_JUMP_IF_FALSE" => Some(n),
                    "JUMP_FORWARD" | "FOR_ITER" => Some(self.moment.next + n),
                    _ => None,
                };
                let (on, jumped) = (with(effect.leaves), with(effect.jumped));
                if let Some(target) = target {
                    self.go(target, jumped, blocks.clone());
                }
                if name.starts_with("JUMP") {
                    return Ok(());
                }
                stack = on;
            }
        }
        self.go(self.moment.next, stack, blocks);
        Ok(())
    }

    fn go(&mut self, offset: usize, stack: Vec<Value>, blocks: Vec<Block>) {
        self.next.push(State { offset, stack, blocks });
    }

    /// An exception, to the block that catches it.
    fn raise(&mut self) -> Result<(), String> {
        let (mut stack, mut blocks) = (self.state.stack.clone(), self.state.blocks.clone());
        while let Some(block) = blocks.pop() {
            stack.truncate(block.level);
            if opcode::name(block.kind) != Some("SETUP_LOOP") {
                enter(self.plan, &self.code.bytes, self.state.stack.len(), block)
                    .map_err(|violation| format!("{violation}; {:?}", self.state))?;
                stack.extend([Value::Other, Value::Other, Value::ExceptionClass]);
                self.go(block.handler as usize, stack, blocks);
                break;
            }
        }
        Ok(())
    }

    /// The way of `return`, `break` and `continue`.
    fn unwind(&mut self, depth: usize, why: i64, carried: Option<Value>) -> Result<(), String> {
        let (mut stack, mut blocks) =
            (self.state.stack[..depth].to_vec(), self.state.blocks.clone());
        while let Some(block) = blocks.pop() {
            match (opcode::name(block.kind), why, carried) {
                (Some("SETUP_LOOP"), 32, Some(Value::Int(target))) => {
                    blocks.push(block);
                    self.go(target as usize, stack, blocks);
                    return Ok(());
                }
                (Some("SETUP_LOOP"), 32, _) => return Err("a target that is no int".to_owned()),
                _ => stack.truncate(block.level),
            }
            match opcode::name(block.kind) {
                Some("SETUP_LOOP") if why == 16 => {
                    self.go(block.handler as usize, stack, blocks);
                    return Ok(());
                }
                Some("SETUP_FINALLY" | "SETUP_WITH") => {
                    stack.extend(carried);
                    stack.push(Value::Int(why));
                    self.go(block.handler as usize, stack, blocks);
                    return Ok(());
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The value on top goes below `values - 1` others.
fn rotate(stack: &mut [Value], values: usize) {
    let from = stack.len() - values;
    stack[from..].rotate_right(1);
}

/// The code objects of a text of `code_objects.py` that the guard has something against, and how many states
/// there were in all.
pub fn false_alarms(text: &str) -> (BTreeMap<String, String>, usize) {
    let mut alarms = BTreeMap::new();
    let mut states = 0;
    for code in text.lines().map(Code::parse) {
        match code.walk() {
            Ok(count) => states += count,
            Err(reason) => drop(alarms.insert(code.name, reason)),
        }
    }
    (alarms, states)
}
