//! XDR, the wire format of libvirt's RPC (RFC 4506): everything is big-endian and a multiple of four bytes long.

use thiserror::Error;

/// Bytes from the other side that are not what the procedure promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum XdrError {
    /// The bytes end too early.
    #[error("the bytes end in the middle of a value")]
    Truncated,
    /// A text is not UTF-8.
    #[error("a text is not UTF-8")]
    NotText,
    /// A number has no meaning where it stands.
    #[error("{0} has no meaning here")]
    Value(u32),
}

/// What can be sent.
pub(crate) trait Encode {
    /// Appends the value.
    fn encode(&self, output: &mut Vec<u8>);
}

/// What can be received.
pub(crate) trait Decode: Sized {
    /// Reads the value.
    fn decode(input: &mut Reader<'_>) -> Result<Self, XdrError>;
}

/// Reads values one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// What has not been read.
    #[cfg(test)]
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], XdrError> {
        let (array, rest) = self.0.split_first_chunk().ok_or(XdrError::Truncated)?;
        self.0 = rest;
        Ok(*array)
    }

    /// Bytes with their length before and zeros up to a multiple of four behind.
    fn opaque(&mut self) -> Result<&'a [u8], XdrError> {
        let length = usize::try_from(u32::decode(self)?).map_err(|_| XdrError::Truncated)?;
        let padded = length.checked_next_multiple_of(4).ok_or(XdrError::Truncated)?;
        let (bytes, rest) = self.0.split_at_checked(padded).ok_or(XdrError::Truncated)?;
        self.0 = rest;
        bytes.get(..length).ok_or(XdrError::Truncated)
    }
}

impl Encode for u32 {
    fn encode(&self, output: &mut Vec<u8>) {
        output.extend_from_slice(&self.to_be_bytes());
    }
}

impl Decode for u32 {
    fn decode(input: &mut Reader<'_>) -> Result<Self, XdrError> {
        input.array().map(Self::from_be_bytes)
    }
}

impl Encode for i32 {
    fn encode(&self, output: &mut Vec<u8>) {
        output.extend_from_slice(&self.to_be_bytes());
    }
}

impl Decode for i32 {
    fn decode(input: &mut Reader<'_>) -> Result<Self, XdrError> {
        input.array().map(Self::from_be_bytes)
    }
}

impl Decode for i64 {
    fn decode(input: &mut Reader<'_>) -> Result<Self, XdrError> {
        input.array().map(Self::from_be_bytes)
    }
}

impl Decode for u64 {
    fn decode(input: &mut Reader<'_>) -> Result<Self, XdrError> {
        input.array().map(Self::from_be_bytes)
    }
}

impl Decode for f64 {
    fn decode(input: &mut Reader<'_>) -> Result<Self, XdrError> {
        input.array().map(Self::from_be_bytes)
    }
}

impl Encode for [u8; 16] {
    fn encode(&self, output: &mut Vec<u8>) {
        output.extend_from_slice(self);
    }
}

impl Decode for [u8; 16] {
    fn decode(input: &mut Reader<'_>) -> Result<Self, XdrError> {
        input.array()
    }
}

impl Encode for &str {
    fn encode(&self, output: &mut Vec<u8>) {
        // A text of 4 GiB does not fit into a frame, which is refused before it is sent.
        u32::try_from(self.len()).unwrap_or(u32::MAX).encode(output);
        output.extend_from_slice(self.as_bytes());
        output.resize(output.len().next_multiple_of(4), 0);
    }
}

impl Decode for String {
    fn decode(input: &mut Reader<'_>) -> Result<Self, XdrError> {
        let text = core::str::from_utf8(input.opaque()?).map_err(|_| XdrError::NotText)?;
        Ok(text.to_owned())
    }
}

impl<T: Encode> Encode for Option<T> {
    fn encode(&self, output: &mut Vec<u8>) {
        u32::from(self.is_some()).encode(output);
        if let Some(value) = self {
            value.encode(output);
        }
    }
}

impl<T: Decode> Decode for Option<T> {
    fn decode(input: &mut Reader<'_>) -> Result<Self, XdrError> {
        match u32::decode(input)? {
            0 => Ok(None),
            1 => T::decode(input).map(Some),
            other => Err(XdrError::Value(other)),
        }
    }
}

impl<T: Encode> Encode for &[T] {
    fn encode(&self, output: &mut Vec<u8>) {
        u32::try_from(self.len()).unwrap_or(u32::MAX).encode(output);
        for value in *self {
            value.encode(output);
        }
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(input: &mut Reader<'_>) -> Result<Self, XdrError> {
        // Room is made as values come, whatever count the other side claims.
        let count = u32::decode(input)?;
        (0..count).map(|_| T::decode(input)).collect()
    }
}

impl<T: Encode> Encode for &T {
    fn encode(&self, output: &mut Vec<u8>) {
        (**self).encode(output);
    }
}

macro_rules! tuples {
    ($(($($name:ident $index:tt),*))*) => { $(
        impl<$($name: Encode),*> Encode for ($($name,)*) {
            fn encode(&self, _output: &mut Vec<u8>) {
                $(self.$index.encode(_output);)*
            }
        }

        impl<$($name: Decode),*> Decode for ($($name,)*) {
            fn decode(_input: &mut Reader<'_>) -> Result<Self, XdrError> {
                Ok(($($name::decode(_input)?,)*))
            }
        }
    )* };
}

tuples! {
    ()
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(value: impl Encode) -> Vec<u8> {
        let mut output = Vec::new();
        value.encode(&mut output);
        output
    }

    #[test]
    fn values_have_the_form_of_the_standard() {
        assert_eq!(encoded("hello"), *b"\0\0\0\x05hello\0\0\0");
        assert_eq!(encoded(Some(-1_i32)), [0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]);
        assert_eq!(encoded(None::<&str>), [0; 4]);
        assert_eq!(encoded(&[1_u32, 2][..]), [0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]);
        assert_eq!(encoded(("", 7_u32)), [0, 0, 0, 0, 0, 0, 0, 7]);
    }

    #[test]
    fn no_prefix_of_a_value_is_one() {
        let bytes = encoded((Some("text"), &["a", "bcd"][..], [7; 16]));
        type Value = (Option<String>, Vec<String>, [u8; 16]);
        let mut reader = Reader::new(&bytes);
        let value = Value::decode(&mut reader).unwrap();
        assert_eq!(value.1, ["a", "bcd"]);
        assert!(reader.rest().is_empty());
        for length in 0..bytes.len() {
            let error = Value::decode(&mut Reader::new(&bytes[..length])).unwrap_err();
            assert_eq!(error, XdrError::Truncated, "{length}");
        }
    }

    #[test]
    fn claims_are_not_believed() {
        assert_eq!(
            Vec::<u32>::decode(&mut Reader::new(&[0xff; 8])),
            Err(XdrError::Truncated)
        );
        assert_eq!(
            String::decode(&mut Reader::new(&[0xff; 8])),
            Err(XdrError::Truncated)
        );
        assert_eq!(
            Option::<u32>::decode(&mut Reader::new(&[0, 0, 0, 2])),
            Err(XdrError::Value(2))
        );
        assert_eq!(
            String::decode(&mut Reader::new(&[0, 0, 0, 1, 0xff, 0, 0, 0])),
            Err(XdrError::NotText)
        );
    }
}
