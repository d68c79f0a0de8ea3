//! The boot device: one boot by an edited copy, every boot by an edited definition.

use core::time::Duration;
use std::sync::Arc;

use async_trait::async_trait;
use ipmi_server::backend::{
    BackendError, BackendErrorKind, BootControl, BootDevice, BootDevices, BootMode, BootOverride,
    BootPersistence,
};
use tokio::sync::watch;
use tokio::time::timeout;

use super::LibvirtMachine;
use super::power::Operation;
use crate::failure::{failure, with_causes};
use crate::rpc::{DomainState, XmlKind};
use crate::xml::{BootOrder, DeviceKey, Firmware};

/// A reset reaches QEMU's devices within this time.
const REBOOT_LIMIT: Duration = Duration::from_secs(10);
/// SeaBIOS resets the machine once or twice more before it looks for something to boot; each time the order is
/// read anew. It is done when nothing has happened for so long.
const QUIET: Duration = Duration::from_millis(1_000);

/// The override of a domain.
#[derive(Debug, Default)]
pub(crate) struct PresentBoot {
    /// For the next start or reset.
    pub(super) once: Option<BootOverride>,
    /// The definition was changed.
    always: Option<Changed>,
}

/// What a change of the definition was.
#[derive(Debug)]
struct Changed {
    /// The machine's own order.
    own: BootOrder,
    /// The order that was made of it. Another one is the user's.
    made: BootOrder,
}

/// How a reset with an override went.
pub(super) enum Reboot {
    /// The guest booted with it.
    Done,
    /// It cannot be done that way. Nothing was reset.
    Impossible(BackendError),
}

/// Waits until a reset has happened, with those that firmware adds to it.
async fn settled(reboots: &mut watch::Receiver<u64>) {
    // The reset happens a moment after libvirt has answered; what comes late may have happened all the same.
    let mut limit = REBOOT_LIMIT;
    while let Ok(Ok(())) = timeout(limit, reboots.changed()).await {
        limit = QUIET;
    }
}

pub(super) fn parse(xml: &str) -> Result<BootOrder, BackendError> {
    let error = BackendError::new(BackendErrorKind::Other, "read the boot order of the domain");
    BootOrder::parse(xml).map_err(|source| error.with_source(source))
}

#[async_trait]
impl BootControl for LibvirtMachine {
    fn devices(&self) -> BootDevices {
        self.description.boot_devices
    }

    fn mode(&self) -> Option<BootMode> {
        self.description.firmware.map(|firmware| match firmware {
            Firmware::Bios => BootMode::Legacy,
            Firmware::Uefi => BootMode::Efi,
        })
    }

    async fn set_override(&self, boot: Option<BootOverride>) -> Result<(), BackendError> {
        const OPERATION: &str = "set the domain's boot device";
        let unsupported = || BackendError::new(BackendErrorKind::Unsupported, OPERATION);
        if let Some(boot) = boot {
            let is_strict = self.hypervisor.shared.options.strict_boot_mode;
            if is_strict && self.mode().is_some_and(|mode| mode != boot.mode) {
                return Err(unsupported().with_source("the domain has the other kind of firmware"));
            }
            let is_always = boot.persistence == BootPersistence::EveryBoot;
            if is_always && boot.device == BootDevice::FirmwareSetup {
                return Err(unsupported().with_source("the firmware's setup cannot be shown at every boot"));
            }
        }
        let _turn = self.entry.turn.lock().await;
        match boot {
            None => {
                self.entry.boot(|present| present.once = None);
                self.take_back().await
            }
            Some(boot) if boot.persistence == BootPersistence::NextBoot => {
                let session = self.session()?;
                let xml = session.state.xml(&self.entry.domain(), XmlKind::Definition).await;
                let xml = xml.map_err(failure(OPERATION))?;
                parse(&xml)?.first(&xml, boot.device).ok_or_else(unsupported)?;
                self.take_back().await?;
                self.entry.boot(|present| present.once = Some(boot));
                Ok(())
            }
            Some(boot) => {
                self.change_definition(boot.device).await?;
                self.entry.boot(|present| present.once = None);
                Ok(())
            }
        }
    }

    async fn resume_override(&self, boot: BootOverride) -> Result<bool, BackendError> {
        if boot.persistence == BootPersistence::NextBoot && self.runs_with(boot.device).await? {
            return Ok(false);
        }
        self.set_override(Some(boot)).await.map(|()| true)
    }
}

impl LibvirtMachine {
    /// Whether the domain runs, and was started with this device before the order of its definition: an override
    /// that has been used.
    async fn runs_with(&self, device: BootDevice) -> Result<bool, BackendError> {
        const OPERATION: &str = "see what the domain was booted from";
        let (session, domain) = (self.session()?, self.entry.domain());
        let (state, _) = session.state.state(&domain).await.map_err(failure(OPERATION))?;
        if state == DomainState::ShutOff {
            return Ok(false);
        }
        let xml = async |kind| session.state.xml(&domain, kind).await.map_err(failure(OPERATION));
        let (live, own) = (xml(XmlKind::Live).await?, xml(XmlKind::Definition).await?);
        let (live, order) = (parse(&live)?, parse(&own)?);
        let Some(edited) = order.first(&own, device) else {
            return Ok(false);
        };
        Ok(!live.is_same(&order) && live.is_same(&parse(&edited)?))
    }

