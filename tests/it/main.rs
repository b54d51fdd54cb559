//! Everything, run as a user would run it.
