//! What calls and events speak of.

use core::fmt;

use super::xdr::{Decode, Encode, Reader, XdrError};

/// UUID of a domain, in the order of its text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// Reads `1ab00000-0000-4000-8000-000000000000`, with or without hyphens. `None`: it is something else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 16];
        let mut digits = text.chars().filter(|c| *c != '-').map(|c| c.to_digit(16));
        for byte in &mut bytes {
            let (high, low) = (digits.next()??, digits.next()??);
            *byte = u8::try_from(high << 4 | low).ok()?;
        }
        digits.next().is_none().then_some(Self(bytes))
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, byte) in self.0.iter().enumerate() {
            if [4, 6, 8, 10].contains(&position) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A domain, as libvirt names it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Domain {
    /// Its name, which can change.
    pub name: String,
    /// Its UUID, which cannot.
    pub uuid: Uuid,
    /// The number of this run, -1 while it does not run. libvirt goes by the UUID.
    pub id: i32,
}

impl Domain {
    /// A domain of this UUID.
    #[must_use]
    pub fn new(name: impl Into<String>, uuid: Uuid) -> Self {
        Self {
            name: name.into(),
            uuid,
            id: -1,
        }
    }
}

impl Encode for Domain {
    fn encode(&self, output: &mut Vec<u8>) {
        (&*self.name, self.uuid.0, self.id).encode(output);
    }
}

impl Decode for Domain {
    fn decode(input: &mut Reader<'_>) -> Result<Self, XdrError> {
        let (name, uuid, id) = Decode::decode(input)?;
        Ok(Self {
            name,
            uuid: Uuid(uuid),
            id,
        })
    }
}

/// A snapshot of a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Its name.
    pub name: String,
    /// Of what.
    pub domain: Domain,
}

impl Snapshot {
    /// The snapshot of this name.
    #[must_use]
    pub fn new(name: impl Into<String>, domain: Domain) -> Self {
        Self {
            name: name.into(),
            domain,
        }
    }
}

impl Encode for Snapshot {
    fn encode(&self, output: &mut Vec<u8>) {
        (&*self.name, &self.domain).encode(output);
    }
}

impl Decode for Snapshot {
    fn decode(input: &mut Reader<'_>) -> Result<Self, XdrError> {
        let (name, domain) = Decode::decode(input)?;
        Ok(Self { name, domain })
    }
}

/// What a domain does (virDomainState).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DomainState {
    /// Runs.
    Running,
    /// Waits for something.
    Blocked,
    /// Stopped in the middle of running.
    Paused,
    /// Is being shut down.
    Shutdown,
    /// Does not run.
    ShutOff,
    /// Crashed and kept as it is.
    Crashed,
    /// Suspended to memory by its own operating system.
    PmSuspended,
    /// A state that libvirt does not know, or this client.
    Unknown(i32),
}

impl From<i32> for DomainState {
    fn from(number: i32) -> Self {
        match number {
            1 => Self::Running,
            2 => Self::Blocked,
            3 => Self::Paused,
            4 => Self::Shutdown,
            5 => Self::ShutOff,
            6 => Self::Crashed,
            7 => Self::PmSuspended,
            other => Self::Unknown(other),
        }
    }
}

/// A named value of statistics.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A whole number.
    Integer(i64),
    /// A whole number that is never negative.
    Unsigned(u64),
    /// A number.
    Double(f64),
    /// Yes or no.
    Boolean(bool),
    /// Text.
    Text(String),
}

impl Value {
    /// A number that counts something, if it is one.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        match *self {
            Self::Unsigned(number) => Some(number),
            Self::Integer(number) => u64::try_from(number).ok(),
            _ => None,
        }
    }
}

