//! What of a BMC goes to its store, and who waits for it.

use alloc::boxed::Box;
use alloc::sync::{Arc, Weak};

use ipmi_proto::ipmb::CompletionCode;

use super::{Bmc, Inner};
use crate::keep::{Commit, Origin, Outgoing, Turn};
use crate::store::{StoreError, StoreErrorKind};

impl Bmc {
    /// Waits until everything that the BMC keeps is in its store, the power-on hours until now included: before the
    /// end of the program. Without a store there is nothing to wait for.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not take it; the BMC goes on trying.
    pub async fn settle(&self) -> Result<(), StoreError> {
        let commit = self.with(|inner| {
            let now = inner.now;
            inner.keeper.as_ref()?;
            inner.state.count_power_on_time(now);
            inner.observe(Origin::Event);
            inner.keeper.as_mut()?.settle()
        });
        match commit {
            Some(commit) => commit.wait().await,
            None => Ok(()),
        }
    }

    /// Makes a change that a client asked for, and waits until it is safe. If it cannot be saved it is undone.
    ///
    /// # Errors
    /// What the client is answered if it cannot be saved.
    pub(crate) async fn change(&self, change: impl FnOnce(&mut Inner)) -> Result<(), CompletionCode> {
        let commit = self.with(|inner| {
            inner.observe(Origin::Event);
            change(inner);
            inner.observe(Origin::Client)
        });
        match commit {
            Some(commit) => commit.wait().await.map_err(|error| completion(&error)),
            None => Ok(()),
        }
    }

    /// Gives changes to the store. Without the lock: it may answer at once.
    pub(super) fn save(&self, outgoing: Outgoing) {
        let bmc = Weak::clone(&self.this);
        let done = move |outcome| {
            if let Some(bmc) = Weak::upgrade(&bmc) {
                bmc.saved(outcome);
            }
        };
        outgoing.store.save(self.name(), outgoing.changes, Box::new(done));
    }

    fn saved(&self, outcome: Result<(), StoreError>) {
        let (ended, turn) = self.with(|inner| {
            let now = inner.now;
            let Some(keeper) = &mut inner.keeper else {
                return Default::default();
            };
            let ended = keeper.finish(&mut inner.state, now, outcome.clone());
            inner.wake_driver();
            ended
        });
        // One line when it begins and one when it ends, however many commands fail in between.
        match turn {
            Turn::Same => {}
            Turn::Failed(error) => tracing::error!(
                bmc = self.name(),
                %error,
                "changes cannot be saved: commands that change what is kept are refused until they can"
            ),
            Turn::Recovered => tracing::info!(bmc = self.name(), "changes can be saved again"),
        }
        for commit in ended {
            commit.complete(outcome.clone());
        }
    }
}

impl Inner {
    /// Looks at what changed. Answers the commit that has it, if there is a store and anything is different.
    pub(super) fn observe(&mut self, origin: Origin) -> Option<Arc<Commit>> {
        self.keeper.as_mut()?.observe(&mut self.state, origin)
    }

    /// What goes to the store now.
    pub(super) fn outgoing(&mut self) -> Option<Outgoing> {
        let keeper = self.keeper.as_mut()?;
        keeper.observe(&mut self.state, Origin::Event);
        keeper.begin(&mut self.state)
    }

    /// Lets time pass for the keeper.
    pub(super) fn keeper_timeout(&mut self) {
        if let Some(keeper) = &mut self.keeper {
            keeper.handle_timeout(&mut self.state, self.now);
        }
    }
}

/// What a client is answered whose change could not be saved: "out of space" where that is the cause, and "unspecified
/// error" otherwise. No other code of the specification says that nothing happened without saying something that is
/// not so: "busy" would make clients ask again for minutes, "not in present state" that the command makes no sense.
pub(super) const fn completion(error: &StoreError) -> CompletionCode {
    match error.kind {
        StoreErrorKind::NoSpace => CompletionCode::OUT_OF_SPACE,
        _ => CompletionCode::UNSPECIFIED,
    }
}
