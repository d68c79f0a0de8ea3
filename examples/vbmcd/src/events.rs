//! What somebody did at any BMC: log lines, kept for a while, sent to those who follow, and written to the audit
//! log as lines of JSON.
//!
//! Nothing here waits: the BMCs tell of events under their locks.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipmi_server::audit::{Audit, AuditLog, AuditRecord};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use utoipa::ToSchema;

use crate::log_files::LogFile;

/// Events that are kept for those who ask later.
const KEPT: usize = 1_000;
/// Events that may wait for somebody who follows slowly.
const QUEUE: usize = 4_096;

/// Something that somebody did. Never holds a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// When, in UTC as RFC 3339 writes it.
    pub time: String,
    /// At which BMC; none if it concerns all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bmc: Option<String>,
    /// What: `login`, `power_action`, `console_opened`, ...; `control` for what came over the control socket.
    pub event: String,
    /// Name of the user; of one whose name is not UTF-8, with replacement characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Number of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<u8>,
    /// Handle of the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<u8>,
    /// From where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What exactly.
    pub detail: String,
    /// Whether it came to pass.
    pub succeeded: bool,
    /// Completion code of a command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion: Option<u8>,
}

impl Event {
    /// An event of this moment that came to pass.
    #[must_use]
    pub fn now(event: &str, detail: impl Into<String>) -> Self {
        Self {
            time: now(),
            event: event.to_owned(),
            detail: detail.into(),
            succeeded: true,
            ..Self::default()
        }
    }

    /// The event as a line of JSON.
    #[must_use]
    pub fn line(&self) -> Vec<u8> {
        // Texts and numbers can always be written.
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }
}

/// Takes events, keeps them for a while and passes them on.
#[derive(Debug)]
pub struct Events {
    kept: Mutex<VecDeque<Arc<Event>>>,
    followers: broadcast::Sender<Arc<Event>>,
    file: Option<LogFile>,
}

impl Events {
    /// Takes events; with a file they are appended to it.
    #[must_use]
    pub fn new(file: Option<LogFile>) -> Arc<Self> {
        Arc::new(Self {
            kept: Mutex::default(),
            followers: broadcast::Sender::new(QUEUE),
            file,
        })
    }

    /// Takes an event.
    pub fn tell(&self, event: Event) {
        if let Some(file) = &self.file {
            file.append(event.line());
        }
        let event = Arc::new(event);
        let mut kept = self.kept();
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back(Arc::clone(&event));
        // Under the lock, so that who follows misses none between the kept ones and the next. An error says
        // that nobody follows.
        let _ = self.followers.send(event);
    }

    /// The latest events, oldest first, and those that will come.
    #[must_use]
    pub fn follow(&self) -> (Vec<Arc<Event>>, broadcast::Receiver<Arc<Event>>) {
        let kept = self.kept();
        (kept.iter().cloned().collect(), self.followers.subscribe())
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Arc<Event>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Audit for Events {
    fn record(&self, record: &AuditRecord<'_>) {
        AuditLog::default().record(record);
        let name = |actor: ipmi_server::audit::Actor| String::from_utf8_lossy(actor.name.text()).into_owned();
        self.tell(Event {
            time: now(),
            bmc: Some(record.bmc.to_owned()),
            event: record.event.name().to_owned(),
            user: record.actor.map(name),
            user_id: record.actor.map(|actor| actor.user.0),
            session: record.actor.and_then(|actor| actor.session),
            source: record.source.map(|source| source.to_string()),
            detail: record.event.to_string(),
            succeeded: record.succeeded(),
            completion: record.completion.map(|code| code.0),
        });
    }
}

/// Lines that could not be written to the audit log.
#[must_use]
pub fn lost(lines: u64) -> String {
    let event = Event {
        succeeded: false,
        ..Event::now("lost", format!("{lines} lines could not be written"))
    };
    String::from_utf8(event.line()).unwrap_or_default()
}

/// The time of day, in UTC.
fn now() -> String {
    let mut text = String::new();
    // A text takes whatever is written to it.
    let _ = SystemTime.format_time(&mut Writer::new(&mut text));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_follows_gets_the_kept_ones_and_then_each_new_one() {
        let events = Events::new(None);
        for i in 0..KEPT + 5 {
            events.tell(Event::now("control", i.to_string()));
        }
        let (kept, mut next) = events.follow();
        assert_eq!((kept.len(), kept[0].detail.as_str()), (KEPT, "5"));
        events.tell(Event::now("control", "new"));
        assert_eq!(next.recv().await.unwrap().detail, "new");
    }

    #[test]
    fn each_line_is_json() {
        let line: serde_json::Value = serde_json::from_str(&lost(3)).unwrap();
        assert_eq!(line["event"], "lost");
        assert_eq!(line["detail"], "3 lines could not be written");
        assert_eq!(line["succeeded"], false);
        let time = line["time"].as_str().unwrap();
        assert!(
            time.starts_with("20") && time.ends_with('Z') && time.contains('T'),
            "{time}"
        );
        assert!(line.get("user").is_none());
    }
}
