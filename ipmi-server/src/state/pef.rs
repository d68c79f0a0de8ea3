//! Configuration of platform event filtering (IPMI 2.0 §30.4). Filters and policies are kept, but no action
//! is offered, so none can be asked for.

mod kept;

use ipmi_proto::command::PARAMETER_NOT_SUPPORTED;
use ipmi_proto::command::sensor_event::pef_parameter::{
    AlertPolicy, EventFilter, FilterConfigurationEntry, FilterEntry, PefActions, PefControl, PefParameter,
    PefValue, PolicyDestination, PolicyEntry, PolicyKind, PolicyRule, PolicyString, StringBlock,
    StringKeyEntry, TrapGuid,
};
use ipmi_proto::ipmb::{ChannelNumber, CompletionCode};
use ipmi_proto::record::RecordId;
use ipmi_proto::time::Instant;
use ipmi_proto::wire::{Bytes, LowBits, Reader};

use super::{SetGuard, Written};

/// Entries of the event filter table.
pub(crate) const FILTERS: u8 = 16;
/// Entries of the alert policy table.
const POLICIES: u8 = 16;
/// Blocks of the volatile alert string.
const STRING_BLOCKS: u8 = 4;

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
pub(crate) struct Pef {
    /// Parameter 0.
    pub(crate) guard: SetGuard,
    control: PefControl,
    startup_delay: u8,
    alert_startup_delay: u8,
    /// Filters, policies, strings.
    tables: Written,
    /// The record that software processed last.
    pub(crate) last_by_software: RecordId,
    /// The record that the BMC processed last.
    pub(crate) last_by_bmc: RecordId,
}

impl Pef {
    /// What holds at first: switched off.
    pub(crate) fn new() -> Self {
        Self {
            guard: SetGuard::default(),
            control: PefControl::default(),
            startup_delay: 0,
            alert_startup_delay: 0,
            tables: Written::default(),
            last_by_software: RecordId::LAST,
            last_by_bmc: RecordId::LAST,
        }
    }

    fn entry<T: Default + ipmi_proto::wire::Decode>(&self, parameter: PefParameter, number: u8) -> T {
        let written = self.tables.get(parameter.0, number);
        written
            .and_then(|data| Reader::new(data).value().ok())
            .unwrap_or_default()
    }

