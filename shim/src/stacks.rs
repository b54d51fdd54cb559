//! Which stack of frames runs: a thread that runs greenlets has several.
//!
//! A stack is known by its outermost frame. That is noted as the stack is left, for a frame may
//! come to lie where another one was.

use std::collections::BTreeMap;

/// The stacks of all threads.
#[derive(Debug, Default)]
pub struct Stacks {
    /// The stack that each thread runs in, where it is not the one that it began in.
    current: BTreeMap<usize, u32>,
    /// By the address of the outermost frame.
    known: BTreeMap<usize, u32>,
    last: u32,
}

impl Stacks {
    /// Each thread runs in the stack that it began in.
    pub const fn new() -> Stacks {
        Stacks { current: BTreeMap::new(), known: BTreeMap::new(), last: 0 }
    }

    /// A thread leaves the stack that has this outermost frame, if any is left, for one with
    /// another, or for a new one. Returns its number, and whether it has run before.
    pub fn switch(&mut self, thread: usize, left: Option<usize>, to: Option<usize>) -> (u32, bool) {
        if let Some(root) = left {
            let current = self.current.get(&thread).copied().unwrap_or(0);
            self.known.insert(root, current);
        }
        let known = to.and_then(|root| self.known.remove(&root));
        let stack = known.unwrap_or_else(|| {
            self.last += 1;
            self.last
        });
        self.current.insert(thread, stack);
        (stack, known.is_some())
    }

    /// A thread is no more.
    pub fn gone(&mut self, thread: usize) {
        self.current.remove(&thread);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_are_known_by_their_outermost_frame() {
        let mut stacks = Stacks::default();
        assert_eq!(stacks.switch(1, Some(10), None), (1, false));
        assert_eq!(stacks.switch(1, Some(20), Some(10)), (0, true));
        assert_eq!(stacks.switch(1, Some(10), Some(20)), (1, true));
        // The second one ends, and a third begins where its outermost frame was.
        assert_eq!(stacks.switch(1, None, Some(10)), (0, true));
        assert_eq!(stacks.switch(1, Some(10), None), (2, false));
        assert_eq!(stacks.switch(1, Some(20), Some(10)), (0, true));
        assert_eq!(stacks.switch(1, Some(10), Some(20)), (2, true));
        assert_eq!(stacks.switch(1, Some(20), Some(99)), (3, false));
    }
}
