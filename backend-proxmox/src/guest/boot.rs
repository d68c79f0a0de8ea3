//! What a guest boots from: one time or always, without ever losing its own order.
//!
//! QEMU gets its boot order when it is started, so an override for one boot is written to the configuration right
//! before the start that it is for, and the order of before is put back as soon as the machine runs: it is then
//! pending and holds from the next start on, whoever starts it. What was there before is in the journal before it is
//! changed, so that also another life of this program can put it back.

use core::time::Duration;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ipmi_server::backend::{
    BackendError, BootControl, BootDevice, BootDevices, BootMode, BootOverride, BootPersistence, PowerState,
};

use super::boot_order::BootConfiguration;
use super::{AppliedBoot, BootChange, BootRecord, Guest, Observation};
use crate::client::{ApiError, Call};
use crate::sync::lock;

/// How often a change is tried again that somebody else's change came in between.
const CHANGE_ATTEMPTS: u32 = 5;
/// A lock that another operation holds is waited for for so long.
const LOCK_PAUSE: Duration = Duration::from_secs(2);
const LOCK_ATTEMPTS: u32 = 5;
/// Until an order that cannot be put back is tried again, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The firmware looks for a key during the first seconds of a boot, which may be late on a slow host.
const SETUP_KEYS: u32 = 40;
const SETUP_KEY_PAUSE: Duration = Duration::from_millis(500);

/// What is to be booted from, as the journal has it.
#[derive(Debug, Default)]
pub(super) struct BootState {
    record: Mutex<BootRecord>,
    /// The device that waited for a boot when an earlier life of this program ended. It counts if the BMC says so.
    left: Mutex<Option<String>>,
    /// A lasting change that the running process does not know of; its number.
    changed_for: Mutex<Option<u64>>,
    /// Whether somebody puts the order back now.
    is_restoring: Mutex<bool>,
    /// Whether the journal was read.
    is_loaded: Mutex<bool>,
}

impl BootState {
    /// Reads the journal.
    pub(super) async fn load(&self, guest: &Guest) -> Result<(), ApiError> {
        if core::mem::replace(&mut *lock(&self.is_loaded), true) {
            return Ok(());
        }
        let vmid = guest.vmid();
        let journal = Arc::clone(&guest.cluster.config.journal);
        let loaded = tokio::task::spawn_blocking(move || journal.load(vmid)).await;
        let loaded = loaded.map_err(|_| ApiError::Ending)?;
        let record = loaded.map_err(|source| ApiError::Journal { vmid, source })?;
        let mut record = record.unwrap_or_default();
        *lock(&self.left) = record.waiting.take();
        *lock(&self.record) = record;
        Ok(())
    }
}

/// Name of a device in the journal.
const fn name_of(device: BootDevice) -> &'static str {
    match device {
        BootDevice::Pxe => "pxe",
        BootDevice::Disk => "disk",
        BootDevice::Cdrom => "cdrom",
        BootDevice::Removable => "removable",
        _ => "setup",
    }
}

fn device_of(name: &str) -> BootDevice {
    let devices = [
        BootDevice::Pxe,
        BootDevice::Disk,
        BootDevice::Cdrom,
        BootDevice::Removable,
    ];
    let found = devices.into_iter().find(|device| name_of(*device) == name);
    found.unwrap_or(BootDevice::FirmwareSetup)
}

#[async_trait]
impl BootControl for Guest {
    fn devices(&self) -> BootDevices {
        self.profile()
            .map_or(BootDevices::empty(), |profile| profile.boot.available())
    }

    fn mode(&self) -> Option<BootMode> {
        self.profile().map(|profile| profile.boot.mode())
    }

    async fn set_override(&self, boot: Option<BootOverride>) -> Result<(), BackendError> {
        let done = self
            .to_the_end(move |guest| async move { guest.override_boot(boot).await })
            .await;
        done.map_err(|error| error.into_backend("choose the boot device of the guest"))
    }

    async fn resume_override(&self, boot: BootOverride) -> Result<bool, BackendError> {
        let done = self
            .to_the_end(move |guest| async move { guest.resume_boot(boot).await })
            .await;
        done.map_err(|error| error.into_backend("choose the boot device of the guest"))
    }
}

