//! The beginning: BMCs of the plan, then those that were added.

use std::collections::HashMap;
use std::sync::Arc;

use tracing::{error, warn};

use super::entry::{self, Entry, State};
use super::file::{Description, Record};
use super::{Registry, RegistryError, shared};
use crate::plan::Plan;

impl Registry {
    /// Starts the BMCs of a plan, all of them or none, but for those that were stopped by hand; then those
    /// that were added. One that was added and cannot be started is listed with its reason.
    ///
    /// # Errors
    /// [`RegistryError`] for the first BMC of the plan that cannot be started, or if the records cannot be
    /// read.
    pub async fn begin(&self, plan: Plan) -> Result<(), RegistryError> {
        let mut records: HashMap<String, Record> = self.file.load()?.into_iter().collect();
        let connections = shared(plan.connections);
        for bmc in plan.bmcs {
            let record = records.get(&bmc.name);
            if record.is_some_and(|record| record.added.is_some()) {
                warn!(
                    name = bmc.name,
                    "the BMC of this name that was added gives way to that of the configuration"
                );
            }
            let active = record.is_none_or(|record| record.running || record.added.is_some());
            records.remove(&bmc.name);
            let connection = connections.get(&bmc.connection).cloned();
            let state = if active {
                if let Some(connection) = &connection {
                    self.lab.connect(&bmc.connection, &**connection).await?;
                }
                State::Running(self.lab.start(&bmc).await?)
            } else {
                State::Down
            };
            let entry = Entry {
                plan: Arc::new(bmc),
                connection,
                added: None,
                active,
                state,
            };
            self.entries().insert(entry.plan.name.clone(), entry);
        }
        let mut added: Vec<_> = records.into_iter().collect();
        added.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        for (name, record) in added {
            if let Some(description) = record.added {
                self.restore(&name, description, record.running).await;
            }
        }
        Ok(())
    }

    /// Starts BMCs again that are to run and could not be started, for example because their hypervisor was
    /// not there yet.
    pub async fn try_again(&self) {
        let failed: Vec<_> = self
            .entries()
            .values()
            .filter(|entry| entry.active && matches!(entry.state, State::Failed(_)))
            .map(|entry| entry.plan.name.clone())
            .collect();
        for name in failed {
            // The reason is in the list.
            let _ = self.start(&name).await;
        }
    }

    /// A BMC that was added before.
    async fn restore(&self, name: &str, description: Description, active: bool) {
        let (plan, connection, state) = match self.described(&description) {
            Ok((plan, connection)) => (plan, Some(connection), State::Down),
            Err(error) => {
                error!(name, %error, "this BMC was added before and cannot be used any more");
                let plan = entry::unusable(name, &description);
                (plan, None, State::Failed(error.to_string()))
            }
        };
        let is_usable = connection.is_some();
        let entry = Entry {
            plan: Arc::new(plan),
            connection,
            added: Some(description),
            active,
            state,
        };
        self.entries().insert(name.to_owned(), entry);
        if active
            && is_usable
            && let Err(error) = self.bring_up(name).await
        {
            error!(name, error = %Chain(&error), "cannot start this BMC");
        }
    }
}

/// An error with its causes.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn std::error::Error + 'a));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
