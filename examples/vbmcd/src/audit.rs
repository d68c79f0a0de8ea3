//! The audit log: a line of JSON for each thing that somebody did.

use std::path::Path;

use ipmi_server::audit::{Audit, AuditLog, AuditRecord};
use serde::Serialize;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

use crate::log_files::{LogFile, LogFileError, LogFiles};

/// Writes lines of JSON to a file, besides the log lines of every BMC.
#[derive(Debug)]
pub struct AuditFile(LogFile);

/// One line.
#[derive(Serialize)]
struct Line<'a> {
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    bmc: Option<&'a str>,
    event: &'a str,
    /// Name of the user; of one whose name is not UTF-8, with replacement characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    detail: String,
    succeeded: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    completion: Option<u8>,
}

impl AuditFile {
    /// Opens the file; what it holds already stays.
    ///
    /// # Errors
    /// [`LogFileError`] if it cannot be written, or if others can read it.
    pub fn open(files: &LogFiles, path: &Path) -> Result<Self, LogFileError> {
        files.file(path, lost).map(Self)
    }
}

impl Audit for AuditFile {
    fn record(&self, record: &AuditRecord<'_>) {
        AuditLog::default().record(record);
        let user = record
            .actor
            .map(|actor| String::from_utf8_lossy(actor.name.text()).into_owned());
        let line = Line {
            time: now(),
            bmc: Some(record.bmc),
            event: record.event.name(),
            user,
            user_id: record.actor.map(|actor| actor.user.0),
            session: record.actor.and_then(|actor| actor.session),
            source: record.source.map(|source| source.to_string()),
            detail: record.event.to_string(),
            succeeded: record.succeeded(),
            completion: record.completion.map(|code| code.0),
        };
        self.0.append(json(&line).into_bytes());
    }
}

/// Lines that could not be written.
fn lost(lines: u64) -> String {
    json(&Line {
        time: now(),
        bmc: None,
        event: "lost",
        user: None,
        user_id: None,
        session: None,
        source: None,
        detail: format!("{lines} lines could not be written"),
        succeeded: false,
        completion: None,
    })
}

fn json(line: &Line<'_>) -> String {
    // Texts and numbers can always be written.
    let mut text = serde_json::to_string(line).unwrap_or_default();
    text.push('\n');
    text
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
