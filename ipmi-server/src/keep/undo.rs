//! How changes are taken back that the store did not take.

use alloc::vec::Vec;

use ipmi_proto::time::Instant;

use crate::state::State;
use crate::state::sel::Logged;
use crate::store::Value;

/// What undoes a change of a client.
#[derive(Debug)]
pub(super) enum Undo {
    /// The part as it was before, by its position in `State::kept_parts`.
    Part(usize, Value),
    /// A change of the event log.
    Log(Logged),
}

/// Takes changes back, the latest first.
pub(super) fn undo(state: &mut State, changes: Vec<Undo>, now: Instant) {
    for change in changes.into_iter().rev() {
        match change {
            Undo::Part(position, before) => {
                let parts = state.kept_parts();
                if let Some((part, kept)) = parts.into_iter().nth(position)
                    && kept.decode(&before, now).is_err()
                {
                    // It was made here, by the same code.
                    tracing::error!(?part, "what was before a change cannot be restored");
                }
            }
            Undo::Log(change) => state.sel.undo(change),
        }
    }
    state.plan_scan();
}
