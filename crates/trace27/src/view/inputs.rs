//! What an instruction takes off the stack, as an expression where there is one.

use bytecode::opcode::numbers::*;
use bytecode::opcode::{COMPARE, stack_effect};
use bytecode::text::Instruction;
use recording::state::{Bounds, Machine};

use super::place::{escaped, value};

/// The values that an instruction of the running frame takes, the lowest first, of which the last
/// are shown where there are many; and what it makes of them.
pub fn inputs(machine: &Machine, bounds: &Bounds, at: Instruction) -> (Vec<String>, String) {
    let Some(frame) = machine.running() else { return Default::default() };
    let takes = stack_effect(at.opcode, at.operand).takes as usize;
    let is_whole = takes <= bounds.items.min(frame.stack.len());
    let shown = takes.min(bounds.items).min(frame.stack.len());
    let taken = &frame.stack[frame.stack.len() - shown..];
    let values: Vec<String> = taken.iter().map(|slot| value(machine, bounds, slot.value)).collect();
    let expression = match &values[..] {
        values if !is_whole => format!("..., {}", values.join(", ")),
        [left, right] if at.opcode == BINARY_SUBSCR => format!("{left}[{right}]"),
        [left, right] => match operator(at) {
            Some(operator) => format!("{left} {operator} {right}"),
            None => called(at, &values).unwrap_or_else(|| values.join(", ")),
        },
        [one] => match at.opcode {
            UNARY_NEGATIVE => format!("-{one}"),
            UNARY_POSITIVE => format!("+{one}"),
            UNARY_INVERT => format!("~{one}"),
            UNARY_NOT => format!("not {one}"),
            UNARY_CONVERT => format!("repr({one})"),
            GET_ITER => format!("iter({one})"),
            FOR_ITER => format!("next({one})"),
            LOAD_ATTR => {
                let name = usize::try_from(at.operand).ok();
                let name = name.and_then(|index| frame.code.names.get(index));
                format!("{one}.{}", escaped(name.map_or(b"?", Vec::as_slice)))
            }
            _ => called(at, &values).unwrap_or_else(|| one.clone()),
        },
        _ => called(at, &values).unwrap_or_else(|| values.join(", ")),
    };
    (values, expression)
}

/// A call of what is lowest with what is above it.
fn called(at: Instruction, values: &[String]) -> Option<String> {
    let stars: &[&str] = match at.opcode {
        CALL_FUNCTION => &[],
        CALL_FUNCTION_VAR => &["*"],
        CALL_FUNCTION_KW => &["**"],
        CALL_FUNCTION_VAR_KW => &["*", "**"],
        _ => return None,
    };
    let (function, rest) = values.split_first()?;
    let (rest, last) = rest.split_at_checked(rest.len().checked_sub(stars.len())?)?;
    let (plain, named) = rest.split_at_checked((at.operand & 0xff) as usize)?;
    let named = named.chunks_exact(2).map(|pair| format!("{}={}", pair[0], pair[1]));
    let last = stars.iter().zip(last).map(|(star, value)| format!("{star}{value}"));
    let all: Vec<String> = plain.iter().cloned().chain(named).chain(last).collect();
    Some(format!("{function}({})", all.join(", ")))
}

fn operator(at: Instruction) -> Option<&'static str> {
    Some(match at.opcode {
        BINARY_ADD | INPLACE_ADD => "+",
        BINARY_SUBTRACT | INPLACE_SUBTRACT => "-",
        BINARY_MULTIPLY | INPLACE_MULTIPLY => "*",
        BINARY_DIVIDE | INPLACE_DIVIDE | BINARY_TRUE_DIVIDE | INPLACE_TRUE_DIVIDE => "/",
        BINARY_FLOOR_DIVIDE | INPLACE_FLOOR_DIVIDE => "//",
        BINARY_MODULO | INPLACE_MODULO => "%",
        BINARY_POWER | INPLACE_POWER => "**",
        BINARY_LSHIFT | INPLACE_LSHIFT => "<<",
        BINARY_RSHIFT | INPLACE_RSHIFT => ">>",
        BINARY_AND | INPLACE_AND => "&",
        BINARY_XOR | INPLACE_XOR => "^",
        BINARY_OR | INPLACE_OR => "|",
        COMPARE_OP => COMPARE.get(usize::try_from(at.operand).ok()?)?,
        _ => return None,
    })
}
