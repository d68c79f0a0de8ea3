//! Configuration parameters of platform event filtering (IPMI 2.0 §30.4).

use crate::command::{Guid, SetInProgress, message, parameters};
use crate::ipmb::ChannelNumber;
use crate::record::{EventType, SensorType};
use crate::wire::{Bytes, LowBits, code_points, packed};

parameters! {
    /// Numbers of the parameters, 7 bits.
    pub struct PefParameter;
    /// The parameters, in ascending order of their numbers.
    pub const PEF_PARAMETERS;
    /// The value of a parameter.
    pub enum PefValue;

    /// Whether somebody is changing parameters.
    SET_IN_PROGRESS = 0, "Set In Progress", ReadWrite, 1, SetInProgress(LowBits<SetInProgress, 2>);
    /// What event filtering does at all.
    CONTROL = 1, "PEF Control", ReadWrite, 1, Control(PefControl);
    /// Which actions may be done.
    ACTION_CONTROL = 2, "PEF Action Global Control", ReadWrite, 1, ActionControl(PefActions);
    /// How long filtering waits after system start, in seconds.
    STARTUP_DELAY = 3, "PEF Startup Delay", ReadWrite, 1, StartupDelay(u8);
    /// How long alerts wait after system start, in seconds.
    ALERT_STARTUP_DELAY = 4, "PEF Alert Startup Delay", ReadWrite, 1, AlertStartupDelay(u8);
    /// Number of entries of the event filter table.
    FILTER_COUNT = 5, "Number of Event Filters", ReadOnly, 1, FilterCount(LowBits<u8, 7>);
    /// One entry of the event filter table.
    FILTER = 6, "Event Filter Table", ReadWrite, 21, Filter(FilterEntry);
    /// The first byte of one entry of the event filter table.
    FILTER_CONFIGURATION = 7, "Event Filter Table Data 1", ReadWrite, 2, FilterConfiguration(FilterConfigurationEntry);
    /// Number of entries of the alert policy table.
    POLICY_COUNT = 8, "Number of Alert Policy Entries", ReadOnly, 1, PolicyCount(LowBits<u8, 7>);
    /// One entry of the alert policy table.
    POLICY = 9, "Alert Policy Table", ReadWrite, 4, Policy(PolicyEntry);
    /// The GUID that traps carry.
    SYSTEM_GUID = 10, "System GUID", ReadWrite, 17, SystemGuid(TrapGuid);
    /// Number of alert strings, without the volatile string 0.
    STRING_COUNT = 11, "Number of Alert Strings", ReadOnly, 1, StringCount(LowBits<u8, 7>);
    /// Which filter and set one alert string belongs to.
    STRING_KEY = 12, "Alert String Keys", ReadWrite, 3, StringKey(StringKeyEntry);
    /// One block of an alert string.
    STRING = 13, "Alert Strings", ReadWrite, 2 to 18, AlertString(StringBlock);
    /// Number of entries of the group control table.
    GROUP_COUNT = 14, "Number of Group Control Table Entries", ReadOnly, 1, GroupCount(u8);
}

packed! {
    /// What event filtering does at all.
    pub struct PefControl: u8 {
        /// The alert startup delay is in force.
        alert_startup_delay: bool = 3, 3;
        /// The startup delay is in force.
        startup_delay: bool = 2, 2;
        /// Actions are logged as events.
        log_actions: bool = 1, 1;
        /// Events are filtered.
        enabled: bool = 0, 0;
    }
}

packed! {
    /// Actions, of a filter or allowed for all of them.
    #[derive(Hash)]
    pub struct PefActions: u8 {
        /// Group control.
        group_control: bool = 6, 6;
        /// Diagnostic interrupt.
        diagnostic_interrupt: bool = 5, 5;
        /// OEM action.
        oem: bool = 4, 4;
        /// Power cycle.
        power_cycle: bool = 3, 3;
        /// Reset.
        reset: bool = 2, 2;
        /// Power down.
        power_down: bool = 1, 1;
        /// Alert.
        alert: bool = 0, 0;
    }
}

message! {
    /// An entry of the event filter table with its number.
    pub struct FilterEntry {
        /// Which entry, from 1.
        number: LowBits<u8, 7>,
        /// The entry.
        filter: EventFilter,
    }
}

message! {
    /// The first byte of an entry of the event filter table.
    pub struct FilterConfigurationEntry {
        /// Which entry, from 1.
        number: LowBits<u8, 7>,
        /// Its first byte.
        configuration: FilterConfiguration,
    }
}

