//! Reports for people: what the library found out, as text. Finds out nothing itself.

pub mod text;
