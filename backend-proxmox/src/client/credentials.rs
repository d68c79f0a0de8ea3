//! Who asks: an API token, or a user with a password.

use core::fmt;

use reqwest::header::HeaderValue;
use thiserror::Error;
use zeroize::Zeroizing;

/// Text that is never shown and is overwritten when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// Why credentials cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialsError {
    /// Not a token id.
    #[error("{id:?} is no token id: write USER@REALM!TOKEN, with a TOKEN of at least two letters or digits")]
    TokenId {
        /// What was given.
        id: String,
    },
    /// Not a user.
    #[error("{name:?} is no user: write USER@REALM, for example bmc@pve")]
    User {
        /// What was given.
        name: String,
    },
    /// The secret is empty or holds characters that cannot be sent.
    #[error("the secret is empty or holds control characters: copy it again from the web interface")]
    Secret,
}

/// An API token.
#[derive(Clone, Debug)]
pub struct ApiToken {
    id: String,
    header: HeaderValue,
}

impl ApiToken {
    /// A token.
    ///
    /// # Errors
    /// [`CredentialsError`] if `id` is no token id, or the secret cannot be one.
    pub fn new(id: &str, secret: &Secret) -> Result<Self, CredentialsError> {
        let wrong = || CredentialsError::TokenId { id: id.to_owned() };
        let (user, name) = id.split_once('!').ok_or_else(wrong)?;
        check_user(user).map_err(|_| wrong())?;
        let mut letters = name.chars();
        let starts = letters.next().is_some_and(|letter| letter.is_ascii_alphabetic());
        let rest = letters.as_str();
        let goes_on = |letter: char| letter.is_ascii_alphanumeric() || ".-_".contains(letter);
        if !starts || rest.is_empty() || !rest.chars().all(goes_on) {
            return Err(wrong());
        }
        let secret = secret.expose();
        if secret.is_empty() || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(CredentialsError::Secret);
        }
        let text = Zeroizing::new(format!("PVEAPIToken={id}={secret}"));
        let mut header = HeaderValue::from_str(&text).map_err(|_| CredentialsError::Secret)?;
        header.set_sensitive(true);
        Ok(Self {
            id: id.to_owned(),
            header,
        })
    }

    /// The token's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The value of the header `Authorization`.
    pub(crate) const fn header(&self) -> &HeaderValue {
        &self.header
    }
}

/// A user with a password.
#[derive(Clone, Debug)]
pub struct UserPassword {
    name: String,
    password: Secret,
}

impl UserPassword {
    /// A user of a realm (`bmc@pve`) with a password.
    ///
    /// # Errors
    /// [`CredentialsError`] if the name has no realm or the password is empty.
    pub fn new(name: &str, password: Secret) -> Result<Self, CredentialsError> {
        check_user(name)?;
        if password.expose().is_empty() {
            return Err(CredentialsError::Secret);
        }
        Ok(Self {
            name: name.to_owned(),
            password,
        })
    }

    /// The user's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) const fn password(&self) -> &Secret {
        &self.password
    }
}

fn check_user(name: &str) -> Result<(), CredentialsError> {
    let has_realm = name
        .split_once('@')
        .is_some_and(|(user, realm)| !user.is_empty() && !realm.is_empty());
    if has_realm && name.bytes().all(|byte| byte.is_ascii_graphic()) && !name.contains('!') {
        return Ok(());
    }
    Err(CredentialsError::User {
        name: name.to_owned(),
    })
}

/// Who asks.
///
/// A token is what daemons should use. It cannot open consoles before qemu-server 9.1.7 (Proxmox VE 9.1), and never
/// send NMIs in version 9; with a user beside it, what a token cannot do is done as that user.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credentials {
    /// A token for everything.
    Token(ApiToken),
    /// A user for everything.
    User(UserPassword),
    /// A token, and a user for what tokens cannot do.
    Both(ApiToken, UserPassword),
}

impl Credentials {
    /// Those of what there is.
    #[must_use]
    pub fn of(token: Option<ApiToken>, user: Option<UserPassword>) -> Option<Self> {
        match (token, user) {
            (Some(token), Some(user)) => Some(Self::Both(token, user)),
            (Some(token), None) => Some(Self::Token(token)),
            (None, Some(user)) => Some(Self::User(user)),
            (None, None) => None,
        }
    }

    pub(crate) const fn token(&self) -> Option<&ApiToken> {
        match self {
            Self::Token(token) | Self::Both(token, _) => Some(token),
            Self::User(_) => None,
        }
    }

    pub(crate) const fn user(&self) -> Option<&UserPassword> {
        match self {
            Self::User(user) | Self::Both(_, user) => Some(user),
            Self::Token(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_ids_are_checked_as_pve_checks_them() {
        let secret = Secret::new("12345678-1234-1234-1234-123456789abc");
        assert!(ApiToken::new("root@pam!bmc", &secret).is_ok());
        for id in [
            "root@pam!t",
            "root@pam",
            "root!bmc",
            "@pam!bmc",
            "root@pam!1a",
            "root@pam!a b",
        ] {
            assert!(ApiToken::new(id, &secret).is_err(), "{id}");
        }
        for text in ["", "a b", "a\n"] {
            let token = ApiToken::new("root@pam!bmc", &Secret::new(text));
            assert_eq!(token.err(), Some(CredentialsError::Secret), "{text:?}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let secret = Secret::new("s3cr3t-s3cr3t");
        let token = ApiToken::new("root@pam!bmc", &secret);
        let user = UserPassword::new("bmc@pve", secret);
        let shown = format!("{token:?} {user:?}");
        assert!(!shown.contains("s3cr3t"), "{shown}");
        assert!(shown.contains("root@pam!bmc") && shown.contains("bmc@pve"));
    }
}
