//! The table that finds a command's handler: one step per look-up, built once for the whole process.

use std::sync::LazyLock;

use ipmi_proto::command::app::session;
use ipmi_proto::command::{Body, Command, CommandSpec};
use ipmi_proto::ipmb::NetFn;

use super::{Run, app, chassis, dcmi, sensor_event, storage, transport};

/// A command that is answered.
#[derive(Clone, Copy)]
pub(crate) struct Handler {
    /// Its row in the table of commands.
    pub(crate) spec: &'static CommandSpec,
    /// How it is answered.
    pub(crate) run: Run,
}

/// The handlers of all modules.
const MODULES: &[&[&[Handler]]] = &[
    app::HANDLERS,
    chassis::HANDLERS,
    sensor_event::HANDLERS,
    storage::HANDLERS,
    transport::HANDLERS,
    dcmi::HANDLERS,
];

/// The commands that the session engine answers by itself.
const BY_ENGINE: &[&CommandSpec] = &[
    &<session::GetSystemGuid as Command>::SPEC,
    &<session::GetChannelAuthenticationCapabilities as Command>::SPEC,
    &<session::GetSessionChallenge as Command>::SPEC,
    &<session::ActivateSession as Command>::SPEC,
    &<session::SetSessionPrivilegeLevel as Command>::SPEC,
    &<session::CloseSession as Command>::SPEC,
    &<session::GetSessionInfo as Command>::SPEC,
    &<session::GetChannelCipherSuites as Command>::SPEC,
];

/// The commands that are answered, here or by the session engine.
pub(crate) fn answered() -> impl Iterator<Item = &'static CommandSpec> {
    Table::all()
        .map(|handler| handler.spec)
        .chain(BY_ENGINE.iter().copied())
}

/// All handlers.
pub(crate) static TABLE: LazyLock<Table> = LazyLock::new(Table::new);

/// Network functions that have a row: the even ones up to 0Ch, and DCMI.
const ROWS: usize = 8;
const DCMI_ROW: usize = 7;

/// Handlers by network function and command number.
pub(crate) struct Table {
    rows: Box<[[Option<&'static Handler>; 256]; ROWS]>,
}

impl Table {
    fn new() -> Self {
        let mut rows = Box::new([[None; 256]; ROWS]);
        for handler in Self::all() {
            let spec = handler.spec;
            let row = row_of(spec.netfn, spec.body.code());
            if let Some(entry) = row.and_then(|row| rows.get_mut(row)?.get_mut(usize::from(spec.number))) {
                *entry = Some(handler);
            }
        }
        Self { rows }
    }

    /// All handlers, module by module.
    pub(crate) fn all() -> impl Iterator<Item = &'static Handler> {
        MODULES.iter().copied().flatten().copied().flatten()
    }

    /// The handler of a command. `body` are the bytes that say whose command it is, if there are any.
    pub(crate) fn find(&self, netfn: NetFn, body: &[u8], number: u8) -> Option<&'static Handler> {
        let body = match body {
            [] => None,
            [code] => Some(*code),
            // No enterprise has commands here.
            _ => return None,
        };
        *self.rows.get(row_of(netfn, body)?)?.get(usize::from(number))?
    }
}

/// The row of a network function, and of a defining body where it needs one.
fn row_of(netfn: NetFn, body: Option<u8>) -> Option<usize> {
    match (netfn, body) {
        (NetFn::GROUP_EXTENSION, body) => (body == Body::Dcmi.code()).then_some(DCMI_ROW),
        (NetFn(number), None) if number % 2 == 0 && number <= NetFn::TRANSPORT.0 => {
            Some(usize::from(number / 2))
        }
        _ => None,
    }
}
