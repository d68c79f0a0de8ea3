//! The multirecord area: a chain of records with a header each (FRU definition §16).

use core::fmt;

use crate::wire::{Encode, Reader, WireError, Writer, checksum, code_points};

/// Version of the format of a record, in the low bits of its second byte.
const RECORD_FORMAT: u8 = 0x02;
/// In the second byte of a record: it is the last.
const LAST_RECORD: u8 = 0x80;

code_points! {
    /// What a record of the multirecord area says. C0h and above are OEM records.
    pub struct MultiRecordType(u8) {
        POWER_SUPPLY = 0x00, "power supply information";
        DC_OUTPUT = 0x01, "DC output";
        DC_LOAD = 0x02, "DC load";
        /// The first byte of the data says what is managed; 07h: the system, by its unique ID of 16 bytes.
        MANAGEMENT_ACCESS = 0x03, "management access";
        BASE_COMPATIBILITY = 0x04, "base compatibility";
        EXTENDED_COMPATIBILITY = 0x05, "extended compatibility";
    }
}

/// A record of the multirecord area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MultiRecord<'a> {
    /// What it says.
    pub record_type: MultiRecordType,
    /// Its data, up to 255 bytes.
    pub data: &'a [u8],
}

/// The records of the multirecord area.
#[derive(Clone, Copy, Default)]
pub struct MultiRecords<'a>(Source<'a>);

#[derive(Clone, Copy)]
enum Source<'a> {
    /// From the caller.
    Listed(&'a [MultiRecord<'a>]),
    /// From an area; looked through once, so that every record is whole.
    Encoded(&'a [u8]),
}

impl Default for Source<'_> {
    fn default() -> Self {
        Self::Listed(&[])
    }
}

impl<'a> MultiRecords<'a> {
    /// These records.
    #[must_use]
    pub const fn new(records: &'a [MultiRecord<'a>]) -> Self {
        Self(Source::Listed(records))
    }

    /// Reads the area at the front of `bytes`.
    ///
    /// # Errors
    /// [`WireError::Truncated`] if a record is cut, [`WireError::Invalid`] if a format or a checksum is wrong.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(bytes);
        loop {
            let (_, is_last) = read(&mut reader)?;
            if is_last {
                let length = bytes.len() - reader.remaining();
                return Ok(Self(Source::Encoded(bytes.get(..length).unwrap_or_default())));
            }
        }
    }

    /// Whether there is no record.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        match self.0 {
            Source::Listed(records) => records.is_empty(),
            Source::Encoded(bytes) => bytes.is_empty(),
        }
    }

    /// The records, in order.
    #[must_use]
    pub const fn iter(&self) -> MultiRecordIter<'a> {
        MultiRecordIter(self.0)
    }
}

impl<'a> IntoIterator for &MultiRecords<'a> {
    type Item = MultiRecord<'a>;
    type IntoIter = MultiRecordIter<'a>;

    fn into_iter(self) -> MultiRecordIter<'a> {
        self.iter()
    }
}

impl PartialEq for MultiRecords<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for MultiRecords<'_> {}

impl fmt::Debug for MultiRecords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

/// Iterator over [`MultiRecords`].
#[derive(Clone)]
pub struct MultiRecordIter<'a>(Source<'a>);

impl<'a> Iterator for MultiRecordIter<'a> {
    type Item = MultiRecord<'a>;

    fn next(&mut self) -> Option<MultiRecord<'a>> {
        match &mut self.0 {
            Source::Listed(records) => {
                let (first, rest) = records.split_first()?;
                *records = rest;
                Some(*first)
            }
            Source::Encoded(bytes) => {
                let mut reader = Reader::new(bytes);
                let (record, _) = read(&mut reader).ok()?;
                *bytes = reader.rest();
                Some(record)
            }
        }
    }
}

impl fmt::Debug for MultiRecordIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

/// Reads a record and whether it is the last.
fn read<'a>(reader: &mut Reader<'a>) -> Result<(MultiRecord<'a>, bool), WireError> {
    let header: [u8; 5] = reader.array()?;
    let [record_type, format, length, record_sum, _] = header;
    if format & 0x0f != RECORD_FORMAT || checksum(&header) != 0 {
        return Err(WireError::Invalid);
    }
    let data = reader.slice(usize::from(length))?;
    if checksum(data) != record_sum {
        return Err(WireError::Invalid);
    }
    let record = MultiRecord {
        record_type: MultiRecordType(record_type),
        data,
    };
    Ok((record, format & LAST_RECORD != 0))
}

/// [`WireError::Invalid`] if a record is longer than 255 bytes.
impl Encode for MultiRecords<'_> {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        let mut records = self.iter().peekable();
        while let Some(record) = records.next() {
            let last = if records.peek().is_none() { LAST_RECORD } else { 0 };
            let length = u8::try_from(record.data.len()).map_err(|_| WireError::Invalid)?;
            let header = [
                record.record_type.0,
                last | RECORD_FORMAT,
                length,
                checksum(record.data),
            ];
            writer.bytes(&header)?;
            writer.u8(checksum(&header))?;
            writer.bytes(record.data)?;
        }
        Ok(())
    }
}
