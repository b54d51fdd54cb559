//! Where two traces that have parted meet again: Myers' algorithm over a bounded window.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use similar::{Algorithm, DiffOp, capture_diff_slices_deadline};

use super::side::{Side, size};
use crate::step::ReadError;

/// Steps of either side that are looked at.
pub const WINDOW: usize = 2000;
/// Bytes of either side that are kept for it.
const BYTES: usize = 4 << 20;
/// Steps in a row that must agree, unless the traces end with fewer.
const RUN: usize = 4;
/// How long the algorithm may take before it becomes approximate.
const DEADLINE: Duration = Duration::from_millis(500);

/// How many steps of either side to pass over until both are in step; `None` if there is no such
/// place within the window.
///
/// # Errors
///
/// Those of reading.
pub fn find(
    left: &mut Side<'_>,
    right: &mut Side<'_>,
) -> Result<Option<(usize, usize)>, ReadError> {
    // Names are of use only where both have them.
    let named = |side: &mut Side<'_>| -> Result<bool, ReadError> {
        Ok(side.peek(0)?.is_some_and(|event| event.code.name.is_some()))
    };
    let names = named(left)? && named(right)?;
    let (left_keys, left_ended) = keys(left, names)?;
    let (right_keys, right_ended) = keys(right, names)?;
    let deadline = Some(Instant::now() + DEADLINE);
    let ops = capture_diff_slices_deadline(Algorithm::Myers, &left_keys, &right_keys, deadline);
    let met = ops.into_iter().find_map(|op| match op {
        DiffOp::Equal { old_index, new_index, len } => {
            let to_end = left_ended
                && right_ended
                && old_index + len == left_keys.len()
                && new_index + len == right_keys.len();
            // What differs in an operand only is in step already.
            let here = old_index == 0 && new_index == 0;
            (len >= RUN || to_end || here).then_some((old_index, new_index))
        }
        _ => None,
    });
    Ok(met)
}

fn keys(side: &mut Side<'_>, names: bool) -> Result<(Vec<u64>, bool), ReadError> {
    let mut keys = Vec::new();
    let mut bytes = 0;
    while keys.len() < WINDOW && bytes < BYTES {
        let Some(event) = side.peek(keys.len())? else { return Ok((keys, true)) };
        bytes += size(&event);
        let mut hasher = DefaultHasher::new();
        (event.code.name.filter(|_| names), event.pc, event.opcode).hash(&mut hasher);
        keys.push(hasher.finish());
    }
    Ok((keys, false))
}
