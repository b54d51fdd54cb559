//! What the hook stores in a code object, in four bytes of its own.

/// What is stored in a code object: its number, negative if its instructions are recorded individually.
/// One that was recorded as a part of an outer one, and has not run yet, has the place of that in a
/// table, below all of those: the evaluation loop comes to the hook with what is not above zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CodeId(pub i32);

/// The id of a code object that has not run is this at most; numbers are far smaller.
const NESTED: i32 = -(1 << 30);

/// The last place in the table of those.
pub(super) const LAST_NESTED: u32 = 1 << 29;

impl CodeId {
    /// The number; numbers start at 1. 0 for a code object that has none.
    pub fn number(self) -> u32 {
        if self.0 <= NESTED { 0 } else { self.0.unsigned_abs() }
    }

    /// Whether its instructions are recorded individually.
    #[inline]
    pub fn is_watched(self) -> bool {
        self.0 < 0 && self.0 > NESTED
    }

    /// The place of a code object that has not run.
    pub fn nested(self) -> Option<u32> {
        (self.0 <= NESTED).then(|| NESTED.wrapping_sub(self.0) as u32)
    }

    /// That of the place.
    pub(super) fn of_nested(place: u32) -> CodeId {
        CodeId(NESTED - place as i32)
    }

    pub(super) fn watched(self) -> CodeId {
        CodeId(-self.0.abs())
    }
}

/// The ids that code objects of the process may have from a recorder before.
#[derive(Clone, Copy, Debug)]
pub struct CodeIds {
    /// The last number.
    pub number: u32,
    /// The last place of one that has not run.
    pub(super) nested: u32,
}

impl CodeIds {
    /// None have any.
    pub const NONE: CodeIds = CodeIds { number: 0, nested: 0 };
}
