//! Configuration of platform event filtering (IPMI 2.0 §30.4). An action that the machine does not have cannot be
//! configured.

use ipmi_proto::command::chassis::control::ControlAction;
use ipmi_proto::command::sensor_event::pef_parameter::{
    AlertPolicy, EventFilter, FilterConfigurationEntry, FilterEntry, PefActions, PefControl, PefParameter,
    PefValue, PolicyDestination, PolicyEntry, PolicyKind, PolicyRule, PolicyString, StringBlock,
    StringKeyEntry, TrapGuid,
};
use ipmi_proto::command::{Guid, PARAMETER_NOT_SUPPORTED};
use ipmi_proto::ipmb::{ChannelNumber, CompletionCode};
use ipmi_proto::wire::{Bytes, Decode, LowBits, Reader};

use crate::power;
use crate::state::{Capabilities, Written};

/// Entries of the event filter table.
pub(crate) const FILTERS: u8 = 16;
/// Entries of the alert policy table.
const POLICIES: u8 = 16;
/// Alert strings besides the volatile one.
const STRINGS: u8 = 8;
/// The volatile alert string.
const VOLATILE_STRING: u8 = 0;
/// Blocks of an alert string.
const STRING_BLOCKS: u8 = 4;
/// Characters of a block.
const BLOCK_LENGTH: usize = 16;
/// Most characters of an alert string.
pub(crate) const STRING_LENGTH: usize = STRING_BLOCKS as usize * BLOCK_LENGTH;

/// All actions that a BMC may have.
pub(crate) const ACTIONS: PefActions = PefActions {
    group_control: false,
    diagnostic_interrupt: true,
    oem: false,
    power_cycle: true,
    reset: true,
    power_down: true,
    alert: true,
};

/// A policy that nobody has written. It names the LAN channel, because clients look the channel of every
/// policy up.
const UNUSED_POLICY: AlertPolicy = AlertPolicy {
    rule: PolicyRule {
        set: 0,
        enabled: false,
        policy: PolicyKind::ALWAYS,
    },
    destination: PolicyDestination {
        channel: ChannelNumber::LAN,
        destination: 1,
    },
    string: PolicyString {
        event_specific: false,
        selector: 0,
    },
};

/// The configuration.
#[derive(Debug)]
pub(crate) struct PefSettings {
    /// What is done at all.
    pub(crate) control: PefControl,
    /// Which actions are allowed.
    pub(crate) action_control: PefActions,
    /// Seconds.
    pub(crate) startup_delay: u8,
    /// Seconds.
    pub(crate) alert_startup_delay: u8,
    /// Filters, policies, strings, the GUID of traps.
    pub(super) tables: Written,
    /// The volatile string, which is lost with the BMC.
    volatile: Written,
}

/// The actions that a BMC with such a machine has.
pub(crate) fn possible_actions(capabilities: &Capabilities) -> PefActions {
    let has = |action| power::is_possible(action, capabilities.power);
    PefActions {
        diagnostic_interrupt: has(ControlAction::DIAGNOSTIC_INTERRUPT),
        power_cycle: has(ControlAction::POWER_CYCLE),
        reset: has(ControlAction::HARD_RESET),
        power_down: has(ControlAction::POWER_DOWN),
        ..ACTIONS
    }
}

impl PefSettings {
    /// What holds at first: switched off.
    pub(crate) fn new() -> Self {
        Self {
            control: PefControl::default(),
            action_control: PefActions::default(),
            startup_delay: 0,
            alert_startup_delay: 0,
            tables: Written::default(),
            volatile: Written::default(),
        }
    }

    /// An entry of the event filter table.
    pub(crate) fn filter(&self, number: u8) -> EventFilter {
        self.entry(PefParameter::FILTER, number)
    }

    /// The entries of a set of the alert policy table that are in use, with their numbers, from `first` on.
    pub(crate) fn policies(&self, set: u8, first: u8) -> impl Iterator<Item = (u8, AlertPolicy)> {
        let numbers = first.max(1)..=POLICIES;
        let policies = numbers.map(|number| (number, self.policy(number)));
        policies.filter(move |(_, policy)| policy.rule.enabled && policy.rule.set == set)
    }

