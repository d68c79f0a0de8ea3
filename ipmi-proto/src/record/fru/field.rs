//! Fields of the info areas: a byte with encoding and length, then the text (FRU definition §13).

use core::fmt;

use super::Language;
use crate::record::text::{Text, TextEncoding};
use crate::wire::{CapacityError, Encode, Reader, WireError, Writer};

/// The most bytes of a field.
pub const MAX_FIELD_LENGTH: usize = 63;
/// The type/length byte that says that there are no more fields. It looks like a Latin-1 text of one byte.
const END_OF_FIELDS: u8 = 0xc1;

/// A field of an info area.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Field<'a> {
    encoding: TextEncoding,
    bytes: &'a [u8],
}

impl<'a> Field<'a> {
    /// A field that says nothing.
    pub const EMPTY: Self = Self {
        encoding: TextEncoding::BINARY,
        bytes: &[],
    };

    /// The field with these bytes.
    ///
    /// # Errors
    /// [`CapacityError`] if there are more than [`MAX_FIELD_LENGTH`].
    pub const fn new(encoding: TextEncoding, bytes: &'a [u8]) -> Result<Self, CapacityError> {
        if bytes.len() > MAX_FIELD_LENGTH {
            return Err(CapacityError {
                length: bytes.len(),
                capacity: MAX_FIELD_LENGTH,
            });
        }
        Ok(Self {
            encoding: TextEncoding(encoding.0 & 0b11),
            bytes,
        })
    }

    /// The field with this text in Latin-1, of which ASCII is a part; see
    /// [`to_latin_1`](crate::record::to_latin_1). What goes beyond [`MAX_FIELD_LENGTH`] is cut off.
    #[must_use]
    pub fn latin_1(text: &'a [u8]) -> Self {
        Self {
            encoding: TextEncoding::LATIN_1,
            bytes: text.get(..MAX_FIELD_LENGTH).unwrap_or(text),
        }
    }

    /// How the bytes are to be read.
    #[must_use]
    pub const fn encoding(&self) -> TextEncoding {
        self.encoding
    }

    /// The bytes of the field.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The characters of the field, in an area of that language.
    #[must_use]
    pub const fn text(&self, language: Language) -> Text<'a> {
        Text::of_fru(self.encoding, self.bytes, language.is_english())
    }
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.text(Language::ENGLISH))
    }
}

impl Encode for Field<'_> {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        // A text of one character would be the end mark: it gets a space.
        let padding: &[u8] = match (self.encoding, self.bytes) {
            (TextEncoding::LATIN_1, [_]) => b" ",
            _ => &[],
        };
        let length = u8::try_from(self.bytes.len() + padding.len()).map_err(|_| WireError::Invalid)?;
        writer.u8(self.encoding.0 << 6 | length)?;
        writer.bytes(self.bytes)?;
        writer.bytes(padding)
    }
}

/// The custom fields at the end of an info area.
#[derive(Clone, Copy, Default)]
pub struct Fields<'a>(Source<'a>);

#[derive(Clone, Copy)]
enum Source<'a> {
    /// From the caller.
    Listed(&'a [Field<'a>]),
    /// From an area; looked through once, so that every field is whole.
    Encoded(&'a [u8]),
}

impl Default for Source<'_> {
    fn default() -> Self {
        Self::Listed(&[])
    }
}

impl<'a> Fields<'a> {
    /// No custom fields.
    pub const NONE: Self = Self(Source::Listed(&[]));

    /// These fields.
    #[must_use]
    pub const fn new(fields: &'a [Field<'a>]) -> Self {
        Self(Source::Listed(fields))
    }

    /// The fields, in order.
    #[must_use]
    pub const fn iter(&self) -> FieldIter<'a> {
        FieldIter(self.0)
    }
}

impl<'a> IntoIterator for &Fields<'a> {
    type Item = Field<'a>;
    type IntoIter = FieldIter<'a>;

    fn into_iter(self) -> FieldIter<'a> {
        self.iter()
    }
}

impl PartialEq for Fields<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Fields<'_> {}

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

/// Iterator over [`Fields`].
#[derive(Clone)]
pub struct FieldIter<'a>(Source<'a>);

impl<'a> Iterator for FieldIter<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        match &mut self.0 {
            Source::Listed(fields) => {
                let (first, rest) = fields.split_first()?;
                *fields = rest;
                Some(*first)
            }
            Source::Encoded(bytes) => {
                let mut reader = FieldReader::new(bytes);
                let field = reader.next().ok().flatten()?;
                *bytes = reader.rest();
                Some(field)
            }
        }
    }
}

impl fmt::Debug for FieldIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

/// Reads the fields of an area one after the other, up to the end mark.
pub(super) struct FieldReader<'a> {
    reader: Reader<'a>,
}

impl<'a> FieldReader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self {
            reader: Reader::new(bytes),
        }
    }

    /// The next field. `None` at the end mark, or if the area ends without one.
    fn next(&mut self) -> Result<Option<Field<'a>>, WireError> {
        if self.reader.is_empty() {
            return Ok(None);
        }
        let type_length = self.reader.u8()?;
        if type_length == END_OF_FIELDS {
            // What follows is padding.
            self.reader.rest();
            return Ok(None);
        }
        let bytes = self.reader.slice(usize::from(type_length & 0x3f))?;
        Ok(Some(Field {
            encoding: TextEncoding(type_length >> 6),
            bytes,
        }))
    }

    /// The next field of those that every area of the kind has; empty if the area ends before it.
    pub(super) fn field(&mut self) -> Result<Field<'a>, WireError> {
        self.next().map(Option::unwrap_or_default)
    }

    /// All fields that are left.
    pub(super) fn custom(mut self) -> Result<Fields<'a>, WireError> {
        let bytes = self.reader.clone().rest();
        while self.next()?.is_some() {}
        Ok(Fields(Source::Encoded(bytes)))
    }

    const fn rest(mut self) -> &'a [u8] {
        self.reader.rest()
    }
}

/// Writes the custom fields and the end mark.
pub(super) fn write_custom(fields: &Fields<'_>, writer: &mut Writer<'_>) -> Result<(), WireError> {
    fields.iter().try_for_each(|field| writer.value(&field))?;
    writer.u8(END_OF_FIELDS)
}
