//! The users of one BMC.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use ipmi_proto::command::app::user::{
    GetUserAccess, GetUserAccessRequest, GetUserName, GetUserNameRequest, PasswordOperation, PasswordUser,
    SetUserAccess, SetUserAccessFlags, SetUserAccessRequest, SetUserName, SetUserNameRequest,
    SetUserPassword, SetUserPasswordRequest, UserAccess, UserStatus,
};
use ipmi_proto::ipmb::{self, ChannelNumber};
use ipmi_proto::wire::{LowBits, PaddedText, Secret};
use ipmi_server::bmc::Bmc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zeroize::Zeroizing;

use super::Control;
use super::api::{ChangeUser, Privilege, Problem, User};
use super::bmcs::read;
use super::machine::ask;
use super::problem::Refusal;

/// Bytes of the two password fields.
const SHORT: usize = 16;
const LONG: usize = 20;

pub(super) fn routes() -> OpenApiRouter<Control> {
    OpenApiRouter::new()
        .routes(routes!(users))
        .routes(routes!(change_user))
}

/// The users that have a name or may log in.
#[utoipa::path(
    get, path = "/v1/bmcs/{name}/users",
    responses((status = 200, body = Vec<User>), (status = 404, body = Problem), (status = 409, body = Problem))
)]
async fn users(State(control): State<Control>, Path(name): Path<String>) -> Result<Json<Vec<User>>, Refusal> {
    let bmc = control.registry.bmc(&name)?;
    let slots = access(&bmc, 1).await?.users.0;
    let mut users = Vec::new();
    for id in 1..=slots {
        let user = user(&bmc, id).await?;
        if user.enabled || !user.name.is_empty() {
            users.push(user);
        }
    }
    Ok(Json(users))
}

/// Changes a user, or makes one in a free place: name, password, privilege, then whether it may log in.
#[utoipa::path(
    patch, path = "/v1/bmcs/{name}/users/{id}", request_body = ChangeUser,
    responses((status = 200, body = User), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 502, body = Problem))
)]
async fn change_user(
    State(control): State<Control>,
    Path((name, id)): Path<(String, u8)>,
    body: Bytes,
) -> Result<Json<User>, Refusal> {
    let bmc = control.registry.bmc(&name)?;
    let change: ChangeUser = read(&body)?;
    let password = change.password.map(Zeroizing::new);
    let password = password.map(|password| field(&password)).transpose()?;
    if let Some(name) = &change.name {
        let name = PaddedText::new(name.as_bytes());
        let name =
            name.map_err(|_| Refusal::bad_request("a user name has at most 16 bytes: choose a shorter one"))?;
        ask::<SetUserName>(
            &bmc,
            SetUserNameRequest {
                user: LowBits(id),
                name,
            },
        )
        .await?;
    }
    if let Some((twenty_bytes, password)) = password {
        set_password(&bmc, id, twenty_bytes, PasswordOperation::SET, password).await?;
    }
    if let Some(privilege) = change.privilege {
        set_privilege(&bmc, id, privilege).await?;
    }
    if let Some(enabled) = change.enabled {
        let operation = if enabled {
            PasswordOperation::ENABLE
        } else {
            PasswordOperation::DISABLE
        };
        set_password(&bmc, id, false, operation, Secret::default()).await?;
    }
    Ok(Json(user(&bmc, id).await?))
}

async fn user(bmc: &Arc<Bmc>, id: u8) -> Result<User, Refusal> {
    let access = access(bmc, id).await?;
    let name = ask::<GetUserName>(bmc, GetUserNameRequest { user: LowBits(id) })
        .await?
        .name;
    Ok(User {
        id,
        name: String::from_utf8_lossy(name.text()).into_owned(),
        enabled: access.enabled.status == UserStatus::ENABLED,
        privilege: match access.access.limit {
            ipmb::Privilege::CALLBACK => Privilege::Callback,
            ipmb::Privilege::USER => Privilege::User,
            ipmb::Privilege::OPERATOR => Privilege::Operator,
            ipmb::Privilege::ADMINISTRATOR => Privilege::Administrator,
            _ => Privilege::None,
        },
    })
}

async fn access(bmc: &Arc<Bmc>, id: u8) -> Result<UserAccess, Refusal> {
    let request = GetUserAccessRequest {
        channel: LowBits(ChannelNumber::LAN),
        user: LowBits(id),
    };
    ask::<GetUserAccess>(bmc, request).await
}

async fn set_privilege(bmc: &Arc<Bmc>, id: u8, privilege: Privilege) -> Result<(), Refusal> {
    let limit = match privilege {
        Privilege::None => ipmb::Privilege::NO_ACCESS,
        Privilege::Callback => ipmb::Privilege::CALLBACK,
        Privilege::User => ipmb::Privilege::USER,
        Privilege::Operator => ipmb::Privilege::OPERATOR,
        Privilege::Administrator => ipmb::Privilege::ADMINISTRATOR,
    };
    let request = SetUserAccessRequest {
        access: SetUserAccessFlags {
            change: false,
            callback_only: false,
            link_authentication: false,
            ipmi_messaging: false,
            channel: ChannelNumber::LAN,
        },
        user: LowBits(id),
        limit: LowBits(limit),
        session_limit: None,
    };
    ask::<SetUserAccess>(bmc, request).await.map(drop)
}

async fn set_password(
    bmc: &Arc<Bmc>,
    id: u8,
    twenty_bytes: bool,
    operation: PasswordOperation,
    password: Secret<LONG>,
) -> Result<(), Refusal> {
    let request = SetUserPasswordRequest {
        user: PasswordUser {
            twenty_bytes,
            user: id,
        },
        operation: LowBits(operation),
        password,
    };
    ask::<SetUserPassword>(bmc, request).await.map(drop)
}

/// A password as its field has it: filled up with NUL to 16 bytes, which IPMI 1.5 knows, or to 20.
fn field(password: &str) -> Result<(bool, Secret<LONG>), Refusal> {
    let bytes = password.as_bytes();
    if bytes.is_empty() || bytes.len() > LONG || bytes.contains(&0) {
        return Err(Refusal::bad_request(
            "a password has 1 to 20 bytes without NUL: choose another one",
        ));
    }
    let twenty_bytes = bytes.len() > SHORT;
    let mut padded = Zeroizing::new(bytes.to_vec());
    padded.resize(if twenty_bytes { LONG } else { SHORT }, 0);
    let secret = Secret::from_slice(&padded);
    Ok((
        twenty_bytes,
        secret.map_err(|_| Refusal::bad_request("the password is too long"))?,
    ))
}
