//! The BMC key K_G: logins that need it, and setting it over the wire.

use crate::client::Client;
use crate::daemon::Vbmcd;

const KEY: &str = "12345678901234567890";
/// The same as `ipmitool -y` has it, and FreeIPMI after `0x`.
const HEX: &str = "3132333435363738393031323334353637383930";

/// Set Channel Security Keys on channel 1: operation, key, bytes of the key.
fn security_keys<'a>(operation: &'a str, key: &'a str, bytes: &[&'a str]) -> Vec<&'a str> {
    [&["raw", "6", "0x56", "1", operation, key], bytes].concat()
}

#[test]
fn a_key_that_was_set_is_needed_from_the_next_login_on() {
    let daemon = Vbmcd::demo(&[]);
    let client = Client::new(daemon.address());
    let bytes: Vec<String> = KEY.bytes().map(|byte| byte.to_string()).collect();
    let bytes: Vec<&str> = bytes.iter().map(String::as_str).collect();
    // Key 1 is K_G, which is unlocked; key 0 is K_R, which passwords are used for.
    assert_eq!(client.ipmitool(&security_keys("0", "1", &[])).ok().bytes(), [2]);
    client
        .ipmitool(&security_keys("0", "0", &[]))
        .failed()
        .has("rsp=0x84");
    client
        .ipmitool(&security_keys("1", "1", &bytes[..3]))
        .failed()
        .has("rsp=0x81");
    client
        .ipmitool(&security_keys("1", "1", &[&bytes[..], &["0"]].concat()))
        .failed()
        .has("rsp=0x82");
    client.ipmitool(&["mc", "guid"]).ok();
    let set = client.ipmitool(&security_keys("1", "1", &bytes)).ok();
    assert_eq!(set.bytes(), [2]);

    client
        .clone()
        .option(&["-R", "1"])
        .ipmitool(&["mc", "guid"])
        .failed();
    client
        .freeipmi("ipmipower", &["--stat"])
        .has_not(": off")
        .has_not(": on");
    let with_key = client.clone().option(&["-k", KEY]);
    with_key.ipmitool(&["mc", "guid"]).ok();
    let in_hex = client.clone().option(&["-y", HEX]);
    in_hex.ipmitool(&["mc", "guid"]).ok();
    client
        .option(&["-k", &format!("0x{HEX}")])
        .freeipmi("ipmipower", &["--stat"])
        .ok()
        .has(": off");

    // Locked, it can be read no more than before and changed no more.
    let status = with_key.ipmitool(&security_keys("2", "1", &[])).ok();
    assert_eq!(status.bytes(), [1]);
    with_key
        .ipmitool(&security_keys("1", "1", &bytes))
        .failed()
        .has("rsp=0x80");
    let status = with_key.ipmitool(&security_keys("0", "1", &[])).ok();
    assert_eq!(status.bytes(), [1]);
}
