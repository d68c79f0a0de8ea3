//! Adding, changing, starting, stopping and deleting BMCs, one at a time each.

use std::sync::Arc;

use toml::{Table, Value};
use tracing::info;

use super::entry::{Entry, State};
use super::file::{Description, Record};
use super::start::Chain;
use super::{Registry, RegistryError, SharedConnection};
use crate::plan::BmcPlan;
use crate::secret::Secret;

impl Registry {
    /// Adds a BMC, which is down at first. Its machine has been found, its address can be bound.
    ///
    /// # Errors
    /// [`RegistryError`] if something is wrong with it, or taken; then nothing has changed.
    pub async fn add(&self, mut description: Description) -> Result<String, RegistryError> {
        self.complete(&mut description.bmc);
        self.keep_secrets(&mut description)?;
        let (plan, connection) = self.described(&description)?;
        let (name, plan) = (plan.name.clone(), Arc::new(plan));
        self.insert(&plan, &connection, &description)?;
        let record = Record {
            running: false,
            added: Some(description),
        };
        let checked = self.check_usable(&plan, &*connection).await;
        let added = match checked {
            Ok(()) => self.save(&name, record).await,
            Err(error) => Err(error),
        };
        let mut entries = self.entries();
        match added {
            Ok(()) => {
                if let Some(entry) = entries.get_mut(&name) {
                    entry.state = State::Down;
                }
                info!(name, machine = plan.machine, endpoint = %plan.endpoint(), "BMC added");
                Ok(name)
            }
            Err(error) => {
                entries.remove(&name);
                Err(error)
            }
        }
    }

    /// Changes keys of a BMC that was added; `None` takes a key away. One that runs is started anew.
    ///
    /// # Errors
    /// [`RegistryError`] if the keys make no sense: then nothing has changed. Also if it cannot be started
    /// with them: then it is down.
    pub async fn change(&self, name: &str, keys: Vec<(String, Option<Value>)>) -> Result<(), RegistryError> {
        let name = self.resolve(name)?;
        let (mut description, was) = {
            let mut entries = self.entries();
            let entry = claimable(&mut entries, &name)?;
            let added = entry
                .added
                .clone()
                .ok_or(RegistryError::Configured(name.clone()))?;
            (added, std::mem::replace(&mut entry.state, State::Busy))
        };
        for (key, value) in keys {
            match value {
                Some(value) => description.bmc.insert(key, value),
                None => description.bmc.remove(&key),
            };
        }
        let (plan, connection) = match self.changed(&name, &description, &was).await {
            Ok(changed) => changed,
            Err(error) => {
                self.put(&name, was);
                return Err(error);
            }
        };
        let restarts = matches!(was, State::Running(_));
        if let State::Running(running) = was {
            running.stop().await;
        }
        if let Some(entry) = self.entries().get_mut(&name) {
            entry.plan = Arc::new(plan);
            entry.connection = Some(connection);
            entry.added = Some(description);
            entry.state = State::Down;
        }
        info!(name, "BMC changed");
        if restarts {
            self.bring_up(&name).await?;
        }
        Ok(())
    }

    /// Starts a BMC, now and after every restart of the program. One that runs is left alone.
    ///
    /// # Errors
    /// [`RegistryError`] if it cannot be started.
    pub async fn start(&self, name: &str) -> Result<(), RegistryError> {
        let name = self.resolve(name)?;
        self.refresh(&name)?;
        self.bring_up(&name).await?;
        self.keep_active(&name, true).await?;
        Ok(())
    }

    /// Stops a BMC: it answers no more, also not after a restart of the program. Its machine is not touched.
    ///
    /// # Errors
    /// [`RegistryError`] if there is none, or if this cannot be kept.
    pub async fn stop(&self, name: &str) -> Result<(), RegistryError> {
        let name = self.resolve(name)?;
        self.bring_down(&name).await?;
        self.put(&name, State::Down);
        self.keep_active(&name, false).await?;
        info!(name, "BMC stopped");
        Ok(())
    }

