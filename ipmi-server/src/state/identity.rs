//! Who the BMC and its machine are: names, GUIDs, revisions, addresses derived from them.

use ipmi_proto::command::Guid;
use ipmi_proto::wire::MacAddress;
use uuid::Uuid;

use crate::backend::MachineIdentity;

/// Who the BMC and its machine are. Does not change while the BMC runs.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// Name of the BMC, for logs and for clients.
    pub(crate) name: String,
    /// The machine's identity, from its backend.
    pub(crate) machine: MachineIdentity,
    /// Identifies the machine (IPMI 2.0 §22.14).
    pub(crate) system_guid: Guid,
    /// Identifies the BMC (IPMI 2.0 §20.8).
    pub(crate) device_guid: Guid,
    /// UUID of the machine, as it is written.
    pub(crate) uuid_text: String,
    /// MAC address of a BMC whose host has none to show.
    pub(crate) mac: MacAddress,
}

impl Identity {
    /// The identity of a BMC called `name` for this machine. A machine without a UUID gets one that follows
    /// from the name, so that it stays the same over restarts.
    pub(crate) fn new(name: String, mut machine: MachineIdentity) -> Self {
        if machine.uuid == [0; 16] {
            machine.uuid = derive_uuid("machine", name.as_bytes());
        }
        let device = derive_uuid("BMC", &machine.uuid);
        let [_, a, b, c, d, e, ..] = derive_uuid("MAC", &machine.uuid);
        Self {
            uuid_text: Guid::from_uuid(machine.uuid).to_string(),
            system_guid: Guid::from_uuid(machine.uuid),
            device_guid: Guid::from_uuid(device),
            // Bit 1 of the first byte: locally administered.
            mac: MacAddress([0x02, a, b, c, d, e]),
            name,
            machine,
        }
    }
}

/// What UUIDs that are made from names begin with.
const NAMESPACE: Uuid = Uuid::from_u128(0x6c1a_2f0e_3b57_4c0b_9d0a_6a0b_51d5_7e21);

/// A UUID that follows from `purpose` and `seed`: the same ones give the same UUID for ever.
pub(crate) fn derive_uuid(purpose: &str, seed: &[u8]) -> [u8; 16] {
    let namespace = Uuid::new_v5(&NAMESPACE, purpose.as_bytes());
    Uuid::new_v5(&namespace, seed).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_are_stable_different_and_reversed_on_the_wire() {
        let uuid: [u8; 16] = core::array::from_fn(|index| index as u8 + 1);
        let machine = MachineIdentity {
            uuid,
            ..MachineIdentity::default()
        };
        let one = Identity::new("node1".into(), machine.clone());
        let two = Identity::new("other".into(), machine);
        assert_eq!(one.system_guid.0[0], 16);
        assert_eq!(one.system_guid.to_uuid(), uuid);
        assert_eq!(one.device_guid, two.device_guid);
        assert_ne!(one.device_guid, one.system_guid);
        assert_eq!(one.mac.0[0], 2);
    }

    #[test]
    fn a_machine_without_uuid_gets_one_from_the_name() {
        let identity = |name: &str| Identity::new(name.into(), MachineIdentity::default()).system_guid;
        assert_ne!(identity("node1"), Guid([0; 16]));
        assert_eq!(identity("node1"), identity("node1"));
        assert_ne!(identity("node1"), identity("node2"));
    }
}
