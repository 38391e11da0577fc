//! Records as events of `tracing`, for someone who debugs an adapter: its own events and spans stand among them.
//!
//! Holds: nothing is told unless somebody listened when the world began; then what changes a cluster is told as `DEBUG`,
//! every message, write and timer as `TRACE`.
//! Not here: spans of runs (`runner`) and of steps (`world`).

use tracing::Level;

use super::record::{Place, What};
use super::show;
use crate::names::Names;
use crate::time::Moment;

/// Who listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listener {
    /// Nobody.
    Nobody,
    /// Someone who wants to know what changes a cluster.
    Changes,
    /// Someone who wants to know everything.
    Everything,
}

/// Who listens now.
pub(super) fn listener() -> Listener {
    if tracing::enabled!(Level::TRACE) {
        Listener::Everything
    } else if tracing::enabled!(Level::DEBUG) {
        Listener::Changes
    } else {
        Listener::Nobody
    }
}

/// Tells what happens.
pub(super) fn tell(at: Moment, place: Place, what: &What, names: &Names) {
    let node = show::place(place, names);
    if is_change(what) {
        tracing::debug!(%at, node, "{}", show::sentence(what, names));
    } else {
        tracing::trace!(%at, node, "{}", show::sentence(what, names));
    }
}

/// Whether it is more than the daily traffic of a cluster.
fn is_change(what: &What) -> bool {
    !matches!(
        what,
        What::Sends { .. }
            | What::Receives { .. }
            | What::Loses { .. }
            | What::Writes { .. }
            | What::HasWritten { .. }
            | What::Fires { .. }
            | What::Applies { .. }
            | What::Notes { .. }
            | What::Calls { .. }
            | What::Asks { .. }
            | What::Returns { .. }
    )
}
