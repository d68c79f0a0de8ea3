//! Power: each action is an operation of its own that goes on when nobody waits for it any more.

use core::time::Duration;
use std::sync::Arc;

use ipmi_server::backend::{BackendError, BackendErrorKind, BackendEvent, BootDevice, PowerAction};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::LibvirtMachine;
use super::boot::Reboot;
use crate::failure::{failure, with_causes};
use crate::hypervisor::{Entry, Session, Shared};
use crate::rpc::{Client, Domain, DomainState, RpcError, XmlKind};
use crate::xml::Firmware;

/// libvirt has accepted what it has not refused within this time. Clients ask again after a second.
const GRACE: Duration = Duration::from_millis(300);
/// Opening a console before the guest runs must not hold up the start.
const CONSOLE_LIMIT: Duration = Duration::from_secs(3);

/// Says whether the action was accepted.
type Accepted = oneshot::Sender<Result<(), BackendError>>;

/// One action under way.
pub(super) struct Operation {
    pub(super) shared: Arc<Shared>,
    pub(super) entry: Arc<Entry>,
    pub(super) session: Arc<Session>,
    pub(super) domain: Domain,
    pub(super) firmware: Option<Firmware>,
    pub(super) has_console: bool,
}

impl LibvirtMachine {
    /// Starts an action; returns when libvirt has accepted or refused it.
    pub(super) async fn change_power(&self, action: PowerAction) -> Result<(), BackendError> {
        let operation = Operation {
            shared: Arc::clone(&self.hypervisor.shared),
            entry: Arc::clone(&self.entry),
            session: self.session()?,
            domain: self.entry.domain(),
            firmware: self.description.firmware,
            has_console: self.description.has_console,
        };
        let (accepted, answer) = oneshot::channel();
        // A task of its own: what has begun is brought to its end, whoever waits.
        self.hypervisor
            .shared
            .runtime
            .spawn(operation.run(action, accepted));
        let lost = |_| BackendError::new(BackendErrorKind::Other, "change the domain's power");
        answer.await.map_err(lost)?
    }
}

impl Operation {
    async fn run(self, action: PowerAction, accepted: Accepted) {
        let _turn = self.entry.turn.lock().await;
        let work = self.act(action);
        tokio::pin!(work);
        match timeout(GRACE, &mut work).await {
            Ok(result) => {
                if let Err(Err(error)) = accepted.send(result) {
                    self.tell_failure(&error);
                }
            }
            Err(_) => {
                // An error: nobody waits.
                let _ = accepted.send(Ok(()));
                if let Err(error) = work.await {
                    self.tell_failure(&error);
                }
            }
        }
        self.shared.refresh_soon(&self.entry);
    }

    fn tell_failure(&self, error: &BackendError) {
        let reason = with_causes(error);
        tracing::warn!(domain = self.domain.name, reason, "an operation failed");
        self.entry.tell(&BackendEvent::ActionFailed { reason });
    }

    async fn act(&self, action: PowerAction) -> Result<(), BackendError> {
        let state = self.session.state.state(&self.domain).await;
        let (state, _) = state.map_err(failure("ask for the domain's state"))?;
        let operations = &self.session.operations;
        match (action, state) {
            (PowerAction::On, DomainState::ShutOff) => self.start().await,
            (PowerAction::On, DomainState::Paused) => operations
                .resume(&self.domain)
                .await
                .map_err(failure("resume the domain")),
            (PowerAction::On, DomainState::PmSuspended) => operations
                .wake_up(&self.domain)
                .await
                .map_err(failure("wake the domain up")),
            (PowerAction::On, _) | (PowerAction::Off, DomainState::ShutOff) => Ok(()),
            (PowerAction::Off, _) => self.stop().await,
            (_, DomainState::ShutOff) => Err(BackendError::new(
                BackendErrorKind::InvalidState,
                "act on a domain that is off",
            )),
            (PowerAction::Reset, state) => self.reset(state).await,
            (PowerAction::SoftOff, _) => {
                let pressed = operations.shutdown(&self.domain).await;
                pressed.map_err(failure("press the domain's power button"))
            }
            (PowerAction::DiagnosticInterrupt, _) => {
                let injected = operations.inject_nmi(&self.domain).await;
                injected.map_err(failure("send the domain a diagnostic interrupt"))
            }
            _ => Err(BackendError::new(
                BackendErrorKind::Unsupported,
                "act on the domain",
            )),
        }
    }

    async fn stop(&self) -> Result<(), BackendError> {
        match self.session.operations.destroy(&self.domain).await {
            // It went off by itself meanwhile.
            Err(RpcError::Libvirt(error)) if error.code == crate::rpc::ErrorCode::OPERATION_INVALID => Ok(()),
            result => result.map_err(failure("stop the domain")),
        }
    }

