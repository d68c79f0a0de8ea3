//! A range of addresses, as `--addresses FIRST-LAST` gives it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use thiserror::Error;

/// Most addresses in a range: as many as a /16 has.
const MOST: u128 = 65_536;

/// Consecutive addresses of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    first: IpAddr,
    last: IpAddr,
}

/// Why a text is not a range of addresses.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AddressRangeError {
    /// Not two addresses with a dash between.
    #[error("`{0}` is not a range: write FIRST-LAST, such as 127.0.1.1-127.0.1.9")]
    Form(String),
    /// IPv4 and IPv6 in one range.
    #[error("{0} and {1} are of different families: write two IPv4 or two IPv6 addresses")]
    Families(IpAddr, IpAddr),
    /// The last address comes before the first, or the range is too long.
    #[error("{0}-{1} is empty or longer than {MOST} addresses: write the lower address first")]
    Length(IpAddr, IpAddr),
}

impl AddressRange {
    /// The addresses from `first` to `last`, both included.
    ///
    /// # Errors
    /// [`AddressRangeError`] if they are of different families, in the wrong order or too many.
    pub fn new(first: IpAddr, last: IpAddr) -> Result<Self, AddressRangeError> {
        if first.is_ipv4() != last.is_ipv4() {
            return Err(AddressRangeError::Families(first, last));
        }
        let range = Self { first, last };
        match number(last).checked_sub(number(first)) {
            Some(more) if more < MOST => Ok(range),
            _ => Err(AddressRangeError::Length(first, last)),
        }
    }

    /// The addresses, in order.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> + use<> {
        let is_ipv4 = self.first.is_ipv4();
        (number(self.first)..=number(self.last)).map(move |number| match u32::try_from(number) {
            Ok(number) if is_ipv4 => Ipv4Addr::from_bits(number).into(),
            _ => Ipv6Addr::from_bits(number).into(),
        })
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl FromStr for AddressRange {
    type Err = AddressRangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || AddressRangeError::Form(text.to_owned());
        let (first, last) = text.split_once('-').ok_or_else(form)?;
        let address = |text: &str| text.trim().parse().map_err(|_| form());
        Self::new(address(first)?, address(last)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cross_bytes_and_families_do_not_mix() {
        let range: AddressRange = "127.0.1.254-127.0.2.1".parse().unwrap();
        let all: Vec<_> = range.iter().map(|address| address.to_string()).collect();
        assert_eq!(all, ["127.0.1.254", "127.0.1.255", "127.0.2.0", "127.0.2.1"]);
        let range: AddressRange = "fd00::1-fd00::2".parse().unwrap();
        assert_eq!(range.iter().count(), 2);

        let error = |text: &str| text.parse::<AddressRange>().unwrap_err().to_string();
        assert!(error("127.0.0.1").contains("FIRST-LAST"));
        assert!(error("127.0.0.1-::1").contains("families"));
        assert!(error("127.0.0.2-127.0.0.1").contains("lower address first"));
        assert!(error("10.0.0.0-10.1.0.0").contains("longer"));
    }
}
