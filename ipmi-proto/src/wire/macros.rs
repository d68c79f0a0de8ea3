//! Declarations that yield both directions of a codec.

/// Declares a number with names for some of its values.
///
/// The type is a newtype, so every value of the wire can be held; `Debug` and `Display` give the name, or
/// the number in hex. With `@bits` the type can be a field of a [`packed!`] byte.
macro_rules! code_points {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident(u8) { $( $(#[$item:meta])* $constant:ident = $value:expr, $label:literal; )* }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis struct $name(pub u8);

        #[allow(missing_docs, reason = "the label next to each value is its description")]
        impl $name {
            $( $(#[$item])* #[doc = $label] pub const $constant: Self = Self($value); )*
            /// All values that have a name.
            pub const ALL: &'static [Self] = &[$(Self::$constant),*];

            /// The name of the value, if it has one.
            #[must_use]
            pub const fn label(self) -> Option<&'static str> {
                match self {
                    $( Self::$constant => Some($label), )*
                    _ => None,
                }
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match *self {
                    $( Self::$constant => f.write_str(stringify!($constant)), )*
                    other => write!(f, concat!(stringify!($name), "({:#04x})"), other.0),
                }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.label() {
                    Some(label) => f.write_str(label),
                    None => write!(f, "{:02X}h", self.0),
                }
            }
        }

        impl $crate::wire::Decode for $name {
            fn decode(reader: &mut $crate::wire::Reader<'_>) -> Result<Self, $crate::wire::WireError> {
                reader.u8().map(Self)
            }
        }

        impl $crate::wire::Encode for $name {
            fn encode(&self, writer: &mut $crate::wire::Writer<'_>) -> Result<(), $crate::wire::WireError> {
                writer.u8(self.0)
            }
        }

        impl $crate::wire::Bits for $name {
            fn from_bits(bits: u16) -> Self {
                Self(bits.to_le_bytes()[0])
            }

            fn to_bits(self) -> u16 {
                u16::from(self.0)
            }
        }
    };
}

/// Declares a byte or a 16-bit word whose bits are fields: `name: Type = highest bit, lowest bit`.
///
/// Reserved bits are ignored when read and zero when written.
macro_rules! packed {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident: $word:ty {
            $( $(#[$field_meta:meta])* $field:ident: $type:ty = $high:literal, $low:literal; )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        $vis struct $name { $( $(#[$field_meta])* pub $field: $type, )* }

        impl $name {
            /// The value of the packed bits.
            #[must_use]
            $vis fn from_word(word: $word) -> Self {
                let word = u16::from(word);
                Self { $( $field: $crate::wire::Bits::from_bits((word >> $low) & (u16::MAX >> (15 - ($high - $low)))), )* }
            }

            /// The packed bits of the value.
            #[must_use]
            $vis fn to_word(self) -> $word {
                let word = 0_u16 $( | (($crate::wire::Bits::to_bits(self.$field) & (u16::MAX >> (15 - ($high - $low)))) << $low) )*;
                <$word as $crate::wire::Bits>::from_bits(word)
            }
        }

        impl $crate::wire::Decode for $name {
            fn decode(reader: &mut $crate::wire::Reader<'_>) -> Result<Self, $crate::wire::WireError> {
                reader.value().map(Self::from_word)
            }
        }

        impl $crate::wire::Encode for $name {
            fn encode(&self, writer: &mut $crate::wire::Writer<'_>) -> Result<(), $crate::wire::WireError> {
                writer.value(&self.to_word())
            }
        }
    };
}

pub(crate) use {code_points, packed};
