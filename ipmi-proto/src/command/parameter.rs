//! Tables of configuration parameters and the macro that declares them.

use super::OwnCode;
use crate::ipmb::CompletionCode;
use crate::wire::Bytes;

/// Revision of all configuration parameters of this specification: compatible down to 1, present 1.
pub const PARAMETER_REVISION: u8 = 0x11;

/// Completion code: the BMC does not have the parameter.
pub const PARAMETER_NOT_SUPPORTED: CompletionCode = CompletionCode(0x80);
/// Completion code: somebody else is changing parameters already.
pub const SET_ALREADY_IN_PROGRESS: CompletionCode = CompletionCode(0x81);
/// Completion code: the parameter can only be read.
pub const PARAMETER_READ_ONLY: CompletionCode = CompletionCode(0x82);
/// Completion code: the parameter can only be written.
pub const PARAMETER_WRITE_ONLY: CompletionCode = CompletionCode(0x83);

const NOT_SUPPORTED: OwnCode = OwnCode {
    code: PARAMETER_NOT_SUPPORTED,
    label: "parameter not supported",
};

/// Completion codes of the commands that write configuration parameters.
pub const SET_PARAMETER_CODES: &[OwnCode] = &[
    NOT_SUPPORTED,
    OwnCode {
        code: SET_ALREADY_IN_PROGRESS,
        label: "set already in progress",
    },
    OwnCode {
        code: PARAMETER_READ_ONLY,
        label: "parameter is read-only",
    },
];

/// Completion codes of the commands that read configuration parameters.
pub const GET_PARAMETER_CODES: &[OwnCode] = &[
    NOT_SUPPORTED,
    OwnCode {
        code: PARAMETER_WRITE_ONLY,
        label: "parameter is write-only",
    },
];

/// How a configuration parameter may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Access {
    /// Read and written.
    ReadWrite,
    /// Only read; writing answers 82h.
    ReadOnly,
    /// Only written; reading answers 83h.
    WriteOnly,
}

/// One row of a table of configuration parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParameterSpec {
    /// Parameter number.
    pub number: u8,
    /// Name as in the specification.
    pub name: &'static str,
    /// How it may be used by a client.
    pub access: Access,
    /// Fewest data bytes of a value.
    pub shortest: u8,
    /// Most data bytes of a value.
    pub longest: u8,
}

/// Most data bytes of a configuration parameter that we carry; the longest of the specification has 48.
pub const PARAMETER_CAPACITY: usize = 64;

/// Data of a configuration parameter.
pub type ParameterData = Bytes<PARAMETER_CAPACITY>;

