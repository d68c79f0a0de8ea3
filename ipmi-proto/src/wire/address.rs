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
