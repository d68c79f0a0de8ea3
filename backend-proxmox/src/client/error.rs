//! What goes wrong with a request, told apart by what a user can do about it.

use core::time::Duration;
use std::collections::BTreeMap;
use std::error::Error;

use ipmi_server::backend::{BackendError, BackendErrorKind};
use thiserror::Error as ThisError;

/// Why the API of a cluster did not do what it was asked.
///
/// `request` says which call it was (`POST /nodes/pve1/qemu/100/status/start`). No variant holds a secret.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum ApiError {
    /// No endpoint could be reached.
    #[error(
        "{request}: cannot reach {endpoint}: check the address, the network and that pveproxy runs there"
    )]
    Unreachable {
        /// The call.
        request: String,
        /// The endpoint that was tried last.
        endpoint: String,
        /// What happened.
        source: Box<dyn Error + Send + Sync>,
        /// Whether the request had not left yet: it certainly did nothing.
        unsent: bool,
    },
    /// The server's certificate is not trusted.
    #[error(
        "{request}: the certificate of {endpoint} is not trusted: give `ca_file` (/etc/pve/pve-root-ca.pem of the \
         cluster) or its `fingerprint`"
    )]
    Certificate {
        /// The call.
        request: String,
        /// The endpoint.
        endpoint: String,
        /// What is wrong with it.
        source: Box<dyn Error + Send + Sync>,
    },
    /// No answer in time. Whether the call did something is not known.
    #[error("{request}: no answer within {} s: check the load of the node", .after.as_secs_f64())]
    Timeout {
        /// The call.
        request: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// The token or password is wrong, expired or disabled.
    #[error("{request}: the credentials are refused ({reason}): check token, secret and expiry")]
    Credentials {
        /// The call.
        request: String,
        /// What PVE says.
        reason: String,
    },
    /// The credentials lack a privilege.
    #[error(
        "{request}: the privilege {privilege} on {path} is missing: give the token's role this privilege"
    )]
    Privilege {
        /// The call.
        request: String,
        /// The privilege, or several that would each do, joined with `|`.
        privilege: String,
        /// The path of the object.
        path: String,
    },
    /// The guest does not exist, or not on this node.
    #[error("{request}: there is no such guest ({reason}): check its VMID")]
    NoSuchGuest {
        /// The call.
        request: String,
        /// What PVE says.
        reason: String,
    },
    /// The node of the guest cannot be reached by the others.
    #[error("{request}: the node is offline ({status} {reason})")]
    NodeOffline {
        /// The call.
        request: String,
        /// PVE's status code (595 to 599).
        status: u16,
        /// What PVE says.
        reason: String,
    },
    /// The cluster lacks the majority of its nodes.
    #[error("{request}: the cluster has no quorum: bring the majority of its nodes back")]
    NoQuorum {
        /// The call.
        request: String,
    },
    /// PVE refuses parameters.
    #[error("{request}: PVE refuses {}", listed(.errors, .reason))]
    Parameter {
        /// The call.
        request: String,
        /// PVE's text for each parameter.
        errors: BTreeMap<String, String>,
        /// PVE's text for the whole.
        reason: String,
    },
    /// Another operation holds the guest.
    #[error("{request}: the guest is locked ({reason}): wait for the operation that holds it")]
    Locked {
        /// The call.
        request: String,
        /// What PVE says.
        reason: String,
    },
    /// Somebody changed the configuration at the same time.
    #[error("{request}: somebody changed the configuration at the same time: try again")]
    ConfigurationChanged {
        /// The call.
        request: String,
    },
    /// The present state of the guest forbids it.
    #[error("{request}: the present state of the guest forbids it ({reason})")]
    InvalidState {
        /// The call.
        request: String,
        /// What PVE says.
        reason: String,
    },
    /// A task that PVE had accepted failed.
    #[error("task {upid} failed: {exit_status}{}", excerpt(.log))]
    TaskFailed {
        /// The task.
        upid: String,
        /// Its exit status.
        exit_status: String,
        /// The last lines of its log.
        log: Vec<String>,
    },
    /// A task did not end in time.
    #[error("task {upid} did not end within {} s: look at it in the web interface", .after.as_secs())]
    TaskTimeout {
        /// The task.
        upid: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// The console ended before it could be used.
    #[error("cannot open the console: {reason}")]
    Console {
        /// What happened, and what to do.
        reason: String,
    },
    /// The program is ending.
    #[error("the program is ending")]
    Ending,
    /// What must be remembered to put a boot order back cannot be stored.
    #[error("cannot keep the boot order of guest {vmid}, so it is not changed: check the state directory")]
    Journal {
        /// The guest.
        vmid: u32,
        /// What the file system says.
        source: std::io::Error,
    },
    /// Something that is not there in this version or on this guest.
    #[error("{what}")]
    Unsupported {
        /// What, and why.
        what: String,
    },
    /// PVE refuses for another reason.
    #[error("{request}: {status} {reason}")]
    Refused {
        /// The call.
        request: String,
        /// PVE's status code.
        status: u16,
        /// What PVE says.
        reason: String,
    },
    /// The answer cannot be understood.
    #[error("{request}: cannot understand the answer ({reason}): is this a Proxmox VE API?")]
    Malformed {
        /// The call.
        request: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ApiError {
    /// What a BMC's client is told.
    #[must_use]
    pub fn kind(&self) -> BackendErrorKind {
        match self {
            Self::Unreachable { .. }
            | Self::Certificate { .. }
            | Self::NodeOffline { .. }
            | Self::NoQuorum { .. }
            | Self::Ending => BackendErrorKind::Unavailable,
            Self::Timeout { .. } | Self::TaskTimeout { .. } => BackendErrorKind::Timeout,
            Self::Credentials { .. } | Self::Privilege { .. } => BackendErrorKind::Denied,
            Self::NoSuchGuest { .. } => BackendErrorKind::NotFound,
            Self::Locked { .. } | Self::ConfigurationChanged { .. } => BackendErrorKind::Busy,
            Self::InvalidState { .. } => BackendErrorKind::InvalidState,
            Self::Unsupported { .. } => BackendErrorKind::Unsupported,
            Self::TaskFailed {
                upid, exit_status, ..
            } => match by_text(upid, exit_status) {
                Some(error) => error.kind(),
                None => BackendErrorKind::Other,
            },
            Self::Journal { .. }
            | Self::Parameter { .. }
            | Self::Console { .. }
            | Self::Refused { .. }
            | Self::Malformed { .. } => BackendErrorKind::Other,
        }
    }

    /// The error as a BMC takes it; `operation` says what was being done.
    #[must_use]
    pub fn into_backend(self, operation: &'static str) -> BackendError {
        BackendError::new(self.kind(), operation).with_source(self)
    }

    /// Whether the guest is not where it was looked for: it may have moved.
    pub(crate) fn is_elsewhere(&self) -> bool {
        match self {
            Self::NoSuchGuest { .. } | Self::NodeOffline { .. } => true,
            Self::TaskFailed { exit_status, .. } => is_missing(exit_status),
            _ => false,
        }
    }

    /// Whether the lock file was busy for longer than PVE waits: trying again helps.
    pub(crate) fn is_lock_timeout(&self) -> bool {
        match self {
            Self::Locked { reason, .. } => is_lock_timeout(reason),
            Self::TaskFailed { exit_status, .. } => is_lock_timeout(exit_status),
            _ => false,
        }
    }

    /// Whether the request certainly did nothing, so that it may be sent again.
    pub(crate) const fn did_nothing(&self) -> bool {
        match self {
            Self::Unreachable { unsent, .. } => *unsent,
            Self::Timeout { .. } | Self::Malformed { .. } => false,
            // 595: no connection to the node. Otherwise the node may have got the request.
            Self::NodeOffline { status, .. } => *status == 595,
            _ => true,
        }
    }
}

/// PVE's text for what is refused, made one line.
fn listed(errors: &BTreeMap<String, String>, reason: &str) -> String {
    if errors.is_empty() {
        return format!("the parameters: {reason}");
    }
    let errors = errors
        .iter()
        .map(|(name, text)| format!("{name}: {}", one_line(text)));
    errors.collect::<Vec<_>>().join("; ")
}

fn excerpt(log: &[String]) -> String {
    if log.is_empty() {
        return String::new();
    }
    format!(" (log: {})", log.join(" / "))
}

/// Text of PVE in one line.
pub(crate) fn one_line(text: &str) -> String {
    let parts: Vec<_> = text.split(['\n', '\r']).map(str::trim).collect();
    parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn is_missing(text: &str) -> bool {
    text.contains("Configuration file") && text.contains("does not exist")
}

fn is_lock_timeout(text: &str) -> bool {
    text.contains("can't lock file") || text.contains("can't acquire lock")
}

/// What a text of PVE means, where a text is all there is: an answer 500, or the end of a task.
pub(crate) fn by_text(request: &str, text: &str) -> Option<ApiError> {
    let reason = one_line(text);
    let request = request.to_owned();
    if is_missing(text) {
        return Some(ApiError::NoSuchGuest { request, reason });
    }
    if text.contains("no quorum") {
        return Some(ApiError::NoQuorum { request });
    }
    if is_lock_timeout(text) || text.contains(" is locked (") || text.contains(" is locked\n") {
        return Some(ApiError::Locked { request, reason });
    }
    if text.contains("checksum mis") {
        return Some(ApiError::ConfigurationChanged { request });
    }
    if text.contains("hostname lookup") || text.contains("no such cluster node") {
        return Some(ApiError::NodeOffline {
            request,
            status: 500,
            reason,
        });
    }
    if text.contains("root-only command") || text.contains("limiting to root user") {
        return Some(ApiError::Privilege {
            request,
            privilege: "root@pam with a password".to_owned(),
            path: "/".to_owned(),
        });
    }
    let forbids = [" not running", " is not running", " is paused", "already running"];
    if forbids.iter().any(|part| text.contains(part)) {
        return Some(ApiError::InvalidState { request, reason });
    }
    None
}

/// What an answer that is no success means.
///
/// `reason` is the reason phrase or the message of the body, `errors` PVE's text for each parameter.
pub(crate) fn by_status(
    request: &str,
    status: u16,
    reason: &str,
    errors: BTreeMap<String, String>,
) -> ApiError {
    let request = request.to_owned();
    match status {
        401 => ApiError::Credentials {
            request,
            reason: one_line(reason),
        },
        403 => missing_privilege(request, reason),
        400 if !errors.is_empty() || reason.contains("Parameter verification") => ApiError::Parameter {
            request,
            errors,
            reason: one_line(reason),
        },
        // AnyEvent's codes for a node that the answering node could not pass the request on to.
        595..=599 => ApiError::NodeOffline {
            request,
            status,
            reason: one_line(reason),
        },
        502..=504 => ApiError::Unreachable {
            endpoint: "the API behind the proxy".to_owned(),
            source: format!("{status} {}", one_line(reason)).into(),
            request,
            unsent: false,
        },
        _ => by_text(&request, reason).unwrap_or_else(|| ApiError::Refused {
            request,
            status,
            reason: one_line(reason),
        }),
    }
}

/// `Permission check failed (/vms/100, VM.PowerMgmt)`.
fn missing_privilege(request: String, reason: &str) -> ApiError {
    let inner = reason
        .split_once("Permission check failed (")
        .and_then(|(_, rest)| rest.split_once(')'));
    match inner.and_then(|(inner, _)| inner.split_once(", ")) {
        Some((path, privilege)) => ApiError::Privilege {
            request,
            privilege: privilege.to_owned(),
            path: path.to_owned(),
        },
        None => ApiError::Refused {
            request,
            status: 403,
            reason: one_line(reason),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: u16, reason: &str) -> BackendErrorKind {
        by_status("GET /x", status, reason, BTreeMap::new()).kind()
    }

    #[test]
    fn texts_of_all_versions_have_their_meaning() {
        let rows = [
            (401, "invalid token value!", BackendErrorKind::Denied),
            (401, "Authentication failed!", BackendErrorKind::Denied),
            (
                403,
                "Permission check failed (/vms/100, VM.PowerMgmt)",
                BackendErrorKind::Denied,
            ),
            (
                500,
                "Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist",
                BackendErrorKind::NotFound,
            ),
            (500, "VM is locked (backup)", BackendErrorKind::Busy),
            (500, "CT is locked (snapshot)", BackendErrorKind::Busy),
            (
                500,
                "can't lock file '/var/lock/qemu-server/lock-100.conf' - got timeout",
                BackendErrorKind::Busy,
            ),
            (
                500,
                "checksum missmatch (file change by other user?)",
                BackendErrorKind::Busy,
            ),
            (
                500,
                "detected modified configuration - file changed by other user? Try again. checksum mismatch (..)",
                BackendErrorKind::Busy,
            ),
            (
                500,
                "cluster not ready - no quorum?",
                BackendErrorKind::Unavailable,
            ),
            (595, "Connection refused", BackendErrorKind::Unavailable),
            (596, "Connection timed out", BackendErrorKind::Unavailable),
            (500, "VM 100 not running", BackendErrorKind::InvalidState),
            (500, "CT 300 not running", BackendErrorKind::InvalidState),
            (
                500,
                "VM is paused - cannot shutdown",
                BackendErrorKind::InvalidState,
            ),
            (500, "root-only command 'nmi'", BackendErrorKind::Denied),
            (
                500,
                "hostname lookup 'x' failed - failed to get address info",
                BackendErrorKind::Unavailable,
            ),
            (500, "something else", BackendErrorKind::Other),
        ];
        for (status, reason, expected) in rows {
            assert_eq!(kind(status, reason), expected, "{status} {reason}");
        }
    }

    #[test]
    fn missing_privilege_is_named() {
        let error = by_status(
            "POST /x",
            403,
            "Permission check failed (/vms/100, VM.PowerMgmt)",
            BTreeMap::new(),
        );
        let text = error.to_string();
        assert!(text.contains("VM.PowerMgmt on /vms/100"), "{text}");
    }

    #[test]
    fn only_what_did_nothing_is_sent_again() {
        let at = |status| by_status("POST /x", status, "Connection timed out", BTreeMap::new());
        assert!(at(595).did_nothing());
        assert!(!at(596).did_nothing());
        let timeout = ApiError::Timeout {
            request: String::new(),
            after: Duration::ZERO,
        };
        assert!(!timeout.did_nothing());
    }

    #[test]
    fn failed_tasks_have_the_meaning_of_their_text() {
        let failed = |text: &str| ApiError::TaskFailed {
            upid: "UPID".to_owned(),
            exit_status: text.to_owned(),
            log: vec!["TASK ERROR".to_owned()],
        };
        assert_eq!(failed("VM is locked (backup)").kind(), BackendErrorKind::Busy);
        assert!(failed("can't lock file '/x' - got timeout").is_lock_timeout());
        assert!(failed("Configuration file 'nodes/a/qemu-server/1.conf' does not exist").is_elsewhere());
        assert_eq!(failed("start failed").kind(), BackendErrorKind::Other);
        assert!(failed("start failed").to_string().contains("TASK ERROR"));
    }
}
