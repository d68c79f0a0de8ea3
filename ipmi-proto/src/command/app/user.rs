//! Users: names, passwords, privileges.

use crate::command::{ChannelField, Empty, PrivilegeField, UserIdField, commands};
use crate::ipmb::{ChannelNumber, Privilege};
use crate::wire::{
    Decode, Encode, LowBits, PaddedText, Reader, Secret, WireError, Writer, code_points, packed,
};

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Changes what a user may do on a channel.
    SetUserAccess = "Set User Access", APP 0x43, ADMINISTRATOR, Manage, "22.26";
    request SetUserAccessRequest {
        /// The channel and the user's flags there.
        access: SetUserAccessFlags,
        /// The user.
        user: UserIdField,
        /// The user's highest privilege on the channel.
        limit: PrivilegeField,
        /// Most sessions of the user at a time; 0 is as many as there are.
        session_limit: Option<LowBits<u8, 4>>,
    }
    response Empty;

    /// Reads what a user may do on a channel.
    GetUserAccess = "Get User Access", APP 0x44, OPERATOR, Manage, "22.27";
    request GetUserAccessRequest {
        /// The channel.
        channel: ChannelField,
        /// The user.
        user: UserIdField,
    }
    response UserAccess {
        /// Number of user IDs, the null user included.
        users: LowBits<u8, 6>,
        /// How many users are enabled and whether this one is.
        enabled: EnabledUsers,
        /// Number of users whose names cannot be changed, the null user included.
        fixed_names: LowBits<u8, 6>,
        /// The user's flags and privilege on the channel.
        access: UserAccessFlags,
    }

    /// Changes the name of a user.
    SetUserName = "Set User Name", APP 0x45, ADMINISTRATOR, Manage, "22.28";
    request SetUserNameRequest {
        /// The user.
        user: UserIdField,
        /// The name.
        name: PaddedText<16>,
    }
    response Empty;

    /// Reads the name of a user.
    GetUserName = "Get User Name", APP 0x46, OPERATOR, Manage, "22.29";
    request GetUserNameRequest {
        /// The user.
        user: UserIdField,
    }
    response UserName {
        /// The name; all NUL if there is none.
        name: PaddedText<16>,
    }

    /// Enables or disables a user, sets or tests the password.
    SetUserPassword = "Set User Password", APP 0x47, ADMINISTRATOR, Manage, "22.30";
    request SetUserPasswordRequest;
    response Empty;
    => {
        PASSWORD_WRONG = 0x80, "the password is wrong";
        PASSWORD_SIZE_WRONG = 0x81, "the password was set with another size";
    }
}

packed! {
    /// First byte of [`SetUserAccessRequest`].
    pub struct SetUserAccessFlags: u8 {
        /// The three flags are to be changed; otherwise only the privilege is.
        change: bool = 7, 7;
        /// The user may only log in while being called back.
        callback_only: bool = 6, 6;
        /// The user's name and password are used for link authentication.
        link_authentication: bool = 5, 5;
        /// The user may log in for IPMI messages.
        ipmi_messaging: bool = 4, 4;
        /// The channel.
        channel: ChannelNumber = 3, 0;
    }
}

packed! {
    /// Last byte of [`UserAccess`].
    pub struct UserAccessFlags: u8 {
        /// The user may only log in while being called back.
        callback_only: bool = 6, 6;
        /// The user's name and password are used for link authentication.
        link_authentication: bool = 5, 5;
        /// The user may log in for IPMI messages.
        ipmi_messaging: bool = 4, 4;
        /// The user's highest privilege on the channel.
        limit: Privilege = 3, 0;
    }
}

code_points! {
    /// Whether a user is enabled, 2 bits.
    pub struct UserStatus(u8) {
        UNSPECIFIED = 0, "unspecified";
        ENABLED = 1, "enabled";
        DISABLED = 2, "disabled";
    }
}

packed! {
    /// Second byte of [`UserAccess`].
    pub struct EnabledUsers: u8 {
        /// Whether this user is enabled.
        status: UserStatus = 7, 6;
        /// Number of users that are enabled.
        count: u8 = 5, 0;
    }
}

code_points! {
    /// What [`SetUserPassword`] does, 2 bits.
    pub struct PasswordOperation(u8) {
        DISABLE = 0, "disable the user";
        ENABLE = 1, "enable the user";
        SET = 2, "set the password";
        TEST = 3, "test the password";
    }
}

packed! {
    /// First byte of [`SetUserPasswordRequest`].
    pub struct PasswordUser: u8 {
        /// The password has 20 bytes, not 16.
        twenty_bytes: bool = 7, 7;
        /// The user.
        user: u8 = 5, 0;
    }
}

/// Request data of [`SetUserPassword`].
#[derive(Debug, PartialEq, Eq)]
pub struct SetUserPasswordRequest {
    /// The user and the size of the password.
    pub user: PasswordUser,
    /// What to do.
    pub operation: LowBits<PasswordOperation, 2>,
    /// The password filled up with NUL to 16 or 20 bytes, or empty: enabling and disabling need none.
    pub password: Secret<20>,
}

impl SetUserPasswordRequest {
    /// Number of bytes of the password field of this request if it has one.
    #[must_use]
    pub const fn password_size(&self) -> usize {
        if self.user.twenty_bytes { 20 } else { 16 }
    }
}

impl Decode for SetUserPasswordRequest {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let mut request = Self {
            user: reader.value()?,
            operation: reader.value()?,
            password: Secret::default(),
        };
        let needed = matches!(
            request.operation.0,
            PasswordOperation::SET | PasswordOperation::TEST
        );
        if needed || !reader.is_empty() {
            let password = reader.slice(request.password_size())?;
            request.password = Secret::from_slice(password).map_err(|_| WireError::Invalid)?;
        }
        Ok(request)
    }
}

impl Encode for SetUserPasswordRequest {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.value(&self.user)?;
        writer.value(&self.operation)?;
        writer.value(&self.password)
    }
}
