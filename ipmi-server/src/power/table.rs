//! What each Chassis Control means in each state of the machine.

use ipmi_proto::command::chassis::control::ControlAction;
use ipmi_proto::ipmb::CompletionCode;

use crate::backend::{PowerAction, PowerActions, PowerState};
use crate::bmc::CycleWhenOff;

/// What a command comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It is so already.
    Nothing,
    /// Ask the machine for this.
    Act(PowerAction),
    /// Off, a pause, on.
    Cycle,
    /// Answer this.
    Refuse(CompletionCode),
}

/// The action of the machine that a command needs, if it has one.
const fn needed(action: ControlAction) -> Option<PowerActions> {
    match action {
        ControlAction::POWER_DOWN => Some(PowerActions::OFF),
        ControlAction::POWER_UP => Some(PowerActions::ON),
        ControlAction::POWER_CYCLE => Some(PowerActions::ON.union(PowerActions::OFF)),
        ControlAction::HARD_RESET => Some(PowerActions::RESET),
        ControlAction::DIAGNOSTIC_INTERRUPT => Some(PowerActions::DIAGNOSTIC_INTERRUPT),
        ControlAction::SOFT_SHUTDOWN => Some(PowerActions::SOFT_OFF),
        _ => None,
    }
}

/// Whether the machine can do what a command asks, in whatever state: otherwise it is answered CCh.
pub(crate) fn is_possible(action: ControlAction, actions: PowerActions) -> bool {
    needed(action).is_some_and(|needed| actions.contains(needed))
}

/// What a possible command comes to in a state.
pub(crate) const fn decide(
    action: ControlAction,
    state: PowerState,
    cycle_when_off: CycleWhenOff,
) -> Decision {
    let refused = Decision::Refuse(CompletionCode::NOT_IN_PRESENT_STATE);
    match (action, state) {
        (ControlAction::POWER_DOWN, PowerState::Off) | (ControlAction::POWER_UP, PowerState::On) => {
            Decision::Nothing
        }
        (ControlAction::POWER_DOWN, _) => Decision::Act(PowerAction::Off),
        // Paused: goes on. Suspended: wakes up.
        (ControlAction::POWER_UP, _) => Decision::Act(PowerAction::On),
        (ControlAction::POWER_CYCLE, PowerState::Off) => match cycle_when_off {
            CycleWhenOff::On => Decision::Act(PowerAction::On),
            CycleWhenOff::Error => refused,
        },
        (ControlAction::POWER_CYCLE, _) => Decision::Cycle,
        (_, PowerState::Off) => refused,
        (ControlAction::HARD_RESET, _) => Decision::Act(PowerAction::Reset),
        (ControlAction::DIAGNOSTIC_INTERRUPT, PowerState::On) => {
            Decision::Act(PowerAction::DiagnosticInterrupt)
        }
        (ControlAction::SOFT_SHUTDOWN, PowerState::On) => Decision::Act(PowerAction::SoftOff),
        (ControlAction::DIAGNOSTIC_INTERRUPT | ControlAction::SOFT_SHUTDOWN, _) => refused,
        _ => Decision::Refuse(CompletionCode::INVALID_FIELD),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const D5: Decision = Decision::Refuse(CompletionCode::NOT_IN_PRESENT_STATE);
    const OFF: Decision = Decision::Act(PowerAction::Off);
    const ON: Decision = Decision::Act(PowerAction::On);
    const RESET: Decision = Decision::Act(PowerAction::Reset);
    const INTERRUPT: Decision = Decision::Act(PowerAction::DiagnosticInterrupt);
    const SOFT: Decision = Decision::Act(PowerAction::SoftOff);

    #[test]
    fn table_is_that_of_the_reference() {
        let states = [
            PowerState::On,
            PowerState::Off,
            PowerState::Paused,
            PowerState::Suspended,
        ];
        let rows = [
            (ControlAction::POWER_DOWN, [OFF, Decision::Nothing, OFF, OFF]),
            (ControlAction::POWER_UP, [Decision::Nothing, ON, ON, ON]),
            (
                ControlAction::POWER_CYCLE,
                [Decision::Cycle, D5, Decision::Cycle, Decision::Cycle],
            ),
            (ControlAction::HARD_RESET, [RESET, D5, RESET, RESET]),
            (ControlAction::DIAGNOSTIC_INTERRUPT, [INTERRUPT, D5, D5, D5]),
            (ControlAction::SOFT_SHUTDOWN, [SOFT, D5, D5, D5]),
        ];
        for (action, decisions) in rows {
            for (state, decision) in states.into_iter().zip(decisions) {
                assert_eq!(
                    decide(action, state, CycleWhenOff::Error),
                    decision,
                    "{action} {state:?}"
                );
            }
        }
        assert_eq!(
            decide(ControlAction::POWER_CYCLE, PowerState::Off, CycleWhenOff::On),
            ON
        );
    }

    #[test]
    fn reserved_actions_and_those_the_machine_lacks_are_not_possible() {
        let all = PowerActions::all();
        for number in 0..=0x0f {
            assert_eq!(is_possible(ControlAction(number), all), number <= 5, "{number}");
        }
        let some = PowerActions::ON | PowerActions::OFF;
        assert!(is_possible(ControlAction::POWER_CYCLE, some));
        assert!(!is_possible(ControlAction::DIAGNOSTIC_INTERRUPT, some));
        assert!(!is_possible(ControlAction::HARD_RESET, some));
    }
}