    /// Stops and forgets a BMC that was added.
    ///
    /// # Errors
    /// [`RegistryError`] if there is none, or if it stands in the configuration file.
    pub async fn delete(&self, name: &str) -> Result<(), RegistryError> {
        let name = self.resolve(name)?;
        if self
            .entries()
            .get(&name)
            .is_some_and(|entry| entry.added.is_none())
        {
            return Err(RegistryError::Configured(name));
        }
        self.bring_down(&name).await?;
        let (file, deleted) = (Arc::clone(&self.file), name.clone());
        let deleted = tokio::task::spawn_blocking(move || file.delete(&deleted)).await;
        if let Err(error) = deleted
            .map_err(|_| RegistryError::Broken)
            .and_then(|done| Ok(done?))
        {
            self.put(&name, State::Down);
            return Err(error);
        }
        self.entries().remove(&name);
        info!(name, "BMC deleted");
        Ok(())
    }

    /// What a description means.
    pub(super) fn described(
        &self,
        description: &Description,
    ) -> Result<(BmcPlan, SharedConnection), RegistryError> {
        let mut bmc = description.bmc.clone();
        let own = description.connection.as_ref();
        let own = own.map(|keys| (self.connection_name(keys), keys.clone()));
        if let Some((name, _)) = &own {
            bmc.insert("connection".into(), Value::String(name.clone()));
        }
        let own = own.as_ref().map(|(name, keys)| (name.as_str(), keys.clone()));
        let added = self.surroundings().check(bmc, own);
        let added = added.map_err(|error| RegistryError::Invalid(error.without_place()))?;
        Ok((added.bmc, Arc::from(added.connection)))
    }

    /// Fills in what VirtualBMC and ProxmoxBMC have by default, if the configuration says nothing else.
    fn complete(&self, bmc: &mut Table) {
        if let Some(machine) = bmc.get("machine").cloned() {
            bmc.entry("name").or_insert(machine);
        }
        let surroundings = self.surroundings();
        for (key, value) in [("address", "0.0.0.0"), ("username", "admin")] {
            let is_known = surroundings.has_default(key) || (key == "username" && bmc.contains_key("users"));
            if !is_known {
                bmc.entry(key).or_insert_with(|| value.into());
            }
        }
    }

    /// Puts secrets among the keys of a connection into files, which is where connections have them from.
    fn keep_secrets(&self, description: &mut Description) -> Result<(), RegistryError> {
        let Some(keys) = &mut description.connection else {
            return Ok(());
        };
        for (key, file_key) in [("token", "token_file"), ("sasl_password", "sasl_password_file")] {
            let Some(Value::String(secret)) = keys.remove(key) else {
                continue;
            };
            let path = self.file.keep_secret(&Secret::new(secret))?;
            let path = path.to_str().ok_or(RegistryError::Broken)?;
            keys.insert(file_key.to_owned(), path.into());
        }
        Ok(())
    }

    /// Starts a BMC.
    pub(super) async fn bring_up(&self, name: &str) -> Result<(), RegistryError> {
        let (plan, connection) = {
            let mut entries = self.entries();
            let entry = claimable(&mut entries, name)?;
            if matches!(entry.state, State::Running(_)) {
                return Ok(());
            }
            let connection = entry.connection.clone().ok_or(RegistryError::Broken)?;
            entry.state = State::Busy;
            (Arc::clone(&entry.plan), connection)
        };
        let connected = self.lab.connect(&plan.connection, &*connection).await;
        let started = match connected {
            Ok(()) => self.lab.start(&plan).await,
            Err(error) => Err(error),
        };
        match started {
            Ok(running) => {
                info!(name, address = %running.address, "BMC started");
                self.put(name, State::Running(running));
                Ok(())
            }
            Err(error) => {
                self.put(name, State::Failed(Chain(&error).to_string()));
                Err(error.into())
            }
        }
    }

    /// Ends a BMC, which stays busy.
    pub(super) async fn bring_down(&self, name: &str) -> Result<(), RegistryError> {
        let state = {
            let mut entries = self.entries();
            let entry = claimable(&mut entries, name)?;
            std::mem::replace(&mut entry.state, State::Busy)
        };
        if let State::Running(running) = state {
            running.stop().await;
        }
        Ok(())
    }

    /// Reads the description of a BMC that was added again: files that it names may have changed.
    pub(super) fn refresh(&self, name: &str) -> Result<(), RegistryError> {
        let description = {
            let mut entries = self.entries();
            let entry = claimable(&mut entries, name)?;
            match (&entry.state, &entry.added) {
                (State::Running(_), _) | (_, None) => return Ok(()),
                (_, Some(description)) => description.clone(),
            }
        };
        let (plan, connection) = self.described(&description)?;
        let mut entries = self.entries();
        self.check_free(&entries, &plan)?;
        let entry = claimable(&mut entries, name)?;
        (entry.plan, entry.connection) = (Arc::new(plan), Some(connection));
        Ok(())
    }

