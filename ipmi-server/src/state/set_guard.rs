//! "Set in progress": who is changing a group of configuration parameters.
//!
//! Parameter 0 of the LAN, SOL, PEF, system info and boot option parameters. A client that dies between
//! setting and clearing it must not lock the others out, so it falls back when its session ends and after a
//! minute.

use core::time::Duration;

use ipmi_proto::command::SET_ALREADY_IN_PROGRESS;
use ipmi_proto::command::SetInProgress;
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::session::managed::SessionId;
use ipmi_proto::time::Instant;

/// How long a client may take for its changes.
const LIFETIME: Duration = Duration::from_secs(60);

/// Parameter 0 of a group of parameters.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SetGuard {
    holder: Option<Holder>,
}

#[derive(Clone, Copy, Debug)]
struct Holder {
    session: Option<SessionId>,
    until: Instant,
}

impl SetGuard {
    /// The value to be read.
    pub(crate) fn value(&self, now: Instant) -> SetInProgress {
        match self.holder {
            Some(holder) if now < holder.until => SetInProgress::IN_PROGRESS,
            _ => SetInProgress::COMPLETE,
        }
    }

    /// Writes the value. "Commit" is accepted and changes nothing: writes take effect at once.
    pub(crate) fn set(
        &mut self,
        value: SetInProgress,
        session: Option<SessionId>,
        now: Instant,
    ) -> Result<(), CompletionCode> {
        match value {
            SetInProgress::COMPLETE => self.holder = None,
            SetInProgress::COMMIT => {}
            SetInProgress::IN_PROGRESS if self.value(now) == SetInProgress::IN_PROGRESS => {
                return Err(SET_ALREADY_IN_PROGRESS);
            }
            SetInProgress::IN_PROGRESS => {
                let until = now + LIFETIME;
                self.holder = Some(Holder { session, until });
            }
            _ => return Err(CompletionCode::INVALID_FIELD),
        }
        Ok(())
    }

    /// The session ended.
    pub(crate) fn session_closed(&mut self, session: SessionId) {
        if self.holder.is_some_and(|holder| holder.session == Some(session)) {
            self.holder = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant = Instant::from_millis(1_000);

    #[test]
    fn second_writer_is_refused_until_the_first_is_done() {
        let mut guard = SetGuard::default();
        assert_eq!(
            guard.set(SetInProgress::IN_PROGRESS, Some(SessionId(1)), START),
            Ok(())
        );
        assert_eq!(
            guard.set(SetInProgress::IN_PROGRESS, Some(SessionId(2)), START),
            Err(CompletionCode(0x81))
        );
        assert_eq!(
            guard.set(SetInProgress::COMMIT, Some(SessionId(1)), START),
            Ok(())
        );
        assert_eq!(guard.value(START), SetInProgress::IN_PROGRESS);
        assert_eq!(
            guard.set(SetInProgress::COMPLETE, Some(SessionId(1)), START),
            Ok(())
        );
        assert_eq!(
            guard.set(SetInProgress::IN_PROGRESS, Some(SessionId(2)), START),
            Ok(())
        );
    }

    #[test]
    fn falls_back_with_its_session_and_after_a_minute() {
        let mut guard = SetGuard::default();
        guard
            .set(SetInProgress::IN_PROGRESS, Some(SessionId(1)), START)
            .unwrap();
        guard.session_closed(SessionId(2));
        assert_eq!(guard.value(START), SetInProgress::IN_PROGRESS);
        guard.session_closed(SessionId(1));
        assert_eq!(guard.value(START), SetInProgress::COMPLETE);
        guard.set(SetInProgress::IN_PROGRESS, None, START).unwrap();
        assert_eq!(
            guard.value(START + Duration::from_millis(59_999)),
            SetInProgress::IN_PROGRESS
        );
        assert_eq!(guard.value(START + LIFETIME), SetInProgress::COMPLETE);
        assert_eq!(
            guard.set(SetInProgress(3), None, START),
            Err(CompletionCode::INVALID_FIELD)
        );
    }
}