    fn policy(&self, number: u8) -> AlertPolicy {
        let written = self.tables.get(PefParameter::POLICY.0, number);
        let policy = written.and_then(|data| Reader::new(data).value().ok());
        policy.unwrap_or(UNUSED_POLICY)
    }

    /// The GUID that traps carry, if it is not that of the system.
    pub(crate) fn trap_guid(&self) -> Option<Guid> {
        let written = self.entry::<TrapGuid>(PefParameter::SYSTEM_GUID, 0);
        written.usage.used.then_some(written.guid)
    }

    /// The number of the alert string that belongs to a filter and a set of strings.
    pub(crate) fn string_of(&self, filter: u8, set: u8) -> Option<u8> {
        (1..=STRINGS).find(|string| self.string_key(*string) == [filter, set])
    }

    fn string_key(&self, string: u8) -> [u8; 2] {
        self.entry(PefParameter::STRING_KEY, string)
    }

    /// The characters of an alert string; none if it was never written.
    pub(crate) fn string(&self, string: u8) -> Bytes<STRING_LENGTH> {
        let mut text = Bytes::new();
        for block in 1..=STRING_BLOCKS {
            for character in self.block(string, block) {
                if character == 0 || text.extend(&[character]).is_err() {
                    return text;
                }
            }
        }
        text
    }

    fn block(&self, string: u8, block: u8) -> [u8; BLOCK_LENGTH] {
        let table = if string == VOLATILE_STRING {
            &self.volatile
        } else {
            &self.tables
        };
        entry(table, PefParameter::STRING, block_place(string, block))
    }

    /// Whether there is an alert string with this number.
    pub(crate) const fn has_string(string: u8) -> bool {
        string <= STRINGS
    }

    fn entry<T: Default + Decode>(&self, parameter: PefParameter, number: u8) -> T {
        entry(&self.tables, parameter, number)
    }

    /// A parameter but the first.
    ///
    /// # Errors
    /// 80h if there is none, CCh if it has no such entry.
    pub(crate) fn get(
        &self,
        parameter: PefParameter,
        set: u8,
        block: u8,
    ) -> Result<PefValue, CompletionCode> {
        let number = LowBits(set);
        Ok(match parameter {
            PefParameter::CONTROL => PefValue::Control(self.control),
            PefParameter::ACTION_CONTROL => PefValue::ActionControl(self.action_control),
            PefParameter::STARTUP_DELAY => PefValue::StartupDelay(self.startup_delay),
            PefParameter::ALERT_STARTUP_DELAY => PefValue::AlertStartupDelay(self.alert_startup_delay),
            PefParameter::FILTER_COUNT => PefValue::FilterCount(LowBits(FILTERS)),
            PefParameter::FILTER => {
                check(set, 1, FILTERS)?;
                let filter = self.filter(set);
                PefValue::Filter(FilterEntry { number, filter })
            }
            PefParameter::FILTER_CONFIGURATION => {
                check(set, 1, FILTERS)?;
                let configuration = self.filter(set).configuration;
                PefValue::FilterConfiguration(FilterConfigurationEntry {
                    number,
                    configuration,
                })
            }
            PefParameter::POLICY_COUNT => PefValue::PolicyCount(LowBits(POLICIES)),
            PefParameter::POLICY => {
                check(set, 1, POLICIES)?;
                let policy = self.policy(set);
                PefValue::Policy(PolicyEntry { number, policy })
            }
            PefParameter::SYSTEM_GUID => PefValue::SystemGuid(self.entry::<TrapGuid>(parameter, 0)),
            PefParameter::STRING_COUNT => PefValue::StringCount(LowBits(STRINGS)),
            PefParameter::STRING_KEY => {
                check(set, 0, STRINGS)?;
                let [filter, keys] = self.string_key(set);
                PefValue::StringKey(StringKeyEntry {
                    string: number,
                    filter: LowBits(filter),
                    set: LowBits(keys),
                })
            }
            PefParameter::STRING => {
                check(set, 0, STRINGS)?;
                check(block, 1, STRING_BLOCKS)?;
                let characters = self.block(set, block);
                PefValue::AlertString(StringBlock {
                    string: number,
                    block,
                    characters: Bytes::from_slice(&characters).map_err(|_| CompletionCode::UNSPECIFIED)?,
                })
            }
            PefParameter::GROUP_COUNT => PefValue::GroupCount(0),
            _ => return Err(PARAMETER_NOT_SUPPORTED),
        })
    }

