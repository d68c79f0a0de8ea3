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
pub use parameter::{
    Access, GET_PARAMETER_CODES, PARAMETER_CAPACITY, PARAMETER_NOT_SUPPORTED, PARAMETER_READ_ONLY,
    PARAMETER_REVISION, PARAMETER_WRITE_ONLY, ParameterData, ParameterSpec, SET_ALREADY_IN_PROGRESS,
    SET_PARAMETER_CODES,
};
pub(crate) use spec::recode;
pub use spec::{Body, Class, CommandSpec, Level, OwnCode, Recode};

use crate::ipmb::{CompletionCode, NetFn};
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

/// The commands of a network function, or of a body of the group extension.
struct Group {
    netfn: NetFn,
    body: Body,
    tables: &'static [&'static [CommandSpec]],
}

const GROUPS: &[Group] = &[
    Group::ipmi(NetFn::APP, app::TABLES),
    Group::ipmi(NetFn::CHASSIS, chassis::TABLES),
    Group::ipmi(NetFn::SENSOR_EVENT, sensor_event::TABLES),
    Group::ipmi(NetFn::STORAGE, storage::TABLES),
    Group::ipmi(NetFn::TRANSPORT, transport::TABLES),
    Group {
        netfn: NetFn::GROUP_EXTENSION,
        body: Body::Dcmi,
        tables: dcmi::TABLES,
    },
];

impl Group {
    const fn ipmi(netfn: NetFn, tables: &'static [&'static [CommandSpec]]) -> Self {
        Self {
            netfn,
            body: Body::Ipmi,
            tables,
        }
    }

    fn commands(&self) -> impl Iterator<Item = &'static CommandSpec> {
        self.tables.iter().copied().flatten()
    }
}

/// Network functions of the specification of which no command is in the table: there is no ICMB behind a
/// virtual machine, and its BMC's firmware is not updated over IPMI.
pub const REFUSED_NETFNS: &[NetFn] = &[NetFn::BRIDGE, NetFn::FIRMWARE];

/// All commands, module by module.
pub fn all() -> impl Iterator<Item = &'static CommandSpec> {
    GROUPS.iter().flat_map(Group::commands)
}

/// The command with this number.
#[must_use]
pub fn find(netfn: NetFn, body: Body, number: u8) -> Option<&'static CommandSpec> {
    let mut groups = GROUPS.iter();
    let group = groups.find(|group| group.netfn == netfn && group.body == body)?;
    group.commands().find(|spec| spec.number == number)
}

/// Reads the data of a request, all of it.
///
/// # Errors
/// The completion code of a request that is cut, too long (C7h) or holds an undefined value (CCh).
pub fn decode_request<T: Decode>(data: &[u8]) -> Result<T, CompletionCode> {
    let mut reader = Reader::new(data);
    let request = reader.value()?;
    reader.finish()?;
    Ok(request)
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
