//! What libvirt tells without being asked.

use super::types::Domain;
use super::xdr::{Decode, Reader, XdrError};

/// An event of a domain, or of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A domain began or stopped to run, was defined, ...
    Lifecycle {
        /// The domain.
        domain: Domain,
        /// What happened.
        event: Lifecycle,
        /// Why; the meaning depends on the event.
        detail: i32,
    },
    /// The guest was reset, or rebooted. Comes two or three times for one reset.
    Reboot(Domain),
    /// The guest's watchdog ran out.
    Watchdog {
        /// The domain.
        domain: Domain,
        /// What was done (virDomainEventWatchdogAction).
        action: i32,
    },
    /// A disk failed.
    IoError {
        /// The domain.
        domain: Domain,
        /// The file or device.
        path: String,
        /// Alias of the disk.
        device: String,
        /// What was done (virDomainEventIOErrorAction).
        action: i32,
        /// Such as `enospc`.
        reason: String,
    },
    /// libvirt lost the domain's monitor.
    ControlError(Domain),
    /// A drive was opened or closed.
    TrayChange {
        /// The domain.
        domain: Domain,
        /// Alias of the drive.
        device: String,
        /// 0: opened, 1: closed.
        reason: i32,
    },
    /// The guest woke up.
    PmWakeup(Domain),
    /// The guest suspended itself to memory.
    PmSuspend(Domain),
    /// The guest suspended itself to disk.
    PmSuspendDisk(Domain),
    /// The guest agent came (state 1) or went (2).
    AgentLifecycle {
        /// The domain.
        domain: Domain,
        /// 1: connected, 2: disconnected.
        state: i32,
    },
    /// The domain's metadata changed.
    MetadataChange {
        /// The domain.
        domain: Domain,
        /// Namespace of the element, for metadata that has one.
        uri: Option<String>,
    },
    /// Memory of the host or of the guest failed.
    MemoryFailure {
        /// The domain.
        domain: Domain,
        /// 0: hypervisor, 1: guest.
        recipient: i32,
        /// What was done (virDomainEventMemoryFailureActionType).
        action: i32,
        /// Whether it must be dealt with at once (1), whether it is one in a row (2).
        flags: u32,
    },
    /// libvirt lost its connection to the hypervisor.
    ConnectionClosed,
}

/// What happened to a domain (virDomainEventType).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lifecycle {
    /// Its definition was made (detail 0), changed (1), renamed (2), or taken from a snapshot (3).
    Defined,
    /// Its definition was removed.
    Undefined,
    /// It began to run: booted (0), migrated (1), restored (2), from a snapshot (3), woken up (4).
    Started,
    /// Paused: by somebody (0), migration (1), an I/O error (2), its watchdog (3), ...
    Suspended,
    /// Goes on.
    Resumed,
    /// Stopped: shut down (0), destroyed (1), crashed (2), migrated (3), saved (4), failed (5), snapshot (6).
    Stopped,
    /// The guest finished its shutdown: by itself (1), at the host's request (2).
    Shutdown,
    /// Suspended by its own operating system.
    PmSuspended,
    /// Crashed: panicked (0), crash loaded (1).
    Crashed,
    /// Something that this client does not know.
    Other(i32),
}

impl From<i32> for Lifecycle {
    fn from(number: i32) -> Self {
        match number {
            0 => Self::Defined,
            1 => Self::Undefined,
            2 => Self::Started,
            3 => Self::Suspended,
            4 => Self::Resumed,
            5 => Self::Stopped,
            6 => Self::Shutdown,
            7 => Self::PmSuspended,
            8 => Self::Crashed,
            other => Self::Other(other),
        }
    }
}

/// An event that can be subscribed to (virDomainEventID).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventId(pub(crate) i32);

impl EventId {
    /// Every event that [`Event`] has.
    pub const ALL: [Self; 12] = [
        Self(0),
        Self(1),
        Self(3),
        Self(6),
        Self(7),
        Self(10),
        Self(11),
        Self(12),
        Self(14),
        Self(18),
        Self(23),
        Self(25),
    ];
}

impl Event {
    /// Which domain it is about.
    #[must_use]
    pub const fn domain(&self) -> Option<&Domain> {
        match self {
            Self::Lifecycle { domain, .. }
            | Self::Reboot(domain)
            | Self::Watchdog { domain, .. }
            | Self::IoError { domain, .. }
            | Self::ControlError(domain)
            | Self::TrayChange { domain, .. }
            | Self::PmWakeup(domain)
            | Self::PmSuspend(domain)
            | Self::PmSuspendDisk(domain)
            | Self::AgentLifecycle { domain, .. }
            | Self::MetadataChange { domain, .. }
            | Self::MemoryFailure { domain, .. } => Some(domain),
            Self::ConnectionClosed => None,
        }
    }

    /// The event in the body of a message; `None` for one that nobody subscribed to. All but the last begin
    /// with the number of the subscription.
    pub(crate) fn decode(procedure: u32, body: &[u8]) -> Result<Option<Self>, XdrError> {
        let input = &mut Reader::new(body);
        if procedure == 362 {
            return Ok(Some(Self::ConnectionClosed));
        }
        let _subscription = i32::decode(input)?;
        Ok(Some(match procedure {
            318 => {
                let (domain, event, detail) = <(_, i32, _)>::decode(input)?;
                Self::Lifecycle {
                    domain,
                    event: event.into(),
                    detail,
                }
            }
            319 => Self::Reboot(Decode::decode(input)?),
            321 => {
                let (domain, action) = Decode::decode(input)?;
                Self::Watchdog { domain, action }
            }
            324 => {
                let (domain, path, device, action, reason) = Decode::decode(input)?;
                Self::IoError {
                    domain,
                    path,
                    device,
                    action,
                    reason,
                }
            }
            325 => Self::ControlError(Decode::decode(input)?),
            328 => {
                let (domain, device, reason) = Decode::decode(input)?;
                Self::TrayChange {
                    domain,
                    device,
                    reason,
                }
            }
            329 => Self::PmWakeup(<(i32, _)>::decode(input)?.1),
            330 => Self::PmSuspend(<(i32, _)>::decode(input)?.1),
            332 => Self::PmSuspendDisk(<(i32, _)>::decode(input)?.1),
            348 => {
                let (domain, state) = Decode::decode(input)?;
                Self::AgentLifecycle { domain, state }
            }
            379 => {
                let (domain, _kind, uri) = <(_, i32, _)>::decode(input)?;
                Self::MetadataChange { domain, uri }
            }
            423 => {
                let (domain, recipient, action, flags) = Decode::decode(input)?;
                Self::MemoryFailure {
                    domain,
                    recipient,
                    action,
                    flags,
                }
            }
            _ => return Ok(None),
        }))
    }
}
