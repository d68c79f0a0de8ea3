//! Configuration parameters: known values, and that any data that is read is written as the same value.

use core::net::{Ipv4Addr, Ipv6Addr};

use hex_literal::hex;
use ipmi_proto::command::app::system_info::{SYSTEM_INFO_PARAMETERS, SystemInfoParameter, SystemInfoValue};
use ipmi_proto::command::app::user::SetUserPasswordRequest;
use ipmi_proto::command::chassis::boot::{BOOT_PARAMETERS, BootDevice, BootOption, BootParameter};
use ipmi_proto::command::dcmi::capability::{DCMI_CAPABILITIES, DcmiCapability, DcmiCapabilityValue};
use ipmi_proto::command::dcmi::configuration::{DCMI_PARAMETERS, DcmiParameter, DcmiValue};
use ipmi_proto::command::transport::lan::{LAN_PARAMETERS, LanParameter, LanValue};
use ipmi_proto::command::transport::lan_value::AlertAddress;
use ipmi_proto::command::transport::sol::{SOL_PARAMETERS, SolParameter, SolValue};
use ipmi_proto::command::{Access, SetInProgress};
use ipmi_proto::ipmb::Privilege;
use ipmi_proto::wire::{Reader, WireError};
use proptest::prelude::*;

#[test]
fn boot_flags_of_ipmitool() {
    // ipmitool chassis bootdev disk options=persistent,efiboot
    let value = BootOption::from_data(BootParameter::BOOT_FLAGS, &hex!("e0 08 00 00 00")).unwrap();
    let BootOption::Flags(flags) = value else {
        panic!("boot flags expected: {value:?}")
    };
    assert!(flags.validity.valid && flags.validity.persistent && flags.validity.efi);
    assert_eq!(flags.device.device, BootDevice::DISK);
    assert_eq!(flags.device.device.to_string(), "default hard disk");
}

#[test]
fn boot_flags_are_read_back_as_they_were_written() {
    let all_ones = [0xff; 5];
    let value = BootOption::from_data(BootParameter::BOOT_FLAGS, &all_ones).unwrap();
    assert_eq!(*value.to_data().unwrap(), all_ones);
}

#[test]
fn mailbox_blocks_can_be_short() {
    let value = BootOption::from_data(BootParameter::BOOT_INITIATOR_MAILBOX, &hex!("00 f21b00 aa")).unwrap();
    let BootOption::Mailbox(block) = value else {
        panic!("mailbox expected: {value:?}")
    };
    assert_eq!((block.block, &*block.data), (0, &hex!("f21b00 aa")[..]));
}

#[test]
fn parameters_without_a_type_are_kept() {
    let value = BootOption::from_data(BootParameter(0x60), &hex!("01 02")).unwrap();
    assert_eq!(value.parameter(), BootParameter(0x60));
    assert_eq!(*value.to_data().unwrap(), hex!("01 02"));
    assert_eq!(BootParameter(0x60).spec(), None);
}

#[test]
fn lan_values_of_ipmitool() {
    // ipmitool lan set 1 cipher_privs XXXaXXXXXXXXXXX: the fourth place, whatever suite stands there
    let data = hex!("00 00 40 00 00 00 00 00 00");
    let value = LanValue::from_data(LanParameter::CIPHER_SUITE_PRIVILEGES, &data).unwrap();
    let LanValue::CipherSuitePrivileges(privileges) = value else {
        panic!("privileges expected: {value:?}")
    };
    let mut expected = [Privilege::UNSPECIFIED; 16];
    expected[3] = Privilege::ADMINISTRATOR;
    assert_eq!(privileges.0, expected);

    // ipmitool lan set 1 bad_pass_thresh 3 1 60 60
    let value = LanValue::from_data(LanParameter::BAD_PASSWORD_THRESHOLD, &hex!("01 03 3c00 3c00")).unwrap();
    let LanValue::BadPasswordThreshold(threshold) = value else {
        panic!("threshold expected: {value:?}")
    };
    assert!(threshold.options.log_event);
    assert_eq!(
        (
            threshold.threshold,
            threshold.reset_interval,
            threshold.lockout_interval
        ),
        (3, 60, 60)
    );

    // ipmitool lan set 1 vlan id 5
    let value = LanValue::from_data(LanParameter::VLAN_ID, &hex!("05 80")).unwrap();
    assert!(matches!(value, LanValue::VlanId(vlan) if vlan.enabled && vlan.id == 5));
}