impl Guest {
    /// The BMC remembers an override from before this program was started.
    async fn resume_boot(&self, boot: BootOverride) -> Result<bool, ApiError> {
        if boot.persistence == BootPersistence::EveryBoot {
            return self.override_boot(Some(boot)).await.map(|()| true);
        }
        let _turn = self.action_turn.acquire().await.map_err(|_| ApiError::Ending)?;
        let name = name_of(boot.device);
        let applied = lock(&self.boot.record).applied.clone();
        let waits = match applied {
            // It was written; whether the boot has happened is seen at the process.
            Some(applied) => {
                let seen = self.look_now().await?;
                applied.device == name && (seen.power == PowerState::Off || seen.pid == applied.pid)
            }
            None => lock(&self.boot.left).take().as_deref() == Some(name),
        };
        if waits {
            let waiting = Some(name.to_owned());
            self.remember(|record| record.waiting = waiting).await?;
        }
        Ok(waits)
    }

    async fn override_boot(&self, boot: Option<BootOverride>) -> Result<(), ApiError> {
        let _turn = self.action_turn.acquire().await.map_err(|_| ApiError::Ending)?;
        let Some(boot) = boot else {
            return self.drop_override().await;
        };
        let config = self.learn().await?.boot.clone();
        if !config.available().contains(boot.device.into()) {
            return Err(ApiError::Unsupported {
                what: format!("{} has no {} to boot from", self.name(), name_of(boot.device)),
            });
        }
        match boot.persistence {
            BootPersistence::EveryBoot if boot.device == BootDevice::FirmwareSetup => {
                Err(ApiError::Unsupported {
                    what: "the firmware setup can be entered at one boot, not at every boot".to_owned(),
                })
            }
            BootPersistence::EveryBoot => self.change_for_good(boot.device, config).await,
            _ => {
                let waiting = Some(name_of(boot.device).to_owned());
                self.remember(|record| record.waiting = waiting).await
            }
        }
    }

    /// The machine's own order holds again.
    async fn drop_override(&self) -> Result<(), ApiError> {
        let record = lock(&self.boot.record).clone();
        if record.is_empty() {
            return Ok(());
        }
        if let Some(change) = record.applied.and_then(|applied| applied.change) {
            self.take_back(&change).await?;
        }
        if let Some(change) = record.lasting {
            self.take_back(&change).await?;
        }
        *lock(&self.boot.changed_for) = None;
        self.remember(|record| *record = BootRecord::default()).await
    }

    /// Changes the order for every boot.
    async fn change_for_good(
        &self,
        device: BootDevice,
        mut config: BootConfiguration,
    ) -> Result<(), ApiError> {
        let record = lock(&self.boot.record).clone();
        if let Some(change) = record.applied.and_then(|applied| applied.change) {
            self.take_back(&change).await?;
            config = self.learn().await?.boot.clone();
        }
        let written = self.order_for(&config, device)?;
        // What was there before the first of several changes is the machine's own order.
        let earlier = record.lasting.filter(|change| config.is(&change.written));
        let (original, original_disk) = match earlier {
            Some(change) => (change.original, change.original_disk),
            None => (config.boot.clone(), config.bootdisk.clone()),
        };
        let change = BootChange {
            written: written.clone(),
            original,
            original_disk,
        };
        self.remember(|record| {
            *record = BootRecord {
                lasting: Some(change),
                ..BootRecord::default()
            };
        })
        .await?;
        if !config.is(&written) {
            self.write_boot(Some(&written), None, config.digest.as_deref())
                .await?;
            *lock(&self.boot.changed_for) = self.knowledge.last_full().and_then(|seen| seen.pid);
        }
        self.learn().await.map(|_| ())
    }

    fn order_for(&self, config: &BootConfiguration, device: BootDevice) -> Result<String, ApiError> {
        config.with_first(device).ok_or_else(|| ApiError::Unsupported {
            what: format!("{} has no {} to boot from", self.name(), name_of(device)),
        })
    }

    /// Whether a reset must be a restart, because the running process does not know what to boot from.
    pub(super) fn boot_needs_restart(&self, seen: &Observation) -> bool {
        let changed_for = *lock(&self.boot.changed_for);
        let is_waiting = lock(&self.boot.record).waiting.is_some();
        is_waiting || changed_for.is_some() && changed_for == seen.pid
    }

