//! The form of what is kept: MessagePack with the names of fields, so that a reader passes over fields that it does
//! not know and does without those that are missing.

use alloc::vec::Vec;
use core::fmt;

use ipmi_proto::crypto::PasswordError;
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::wire::{CapacityError, Encode, WireError, Writer};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_bytes::ByteBuf;
use zeroize::Zeroizing;

use crate::store::Value;

/// Longest value that is kept in its wire format.
const LONGEST: usize = 300;

/// What was kept means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

impl From<WireError> for Unreadable {
    fn from(_: WireError) -> Self {
        Self
    }
}

impl From<CompletionCode> for Unreadable {
    fn from(_: CompletionCode) -> Self {
        Self
    }
}

impl From<PasswordError> for Unreadable {
    fn from(_: PasswordError) -> Self {
        Self
    }
}

impl From<CapacityError> for Unreadable {
    fn from(_: CapacityError) -> Self {
        Self
    }
}

/// The bytes of a value.
pub(crate) fn written<T: Serialize>(value: &T) -> Result<Value, Unreadable> {
    // Never shown and wiped, whatever it is.
    let bytes = rmp_serde::to_vec_named(value).map_err(|_| Unreadable)?;
    Ok(Value::from(bytes))
}

/// The value of these bytes.
pub(crate) fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Unreadable> {
    rmp_serde::from_slice(value.as_bytes()).map_err(|_| Unreadable)
}

/// A value as it stands on the wire: a format that does not change. Empty if it has none, which does not happen.
pub(crate) fn wire(value: &impl Encode) -> ByteBuf {
    let mut buffer = [0; LONGEST];
    let mut writer = Writer::new(&mut buffer);
    match writer.value(value) {
        Ok(()) => ByteBuf::from(writer.written()),
        Err(_) => ByteBuf::new(),
    }
}

/// Bytes of a password or key: never shown, wiped when dropped.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// A copy of these bytes.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// The bytes.
    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(..)")
    }
}

impl Serialize for SecretBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for SecretBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = ByteBuf::deserialize(deserializer).map_err(|_| D::Error::custom("not a secret"))?;
        Ok(Self(Zeroizing::new(bytes.into_vec())))
    }
}