#[test]
fn addresses_are_most_significant_byte_first() {
    let value = LanValue::from_data(LanParameter::IP_ADDRESS, &hex!("c0 00 02 01")).unwrap();
    assert_eq!(value, LanValue::IpAddress(Ipv4Addr::new(192, 0, 2, 1)));

    let data = hex!("01 00 01 c0000202 525400123456");
    let value = LanValue::from_data(LanParameter::DESTINATION_ADDRESS, &data).unwrap();
    let LanValue::DestinationAddress(destination) = value else {
        panic!("destination expected: {value:?}")
    };
    let AlertAddress::V4 {
        backup_gateway,
        address,
        mac,
    } = destination.address
    else {
        panic!("IPv4 expected: {destination:?}")
    };
    assert!(backup_gateway);
    assert_eq!(address, Ipv4Addr::new(192, 0, 2, 2));
    assert_eq!(mac.to_string(), "52:54:00:12:34:56");

    let data = hex!("02 10 20010db8000000000000000000000001");
    let value = LanValue::from_data(LanParameter::DESTINATION_ADDRESS, &data).unwrap();
    let LanValue::DestinationAddress(destination) = value else {
        panic!("destination expected: {value:?}")
    };
    let wanted: Ipv6Addr = "2001:db8::1".parse().unwrap();
    assert_eq!(destination.address, AlertAddress::V6(wanted));
    assert_eq!(*value.to_data().unwrap(), data);

    let unknown_format = hex!("02 20 20010db8000000000000000000000001");
    let value = LanValue::from_data(LanParameter::DESTINATION_ADDRESS, &unknown_format);
    assert_eq!(value, Err(WireError::Invalid));
}

#[test]
fn set_in_progress_is_one_code_everywhere() {
    let value = SolValue::from_data(SolParameter::SET_IN_PROGRESS, &[1]).unwrap();
    assert!(matches!(value, SolValue::SetInProgress(state) if state.0 == SetInProgress::IN_PROGRESS));
    assert_eq!(
        SolValue::from_data(SolParameter::SET_IN_PROGRESS, &[]),
        Err(WireError::Truncated)
    );
    assert_eq!(
        SolValue::from_data(SolParameter::SET_IN_PROGRESS, &[0, 0]),
        Err(WireError::Trailing)
    );
}

#[test]
fn the_tables_say_how_parameters_are_used() {
    assert_eq!(LanParameter::MAC_ADDRESS.spec().unwrap().access, Access::ReadOnly);
    assert_eq!(LanParameter::CIPHER_SUITE_PRIVILEGES.spec().unwrap().longest, 9);
    assert_eq!(
        DcmiParameter::ACTIVATE_DHCP.spec().unwrap().access,
        Access::WriteOnly
    );
    assert_eq!(
        [
            BOOT_PARAMETERS.len(),
            LAN_PARAMETERS.len(),
            SOL_PARAMETERS.len(),
            SYSTEM_INFO_PARAMETERS.len(),
            DCMI_PARAMETERS.len(),
            DCMI_CAPABILITIES.len(),
        ],
        [8, 58, 9, 8, 5, 5]
    );
}

#[test]
fn passwords_are_not_shown() {
    let mut reader = Reader::new(b"\x02\x02hunter2\0\0\0\0\0\0\0\0\0");
    let request: SetUserPasswordRequest = reader.value().unwrap();
    assert_eq!(request.password.expose(), b"hunter2\0\0\0\0\0\0\0\0\0");
    let shown = format!("{request:?}");
    assert!(!shown.contains("hunter") && !shown.contains("104"), "{shown}");
}

/// Asserts that data of a parameter, if it can be read, is the same value after writing and reading again.
macro_rules! assert_stable {
    ($value:ident, $parameter:expr, $data:expr) => {
        if let Ok(value) = $value::from_data($parameter, $data) {
            let written = value.to_data().expect("what was read fits");
            prop_assert_eq!($value::from_data($parameter, &written), Ok(value));
        }
    };
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_data_is_read_without_panic(
        number in 0_u8..=90,
        data in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..70),
            prop::collection::vec(any::<u8>(), 0..7),
            prop::collection::vec(any::<u8>(), 16..21),
        ],
    ) {
        assert_stable!(BootOption, BootParameter(number), &data);
        assert_stable!(LanValue, LanParameter(number), &data);
        assert_stable!(SolValue, SolParameter(number), &data);
        assert_stable!(SystemInfoValue, SystemInfoParameter(number), &data);
        assert_stable!(DcmiValue, DcmiParameter(number), &data);
        assert_stable!(DcmiCapabilityValue, DcmiCapability(number), &data);
    }
}