    /// Before a start: writes what the one boot is to be from.
    pub(super) async fn apply_boot(&self, seen: &Observation) -> Result<(), ApiError> {
        // An order of before that could not be put back yet: first that, then the new one.
        self.restore().await?;
        let Some(name) = lock(&self.boot.record).waiting.clone() else {
            return Ok(());
        };
        let device = device_of(&name);
        for attempt in 1.. {
            let config = self.learn().await?.boot.clone();
            let change = match device {
                BootDevice::FirmwareSetup => None,
                device => Some(BootChange {
                    written: self.order_for(&config, device)?,
                    original: config.boot.clone(),
                    original_disk: config.bootdisk.clone(),
                }),
            };
            let applied = AppliedBoot {
                device: name.clone(),
                change: change.clone(),
                pid: seen.pid,
            };
            self.remember(|record| {
                record.waiting = None;
                record.applied = Some(applied);
            })
            .await?;
            let Some(change) = change.filter(|change| !config.is(&change.written)) else {
                return Ok(());
            };
            match self
                .write_boot(Some(&change.written), None, config.digest.as_deref())
                .await
            {
                Err(ApiError::ConfigurationChanged { .. }) if attempt < CHANGE_ATTEMPTS => {}
                Err(error) => {
                    // Whether it was written is found out when the order is put back.
                    self.boot_failed().await;
                    return Err(error);
                }
                Ok(()) => {
                    tracing::info!(
                        vmid = self.vmid(),
                        boot = change.written,
                        "boot order for one boot"
                    );
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The start that an override was for has happened: the order of before comes back.
    pub(super) fn boot_happened(&self) {
        *lock(&self.boot.changed_for) = None;
        let applied = lock(&self.boot.record).applied.clone();
        let Some(applied) = applied else { return };
        if device_of(&applied.device) == BootDevice::FirmwareSetup {
            self.spawn(|guest| async move { guest.press_setup_key().await });
        }
        self.keep_restoring();
    }

    /// The start that an override was for has not happened: the override waits for the next one, and the order of
    /// before comes back.
    pub(super) async fn boot_failed(&self) {
        let applied = lock(&self.boot.record).applied.clone();
        let Some(applied) = applied else { return };
        let again = self.remember(|record| {
            record.waiting.get_or_insert(applied.device);
        });
        if let Err(error) = again.await {
            tracing::error!(vmid = self.vmid(), %error, "the journal of boot orders cannot be written");
        }
        self.keep_restoring();
    }

    /// Somebody has started the guest. Our own start has applied what was waiting; so what waits now was not used,
    /// and the BMC takes it for used.
    pub(super) async fn started_by_anybody(&self) {
        let Ok(_turn) = self.action_turn.try_acquire() else {
            // Our own action is under way.
            return;
        };
        if lock(&self.boot.record).waiting.is_none() {
            return;
        }
        tracing::warn!(
            vmid = self.vmid(),
            "somebody else started the guest: the boot device for one boot was not used"
        );
        if let Err(error) = self.remember(|record| record.waiting = None).await {
            tracing::error!(vmid = self.vmid(), %error, "the journal of boot orders cannot be written");
        }
    }

    /// After the start of this program: what an earlier life has left is brought to its end.
    pub(super) async fn recover_boot(&self) {
        let applied = lock(&self.boot.record).applied.clone();
        let Some(applied) = applied else { return };
        let mut pause = FIRST_PAUSE;
        let seen = loop {
            match self.look_now().await {
                Ok(seen) => break seen,
                Err(error) => tracing::debug!(vmid = self.vmid(), %error, "a boot order is to be put back"),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        };
        let has_booted = seen.power != PowerState::Off && seen.pid != applied.pid;
        tracing::info!(
            vmid = self.vmid(),
            has_booted,
            "an earlier life of this program has left a boot order for one boot"
        );
        if !has_booted {
            lock(&self.boot.left).get_or_insert(applied.device);
        }
        self.keep_restoring();
    }

    /// Puts the order of before back in the background, until that has worked.
    fn keep_restoring(&self) {
        if core::mem::replace(&mut *lock(&self.boot.is_restoring), true) {
            return;
        }
        self.spawn(|guest| async move {
            let mut pause = FIRST_PAUSE;
            while let Err(error) = guest.restore().await {
                tracing::warn!(vmid = guest.vmid(), %error, "the boot order is not put back yet: tried again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            *lock(&guest.boot.is_restoring) = false;
        });
    }

    /// Puts the order back that was there before the one boot, and forgets the change.
    async fn restore(&self) -> Result<(), ApiError> {
        let applied = lock(&self.boot.record).applied.clone();
        let Some(applied) = applied else { return Ok(()) };
        if let Some(change) = &applied.change {
            self.take_back(change).await?;
        }
        self.remember(|record| {
            if record.applied.as_ref() == Some(&applied) {
                record.applied = None;
            }
        })
        .await
    }

    /// Takes a change back, unless somebody else has changed the order since.
    async fn take_back(&self, change: &BootChange) -> Result<(), ApiError> {
        for attempt in 1.. {
            let config = self.learn().await?.boot.clone();
            let is_back = config.boot == change.original && config.bootdisk == change.original_disk;
            if is_back {
                return Ok(());
            }
            if !config.is(&change.written) {
                tracing::warn!(
                    vmid = self.vmid(),
                    boot = config.boot,
                    "somebody else has changed the boot order: it is left as it is"
                );
                return Ok(());
            }
            let original = change.original.as_deref();
            let disk = change.original_disk.as_deref();
            match self.write_boot(original, disk, config.digest.as_deref()).await {
                Err(ApiError::ConfigurationChanged { .. }) if attempt < CHANGE_ATTEMPTS => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    tracing::info!(vmid = self.vmid(), boot = original, "boot order put back");
                    return self.learn().await.map(|_| ());
                }
            }
        }
        Ok(())
    }

    /// Writes `boot`, or takes it out, if the configuration is still the one of the digest.
    async fn write_boot(
        &self,
        boot: Option<&str>,
        disk: Option<&str>,
        digest: Option<&str>,
    ) -> Result<(), ApiError> {
        let make = |path: &str| {
            let mut call = Call::put(format!("{path}/config"));
            call = match boot {
                Some(boot) => call.with("boot", boot),
                None => call.with("delete", "boot"),
            };
            if let Some(disk) = disk {
                call = call.with("bootdisk", disk);
            }
            match digest {
                Some(digest) => call.with("digest", digest),
                None => call,
            }
        };
        for attempt in 1.. {
            match self.ask(make).await {
                Err(error) if error.is_lock_timeout() && attempt < LOCK_ATTEMPTS => {
                    tracing::info!(vmid = self.vmid(), %error, "tried again");
                    tokio::time::sleep(LOCK_PAUSE).await;
                }
                result => return result.map(|_| ()),
            }
        }
        Ok(())
    }

    /// Changes what is remembered, on disk first.
    async fn remember(&self, change: impl FnOnce(&mut BootRecord)) -> Result<(), ApiError> {
        let mut record = lock(&self.boot.record).clone();
        change(&mut record);
        let vmid = self.vmid();
        let journal = Arc::clone(&self.cluster.config.journal);
        let kept = record.clone();
        let saved = tokio::task::spawn_blocking(move || {
            let kept = (!kept.is_empty()).then_some(&kept);
            journal.save(vmid, kept)
        });
        let saved = saved.await.map_err(|_| ApiError::Ending)?;
        saved.map_err(|source| ApiError::Journal { vmid, source })?;
        *lock(&self.boot.record) = record;
        Ok(())
    }

    /// Presses the key that enters the setup of UEFI, until the firmware has had time to see it.
    async fn press_setup_key(&self) {
        for _ in 0..SETUP_KEYS {
            let pressed = self
                .ask(|path| Call::put(format!("{path}/sendkey")).with("key", "f2"))
                .await;
            if let Err(error) = pressed {
                tracing::warn!(vmid = self.vmid(), %error, "the key for the firmware setup cannot be pressed");
                return;
            }
            tokio::time::sleep(SETUP_KEY_PAUSE).await;
        }
    }
}