impl Decode for Value {
    fn decode(input: &mut Reader<'_>) -> Result<Self, XdrError> {
        Ok(match u32::decode(input)? {
            1 => Self::Integer(i32::decode(input)?.into()),
            2 => Self::Unsigned(u32::decode(input)?.into()),
            3 => Self::Integer(Decode::decode(input)?),
            4 => Self::Unsigned(Decode::decode(input)?),
            5 => Self::Double(Decode::decode(input)?),
            6 => Self::Boolean(u32::decode(input)? != 0),
            7 => Self::Text(Decode::decode(input)?),
            other => return Err(XdrError::Value(other)),
        })
    }
}

/// Statistics of one domain.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DomainStatistics {
    /// The domain.
    pub domain: Domain,
    /// Names such as `cpu.time`, and values.
    pub values: Vec<(String, Value)>,
}

impl DomainStatistics {
    /// Statistics of a domain.
    #[must_use]
    pub const fn new(domain: Domain, values: Vec<(String, Value)>) -> Self {
        Self { domain, values }
    }

    /// The number of this name.
    #[must_use]
    pub fn count(&self, name: &str) -> Option<u64> {
        let (_, value) = self.values.iter().find(|(other, _)| other == name)?;
        value.count()
    }

    /// The sum of `PREFIX.0.SUFFIX`, `PREFIX.1.SUFFIX` and so on; `None` if there is none.
    #[must_use]
    pub fn sum(&self, prefix: &str, suffix: &str) -> Option<u64> {
        let counts = self.values.iter().filter_map(|(name, value)| {
            let middle = name
                .strip_prefix(prefix)?
                .strip_prefix('.')?
                .strip_suffix(suffix)?;
            let number = middle.strip_suffix('.')?;
            number.parse::<u32>().ok()?;
            value.count()
        });
        counts.fold(None, |sum, count| {
            Some(sum.unwrap_or(0_u64).saturating_add(count))
        })
    }
}

impl Decode for DomainStatistics {
    fn decode(input: &mut Reader<'_>) -> Result<Self, XdrError> {
        let (domain, values) = Decode::decode(input)?;
        Ok(Self { domain, values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_read_as_they_are_shown() {
        let text = "1ab00000-0000-4000-8000-00000000abcd";
        let uuid = Uuid::parse(text).unwrap();
        assert_eq!(uuid.to_string(), text);
        assert_eq!(Uuid::parse("1AB000000000400080000000 0000ABCD"), None);
        assert_eq!(Uuid::parse("1AB0000000004000800000000000ABCD"), Some(uuid));
        assert_eq!(Uuid::parse("lab-0"), None);
        assert_eq!(Uuid::parse(&format!("{text}0")), None);
    }

    #[test]
    fn statistics_are_read_as_libvirt_sends_them() {
        // State group of the test driver's domain.
        let body = hex_literal::hex!(
            "00000001 00000004 74657374 6695eb01f6a4830479aa97f2502e193f 00000001 00000002
             0000000b 73746174652e737461746500 00000001 00000001
             0000000c 73746174652e726561736f6e 00000001 00000000"
        );
        let mut input = Reader::new(&body);
        let all = Vec::<DomainStatistics>::decode(&mut input).unwrap();
        assert!(input.rest().is_empty());
        assert_eq!(all[0].domain.name, "test");
        assert_eq!(all[0].count("state.state"), Some(1));
        assert_eq!(all[0].count("cpu.time"), None);
    }

    #[test]
    fn sums_are_over_numbered_values_alone() {
        let value = |name: &str, count| (name.to_owned(), Value::Unsigned(count));
        let statistics = DomainStatistics {
            domain: Domain::new("a", Uuid([0; 16])),
            values: vec![
                value("net.count", 2),
                value("net.0.rx.bytes", 5),
                value("net.1.rx.bytes", 7),
                value("net.1.rx.pkts", 100),
            ],
        };
        assert_eq!(statistics.sum("net", "rx.bytes"), Some(12));
        assert_eq!(statistics.sum("block", "rd.bytes"), None);
    }
}
