//! What the command `trace27` does beyond the library of traces: its commands, views of recordings,
//! and lockstep.

pub mod commands;
#[cfg(unix)]
pub mod lockstep;
pub mod output;
pub mod render;
pub mod view;
