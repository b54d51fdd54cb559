//! Proof that the calling thread holds the GIL, and what is only touched with it.

use std::marker::PhantomData;

use super::raw;

/// The calling thread holds the GIL for `'a`.
#[derive(Clone, Copy)]
pub struct Gil<'a>(PhantomData<(&'a (), *const ())>);

impl<'a> Gil<'a> {
    /// # Safety
    ///
    /// The calling thread holds the GIL for `'a`, or no other thread is left.
    #[inline]
    pub unsafe fn assume() -> Gil<'a> {
        Gil(PhantomData)
    }

    /// Does something if the calling thread holds the GIL; `None` if it does not.
    pub fn with<T>(body: impl FnOnce(Gil<'_>) -> T) -> Option<T> {
        // SAFETY: takes nothing; compares the thread's own state with the one that has the GIL.
        let is_held = unsafe { raw::traced_holds_gil() } != 0;
        is_held.then(|| body(Gil(PhantomData)))
    }
}

/// What is only touched with the GIL held.
pub struct GilCell<T>(T);

// SAFETY: `get` is the only way to it and asks for the GIL, which one thread has at a time. Pointers
// in it are to what all threads share.
unsafe impl<T> Sync for GilCell<T> {}

impl<T> GilCell<T> {
    pub const fn new(value: T) -> GilCell<T> {
        GilCell(value)
    }

    #[inline]
    pub fn get<'a>(&'a self, _gil: Gil<'a>) -> &'a T {
        &self.0
    }
}