message! {
    /// An event filter, 20 bytes: which events it is for and what then happens (IPMI 2.0 §17.7).
    #[derive(Default, Hash)]
    pub struct EventFilter {
        /// Whether it is in use and who made it.
        configuration: FilterConfiguration,
        /// What happens.
        actions: PefActions,
        /// The alert policies that an alert follows, and the group that a group control action is for.
        policy: FilterPolicy,
        /// How bad an event is that the filter is for.
        severity: EventSeverity,
        /// First byte of the event's generator: bits 7:1 address, bit 0 software; FFh for any.
        generator: u8,
        /// Second byte of the event's generator: bits 7:4 channel, bits 1:0 unit; FFh for any.
        generator_channel: u8,
        /// Type of the event's sensor, [`ANY`] for any.
        sensor_type: SensorType,
        /// Number of the event's sensor, [`ANY`] for any.
        sensor_number: u8,
        /// Event/reading type, [`ANY`] for any.
        event_type: EventType,
        /// Offsets that match: bit n for offset n.
        offsets: u16,
        /// What event data 1 must be.
        data1: DataMatch,
        /// What event data 2 must be.
        data2: DataMatch,
        /// What event data 3 must be.
        data3: DataMatch,
    }
}

packed! {
    /// What the actions of an event filter refer to.
    #[derive(Hash)]
    pub struct FilterPolicy: u8 {
        /// Entry of the group control table.
        group_control: u8 = 6, 4;
        /// Set of the alert policy table.
        policy_set: u8 = 3, 0;
    }
}

/// In fields of an [`EventFilter`]: any value matches.
pub const ANY: u8 = 0xff;

packed! {
    /// Whether an event filter is in use and who made it.
    #[derive(Hash)]
    pub struct FilterConfiguration: u8 {
        /// The filter is in use.
        enabled: bool = 7, 7;
        /// Who made it.
        origin: FilterOrigin = 6, 5;
    }
}

code_points! {
    /// Who made an event filter, 2 bits.
    pub struct FilterOrigin(u8) {
        SOFTWARE = 0, "configurable by software";
        MANUFACTURER = 2, "configured by the manufacturer";
    }
}

code_points! {
    /// How bad an event is.
    pub struct EventSeverity(u8) {
        UNSPECIFIED = 0x00, "unspecified";
        MONITOR = 0x01, "monitor";
        INFORMATION = 0x02, "information";
        OK = 0x04, "return to OK";
        NON_CRITICAL = 0x08, "non-critical";
        CRITICAL = 0x10, "critical";
        NON_RECOVERABLE = 0x20, "non-recoverable";
    }
}

message! {
    /// How one event data byte is compared (IPMI 2.0 §17.8).
    #[derive(Default, Hash)]
    pub struct DataMatch {
        /// Bits of the byte that matter; 00h lets every byte pass.
        mask: u8,
        /// 1: the bit must equal that of `value`. 0: at least one such bit must.
        exact: u8,
        /// What the bits are compared with.
        value: u8,
    }
}

impl DataMatch {
    /// Whether an event data byte passes.
    #[must_use]
    pub const fn matches(self, byte: u8) -> bool {
        let equal = !(byte ^ self.value) & self.mask;
        let exact = self.exact & self.mask;
        let any = !self.exact & self.mask;
        equal & exact == exact && (any == 0 || equal & any != 0)
    }
}

message! {
    /// An entry of the alert policy table with its number.
    pub struct PolicyEntry {
        /// Which entry, from 1.
        number: LowBits<u8, 7>,
        /// The entry.
        policy: AlertPolicy,
    }
}

message! {
    /// An alert policy: where one alert of a set goes, and whether the next one does (IPMI 2.0 §17.11).
    #[derive(Default, Hash)]
    pub struct AlertPolicy {
        /// The set it belongs to and when it is followed.
        rule: PolicyRule,
        /// Where the alert goes.
        destination: PolicyDestination,
        /// Which alert string it carries.
        string: PolicyString,
    }
}

packed! {
    /// The set of an alert policy and when it is followed.
    #[derive(Hash)]
    pub struct PolicyRule: u8 {
        /// The set it belongs to.
        set: u8 = 7, 4;
        /// The entry is in use.
        enabled: bool = 3, 3;
        /// When it is followed.
        policy: PolicyKind = 2, 0;
    }
}

code_points! {
    /// When an alert policy is followed, 3 bits.
    pub struct PolicyKind(u8) {
        ALWAYS = 0, "always send";
        SKIP = 1, "if the previous alert succeeded, go on to the next entry";
        STOP = 2, "if the previous alert succeeded, stop";
        OTHER_CHANNEL = 3, "if the previous alert succeeded, go on to the next channel";
        OTHER_TYPE = 4, "if the previous alert succeeded, go on to the next destination type";
    }
}