    /// Takes a place for a BMC that is being added.
    fn insert(
        &self,
        plan: &Arc<BmcPlan>,
        connection: &SharedConnection,
        description: &Description,
    ) -> Result<(), RegistryError> {
        let mut entries = self.entries();
        if entries.contains_key(&plan.name) {
            return Err(RegistryError::NameTaken(plan.name.clone()));
        }
        self.check_free(&entries, plan)?;
        self.check_endpoint(plan.endpoint())?;
        let entry = Entry {
            plan: Arc::clone(plan),
            connection: Some(Arc::clone(connection)),
            added: Some(description.clone()),
            active: false,
            state: State::Busy,
        };
        entries.insert(plan.name.clone(), entry);
        Ok(())
    }

    async fn check_usable(
        &self,
        plan: &BmcPlan,
        connection: &dyn crate::connection::ConnectionPlan,
    ) -> Result<(), RegistryError> {
        self.lab.connect(&plan.connection, connection).await?;
        self.lab.machine(plan).await?;
        Ok(())
    }

    /// Checks and keeps what a BMC is to become.
    async fn changed(
        &self,
        name: &str,
        description: &Description,
        was: &State,
    ) -> Result<(BmcPlan, SharedConnection), RegistryError> {
        let (plan, connection) = self.described(description)?;
        if plan.name != name {
            let message = "`name` cannot be changed: delete the BMC and add it with the new one";
            return Err(RegistryError::Invalid(message.to_owned()));
        }
        self.check_free(&self.entries(), &plan)?;
        let stays = matches!(was, State::Running(running) if running.address == plan.endpoint());
        if !stays {
            self.check_endpoint(plan.endpoint())?;
        }
        self.check_usable(&plan, &*connection).await?;
        let running = self.entries().get(name).is_some_and(|entry| entry.active);
        let record = Record {
            running,
            added: Some(description.clone()),
        };
        self.save(name, record).await?;
        Ok((plan, connection))
    }

    async fn keep_active(&self, name: &str, active: bool) -> Result<(), RegistryError> {
        let record = {
            let mut entries = self.entries();
            let Some(entry) = entries.get_mut(name) else {
                return Ok(());
            };
            if entry.active == active {
                return Ok(());
            }
            entry.active = active;
            entry.record()
        };
        self.save(name, record).await
    }

    pub(super) fn put(&self, name: &str, state: State) {
        if let Some(entry) = self.entries().get_mut(name) {
            entry.state = state;
        }
    }

    /// A name for a connection that stands in no file: the same keys have the same one.
    fn connection_name(&self, keys: &Table) -> String {
        let text = |key: &str| keys.get(key).and_then(Value::as_str);
        let place = text("uri").or_else(|| text("url")).unwrap_or_default();
        let base = format!("{} {place}", text("type").unwrap_or_default());
        let base = base.trim().to_owned();
        let entries = self.entries();
        let with_own = |entry: &Entry| {
            let own = entry.added.as_ref()?.connection.clone()?;
            Some((entry.plan.connection.clone(), own))
        };
        let known: Vec<_> = entries.values().filter_map(with_own).collect();
        if let Some((name, _)) = known.iter().find(|(_, known)| known == keys) {
            return name.clone();
        }
        let configured = self.surroundings();
        let is_free = |name: &String| {
            !configured.connections().contains_key(name) && known.iter().all(|(known, _)| known != name)
        };
        let mut names = std::iter::once(base.clone()).chain((2_u32..).map(|i| format!("{base} #{i}")));
        names.find(is_free).unwrap_or(base)
    }
}

/// A BMC that nobody is changing.
fn claimable<'e>(
    entries: &'e mut std::collections::BTreeMap<String, Entry>,
    name: &str,
) -> Result<&'e mut Entry, RegistryError> {
    let entry = entries.get_mut(name);
    let entry = entry.ok_or_else(|| RegistryError::Unknown(name.to_owned()))?;
    if entry.is_busy() {
        return Err(RegistryError::Busy(name.to_owned()));
    }
    Ok(entry)
}