    /// A parameter.
    ///
    /// # Errors
    /// 80h if there is none, CCh if it has no such entry.
    pub(crate) fn get(
        &self,
        parameter: PefParameter,
        set: u8,
        block: u8,
        now: Instant,
    ) -> Result<PefValue, CompletionCode> {
        let number = LowBits(set);
        Ok(match parameter {
            PefParameter::SET_IN_PROGRESS => PefValue::SetInProgress(LowBits(self.guard.value(now))),
            PefParameter::CONTROL => PefValue::Control(self.control),
            PefParameter::ACTION_CONTROL => PefValue::ActionControl(PefActions::default()),
            PefParameter::STARTUP_DELAY => PefValue::StartupDelay(self.startup_delay),
            PefParameter::ALERT_STARTUP_DELAY => PefValue::AlertStartupDelay(self.alert_startup_delay),
            PefParameter::FILTER_COUNT => PefValue::FilterCount(LowBits(FILTERS)),
            PefParameter::FILTER => {
                check(set, 1, FILTERS)?;
                let filter = self.entry(PefParameter::FILTER, set);
                PefValue::Filter(FilterEntry { number, filter })
            }
            PefParameter::FILTER_CONFIGURATION => {
                check(set, 1, FILTERS)?;
                let filter: EventFilter = self.entry(PefParameter::FILTER, set);
                let configuration = filter.configuration;
                PefValue::FilterConfiguration(FilterConfigurationEntry {
                    number,
                    configuration,
                })
            }
            PefParameter::POLICY_COUNT => PefValue::PolicyCount(LowBits(POLICIES)),
            PefParameter::POLICY => {
                check(set, 1, POLICIES)?;
                let written = self.tables.get(parameter.0, set);
                let policy = written.and_then(|data| Reader::new(data).value().ok());
                let policy = policy.unwrap_or(UNUSED_POLICY);
                PefValue::Policy(PolicyEntry { number, policy })
            }
            PefParameter::SYSTEM_GUID => PefValue::SystemGuid(self.entry::<TrapGuid>(parameter, 0)),
            PefParameter::STRING_COUNT => PefValue::StringCount(LowBits(0)),
            PefParameter::STRING_KEY => {
                check(set, 0, 0)?;
                let [filter, keys] = self.entry::<[u8; 2]>(parameter, set);
                PefValue::StringKey(StringKeyEntry {
                    string: number,
                    filter: LowBits(filter),
                    set: LowBits(keys),
                })
            }
            PefParameter::STRING => {
                check(set, 0, 0)?;
                check(block, 1, STRING_BLOCKS)?;
                let characters: [u8; 16] = self.entry(parameter, block);
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
    /// CCh for an entry that does not exist or an action that the BMC does not do.
    pub(crate) fn set(&mut self, value: &PefValue) -> Result<(), CompletionCode> {
        let none = PefActions::default();
        let data = value.to_data()?;
        let rest = |skip: usize| data.get(skip..).unwrap_or_default();
        match value {
            PefValue::Control(control) => self.control = *control,
            PefValue::ActionControl(actions) if *actions != none => {
                return Err(CompletionCode::INVALID_FIELD);
            }
            PefValue::ActionControl(_) => {}
            PefValue::StartupDelay(seconds) => self.startup_delay = *seconds,
            PefValue::AlertStartupDelay(seconds) => self.alert_startup_delay = *seconds,
            PefValue::Filter(entry) => {
                check(entry.number.0, 1, FILTERS)?;
                if entry.filter.actions != none {
                    return Err(CompletionCode::INVALID_FIELD);
                }
                self.tables.set(PefParameter::FILTER.0, entry.number.0, rest(1));
            }
            PefValue::FilterConfiguration(entry) => {
                check(entry.number.0, 1, FILTERS)?;
                let number = entry.number;
                let mut filter: EventFilter = self.entry(PefParameter::FILTER, number.0);
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
                check(entry.string.0, 0, 0)?;
                self.tables.set(PefParameter::STRING_KEY.0, 0, rest(1));
            }
            PefValue::AlertString(block) => {
                check(block.string.0, 0, 0)?;
                check(block.block, 1, STRING_BLOCKS)?;
                let mut characters = [0; 16];
                for (place, byte) in characters.iter_mut().zip(block.characters.iter()) {
                    *place = *byte;
                }
                self.tables.set(PefParameter::STRING.0, block.block, &characters);
            }
            _ => return Err(PARAMETER_NOT_SUPPORTED),
        }
        Ok(())
    }
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

    #[test]
    fn tables_keep_what_was_written() {
        let mut pef = Pef::new();
        let get = |pef: &Pef, number: u8, set| pef.get(PefParameter(number), set, 1, Instant::ZERO);
        for number in 0..=14 {
            let set = u8::from(matches!(number, 6 | 7 | 9));
            assert_eq!(get(&pef, number, set).unwrap().parameter().0, number);
        }
        assert_eq!(get(&pef, 15, 1), Err(PARAMETER_NOT_SUPPORTED));
        assert_eq!(get(&pef, 6, 0), Err(CompletionCode::INVALID_FIELD));
        assert_eq!(get(&pef, 6, 17), Err(CompletionCode::INVALID_FIELD));
        let mut data = vec![3, 0x80, 0x00];
        data.resize(21, 0xff);
        let filter = PefValue::from_data(PefParameter::FILTER, &data).unwrap();
        pef.set(&filter).unwrap();
        assert_eq!(get(&pef, 6, 3), Ok(filter));
        pef.set(&PefValue::from_data(PefParameter::FILTER_CONFIGURATION, &[3, 0]).unwrap())
            .unwrap();
        assert_eq!(get(&pef, 6, 3).unwrap().to_data().unwrap()[1], 0);
        data[2] = 0x02;
        let acts = PefValue::from_data(PefParameter::FILTER, &data).unwrap();
        assert_eq!(pef.set(&acts), Err(CompletionCode::INVALID_FIELD));
        pef.set(&PefValue::from_data(PefParameter::POLICY, &[2, 0x18, 0x11, 0]).unwrap())
            .unwrap();
        assert_eq!(
            get(&pef, 9, 2).unwrap().to_data().unwrap()[..],
            [2, 0x18, 0x11, 0]
        );
        assert_eq!(
            get(&pef, 9, 1).unwrap().to_data().unwrap()[..],
            [1, 0x00, 0x11, 0]
        );
    }
}