    /// Writes a parameter but the first.
    ///
    /// # Errors
    /// CCh for an entry that does not exist or an action that is not `possible`.
    pub(crate) fn set(&mut self, value: &PefValue, possible: PefActions) -> Result<(), CompletionCode> {
        let is_possible = |actions: PefActions| actions.to_word() & !possible.to_word() == 0;
        let data = value.to_data()?;
        let rest = |skip: usize| data.get(skip..).unwrap_or_default();
        match value {
            PefValue::Control(control) => self.control = *control,
            PefValue::ActionControl(actions) if is_possible(*actions) => self.action_control = *actions,
            PefValue::ActionControl(_) => return Err(CompletionCode::INVALID_FIELD),
            PefValue::StartupDelay(seconds) => self.startup_delay = *seconds,
            PefValue::AlertStartupDelay(seconds) => self.alert_startup_delay = *seconds,
            PefValue::Filter(entry) => {
                check(entry.number.0, 1, FILTERS)?;
                if !is_possible(entry.filter.actions) {
                    return Err(CompletionCode::INVALID_FIELD);
                }
                self.tables.set(PefParameter::FILTER.0, entry.number.0, rest(1));
            }
            PefValue::FilterConfiguration(entry) => {
                check(entry.number.0, 1, FILTERS)?;
                let number = entry.number;
                let mut filter = self.filter(number.0);
                filter.configuration = entry.configuration;
                let whole = PefValue::Filter(FilterEntry { number, filter }).to_data()?;
                let bytes = whole.get(1..).unwrap_or_default();
                self.tables.set(PefParameter::FILTER.0, number.0, bytes);
            }
            PefValue::Policy(entry) => {
                check(entry.number.0, 1, POLICIES)?;
                self.tables.set(PefParameter::POLICY.0, entry.number.0, rest(1));
            }
            PefValue::SystemGuid(_) => self.tables.set(PefParameter::SYSTEM_GUID.0, 0, &data),
            PefValue::StringKey(entry) => {
                check(entry.string.0, 0, STRINGS)?;
                let string = entry.string.0;
                self.tables.set(PefParameter::STRING_KEY.0, string, rest(1));
            }
            PefValue::AlertString(block) => {
                check(block.string.0, 0, STRINGS)?;
                check(block.block, 1, STRING_BLOCKS)?;
                let mut characters = [0; BLOCK_LENGTH];
                for (place, byte) in characters.iter_mut().zip(block.characters.iter()) {
                    *place = *byte;
                }
                let place = block_place(block.string.0, block.block);
                let table = if block.string.0 == VOLATILE_STRING {
                    &mut self.volatile
                } else {
                    &mut self.tables
                };
                table.set(PefParameter::STRING.0, place, &characters);
            }
            _ => return Err(PARAMETER_NOT_SUPPORTED),
        }
        Ok(())
    }
}

/// What was written into an entry of a table.
fn entry<T: Default + Decode>(table: &Written, parameter: PefParameter, number: u8) -> T {
    let written = table.get(parameter.0, number);
    written
        .and_then(|data| Reader::new(data).value().ok())
        .unwrap_or_default()
}

/// Where a block of an alert string stands among all blocks.
const fn block_place(string: u8, block: u8) -> u8 {
    string.saturating_mul(STRING_BLOCKS).saturating_add(block)
}