packed! {
    /// Where the alert of a policy goes.
    #[derive(Hash)]
    pub struct PolicyDestination: u8 {
        /// The channel.
        channel: ChannelNumber = 7, 4;
        /// The destination of that channel.
        destination: u8 = 3, 0;
    }
}

packed! {
    /// Which alert string a policy's alert carries.
    #[derive(Hash)]
    pub struct PolicyString: u8 {
        /// The string is looked up by the event filter and this set; otherwise this is its number.
        event_specific: bool = 7, 7;
        /// Set or number of the string.
        selector: u8 = 6, 0;
    }
}

message! {
    /// The GUID that traps carry.
    #[derive(Default)]
    pub struct TrapGuid {
        /// Whether traps carry it, or the one of Get System GUID.
        usage: TrapGuidUsage,
        /// The GUID.
        guid: Guid,
    }
}

packed! {
    /// First byte of [`TrapGuid`].
    pub struct TrapGuidUsage: u8 {
        /// Traps carry this GUID; otherwise that of Get System GUID.
        used: bool = 0, 0;
    }
}

message! {
    /// Which event filter and which string set one alert string belongs to.
    pub struct StringKeyEntry {
        /// Which string; 0 is the volatile one.
        string: LowBits<u8, 7>,
        /// Number of the event filter.
        filter: LowBits<u8, 7>,
        /// The string set.
        set: LowBits<u8, 7>,
    }
}

message! {
    /// One block of an alert string. A zero byte ends the string.
    pub struct StringBlock {
        /// Which string; 0 is the volatile one.
        string: LowBits<u8, 7>,
        /// Which block of 16 characters, from 1.
        block: u8,
        /// The characters of the block.
        characters: Bytes<16>,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_of_freeipmi_is_read() {
        // FreeIPMI 1.6.10 `ipmi-config --category=pef --commit` of a section with all these values.
        let bytes = hex_literal::hex!("02 80 21 23 10 ffff 07 ff 01 8002 0f0e0d ff0c0b 0a0908");
        let Ok(PefValue::Filter(entry)) = PefValue::from_data(PefParameter::FILTER, &bytes) else {
            panic!("not a filter");
        };
        assert_eq!(entry.number.0, 2);
        let filter = entry.filter;
        assert!(filter.configuration.enabled);
        assert!(filter.actions.alert && filter.actions.diagnostic_interrupt && !filter.actions.reset);
        assert_eq!((filter.policy.group_control, filter.policy.policy_set), (2, 3));
        assert_eq!(filter.severity, EventSeverity::CRITICAL);
        assert_eq!(filter.sensor_type, SensorType::PROCESSOR);
        assert_eq!(
            (filter.sensor_number, filter.event_type),
            (ANY, EventType::THRESHOLD)
        );
        assert_eq!(filter.offsets, 0x0280);
        assert_eq!(
            (filter.data1.mask, filter.data2.exact, filter.data3.value),
            (0x0f, 0x0c, 0x08)
        );
    }

    #[test]
    fn a_policy_of_freeipmi_is_read() {
        // FreeIPMI 1.6.10 `ipmi-config --category=pef --commit`: set 5, different channel, LAN destination 3, string 6.
        let bytes = hex_literal::hex!("01 5b 13 86");
        let Ok(PefValue::Policy(entry)) = PefValue::from_data(PefParameter::POLICY, &bytes) else {
            panic!("not a policy");
        };
        assert_eq!(entry.number.0, 1);
        let AlertPolicy {
            rule,
            destination,
            string,
        } = entry.policy;
        assert_eq!(
            (rule.set, rule.enabled, rule.policy),
            (5, true, PolicyKind::OTHER_CHANNEL)
        );
        assert_eq!(
            (destination.channel, destination.destination),
            (ChannelNumber::LAN, 3)
        );
        assert_eq!((string.event_specific, string.selector), (true, 6));
    }

    #[test]
    fn data_bytes_are_matched_bit_by_bit() {
        let all = DataMatch {
            mask: 0x0f,
            exact: 0x0f,
            value: 0x03,
        };
        assert!(all.matches(0x03) && all.matches(0xf3) && !all.matches(0x07));
        let one = DataMatch {
            mask: 0x03,
            exact: 0x00,
            value: 0x03,
        };
        assert!(one.matches(0x01) && one.matches(0x02) && !one.matches(0xfc));
        let mixed = DataMatch {
            mask: 0x0f,
            exact: 0x01,
            value: 0x07,
        };
        assert!(mixed.matches(0x03) && !mixed.matches(0x06) && !mixed.matches(0x09));
        assert!(DataMatch::default().matches(0xa5));
    }
}