    /// Starts the domain, with the boot override that waits for it.
    async fn start(&self) -> Result<(), BackendError> {
        let wanted = self.entry.boot(|boot| boot.once);
        let waits = self.has_console && self.entry.is_console_wanted();
        let created = match wanted {
            Some(wanted) => self.create_once(wanted.device, waits).await,
            None => {
                let created = self.session.operations.create(&self.domain, waits).await;
                created.map_err(failure("start the domain"))
            }
        };
        match created {
            Ok(_) => {}
            Err(error) if error.kind() == BackendErrorKind::InvalidState => {
                // Somebody else was quicker: it runs, and not with our override.
                return if wanted.is_none() { Ok(()) } else { Err(error) };
            }
            Err(error) => return Err(error),
        }
        if let Some(wanted) = wanted {
            self.entry.boot(|boot| boot.once = None);
            if wanted.device == BootDevice::FirmwareSetup {
                self.shared.runtime.spawn(press_menu_key(
                    Arc::clone(&self.session),
                    self.domain.clone(),
                    self.firmware,
                ));
            } else {
                self.restore_after_start(wanted.device).await;
            }
        }
        if waits {
            self.keep_console().await;
            let resumed = self.session.operations.resume(&self.domain).await;
            resumed.map_err(failure("let the started domain run"))?;
        }
        Ok(())
    }

    /// Starts the domain from a copy of its definition with another boot order. The definition stays.
    async fn create_once(&self, device: BootDevice, paused: bool) -> Result<Domain, BackendError> {
        let operations = &self.session.operations;
        let saved = operations.has_managed_save(&self.domain).await;
        if saved.map_err(failure("look for a saved state of the domain"))? {
            // To boot from elsewhere is to boot anew: what was saved would be resumed later, over changed disks.
            tracing::warn!(
                domain = self.domain.name,
                "boot override: the saved state of the domain is dropped"
            );
            let removed = operations.remove_managed_save(&self.domain).await;
            removed.map_err(failure("drop the saved state of the domain"))?;
        }
        let xml = self.definition().await?;
        let order = super::boot::parse(&xml)?;
        let edited = order.first(&xml, device).ok_or_else(|| {
            BackendError::new(
                BackendErrorKind::Unsupported,
                "boot the domain from a device that it lacks",
            )
        })?;
        let created = operations.create_xml(&edited, paused).await;
        created.map_err(failure("start the domain with another boot order"))
    }

    pub(super) async fn definition(&self) -> Result<String, BackendError> {
        let xml = self.session.state.xml(&self.domain, XmlKind::Definition).await;
        xml.map_err(failure("read the domain's definition"))
    }

    /// Opens the console of a guest that does not run yet: so nothing that it says is lost.
    async fn keep_console(&self) {
        let open = async {
            let client = Client::open_for_console(&self.shared.uri, CONSOLE_LIMIT)
                .await
                .ok()?;
            client
                .open_console(&self.domain, self.shared.options.force_console)
                .await
                .ok()
        };
        match timeout(CONSOLE_LIMIT, open).await {
            Ok(Some(stream)) => self.entry.keep_console(stream),
            _ => tracing::debug!(
                domain = self.domain.name,
                "the console could not be opened before the start"
            ),
        }
    }

    async fn reset(&self, state: DomainState) -> Result<(), BackendError> {
        let wanted = self.entry.boot(|boot| boot.once);
        if let Some(wanted) = wanted {
            match self.reset_once(wanted.device).await {
                Reboot::Done => {
                    self.entry.boot(|boot| boot.once = None);
                    return self.run_on(state).await;
                }
                Reboot::Impossible(error) => {
                    // Without QEMU's monitor: off and on has the same effect, and the override is kept.
                    tracing::info!(
                        domain = self.domain.name,
                        reason = with_causes(&error),
                        "boot override: the reset is done as power cycle"
                    );
                    self.stop().await?;
                    return self.start().await;
                }
            }
        }
        self.reset_plainly().await?;
        self.run_on(state).await
    }

    pub(super) async fn reset_plainly(&self) -> Result<(), BackendError> {
        self.entry.resetting(true);
        let reset = self.session.operations.reset(&self.domain).await;
        match reset {
            Ok(()) => self.entry.reset_done(),
            Err(_) => self.entry.resetting(false),
        }
        reset.map_err(failure("reset the domain"))
    }

    /// A paused domain that was reset is still paused.
    async fn run_on(&self, state: DomainState) -> Result<(), BackendError> {
        if state != DomainState::Paused {
            return Ok(());
        }
        let resumed = self.session.operations.resume(&self.domain).await;
        resumed.map_err(failure("let the domain run after its reset"))
    }
}

/// Presses the key that opens the firmware's menu while the firmware waits for it.
async fn press_menu_key(session: Arc<Session>, domain: Domain, firmware: Option<Firmware>) {
    const ESCAPE: u32 = 1;
    const F2: u32 = 60;
    // SeaBIOS takes a second Escape for "leave the menu"; UEFI looks for F2 now and then.
    let (key, first, times) = match firmware {
        Some(Firmware::Uefi) => (F2, Duration::from_millis(2_500), 10),
        _ => (ESCAPE, Duration::from_millis(1_500), 1),
    };
    tokio::time::sleep(first).await;
    for _ in 0..times {
        if let Err(error) = session.state.send_key(&domain, key).await {
            tracing::debug!(domain = domain.name, %error, "the key of the firmware's menu could not be pressed");
            return;
        }
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
}
