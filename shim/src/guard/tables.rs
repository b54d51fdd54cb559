//! Operands that are indices: ceval looks them up unchecked.

use bytecode::opcode::{COMPARE, Operand, operand as meaning};

use super::{Moment, Plan, Violation, counted};

/// Whether the operand is in range for its table.
pub(super) fn operand(plan: &Plan, moment: &Moment) -> Result<(), Violation> {
    let (size, noun) = match meaning(moment.opcode) {
        Operand::Const => (plan.consts, "constant"),
        Operand::Name => (plan.names, "name"),
        Operand::Local => (plan.locals, "local"),
        Operand::Free => (plan.cellvars + plan.freevars, "cell and free variable"),
        // The last one, BAD, is not one: `PyObject_RichCompare` has tables of six.
        Operand::Compare => (COMPARE.len() - 1, "comparison"),
        Operand::None | Operand::Plain | Operand::JumpAbsolute | Operand::JumpRelative => {
            return Ok(());
        }
    };
    if usize::try_from(moment.operand).is_ok_and(|index| index < size) {
        return Ok(());
    }
    match meaning(moment.opcode) {
        Operand::Compare => moment.refuse(&format!("there are {}", counted(size, noun))),
        _ => moment.refuse(&format!("the code object has {}", counted(size, noun))),
    }
}
