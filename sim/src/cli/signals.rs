//! Signals that end a program, as something that long work looks at.
//!
//! Holds: the first one lets the work end in order; a second one ends the process at once.
//! Not here: what ending in order means.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

/// What a process that a signal ended exits with, less the signal's number.
const ENDED: u8 = 128;

/// Whether a signal came.
#[derive(Debug)]
pub(super) struct Signals(Arc<AtomicUsize>);

impl Signals {
    /// Listens from now on.
    pub(super) fn listen() -> Signals {
        let came = Arc::new(AtomicUsize::new(0));
        let again = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // Fails only for signals that cannot be listened to.
            let _ =
                flag::register_conditional_shutdown(signal, i32::from(ENDED) + signal, Arc::clone(&again));
            let _ = flag::register(signal, Arc::clone(&again));
            let _ = flag::register_usize(signal, Arc::clone(&came), signal as usize);
        }
        Signals(came)
    }

    /// The exit code that a signal asks for, if one came: 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP.
    pub(super) fn code(&self) -> Option<u8> {
        let signal = self.0.load(Ordering::Relaxed);
        (signal != 0).then(|| ENDED + u8::try_from(signal).unwrap_or(0))
    }
}
