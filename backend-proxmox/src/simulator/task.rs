//! Tasks: what a call that takes long starts, with a number (UPID), a status and a log.

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::access::Caller;
use super::answer::ApiError;

/// Tasks that are remembered.
const TASKS: usize = 10_000;
/// Lines of a log that are kept.
const LINES: usize = 1000;

/// A task, running or over.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) upid: String,
    pub(super) node: String,
    pub(super) kind: String,
    /// What it works on: a VMID, or nothing.
    pub(super) id: String,
    pub(super) caller: Caller,
    pid: u32,
    process_start: u64,
    started: u64,
    ended: Option<u64>,
    /// `OK`, `WARNINGS: 1`, or what went wrong; `None` while it runs.
    pub(super) exit: Option<String>,
    log: Vec<String>,
    warnings: usize,
    /// Ends it from outside.
    pub(super) stop: CancellationToken,
}

impl Task {
    pub(super) fn is_running(&self) -> bool {
        self.exit.is_none()
    }

    pub(super) fn log(&mut self, line: impl Into<String>) {
        let line = line.into();
        if line.starts_with("WARN: ") {
            self.warnings += 1;
        }
        if self.log.len() < LINES {
            self.log.push(line);
        }
    }

    fn end(&mut self, result: Result<(), String>, now: u64) {
        let (exit, last) = match result {
            Err(error) => (error.clone(), format!("TASK ERROR: {error}")),
            Ok(()) if self.warnings > 0 => {
                let exit = format!("WARNINGS: {}", self.warnings);
                (exit.clone(), format!("TASK {exit}"))
            }
            Ok(()) => ("OK".to_owned(), "TASK OK".to_owned()),
        };
        self.log(last);
        self.exit = Some(exit);
        self.ended = Some(now);
    }

    /// As in `GET /nodes/{node}/tasks/{upid}/status`.
    pub(super) fn status(&self) -> Value {
        let mut row = self.row();
        let state = if self.is_running() { "running" } else { "stopped" };
        row.insert("status".to_owned(), json!(state));
        if let Some(exit) = &self.exit {
            row.insert("exitstatus".to_owned(), json!(exit));
        }
        Value::Object(row)
    }

    /// As in the list of a node's tasks.
    pub(super) fn listed(&self) -> Value {
        let mut row = self.row();
        if let (Some(exit), Some(ended)) = (&self.exit, self.ended) {
            row.insert("status".to_owned(), json!(exit));
            row.insert("endtime".to_owned(), json!(ended));
        }
        Value::Object(row)
    }

    /// As in the list of the cluster's tasks.
    pub(super) fn listed_in_cluster(&self) -> Value {
        let mut row = self.listed();
        if let Value::Object(row) = &mut row {
            row.remove("pid");
            row.remove("pstart");
            if self.exit.is_some() {
                row.insert("saved".to_owned(), json!("1"));
            }
        }
        row
    }

    fn row(&self) -> serde_json::Map<String, Value> {
        let mut row = serde_json::Map::new();
        row.insert("upid".to_owned(), json!(self.upid));
        row.insert("node".to_owned(), json!(self.node));
        row.insert("pid".to_owned(), json!(self.pid));
        row.insert("pstart".to_owned(), json!(self.process_start));
        row.insert("starttime".to_owned(), json!(self.started));
        row.insert("type".to_owned(), json!(self.kind));
        row.insert("id".to_owned(), json!(self.id));
        row.insert("user".to_owned(), json!(self.caller.user));
        if let Some(token) = &self.caller.token {
            row.insert("tokenid".to_owned(), json!(token));
        }
        row
    }

    /// Lines `start..start + limit` of the log, numbered from 1, and how many there are.
    pub(super) fn lines(&self, start: usize, limit: usize) -> (Value, usize) {
        let limit = if limit == 0 { usize::MAX } else { limit };
        let lines = self.log.iter().enumerate().skip(start).take(limit);
        (
            lines
                .map(|(index, text)| json!({"n": index + 1, "t": text}))
                .collect(),
            self.log.len(),
        )
    }

    /// The caller may look at it as its own: tokens see what they started, users also what their tokens did.
    pub(super) fn belongs_to(&self, caller: &Caller) -> bool {
        self.caller.user == caller.user && (caller.token.is_none() || self.caller.token == caller.token)
    }
}

/// All tasks of the cluster, oldest first.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    list: Vec<Task>,
}

impl Tasks {
    /// Registers a new task that runs in process `pid`; `now` in seconds since 1970.
    pub(super) fn start(
        &mut self,
        node: &str,
        kind: &str,
        id: &str,
        caller: &Caller,
        pid: u32,
        now: u64,
    ) -> &Task {
        // Process start times are counted in hundredths of a second since the node was started.
        let process_start = 230_000 + u64::from(pid) * 11;
        let user = caller.id();
        let upid = format!("UPID:{node}:{pid:08X}:{process_start:08X}:{now:08X}:{kind}:{id}:{user}:");
        if self.list.len() >= TASKS {
            self.list.retain({
                let mut excess = TASKS / 10;
                move |task| {
                    let drop = excess > 0 && !task.is_running();
                    excess -= usize::from(drop);
                    !drop
                }
            });
        }
        self.list.push(Task {
            upid,
            node: node.to_owned(),
            kind: kind.to_owned(),
            id: id.to_owned(),
            caller: caller.clone(),
            pid,
            process_start,
            started: now,
            ended: None,
            exit: None,
            log: Vec::new(),
            warnings: 0,
            stop: CancellationToken::new(),
        });
        let last = self.list.len() - 1;
        &self.list[last]
    }

    pub(super) fn end(&mut self, upid: &str, result: Result<(), String>, now: u64) {
        if let Some(task) = self.get_mut(upid).filter(|task| task.is_running()) {
            task.end(result, now);
        }
    }

    pub(super) fn get(&self, upid: &str) -> Option<&Task> {
        self.list.iter().rev().find(|task| task.upid == upid)
    }

    pub(super) fn get_mut(&mut self, upid: &str) -> Option<&mut Task> {
        self.list.iter_mut().rev().find(|task| task.upid == upid)
    }

    /// Newest first.
    pub(super) fn newest(&self) -> impl Iterator<Item = &Task> {
        self.list.iter().rev()
    }

    /// The task that a path names.
    ///
    /// # Errors
    /// 400: not a UPID, or no such task.
    pub(super) fn find(&self, upid: &str) -> Result<&Task, ApiError> {
        let parts: Vec<&str> = upid.split(':').collect();
        let well_formed = parts.len() == 9 && parts.first() == Some(&"UPID");
        if !well_formed {
            return Err(ApiError::parameter("upid", "unable to parse worker upid"));
        }
        self.get(upid)
            .ok_or_else(|| ApiError::parameter("upid", "no such task"))
    }
}
