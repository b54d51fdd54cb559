//! A trace that is complete for the time being.
//!
//! While the program may end at any moment (`exec`, a signal to itself), the file is to be as if it had:
//! in a container nobody may be left to complete it. If the program goes on, that is taken back. So it
//! is done by a copy of this process, which ends with it; here everything is as before.

use std::io;

use super::demux::Demux;
use super::{End, Trouble};

/// In which turn the trace was completed, and whether it is.
#[derive(Debug, Default)]
pub struct Settled {
    turn: u32,
    is_complete: bool,
}

impl Settled {
    /// Whether the files are complete, and nothing may be written to them.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Takes back what was written if that turn is over.
    pub fn leave(&mut self, unsettled: Option<u32>, demux: &mut Demux) -> io::Result<()> {
        if !self.is_complete || unsettled == Some(self.turn) {
            return Ok(());
        }
        self.is_complete = false;
        demux.take_back()
    }

    /// Completes the trace, all that was recorded having been taken; whether there is anything to
    /// report. Where files cannot be cut, they get what they would while the program is quiet.
    pub fn enter(
        &mut self,
        turn: u32,
        demux: Option<&mut Demux>,
        last: impl FnOnce(&mut Demux) -> Result<End, Trouble>,
    ) -> bool {
        if self.turn == turn {
            return false;
        }
        self.turn = turn;
        let Some(demux) = demux else { return true };
        if !demux.is_cuttable() {
            // Trouble comes again with the next bytes, and is reported then.
            let _ = demux.idle().and_then(|()| demux.quiet());
            return true;
        }
        self.is_complete = in_a_copy(|| match last(demux) {
            Ok(end) => demux.complete(end).is_ok(),
            Err(_) => false,
        });
        if !self.is_complete {
            let _ = demux.take_back();
        }
        true
    }
}

/// Does something in a copy of this process; whether it went well.
fn in_a_copy(work: impl FnOnce() -> bool) -> bool {
    // SAFETY: the other thread of this process only waits; the C library sees to its own locks.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let is_done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        // SAFETY: ends the copy, without the destructors of what is the original's.
        unsafe { libc::_exit(i32::from(!is_done.unwrap_or(false))) };
    }
    let mut status = -1;
    // SAFETY: waits for our own child, whose status goes to a variable of ours.
    while child > 0 && unsafe { libc::waitpid(child, &raw mut status, 0) } < 0 {
        if io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return false;
        }
    }
    child > 0 && status == 0
}