/// Entries of a table have numbers.
fn check(number: u8, first: u8, last: u8) -> Result<(), CompletionCode> {
    if (first..=last).contains(&number) {
        Ok(())
    } else {
        Err(CompletionCode::INVALID_FIELD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(settings: &PefSettings, number: u8, set: u8) -> Result<PefValue, CompletionCode> {
        settings.get(PefParameter(number), set, 1)
    }

    fn set(settings: &mut PefSettings, number: u8, data: &[u8]) -> Result<(), CompletionCode> {
        settings.set(&PefValue::from_data(PefParameter(number), data).unwrap(), ACTIONS)
    }

    #[test]
    fn tables_keep_what_was_written() {
        let mut settings = PefSettings::new();
        for number in 1..=14 {
            let entry = u8::from(matches!(number, 6 | 7 | 9));
            assert_eq!(get(&settings, number, entry).unwrap().parameter().0, number);
        }
        assert_eq!(get(&settings, 15, 1), Err(PARAMETER_NOT_SUPPORTED));
        assert_eq!(get(&settings, 6, 0), Err(CompletionCode::INVALID_FIELD));
        assert_eq!(get(&settings, 6, 17), Err(CompletionCode::INVALID_FIELD));
        let mut data = vec![3, 0x80, 0x2f];
        data.resize(21, 0xff);
        set(&mut settings, 6, &data).unwrap();
        assert_eq!(
            get(&settings, 6, 3).unwrap().to_data().unwrap()[..3],
            [3, 0x80, 0x2f]
        );
        set(&mut settings, 7, &[3, 0]).unwrap();
        assert_eq!(get(&settings, 6, 3).unwrap().to_data().unwrap()[1], 0);
        set(&mut settings, 9, &[2, 0x18, 0x11, 0]).unwrap();
        assert_eq!(
            get(&settings, 9, 2).unwrap().to_data().unwrap()[..],
            [2, 0x18, 0x11, 0]
        );
        assert_eq!(
            get(&settings, 9, 1).unwrap().to_data().unwrap()[..],
            [1, 0x00, 0x11, 0]
        );
        let set_1: Vec<_> = settings.policies(1, 1).map(|(number, _)| number).collect();
        assert_eq!(set_1, [2]);
        assert_eq!(settings.policies(1, 3).count(), 0);
    }

    #[test]
    fn actions_that_there_are_not_are_refused() {
        let mut settings = PefSettings::new();
        assert_eq!(set(&mut settings, 2, &[0x2f]), Ok(()));
        // OEM; group control.
        for actions in [0x10, 0x40] {
            assert_eq!(
                set(&mut settings, 2, &[actions]),
                Err(CompletionCode::INVALID_FIELD)
            );
            let mut data = vec![3, 0x80, actions];
            data.resize(21, 0xff);
            assert_eq!(set(&mut settings, 6, &data), Err(CompletionCode::INVALID_FIELD));
        }
        let alone = PefActions {
            alert: true,
            ..PefActions::default()
        };
        let reset = PefValue::from_data(PefParameter::ACTION_CONTROL, &[0x04]).unwrap();
        assert_eq!(settings.set(&reset, alone), Err(CompletionCode::INVALID_FIELD));
        assert_eq!(get(&settings, 2, 0).unwrap().to_data().unwrap()[..], [0x2f]);
        assert_eq!(possible_actions(&Capabilities::default()), alone);
    }

    #[test]
    fn strings_come_in_blocks_and_end_with_zero() {
        let mut settings = PefSettings::new();
        assert!(settings.string(8).is_empty());
        set(&mut settings, 13, b"\x08\x01sixteen letters.").unwrap();
        set(&mut settings, 13, b"\x08\x02 and more\0").unwrap();
        set(&mut settings, 13, b"\x08\x03never seen").unwrap();
        assert_eq!(settings.string(8).as_slice(), b"sixteen letters. and more");
        for string in [0, 1, 7] {
            assert!(settings.string(string).is_empty(), "{string}");
        }
        set(&mut settings, 12, &[8, 5, 2]).unwrap();
        assert_eq!(settings.string_of(5, 2), Some(8));
        assert_eq!(settings.string_of(5, 1), None);
        assert_eq!(
            set(&mut settings, 13, &[9, 1, 0x41]),
            Err(CompletionCode::INVALID_FIELD)
        );
        assert_eq!(
            set(&mut settings, 13, &[8, 5, 0x41]),
            Err(CompletionCode::INVALID_FIELD)
        );
        assert_eq!(get(&settings, 11, 0).unwrap().to_data().unwrap()[..], [8]);
    }
}
