//! Users: names, passwords, privileges.

use ipmi_proto::command::Empty;
use ipmi_proto::command::app::user::{
    EnabledUsers, GetUserAccess, GetUserAccessRequest, GetUserName, GetUserNameRequest, PasswordOperation,
    SetUserAccess, SetUserAccessRequest, SetUserName, SetUserNameRequest, SetUserPassword,
    SetUserPasswordRequest, UserAccess, UserAccessFlags, UserName, UserStatus,
};
use ipmi_proto::crypto::{Password, PasswordForm};
use ipmi_proto::ipmb::{CompletionCode, Privilege};
use ipmi_proto::session::UserId;
use ipmi_proto::wire::{LowBits, PaddedText};

use crate::handlers::{Context, handlers};
use crate::state::users::{NULL_USER, USER_COUNT, User};

handlers! {
    pure SetUserAccess => set_user_access;
    pure GetUserAccess => get_user_access;
    pure SetUserName => set_user_name;
    pure GetUserName => get_user_name;
    pure SetUserPassword => set_user_password;
}

/// The null user's name cannot be changed.
const FIXED_NAMES: u8 = 1;

fn user<'c>(context: &'c Context<'_>, id: u8) -> Result<&'c User, CompletionCode> {
    context
        .state
        .users
        .get(UserId(id))
        .ok_or(CompletionCode::INVALID_FIELD)
}

fn user_mut<'c>(context: &'c mut Context<'_>, id: u8) -> Result<&'c mut User, CompletionCode> {
    context
        .state
        .users
        .get_mut(UserId(id))
        .ok_or(CompletionCode::INVALID_FIELD)
}

fn get_user_access(
    context: &mut Context<'_>,
    request: GetUserAccessRequest,
) -> Result<UserAccess, CompletionCode> {
    context.lan_channel(request.channel.0)?;
    let user = user(context, request.user.0)?;
    Ok(UserAccess {
        users: LowBits(USER_COUNT),
        enabled: EnabledUsers {
            status: if user.enabled {
                UserStatus::ENABLED
            } else {
                UserStatus::DISABLED
            },
            count: context.state.users.enabled_count(),
        },
        fixed_names: LowBits(FIXED_NAMES),
        access: UserAccessFlags {
            callback_only: user.callback_only,
            link_authentication: user.link_authentication,
            ipmi_messaging: user.ipmi_messaging,
            limit: user.limit,
        },
    })
}

fn set_user_access(
    context: &mut Context<'_>,
    request: SetUserAccessRequest,
) -> Result<Empty, CompletionCode> {
    let (flags, limit, id) = (request.access, request.limit.0, UserId(request.user.0));
    context.lan_channel(flags.channel)?;
    if !limit.is_level() && limit != Privilege::NO_ACCESS {
        return Err(CompletionCode::INVALID_FIELD);
    }
    let last = context.state.users.is_last_administrator(id);
    let user = user_mut(context, id.0)?;
    let demotes = limit < Privilege::ADMINISTRATOR
        || limit == Privilege::NO_ACCESS
        || flags.change && (flags.callback_only || !flags.ipmi_messaging);
    if last && demotes {
        return Err(CompletionCode::INVALID_FIELD);
    }
    let lowered = limit < user.limit || limit == Privilege::NO_ACCESS;
    user.limit = limit;
    if flags.change {
        user.callback_only = flags.callback_only;
        user.link_authentication = flags.link_authentication;
        user.ipmi_messaging = flags.ipmi_messaging;
    }
    if let Some(LowBits(session_limit)) = request.session_limit {
        user.session_limit = session_limit;
    }
    let may_log_in = user.can_log_in();
    if !may_log_in {
        context.close_user(id);
    } else if lowered {
        context.close_others(id);
    }
    Ok(Empty)
}

fn get_user_name(context: &mut Context<'_>, request: GetUserNameRequest) -> Result<UserName, CompletionCode> {
    let name = user(context, request.user.0)?.name;
    Ok(UserName { name })
}

fn set_user_name(context: &mut Context<'_>, request: SetUserNameRequest) -> Result<Empty, CompletionCode> {
    let id = UserId(request.user.0);
    // Bytes after the first NUL do not count.
    let name = PaddedText::new(request.name.text()).map_err(|_| CompletionCode::INVALID_FIELD)?;
    let enabled = user(context, id.0)?.enabled;
    let taken = !name.text().is_empty() && context.state.users.is_name_taken(id, name.text());
    if id == NULL_USER || taken && enabled {
        return Err(CompletionCode::INVALID_FIELD);
    }
    if context.state.users.is_last_administrator(id) && name.text().is_empty() {
        return Err(CompletionCode::INVALID_FIELD);
    }
    let user = user_mut(context, id.0)?;
    if user.name != name {
        user.name = name;
        if name.text().is_empty() {
            context.close_user(id);
        } else {
            context.close_others(id);
        }
    }
    Ok(Empty)
}

fn set_user_password(
    context: &mut Context<'_>,
    request: SetUserPasswordRequest,
) -> Result<Empty, CompletionCode> {
    let id = UserId(request.user.user);
    let form = if request.user.twenty_bytes {
        PasswordForm::Twenty
    } else {
        PasswordForm::Sixteen
    };
    let given =
        || Password::with_form(request.password.expose(), form).map_err(|_| CompletionCode::LENGTH_INVALID);
    let last = context.state.users.is_last_administrator(id);
    let user = user_mut(context, id.0)?;
    match request.operation.0 {
        PasswordOperation::DISABLE if last => return Err(CompletionCode::INVALID_FIELD),
        PasswordOperation::DISABLE => {
            user.enabled = false;
            context.close_user(id);
        }
        PasswordOperation::ENABLE => enable(context, id)?,
        PasswordOperation::SET => {
            let password = given()?;
            let is_other = !user.password.matches(&password);
            user.password = password;
            context.state.lockout.forgive(id);
            if is_other {
                context.close_others(id);
            }
        }
        PasswordOperation::TEST if user.password.form() != form => {
            return Err(SetUserPassword::PASSWORD_SIZE_WRONG);
        }
        PasswordOperation::TEST if !user.password.matches(&given()?) => {
            return Err(SetUserPassword::PASSWORD_WRONG);
        }
        PasswordOperation::TEST => {}
        _ => return Err(CompletionCode::INVALID_FIELD),
    }
    Ok(Empty)
}

fn enable(context: &mut Context<'_>, id: UserId) -> Result<(), CompletionCode> {
    let name = user(context, id.0)?.name;
    if !name.text().is_empty() && context.state.users.is_name_taken(id, name.text()) {
        return Err(CompletionCode::INVALID_FIELD);
    }
    user_mut(context, id.0)?.enabled = true;
    context.state.lockout.forgive(id);
    Ok(())
}
