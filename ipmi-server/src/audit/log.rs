//! The sink that is there without being asked for: log lines.

use super::{Audit, AuditEvent, AuditRecord};

/// Writes log lines of the target `audit`: what fails as warnings, logins that succeed and ends of sessions for
/// debugging, everything else as information.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct AuditLog;

macro_rules! line {
    ($level:ident, $record:expr) => {{
        let record = $record;
        tracing::$level!(
            target: "audit",
            bmc = record.bmc,
            user = record.actor.map(|actor| tracing::field::debug(actor)),
            source = record.source.map(tracing::field::display),
            session = record.actor.and_then(|actor| actor.session),
            result = record.completion.map(|code| tracing::field::debug(code)),
            "{}: {}",
            record.event.name(),
            record.event,
        )
    }};
}

impl Audit for AuditLog {
    fn record(&self, record: &AuditRecord<'_>) {
        if !record.succeeded() {
            line!(warn, record);
        } else if matches!(
            record.event,
            AuditEvent::Login { .. } | AuditEvent::SessionClosed { .. }
        ) {
            line!(debug, record);
        } else {
            line!(info, record);
        }
    }
}
