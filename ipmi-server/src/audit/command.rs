//! Which commands are told of.

use ipmi_proto::command::app::user::{SetUserAccess, SetUserName, SetUserPassword};
use ipmi_proto::command::app::{payload::SetUserPayloadAccess, watchdog::ResetWatchdogTimer};
use ipmi_proto::command::chassis::boot::{BootParameter, SetSystemBootOptions};
use ipmi_proto::command::chassis::control::{ChassisControl, ControlAction};
use ipmi_proto::command::{Command, CommandSpec, Level};
use ipmi_proto::ipmb::Privilege;
use ipmi_proto::session::UserId;

use super::AuditEvent;

/// The low bits of a byte that say which user.
const USER: u8 = 0x3f;
/// Operation of Set User Password that only tries a password out, in the low bits of the second byte.
const OPERATION: u8 = 0x03;
const TEST_PASSWORD: u8 = 0x03;

/// What a request asks for, if it changes anything: the commands that need Operator and do not merely read. The
/// watchdog's heartbeat is left out.
pub(crate) fn asked(spec: &'static CommandSpec, data: &[u8]) -> Option<AuditEvent> {
    let changes = matches!(spec.level, Level::AtLeast(level) if level >= Privilege::OPERATOR);
    if !changes || spec.name.starts_with("Get ") || is::<ResetWatchdogTimer>(spec) {
        return None;
    }
    let byte = |index: usize| data.get(index).copied().unwrap_or_default();
    let user = |index| UserId(byte(index) & USER);
    let command = spec.name;
    Some(if is::<ChassisControl>(spec) {
        let action = ControlAction(byte(0) & 0x0f);
        AuditEvent::PowerAction { action }
    } else if is::<SetSystemBootOptions>(spec) {
        let parameter = BootParameter(byte(0) & 0x7f);
        AuditEvent::BootOptionChanged { parameter }
    } else if is::<SetUserPassword>(spec) && byte(1) & OPERATION == TEST_PASSWORD {
        AuditEvent::PasswordTested { user: user(0) }
    } else if is::<SetUserPassword>(spec) || is::<SetUserName>(spec) {
        let user = user(0);
        AuditEvent::UserChanged { command, user }
    } else if is::<SetUserAccess>(spec) || is::<SetUserPayloadAccess>(spec) {
        let user = user(1);
        AuditEvent::UserChanged { command, user }
    } else {
        AuditEvent::ConfigurationChanged { command }
    })
}

fn is<C: Command>(spec: &CommandSpec) -> bool {
    spec.is(C::SPEC.netfn, C::SPEC.number)
}
