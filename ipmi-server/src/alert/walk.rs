//! The way of one alert through a set of the alert policy table (IPMI 2.0 §17.11, table 17-4).

use ipmi_proto::command::sensor_event::pef_parameter::{AlertPolicy, PolicyKind};
use ipmi_proto::command::transport::lan_value::AlertType;
use ipmi_proto::ipmb::ChannelNumber;

use crate::state::pef::PefSettings;

/// An alert on its way through a set of policies.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    set: u8,
    /// The event filter that raised the alert.
    pub(super) filter: u8,
    /// The entry to look at next.
    next: u8,
    /// How the last delivery went.
    previous: Option<Previous>,
    passing: Passing,
}

/// A delivery that has ended.
#[derive(Clone, Copy, Debug)]
struct Previous {
    channel: ChannelNumber,
    kind: Option<AlertType>,
    succeeded: bool,
}

/// Entries that are passed over.
#[derive(Clone, Copy, Debug)]
enum Passing {
    None,
    /// Those of this channel.
    Channel(ChannelNumber),
    /// Those whose destinations are of this type.
    Kind(Option<AlertType>),
}

impl Walk {
    /// Begins at the front of a set.
    pub(super) const fn new(set: u8, filter: u8) -> Self {
        Self {
            set,
            filter,
            next: 1,
            previous: None,
            passing: Passing::None,
        }
    }

    /// The policy to follow next, if there is one. `kind_of` gives the type of a policy's destination.
    pub(super) fn next(
        &mut self,
        settings: &PefSettings,
        kind_of: impl Fn(&AlertPolicy) -> Option<AlertType>,
    ) -> Option<AlertPolicy> {
        for (number, policy) in settings.policies(self.set, self.next) {
            self.next = number.saturating_add(1);
            let (channel, kind) = (policy.destination.channel, kind_of(&policy));
            match self.passing {
                Passing::Channel(passed) if passed == channel => continue,
                Passing::Kind(passed) if passed == kind => continue,
                _ => self.passing = Passing::None,
            }
            let Some(previous) = self.previous.filter(|previous| previous.succeeded) else {
                return Some(policy);
            };
            match policy.rule.policy {
                PolicyKind::SKIP => {}
                PolicyKind::STOP => break,
                PolicyKind::OTHER_CHANNEL => self.passing = Passing::Channel(previous.channel),
                PolicyKind::OTHER_TYPE => self.passing = Passing::Kind(previous.kind),
                _ => return Some(policy),
            }
        }
        self.next = u8::MAX;
        None
    }

    /// The delivery of a policy ended.
    pub(super) fn delivered(&mut self, policy: &AlertPolicy, kind: Option<AlertType>, succeeded: bool) {
        self.previous = Some(Previous {
            channel: policy.destination.channel,
            kind,
            succeeded,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Capabilities;
    use crate::state::pef::possible_actions;
    use ipmi_proto::command::sensor_event::pef_parameter::{PefParameter, PefValue};

    /// Numbers of the destinations that set 3 leads to, if deliveries to those of `failing` fail. Rules and
    /// destinations of the entries: high nibble the channel, 6 and above of another type.
    fn path(entries: &[(u8, u8)], failing: &[u8]) -> Vec<u8> {
        let mut settings = PefSettings::new();
        for (index, (rule, destination)) in entries.iter().enumerate() {
            let number = u8::try_from(index + 2).unwrap();
            let data = [number, 0x38 | rule, *destination, 0];
            let policy = PefValue::from_data(PefParameter::POLICY, &data).unwrap();
            let possible = possible_actions(&Capabilities::default());
            settings.set(&policy, possible).unwrap();
        }
        // Another set, and one that is not in use.
        for data in [[1, 0x48, 0x11, 0], [16, 0x30, 0x11, 0]] {
            let policy = PefValue::from_data(PefParameter::POLICY, &data).unwrap();
            settings
                .set(&policy, possible_actions(&Capabilities::default()))
                .unwrap();
        }
        let kind = |policy: &AlertPolicy| {
            let is_pet = policy.destination.destination < 6;
            Some(if is_pet { AlertType::PET } else { AlertType::OEM_1 })
        };
        let mut walk = Walk::new(3, 1);
        let mut taken = Vec::new();
        while let Some(policy) = walk.next(&settings, kind) {
            let destination = policy.destination.destination;
            taken.push(destination);
            walk.delivered(&policy, kind(&policy), !failing.contains(&destination));
        }
        assert!(walk.next(&settings, kind).is_none());
        taken
    }

    #[test]
    fn every_rule_with_success_and_failure() {
        let rule = |rule| [(0, 0x11), (rule, 0x12), (0, 0x13)];
        assert_eq!(path(&rule(0), &[]), [1, 2, 3]);
        assert_eq!(path(&rule(1), &[]), [1, 3]);
        assert_eq!(path(&rule(2), &[]), [1]);
        for kind in 0..=4 {
            assert_eq!(path(&rule(kind), &[1]), [1, 2, 3], "{kind}");
        }
        // The first entry has none before it.
        assert_eq!(path(&[(2, 0x11)], &[]), [1]);
    }

    #[test]
    fn other_channels_and_other_types_are_looked_for() {
        let entries = [(0, 0x11), (3, 0x12), (0, 0x13), (0, 0x24), (0, 0x15)];
        assert_eq!(path(&entries, &[]), [1, 4, 5]);
        let entries = [(0, 0x11), (4, 0x12), (0, 0x13), (0, 0x17), (0, 0x14)];
        assert_eq!(path(&entries, &[]), [1, 7, 4]);
    }

    #[test]
    fn success_counts_until_the_next_delivery() {
        let entries = [(0, 0x11), (1, 0x12), (1, 0x13), (2, 0x14), (0, 0x15)];
        assert_eq!(path(&entries, &[]), [1]);
        assert_eq!(path(&entries, &[1]), [1, 2]);
        assert_eq!(path(&entries, &[1, 2, 3]), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn an_empty_set_leads_nowhere() {
        assert_eq!(path(&[], &[]), [0; 0]);
    }
}