/// Declares the configuration parameters of a command pair.
///
/// ```text
/// parameters! {
///     /// The numbers.
///     pub struct LanParameter;
///     /// The rows, in ascending order of their numbers.
///     pub const LAN_PARAMETERS;
///     /// A value.
///     pub enum LanValue;
///
///     /// What the parameter is for.
///     SET_IN_PROGRESS = 0, "Set In Progress", ReadWrite, 1, SetInProgress(LowBits<SetInProgress, 2>);
///     MAILBOX = 7, "Boot Initiator Mailbox", ReadWrite, 1 to 17, Mailbox(BootMailbox);
/// }
/// ```
///
/// A row: number, name, access, number of data bytes, variant of the enum and its type.
macro_rules! parameters {
    (
        $(#[$numbers_meta:meta])*
        pub struct $numbers:ident;
        $(#[$table_meta:meta])*
        pub const $table:ident;
        $(#[$values_meta:meta])*
        pub enum $values:ident;
        $(
            $(#[$meta:meta])*
            $constant:ident = $number:literal, $name:literal, $access:ident, $shortest:literal $(to $longest:literal)?,
            $variant:ident($type:ty);
        )*
    ) => {
        $crate::wire::code_points! {
            $(#[$numbers_meta])*
            pub struct $numbers(u8) { $( $constant = $number, $name; )* }
        }

        $(#[$table_meta])*
        pub const $table: &[$crate::command::ParameterSpec] = &[ $(
            $crate::command::ParameterSpec {
                number: $number,
                name: $name,
                access: $crate::command::Access::$access,
                shortest: $shortest,
                longest: { let _longest = $shortest; $( let _longest = $longest; )? _longest },
            },
        )* ];

        impl $numbers {
            /// The row of the parameter, if it is one of the specification's.
            #[must_use]
            pub fn spec(self) -> Option<&'static $crate::command::ParameterSpec> {
                $table.iter().find(|row| row.number == self.0)
            }
        }

        $(#[$values_meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $values {
            $( $(#[$meta])* $variant($type), )*
            /// A parameter without a type of its own.
            Raw($numbers, $crate::command::ParameterData),
        }

        impl $values {
            /// Reads the value of a parameter; all of `data` must be used.
            ///
            /// # Errors
            /// [`WireError`](crate::wire::WireError) if `data` is too short, too long or means nothing.
            pub fn from_data(parameter: $numbers, data: &[u8]) -> Result<Self, $crate::wire::WireError> {
                let mut reader = $crate::wire::Reader::new(data);
                let value = match parameter {
                    $( $numbers::$constant => Self::$variant(reader.value()?), )*
                    other => Self::Raw(other, reader.value()?),
                };
                reader.finish()?;
                Ok(value)
            }

            /// The parameter whose value this is.
            #[must_use]
            pub const fn parameter(&self) -> $numbers {
                match self {
                    $( Self::$variant(_) => $numbers::$constant, )*
                    Self::Raw(parameter, _) => *parameter,
                }
            }

            /// The data of the value, as requests and responses carry it.
            ///
            /// # Errors
            /// [`WireError::BufferTooSmall`](crate::wire::WireError::BufferTooSmall) if it is longer than
            /// the longest parameter.
            pub fn to_data(&self) -> Result<$crate::command::ParameterData, $crate::wire::WireError> {
                let mut buffer = [0; $crate::command::PARAMETER_CAPACITY];
                let mut writer = $crate::wire::Writer::new(&mut buffer);
                writer.value(self)?;
                $crate::command::ParameterData::from_slice(writer.written())
                    .map_err(|_| $crate::wire::WireError::BufferTooSmall)
            }
        }

        impl $crate::wire::Encode for $values {
            fn encode(&self, writer: &mut $crate::wire::Writer<'_>) -> Result<(), $crate::wire::WireError> {
                match self {
                    $( Self::$variant(value) => writer.value(value), )*
                    Self::Raw(_, data) => writer.value(data),
                }
            }
        }

        #[cfg(test)]
        mod parameter_table_tests {
            use super::*;

            /// Whether some data of this length is a value that is written as it was read. The first two
            /// bytes, which can hold a count or a format, take all values.
            fn accepts(row: &$crate::command::ParameterSpec, length: u8) -> bool {
                let parameter = $numbers(row.number);
                (0..=u8::MAX).flat_map(|byte| [[byte, 0], [0, byte]]).any(|[first, second]| {
                    let mut data = [0; 80];
                    data[..2].copy_from_slice(&[first, second]);
                    let data = &data[..usize::from(length)];
                    $values::from_data(parameter, data).is_ok_and(|value| {
                        value.parameter() == parameter && value.to_data().is_ok_and(|again| *again == *data)
                    })
                })
            }

            #[test]
            fn lengths_of_the_table_are_lengths_of_the_types() {
                for row in $table {
                    assert!(accepts(row, row.shortest) && accepts(row, row.longest), "{}", row.name);
                    assert!(!accepts(row, row.longest + 1), "{}", row.name);
                    assert!(row.shortest == 0 || !accepts(row, row.shortest - 1), "{}", row.name);
                }
                assert!($table.windows(2).all(|rows| rows[0].number < rows[1].number));
            }
        }
    };
}

pub(crate) use parameters;
