//! What is going on in event filtering: delays, the postpone timer, the power action that it wants.

use core::time::Duration;

use ipmi_proto::command::chassis::control::ControlAction;
use ipmi_proto::command::sensor_event::pef::PostponeTimer;
use ipmi_proto::record::RecordId;
use ipmi_proto::time::Instant;

/// Events of the machine that follow a power action within this time come from the action.
const CONSEQUENCES_WITHIN: Duration = Duration::from_secs(120);

/// A time to wait that may begin before anybody has told the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Delay {
    /// Nothing to wait for.
    #[default]
    Over,
    /// Counts from the next time that is told.
    Beginning(Duration),
    /// Ends then.
    Until(Instant),
}

impl Delay {
    /// A delay of so many seconds from now on.
    pub(crate) fn seconds(seconds: u8) -> Self {
        match seconds {
            0 => Self::Over,
            seconds => Self::Beginning(Duration::from_secs(u64::from(seconds))),
        }
    }

    /// The time is told.
    pub(crate) fn tell_time(&mut self, now: Instant) {
        match *self {
            Self::Beginning(duration) => *self = Self::Until(now + duration),
            Self::Until(end) if end <= now => *self = Self::Over,
            _ => {}
        }
    }

    /// Whether there is something to wait for.
    pub(crate) fn holds(self, now: Instant) -> bool {
        match self {
            Self::Over => false,
            Self::Beginning(_) => true,
            Self::Until(end) => now < end,
        }
    }

    /// When the time has to be told.
    pub(crate) const fn timeout(self) -> Option<Instant> {
        match self {
            Self::Over => None,
            Self::Beginning(_) => Some(Instant::ZERO),
            Self::Until(end) => Some(end),
        }
    }
}

/// What is going on.
#[derive(Debug, Default)]
pub(crate) struct PefRun {
    /// The machine has just started.
    startup: Delay,
    postponed: Delay,
    /// Switched off until the machine starts again.
    disabled: bool,
    /// The first record of the log that waits to be filtered.
    waiting: Option<RecordId>,
    /// The power action that is to be started.
    wanted: Option<ControlAction>,
    acting: Acting,
}

/// Whether a power action of event filtering is under way.
#[derive(Clone, Copy, Debug, Default)]
enum Acting {
    #[default]
    No,
    /// The machine is at it.
    Yes,
    /// The machine may still tell of it.
    Ended(Delay),
}

impl PefRun {
    /// Arm PEF Postpone Timer. Answers its present value.
    pub(crate) fn arm(&mut self, now: Instant, timer: PostponeTimer) -> PostponeTimer {
        match timer {
            PostponeTimer::GET => {}
            PostponeTimer::TEMPORARY_DISABLE => {
                (self.disabled, self.postponed) = (true, Delay::Over);
                self.waiting = None;
            }
            PostponeTimer(seconds) => {
                self.disabled = false;
                let end = now + Duration::from_secs(u64::from(seconds));
                self.postponed = if seconds == 0 {
                    Delay::Over
                } else {
                    Delay::Until(end)
                };
            }
        }
        match self.postponed {
            _ if self.disabled => PostponeTimer::TEMPORARY_DISABLE,
            Delay::Until(end) => {
                // A part of a second counts as one: 0 means that it has ended.
                let left = end.since(now).as_millis().div_ceil(1_000);
                PostponeTimer(u8::try_from(left).unwrap_or(PostponeTimer::TEMPORARY_DISABLE.0 - 1))
            }
            _ => PostponeTimer::DISABLE,
        }
    }

    /// The machine started. Filtering waits for `delay`.
    pub(crate) const fn started(&mut self, delay: Delay) {
        self.startup = delay;
        self.disabled = false;
    }

    /// Whether events are not filtered at all.
    pub(crate) const fn is_disabled(&self) -> bool {
        self.disabled
    }

    /// Whether events have to wait.
    pub(crate) fn is_held(&self, now: Instant) -> bool {
        self.startup.holds(now) || self.postponed.holds(now)
    }

    /// A record has to wait.
    pub(crate) fn hold(&mut self, record: RecordId) {
        self.waiting.get_or_insert(record);
    }

    /// The first record that had to wait, once.
    pub(crate) const fn take_waiting(&mut self) -> Option<RecordId> {
        self.waiting.take()
    }

    /// The time is told.
    pub(crate) fn tell_time(&mut self, now: Instant) {
        self.startup.tell_time(now);
        self.postponed.tell_time(now);
        if let Acting::Ended(delay) = &mut self.acting {
            delay.tell_time(now);
        }
    }

    /// When the time has to be told.
    pub(crate) fn timeout(&self) -> Option<Instant> {
        let acting = match self.acting {
            Acting::Ended(delay) => delay.timeout(),
            Acting::No | Acting::Yes => None,
        };
        let wanted = self.next_action().map(|_| Instant::ZERO);
        [self.startup.timeout(), self.postponed.timeout(), acting, wanted]
            .into_iter()
            .flatten()
            .min()
    }

    /// Wants a power action. The first one that has not been started gives way to one of higher priority.
    pub(crate) fn want(&mut self, action: ControlAction) {
        if self
            .wanted
            .is_none_or(|wanted| priority(action) < priority(wanted))
        {
            self.wanted = Some(action);
        }
    }

    /// The power action to start, if none is under way.
    const fn next_action(&self) -> Option<ControlAction> {
        match self.acting {
            Acting::Yes => None,
            Acting::No | Acting::Ended(_) => self.wanted,
        }
    }

    /// The power action to start now. [`acted`](Self::acted) is to be called when it is over.
    pub(crate) fn take_action(&mut self) -> Option<ControlAction> {
        let action = self.next_action()?;
        self.wanted = None;
        self.acting = Acting::Yes;
        Some(action)
    }

    /// The power action is over.
    pub(crate) const fn acted(&mut self) {
        self.acting = Acting::Ended(Delay::Beginning(CONSEQUENCES_WITHIN));
    }

    /// Whether what the machine does now comes from a power action of event filtering.
    pub(crate) fn is_acting(&self, now: Instant) -> bool {
        self.wanted.is_some()
            || match self.acting {
                Acting::No => false,
                Acting::Yes => true,
                Acting::Ended(delay) => delay.holds(now),
            }
    }
}

/// Which of two actions is done: the one with the lower number (IPMI 2.0 table 17-2).
fn priority(action: ControlAction) -> u8 {
    match action {
        ControlAction::POWER_DOWN => 1,
        ControlAction::POWER_CYCLE => 2,
        ControlAction::HARD_RESET => 3,
        _ => 4,
    }
}
