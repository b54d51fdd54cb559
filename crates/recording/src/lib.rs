//! The recording: its file, the decoder that replays what ran, and the text of what it replays.

pub mod block;
pub mod codes;
pub mod count;
pub mod decoder;
pub mod expand;
pub mod file;
pub mod replay;
pub mod text;
