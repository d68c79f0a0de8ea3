//! Another configuration while the program runs: what did not change is not touched.

use std::collections::BTreeSet;
use std::sync::Arc;

use tracing::{info, warn};

use super::entry::{Entry, State};
use super::start::Chain;
use super::{Connections, Registry, RegistryError, shared};
use crate::config::Surroundings;
use crate::control::api::{Failure, Reloaded};
use crate::plan::{BmcPlan, Plan};

impl Registry {
    /// Goes over to another configuration. BMCs that are the same in both keep their sessions and consoles; one
    /// that was stopped by hand stays stopped. What cannot be done is in the answer; everything else is done.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`] for a change that needs a restart: then nothing has changed.
    pub async fn reload(&self, plan: Plan, surroundings: Surroundings) -> Result<Reloaded, RegistryError> {
        if plan.sockets != self.lab.sockets() {
            let message = "`[listen] sockets` cannot change while the program runs: restart it";
            return Err(RegistryError::Invalid(message.to_owned()));
        }
        let _one_at_a_time = self.reloading.lock().await;
        let old = self.surroundings();
        let changed_connections: BTreeSet<String> = old.changed_connections(&surroundings);
        let wanted: BTreeSet<&str> = plan.bmcs.iter().map(|bmc| bmc.name.as_str()).collect();
        let mut done = Reloaded::default();
        let (mut ends, mut stays) = (Vec::new(), BTreeSet::new());
        for entry in self.entries().values() {
            let name = &entry.plan.name;
            let same_connection = !changed_connections.contains(&entry.plan.connection);
            if entry.added.is_some() {
                if !same_connection {
                    ends.push((name.clone(), true));
                }
            } else if !wanted.contains(name.as_str()) {
                ends.push((name.clone(), false));
            } else if same_connection && old.has_same_bmc(&surroundings, name) {
                stays.insert(name.clone());
            } else {
                ends.push((name.clone(), true));
            }
        }
        done.unchanged = stays.len();
        let mut restarts = BTreeSet::new();
        for (name, again) in ends {
            match self.end(&name, &mut done).await {
                Some(()) if again => {
                    restarts.insert(name);
                }
                Some(()) => {
                    self.entries().remove(&name);
                    done.removed.push(name);
                }
                None => {
                    stays.insert(name);
                }
            }
        }
        for name in &changed_connections {
            self.lab.disconnect(name);
        }
        self.set_surroundings(surroundings);
        let connections = shared(plan.connections);
        for bmc in plan.bmcs {
            if !stays.contains(&bmc.name) {
                let restarted = restarts.remove(&bmc.name);
                self.replace(bmc, &connections, restarted, &mut done).await;
            }
        }
        // Those that were added, and whose connection changed.
        for name in restarts {
            self.again(&name, &mut done).await;
        }
        info!(
            started = done.started.len(),
            restarted = done.restarted.len(),
            removed = done.removed.len(),
            unchanged = done.unchanged,
            failed = done.failed.len(),
            "configuration read again"
        );
        Ok(done)
    }

    /// Ends a BMC that goes or comes back changed.
    async fn end(&self, name: &str, done: &mut Reloaded) -> Option<()> {
        match self.bring_down(name).await {
            Ok(()) => {
                self.put(name, State::Down);
                Some(())
            }
            Err(error) => {
                fail(done, name, &error);
                None
            }
        }
    }

    /// Takes a BMC of the new configuration in, in the place of the old one.
    async fn replace(&self, bmc: BmcPlan, connections: &Connections, restarted: bool, done: &mut Reloaded) {
        let name = bmc.name.clone();
        let active = {
            let mut entries = self.entries();
            let known = entries.get(&name);
            if known.is_some_and(|entry| entry.added.is_some()) {
                drop(entries);
                fail(done, &name, &RegistryError::NameTaken(name.clone()));
                return;
            }
            let active = known.is_none_or(|entry| entry.active);
            if let Err(error) = self.check_free(&entries, &bmc) {
                entries.remove(&name);
                drop(entries);
                fail(done, &name, &error);
                return;
            }
            let entry = Entry {
                connection: connections.get(&bmc.connection).cloned(),
                plan: Arc::new(bmc),
                added: None,
                active,
                state: State::Down,
            };
            entries.insert(name.clone(), entry);
            active
        };
        if active && let Err(error) = self.bring_up(&name).await {
            fail(done, &name, &error);
        } else if restarted {
            done.restarted.push(name);
        } else {
            done.started.push(name);
        }
    }

    /// Starts a BMC that was added anew.
    async fn again(&self, name: &str, done: &mut Reloaded) {
        let refreshed = self.refresh(name);
        let active = self.entries().get(name).is_some_and(|entry| entry.active);
        let started = match refreshed {
            Ok(()) if active => self.bring_up(name).await,
            other => other,
        };
        match started {
            Ok(()) => done.restarted.push(name.to_owned()),
            Err(error) => {
                self.put(name, State::Failed(Chain(&error).to_string()));
                fail(done, name, &error);
            }
        }
    }
}

fn fail(done: &mut Reloaded, name: &str, error: &RegistryError) {
    let error = Chain(error).to_string();
    warn!(name, error, "this BMC could not be changed");
    done.failed.push(Failure {
        name: name.to_owned(),
        error,
    });
}
