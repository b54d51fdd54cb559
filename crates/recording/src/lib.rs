//! The recording: its file, the decoder that replays what ran, and the text of what it replays.

pub mod block;
pub mod bodies;
pub mod codes;
pub mod count;
pub mod decoder;
pub mod expand;
pub mod file;
pub mod pyc;
pub mod replay;
pub mod state;
pub mod text;
