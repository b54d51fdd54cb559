//! Does nothing: cargo compiles the dependencies of a build script before the script.

#[cfg(feature = "interpreter")]
use {bindgen as _, cc as _};

fn main() {}
