//! Tasks: what PVE works on after it has answered.

use core::fmt;
use core::time::Duration;
use std::time::Instant;

use serde_json::Value;

use crate::client::{ApiError, Call, Client};
use crate::value::{Object, objects};

/// Looks at a task: soon after it began, then at this pace.
const FIRST_LOOK: Duration = Duration::from_millis(300);
const LOOK: Duration = Duration::from_millis(700);
/// A task that is looked at for longer than this is looked at less often.
const PATIENCE: Duration = Duration::from_secs(20);
const SLOW_LOOK: Duration = Duration::from_secs(2);
/// Lines of a failed task's log that are told.
const LOG_LINES: usize = 3;
/// Longest UPID that is taken.
const UPID_LIMIT: usize = 256;

/// Number of a task, unique in the cluster: `UPID:NODE:PID:START:TIME:TYPE:ID:USER:`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Upid {
    text: String,
    node: String,
}

impl Upid {
    /// Reads one. It becomes part of a path, so nothing else may be in it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let parts: Vec<_> = text.split(':').collect();
        let ["UPID", node, pid, start, time, kind, _id, user, ""] = parts.as_slice() else {
            return None;
        };
        let hexadecimal = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        let plain = text.len() <= UPID_LIMIT
            && [pid, start, time].into_iter().all(hexadecimal)
            && !node.is_empty()
            && !kind.is_empty()
            && !user.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !b"/?#%".contains(&byte));
        plain.then(|| Self {
            text: text.to_owned(),
            node: (*node).to_owned(),
        })
    }

    /// Reads the answer of a call that starts a task.
    pub(crate) fn of_answer(request: &str, answer: &Value) -> Result<Self, ApiError> {
        let upid = answer.as_str().and_then(Self::parse);
        upid.ok_or_else(|| ApiError::Malformed {
            request: request.to_owned(),
            reason: "it is no task".to_owned(),
        })
    }

    fn path(&self) -> String {
        format!("/nodes/{}/tasks/{}", self.node, self.text)
    }
}

impl fmt::Display for Upid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether an exit status is that of a task that did its work.
fn is_success(exit_status: &str) -> bool {
    let warnings = exit_status.strip_prefix("WARNINGS: ");
    exit_status == "OK" || warnings.is_some_and(|count| count.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Waits for the end of a task.
///
/// Node and network may fail meanwhile: the task is looked at again until `limit` has passed.
pub(crate) async fn finished(client: &Client, upid: &Upid, limit: Duration) -> Result<(), ApiError> {
    let started = Instant::now();
    let mut pause = FIRST_LOOK;
    loop {
        tokio::time::sleep(pause).await;
        let waited = started.elapsed();
        match client.ask(Call::get(format!("{}/status", upid.path()))).await {
            Ok(status) => {
                let status = Object::new(&status);
                if status.text("status").as_deref() == Some("stopped") {
                    let exit_status = status.text("exitstatus").unwrap_or_default();
                    return end(client, upid, exit_status).await;
                }
            }
            Err(
                error @ (ApiError::Unreachable { .. }
                | ApiError::Timeout { .. }
                | ApiError::NodeOffline { .. }),
            ) if waited < limit => {
                tracing::debug!(%upid, %error, "cannot look at a task");
            }
            Err(error) => return Err(error),
        }
        if waited >= limit {
            return Err(ApiError::TaskTimeout {
                upid: upid.to_string(),
                after: limit,
            });
        }
        pause = if waited < PATIENCE { LOOK } else { SLOW_LOOK };
    }
}

/// What the end of a task means.
async fn end(client: &Client, upid: &Upid, exit_status: String) -> Result<(), ApiError> {
    if is_success(&exit_status) {
        return Ok(());
    }
    // Without a log there is still the exit status.
    let log = client
        .ask(Call::get(format!("{}/log", upid.path())).with("limit", 500))
        .await;
    let lines: Vec<_> = log
        .iter()
        .flat_map(objects)
        .filter_map(|line| line.text("t"))
        .filter(|line| !line.trim().is_empty())
        .collect();
    let log = lines.iter().rev().take(LOG_LINES).rev().cloned().collect();
    Err(ApiError::TaskFailed {
        upid: upid.to_string(),
        exit_status,
        log,
    })
}

/// Ends a task, if it still runs.
pub(crate) async fn abort(client: &Client, upid: &Upid) -> Result<(), ApiError> {
    client.ask(Call::delete(upid.path())).await.map(|_| ())
}

/// The tasks of a guest of this type that run now on a node.
pub(crate) async fn running(
    client: &Client,
    node: &str,
    vmid: u32,
    kind: &str,
) -> Result<Vec<Upid>, ApiError> {
    let call = Call::get(format!("/nodes/{node}/tasks"))
        .with("source", "active")
        .with("vmid", vmid)
        .with("typefilter", kind);
    let tasks = client.ask(call).await?;
    let unfinished = objects(&tasks).filter(|task| task.member("endtime").is_none());
    Ok(unfinished
        .filter_map(|task| Upid::parse(&task.text("upid")?))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upids_of_real_daemons_are_read() {
        for (text, node) in [
            (
                "UPID:pve1:000000CC:00038AD8:6B025D72:qmstart:100:root@pam!bmc:",
                "pve1",
            ),
            (
                "UPID:pve-2:0000CC:123456789:6B025D72:startall::root@pam:",
                "pve-2",
            ),
        ] {
            let upid = Upid::parse(text);
            assert_eq!(upid.map(|upid| upid.node).as_deref(), Some(node), "{text}");
        }
        for text in [
            "",
            "UPID:bad",
            "UPID:pve1:000000CC:00038AD8:6B025D72:qmstart:100:root@pam!bmc",
            "UPID:../x:000000CC:00038AD8:6B025D72:qmstart:100:root@pam:",
            "UPID:pve1:xx:00038AD8:6B025D72:qmstart:100:root@pam:",
        ] {
            assert_eq!(Upid::parse(text), None, "{text}");
        }
    }

    #[test]
    fn warnings_are_no_failure() {
        for text in ["OK", "WARNINGS: 1", "WARNINGS: 12"] {
            assert!(is_success(text), "{text}");
        }
        for text in ["", "unexpected status", "WARNINGS: x", "VM 100 already running"] {
            assert!(!is_success(text), "{text}");
        }
    }
}
