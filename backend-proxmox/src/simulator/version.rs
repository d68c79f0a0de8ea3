//! The three versions of Proxmox VE that the simulator can be, and how their answers differ.

/// A version of Proxmox VE: which one the simulated cluster runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PveVersion {
    /// Proxmox VE 7.4: errors stand in the reason phrase of the status line alone.
    V7,
    /// Proxmox VE 8.4: the first release with `message` in the body.
    V8,
    /// Proxmox VE 9.2: no `VM.Monitor`; consoles for API tokens.
    V9,
}

impl PveVersion {
    /// Every version, oldest first.
    pub const ALL: [Self; 3] = [Self::V7, Self::V8, Self::V9];

    /// As in `GET /version`: the version of the package, the release and the commit.
    pub(super) const fn release(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::V7 => ("7.4-3", "7", "a2b8ac2e2188fb22"),
            Self::V8 => ("8.4.1", "8.4", "825b122a3d29aa85"),
            Self::V9 => ("9.2.11", "9.2", "14a22df35955d97d"),
        }
    }

    /// The digit that stands for this version in the table of endpoints.
    pub(super) const fn digit(self) -> u8 {
        match self {
            Self::V7 => b'7',
            Self::V8 => b'8',
            Self::V9 => b'9',
        }
    }

    /// Errors are in the body too (pve-http-server 5.2.0 and later).
    pub(super) fn has_message(self) -> bool {
        self >= Self::V8
    }

    /// Every failed authentication gives the same reason phrase (pve-manager of 2026).
    pub(super) fn hides_authentication_failure(self) -> bool {
        self >= Self::V9
    }

    /// The text about a configuration that somebody else has changed; version 7 spells it its own way.
    pub(super) fn digest_mismatch(self) -> &'static str {
        match self {
            Self::V7 => "checksum missmatch (file change by other user?)",
            _ => "checksum mismatch (file change by other user?)",
        }
    }

    /// What the log of a shutdown calls the way to the agent that did not answer; version 7 does not say it.
    pub(super) fn agent_channel(self) -> Option<&'static str> {
        match self {
            Self::V7 => None,
            Self::V8 => Some("qmp"),
            Self::V9 => Some("qga"),
        }
    }

    /// The log's line about a machine that is ended because it did not shut down in time.
    pub(super) fn shutdown_forced(self) -> &'static str {
        match self {
            Self::V7 => "VM quit/powerdown failed - terminating now with SIGTERM",
            _ => "VM still running - terminating now with SIGTERM",
        }
    }

    /// The text of a shutdown that did not come to its end in time.
    pub(super) fn shutdown_timeout(self) -> &'static str {
        match self {
            Self::V7 => "VM quit/powerdown failed",
            _ => "VM quit/powerdown failed - got timeout",
        }
    }
}
