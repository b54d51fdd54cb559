//! What the tests of the parts share.

use crate::formats::line::Blog;
use crate::lines::Lines;
use crate::step::{Event, Events, Position};

/// Reads `blog` text that must be without fault.
pub fn events(text: &str, mut each: impl FnMut(&Event<'_>)) {
    let mut blog = Blog::new(Lines::of("test", text.as_bytes(), Position::START));
    while let Some(event) = blog.next().unwrap() {
        each(&event);
    }
}
