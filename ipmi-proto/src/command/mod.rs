//! Every command of IPMI 2.0 and DCMI 1.5 once: number, name, privilege, and the codecs of its request
//! and of its response in both directions.
//!
//! A declaration (see any sub-module) yields the request and response structs, a type that implements
//! [`Command`], and a row of the table that [`all`] walks and [`find`] looks into. Dispatch, privilege
//! checks, documentation and tests read that table; no number stands anywhere else.

mod declare;
mod fields;
mod parameter;
mod spec;

pub mod app;
pub mod chassis;
pub mod dcmi;
pub mod sensor_event;
pub mod storage;
pub mod transport;

pub(crate) use declare::{commands, message};
pub use fields::{
    ChannelField, Guid, ParameterChannel, ParameterRevisionOnly, PrivilegeField, SetInProgress, UserIdField,
};
pub(crate) use parameter::parameters;
pub use parameter::{Access, PARAMETER_CAPACITY, PARAMETER_REVISION, ParameterData, ParameterSpec};
pub(crate) use spec::recode;
pub use spec::{Body, Class, CommandSpec, Level, Recode};

use crate::ipmb::NetFn;
use crate::wire::{Decode, Encode, Reader, WireError, Writer};

/// A command: its row of the table and the types of its request and response.
pub trait Command {
    /// The row of the table.
    const SPEC: CommandSpec;
    /// Data of the request, after the defining body of a group extension.
    type Request: Decode + Encode;
    /// Data of the response, after the completion code and the defining body.
    type Response: Decode + Encode;
}

/// The tables of all modules.
const TABLES: &[&[&[CommandSpec]]] = &[
    app::TABLES,
    chassis::TABLES,
    sensor_event::TABLES,
    storage::TABLES,
    transport::TABLES,
    dcmi::TABLES,
];

/// All commands, module by module.
pub fn all() -> impl Iterator<Item = &'static CommandSpec> {
    TABLES.iter().copied().flatten().copied().flatten()
}

/// The command with this number.
#[must_use]
pub fn find(netfn: NetFn, body: Body, number: u8) -> Option<&'static CommandSpec> {
    all().find(|spec| spec.netfn == netfn && spec.body == body && spec.number == number)
}

/// Data of a message that has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Empty;

impl Decode for Empty {
    fn decode(_: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self)
    }
}

impl Encode for Empty {
    fn encode(&self, _: &mut Writer<'_>) -> Result<(), WireError> {
        Ok(())
    }
}
