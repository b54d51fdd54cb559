//! What is out of the usual in how the program is recorded: the one owner of the single-step mode.
//!
//! Each frame is recorded in one of three ways. The fast way records the branch bits of branches. A
//! frame that is single-stepped records each instruction: every frame in single-step mode, else
//! those whose code object is watched. In verifying mode a frame is recorded the fast way and its
//! code object is compared with what was recorded wherever foreign code may have rewritten it.
//!
//! Single-step and verifying mode are the process's: all threads and forked children are in them.

use std::cell::Cell;

/// What is out of the usual.
#[derive(Debug, Default)]
pub struct Mode {
    single_steps: Cell<bool>,
    guards: Cell<bool>,
    watches: Cell<bool>,
    verifies: Cell<bool>,
    rewrites: Cell<bool>,
}

impl Mode {
    /// Nothing is.
    pub const fn new() -> Mode {
        Mode {
            single_steps: Cell::new(false),
            guards: Cell::new(false),
            watches: Cell::new(false),
            verifies: Cell::new(false),
            rewrites: Cell::new(false),
        }
    }

    /// Each instruction of every frame is recorded.
    pub fn single_step(&self) {
        self.single_steps.set(true);
    }

    /// The guard is asked before each instruction.
    pub fn guard(&self, guards: bool) {
        self.guards.set(guards);
    }

    /// The instructions of a code object are recorded one by one. False if others were before.
    pub fn watch(&self) -> bool {
        !self.watches.replace(true)
    }

    /// Foreign code is loaded, and may rewrite code objects. False if some was before.
    pub fn verify(&self) -> bool {
        self.rewrites.set(true);
        !self.verifies.replace(true)
    }

    /// Code objects may be rewritten where nothing sees it.
    pub fn rewrites_unseen(&self) {
        self.rewrites.set(true);
        self.single_step();
    }

    /// Nothing is traced any more; what foreign code may do stays.
    pub fn stop(&self) {
        self.guards.set(false);
        self.watches.set(false);
    }

    /// Whether each instruction of every frame is recorded.
    pub fn single_steps(&self) -> bool {
        self.single_steps.get()
    }

    /// Whether the guard is asked.
    pub fn guards(&self) -> bool {
        self.guards.get()
    }

    /// Whether code objects are compared with what was recorded.
    pub fn verifies(&self) -> bool {
        self.verifies.get()
    }

    /// Whether the tables of code objects may change.
    pub fn rewrites(&self) -> bool {
        self.rewrites.get()
    }

    /// What the evaluation loop is to know: bits of `traced.h`.
    pub fn bits(&self) -> i32 {
        let asks = self.single_steps.get() || self.guards.get();
        i32::from(asks) | i32::from(self.watches.get()) << 1 | i32::from(self.verifies.get()) << 2
    }
}
