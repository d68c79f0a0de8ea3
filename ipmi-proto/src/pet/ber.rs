//! As much of the Basic Encoding Rules (X.690) as a trap needs: types with one byte of tag, and lengths that
//! are known before.
//!
//! Written here and not taken from a library: those for DER refuse the long lengths that SNMP allows and agents
//! send, those for SNMP need an allocator.

use crate::wire::{Reader, WireError, Writer};

/// INTEGER.
pub(super) const INTEGER: u8 = 0x02;
/// OCTET STRING.
pub(super) const OCTET_STRING: u8 = 0x04;
/// OBJECT IDENTIFIER.
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
/// SEQUENCE and SEQUENCE OF.
pub(super) const SEQUENCE: u8 = 0x30;
/// `IpAddress` of RFC 1155.
pub(super) const IP_ADDRESS: u8 = 0x40;
/// `TimeTicks` of RFC 1155.
pub(super) const TIME_TICKS: u8 = 0x43;
/// `Trap-PDU` of RFC 1157.
pub(super) const TRAP: u8 = 0xa4;

/// The first byte of a length in two bytes that follow.
const TWO_BYTES: u8 = 0x82;
/// The bit that says that the length stands in as many bytes that follow.
const LONG: u8 = 0x80;

/// Writes a value of known content.
pub(super) fn write(writer: &mut Writer<'_>, tag: u8, content: &[u8]) -> Result<(), WireError> {
    writer.u8(tag)?;
    match u8::try_from(content.len()) {
        Ok(length) if length < LONG => writer.u8(length)?,
        _ => writer.bytes(&long_length(content.len())?)?,
    }
    writer.bytes(content)
}

/// Writes a value whose content `write` writes.
pub(super) fn constructed(
    writer: &mut Writer<'_>,
    tag: u8,
    write: impl FnOnce(&mut Writer<'_>) -> Result<(), WireError>,
) -> Result<(), WireError> {
    writer.u8(tag)?;
    let place = writer.len();
    // The length is known only afterwards. Its long form is allowed for short ones, too.
    writer.bytes(&[TWO_BYTES, 0, 0])?;
    let start = writer.len();
    write(writer)?;
    let length = long_length(writer.len() - start)?;
    if let Some(reserved) = writer.written_mut().get_mut(place..start) {
        reserved.copy_from_slice(&length);
    }
    Ok(())
}

fn long_length(length: usize) -> Result<[u8; 3], WireError> {
    let length = u16::try_from(length).map_err(|_| WireError::Invalid)?;
    let [high, low] = length.to_be_bytes();
    Ok([TWO_BYTES, high, low])
}

/// Writes a number that is not negative, in as few bytes as possible.
pub(super) fn write_number(writer: &mut Writer<'_>, tag: u8, number: u32) -> Result<(), WireError> {
    let [a, b, c, d] = number.to_be_bytes();
    // The first bit is the sign.
    let bytes = [0, a, b, c, d];
    let mut content = &bytes[..];
    while let [0, next, ..] = content
        && *next < 0x80
    {
        content = content.get(1..).unwrap_or_default();
    }
    write(writer, tag, content)
}

/// Reads a value with this tag: its content.
pub(super) fn read<'a>(reader: &mut Reader<'a>, tag: u8) -> Result<&'a [u8], WireError> {
    if reader.u8()? != tag {
        return Err(WireError::Invalid);
    }
    let first = reader.u8()?;
    let length = if first < LONG {
        usize::from(first)
    } else {
        number(reader.slice(usize::from(first & !LONG))?)?
            .try_into()
            .map_err(|_| WireError::Invalid)?
    };
    reader.slice(length)
}

/// Reads a number that is not negative.
pub(super) fn read_number(reader: &mut Reader<'_>, tag: u8) -> Result<u32, WireError> {
    let content = read(reader, tag)?;
    match content.first() {
        Some(0..0x80) => number(content),
        _ => Err(WireError::Invalid),
    }
}

/// The number that bytes stand for, which are at least one.
fn number(bytes: &[u8]) -> Result<u32, WireError> {
    if bytes.is_empty() {
        // No byte of length would mean that the end is marked.
        return Err(WireError::Invalid);
    }
    bytes.iter().try_fold(0_u32, |sum, byte| {
        let shifted = sum.checked_mul(0x100).ok_or(WireError::Invalid)?;
        Ok(shifted | u32::from(*byte))
    })
}