    /// Puts a device first in the definition, for every boot.
    async fn change_definition(&self, device: BootDevice) -> Result<(), BackendError> {
        const OPERATION: &str = "change the boot order in the domain's definition";
        let unsupported = || BackendError::new(BackendErrorKind::Unsupported, OPERATION);
        self.take_back().await?;
        let session = self.session()?;
        let domain = self.entry.domain();
        // Defining a domain that has no definition would give it one.
        let persistent = session.state.is_persistent(&domain).await;
        if !persistent.map_err(failure(OPERATION))? {
            return Err(unsupported().with_source("the domain has no definition: it ends when it stops"));
        }
        let xml = session.state.xml(&domain, XmlKind::Definition).await;
        let xml = xml.map_err(failure(OPERATION))?;
        let own = parse(&xml)?;
        let edited = own.first(&xml, device).ok_or_else(unsupported)?;
        if edited == xml {
            return Ok(());
        }
        let made = parse(&edited)?;
        session
            .operations
            .define(&edited)
            .await
            .map_err(failure(OPERATION))?;
        self.entry
            .boot(|present| present.always = Some(Changed { own, made }));
        Ok(())
    }

    /// Gives the definition its own order back, unless somebody else has changed the order since.
    async fn take_back(&self) -> Result<(), BackendError> {
        const OPERATION: &str = "give the domain's definition its boot order back";
        let Some(changed) = self.entry.boot(|present| present.always.take()) else {
            return Ok(());
        };
        let result = async {
            let session = self.session()?;
            let xml = session.state.xml(&self.entry.domain(), XmlKind::Definition).await;
            let xml = xml.map_err(failure(OPERATION))?;
            let present = parse(&xml)?;
            if !present.is_same(&changed.made) {
                return Ok(());
            }
            let Some(restored) = present.as_in(&xml, &changed.own) else {
                return Ok(());
            };
            let defined = session.operations.define(&restored).await;
            defined.map(drop).map_err(failure(OPERATION))
        };
        let result = result.await;
        if result.is_err() {
            self.entry.boot(|present| present.always = Some(changed));
        }
        result
    }
}

impl Operation {
    /// Gives a domain that has just been started with an override its own order for later reboots: QEMU's
    /// firmware has read the order of this boot already.
    pub(super) async fn restore_after_start(&self, device: BootDevice) {
        let restored = async {
            let order = parse(&self.definition().await?)?;
            self.set_indices(&order, Some(device), None).await
        };
        if let Err(error) = restored.await {
            // Not QEMU, or no right to its monitor: the override holds until the domain is switched off.
            tracing::info!(
                domain = self.domain.name,
                reason = with_causes(&error),
                "boot override: it holds for reboots of the guest, too, until the domain is off"
            );
        }
    }

    /// Resets the domain so that it boots from a device, this time only.
    pub(super) async fn reset_once(&self, device: BootDevice) -> Reboot {
        if device == BootDevice::FirmwareSetup {
            let error = BackendError::new(
                BackendErrorKind::Unsupported,
                "show the firmware's menu at a reset",
            );
            return Reboot::Impossible(error);
        }
        let prepared = async {
            let order = parse(&self.definition().await?)?;
            self.set_indices(&order, None, Some(device)).await?;
            Ok(order)
        };
        let order = match prepared.await {
            Ok(order) => order,
            Err(error) => return Reboot::Impossible(error),
        };
        let mut reboots = self.entry.reboots();
        let reset = self.reset_plainly().await;
        if reset.is_ok() {
            settled(&mut reboots).await;
        }
        if let Err(error) = self.set_indices(&order, Some(device), None).await {
            tracing::warn!(
                domain = self.domain.name,
                reason = with_causes(&error),
                "boot override: it could not be taken back after the reset"
            );
        }
        match reset {
            Ok(()) => Reboot::Done,
            Err(error) => Reboot::Impossible(error),
        }
    }

    /// Changes the boot indices of the running QEMU from those of one order to those of another.
    async fn set_indices(
        &self,
        order: &BootOrder,
        from: Option<BootDevice>,
        to: Option<BootDevice>,
    ) -> Result<(), BackendError> {
        const OPERATION: &str = "change the boot order of the running domain";
        let error = || BackendError::new(BackendErrorKind::Unsupported, OPERATION);
        let xml = self.session.state.xml(&self.domain, XmlKind::Live).await;
        let aliases = parse(&xml.map_err(failure(OPERATION))?)?.aliases();
        let indices = |first| order.indices(first).ok_or_else(error);
        let (old, new) = (indices(from)?, indices(to)?);
        let changes: Vec<_> = old.iter().zip(&new).filter(|(old, new)| old.1 != new.1).collect();
        let alias = |key: &DeviceKey| {
            let found = aliases.iter().find(|(other, _)| other == key);
            found.map(|(_, alias)| alias.as_str()).ok_or_else(error)
        };
        // No two devices may have the same index: first those that change have none.
        for ((key, old), _) in &changes {
            if old.is_some() {
                self.set_index(alias(key)?, -1).await?;
            }
        }
        for (_, (key, new)) in &changes {
            if let Some(index) = new {
                self.set_index(alias(key)?, i64::from(*index)).await?;
            }
        }
        Ok(())
    }

    async fn set_index(&self, alias: &str, index: i64) -> Result<(), BackendError> {
        // libvirt's aliases are letters, digits and `-_.`; a user's begin with `ua-`, of the same letters.
        let command = format!(
            "{{\"execute\":\"qom-set\",\"arguments\":{{\"path\":\"/machine/peripheral/{alias}\",\
             \"property\":\"bootindex\",\"value\":{index}}}}}"
        );
        let session: &Arc<_> = &self.session;
        session.monitor(&self.domain, &command).await
    }
}
