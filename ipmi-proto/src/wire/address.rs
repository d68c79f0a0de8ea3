//! Network addresses: the only fields that travel most-significant byte first.

use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

use super::{Decode, Encode, Reader, WireError, Writer};

impl Decode for Ipv4Addr {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.array::<4>().map(Self::from)
    }
}

impl Encode for Ipv4Addr {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.bytes(&self.octets())
    }
}

impl Decode for Ipv6Addr {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.array::<16>().map(Self::from)
    }
}

impl Encode for Ipv6Addr {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.bytes(&self.octets())
    }
}

/// A MAC address (EUI-48), in the order in which it is written and sent.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddress(pub [u8; 6]);

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Decode for MacAddress {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.array().map(Self)
    }
}

impl Encode for MacAddress {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.bytes(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_travel_as_they_are_written() {
        let mut buffer = [0xa5; 26];
        let mut writer = Writer::new(&mut buffer);
        let v4 = Ipv4Addr::new(192, 0, 2, 1);
        let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
        let mac = MacAddress([0x52, 0x54, 0x00, 0x12, 0x34, 0x56]);
        writer.value(&v4).unwrap();
        writer.value(&v6).unwrap();
        writer.value(&mac).unwrap();
        assert_eq!(
            buffer,
            hex_literal::hex!("c0000201 20010db8000000000000000000000001 525400123456")
        );
        let mut reader = Reader::new(&buffer);
        assert_eq!(reader.value(), Ok(v4));
        assert_eq!(reader.value(), Ok(v6));
        assert_eq!(reader.value(), Ok(mac));
        assert_eq!(std::format!("{mac}"), "52:54:00:12:34:56");
    }
}
