//! The macro that declares commands.

/// Declares commands and collects their rows in a table.
///
/// ```text
/// commands! {
///     /// The commands of this module.
///     COMMANDS: Ipmi;
///
///     /// What the command is for.
///     GetDeviceId = "Get Device ID", APP 0x01, USER, Core, "20.1";
///     request Empty;
///     response DeviceId {
///         /// What the field holds.
///         device_id: u8,
///     }
/// }
/// ```
///
/// The row: name, network function, number, a constant of `Level`, a variant of `Class`, section. A message
/// is a type that exists, followed by `;`, or a name with fields, which declares it. Fields are read and
/// written in order with the codecs of their types; `Option<T>` at the end is absent when no bytes are left.
///
/// Completion codes that only this command has follow the response and become constants of the command's
/// type; codes that several commands share stand in a table of their own:
///
/// ```text
///     => { QUEUE_EMPTY = 0x80, "no message is waiting"; }
///     => use crate::command::SET_PARAMETER_CODES;
/// ```
macro_rules! commands {
    (
        $(#[$table_meta:meta])*
        $table:ident: $body:ident;
        $(
            $(#[$meta:meta])*
            $name:ident = $title:literal, $netfn:ident $number:literal, $level:ident, $class:ident, $section:literal;
            request $request:ident $(;)? $({ $( $(#[$request_meta:meta])* $request_field:ident: $request_type:ty, )* })?
            response $response:ident $(;)? $({ $( $(#[$response_meta:meta])* $response_field:ident: $response_type:ty, )* })?
            $(=> { $( $code:ident = $code_value:literal, $code_label:literal; )* })?
            $(=> use $codes:path;)?
        )*
    ) => {
        $(#[$table_meta])*
        pub const $table: &[$crate::command::CommandSpec] = &[
            $( <$name as $crate::command::Command>::SPEC, )*
        ];

        $(
            $(#[$meta])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub struct $name;

            $(
                #[allow(missing_docs, reason = "the label next to each code is its description")]
                impl $name {
                    $(
                        #[doc = $code_label]
                        pub const $code: $crate::ipmb::CompletionCode = $crate::ipmb::CompletionCode($code_value);
                    )*
                }
            )?

            $( $crate::command::message! {
                #[doc = concat!("Request data of [`", stringify!($name), "`].")]
                pub struct $request { $( $(#[$request_meta])* $request_field: $request_type, )* }
            } )?
            $( $crate::command::message! {
                #[doc = concat!("Response data of [`", stringify!($name), "`].")]
                pub struct $response { $( $(#[$response_meta])* $response_field: $response_type, )* }
            } )?

            impl $crate::command::Command for $name {
                const SPEC: $crate::command::CommandSpec = $crate::command::CommandSpec {
                    name: $title,
                    section: $section,
                    netfn: $crate::ipmb::NetFn::$netfn,
                    body: $crate::command::Body::$body,
                    number: $number,
                    level: $crate::command::Level::$level,
                    class: $crate::command::Class::$class,
                    codes: {
                        let _codes: &[$crate::command::OwnCode] = &[ $( $(
                            $crate::command::OwnCode {
                                code: $crate::ipmb::CompletionCode($code_value),
                                label: $code_label,
                            },
                        )* )? ];
                        $( let _codes = $codes; )?
                        _codes
                    },
                    recode_request: |input, output| $crate::command::recode::<$request>(input, output, true),
                    recode_response: |input, output| $crate::command::recode::<$response>(input, output, false),
                };
                type Request = $request;
                type Response = $response;
            }
        )*
    };
}

/// Declares a struct whose fields follow each other on the wire.
macro_rules! message {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident { $( $(#[$field_meta:meta])* $field:ident: $type:ty, )* }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis struct $name { $( $(#[$field_meta])* pub $field: $type, )* }

        impl $crate::wire::Decode for $name {
            fn decode(reader: &mut $crate::wire::Reader<'_>) -> Result<Self, $crate::wire::WireError> {
                Ok(Self { $( $field: reader.value()?, )* })
            }
        }

        impl $crate::wire::Encode for $name {
            fn encode(&self, writer: &mut $crate::wire::Writer<'_>) -> Result<(), $crate::wire::WireError> {
                $( writer.value(&self.$field)?; )*
                Ok(())
            }
        }
    };
}

pub(crate) use {commands, message};
