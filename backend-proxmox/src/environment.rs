//! Settings from the environment, under the names that other tools for Proxmox VE take them from.

use crate::client::{ApiToken, Credentials, CredentialsError, Secret, UserPassword};

/// Names of the address, the first one that is set counts.
const URL: &[&str] = &["PROXMOX_API_URL", "PROXMOX_URL", "PROXMOX_VE_ENDPOINT"];
/// A token as `USER@REALM!TOKEN=SECRET`, or its secret alone.
const TOKEN: &[&str] = &["PROXMOX_TOKEN", "PROXMOX_VE_API_TOKEN", "PROXMOX_TOKEN_SECRET"];
const TOKEN_ID: &[&str] = &["PROXMOX_TOKEN_ID", "PROXMOX_USERNAME", "PROXMOX_USER"];
const USER: &[&str] = &["PROXMOX_USERNAME", "PROXMOX_USER", "PROXMOX_VE_USERNAME"];
const PASSWORD: &[&str] = &["PROXMOX_PASSWORD", "PROXMOX_VE_PASSWORD"];
/// Whether the certificate is checked.
const VERIFY: &[&str] = &["PROXMOX_VERIFY_SSL", "PROXMOX_VALIDATE_CERTS"];

/// What the environment says of a cluster.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Environment {
    /// Addresses, separated by commas.
    pub endpoints: Vec<String>,
    /// Who asks.
    pub credentials: Option<Credentials>,
    /// The certificate is not to be checked.
    pub insecure: bool,
}

impl Environment {
    /// Reads variables by a function that gives their values.
    ///
    /// # Errors
    /// [`CredentialsError`] if there are credentials that cannot be any.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, CredentialsError> {
        let first = |names: &[&str]| {
            let values = names.iter().filter_map(|name| variable(name));
            values
                .map(|value| value.trim().to_owned())
                .find(|value| !value.is_empty())
        };
        let endpoints = first(URL).unwrap_or_default();
        let endpoints = endpoints.split(',').map(str::trim).filter(|url| !url.is_empty());
        let insecure = first(VERIFY)
            .is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "0" | "false" | "no" | "off"));
        let token = first(TOKEN).map(Secret::new);
        let token_id = TOKEN_ID
            .iter()
            .filter_map(|name| variable(name))
            .find(|value| value.contains('!'));
        let token = match &token {
            Some(secret) => token_of(token_id.as_deref(), secret)?,
            None => None,
        };
        let user = USER
            .iter()
            .filter_map(|name| variable(name))
            .find(|value| !value.is_empty() && !value.contains('!'));
        let user = match (user, first(PASSWORD)) {
            (Some(user), Some(password)) => Some(UserPassword::new(&user, Secret::new(password))?),
            _ => None,
        };
        Ok(Self {
            endpoints: endpoints.map(str::to_owned).collect(),
            credentials: Credentials::of(token, user),
            insecure,
        })
    }
}

/// A token from its secret and id, or from both in one: `USER@REALM!TOKEN=SECRET`. `None`: there is no id.
///
/// # Errors
/// [`CredentialsError`] if it cannot be a token.
pub fn token_of(id: Option<&str>, secret: &Secret) -> Result<Option<ApiToken>, CredentialsError> {
    if let Some((own_id, own_secret)) = secret.expose().rsplit_once('=')
        && own_id.contains('!')
    {
        let own_id = own_id.strip_prefix("PVEAPIToken=").unwrap_or(own_id);
        return ApiToken::new(own_id, &Secret::new(own_secret)).map(Some);
    }
    id.map(|id| ApiToken::new(id, secret)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Environment {
        let value = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Environment::read(value).unwrap()
    }

    #[test]
    fn names_of_common_tools_are_understood() {
        let secret = "12345678-1234-1234-1234-123456789abc";
        let whole = format!("root@pam!bmc={secret}");
        for variables in [
            vec![
                ("PROXMOX_API_URL", "https://a:8006"),
                ("PROXMOX_TOKEN", whole.as_str()),
            ],
            vec![
                ("PROXMOX_URL", "https://a:8006"),
                ("PROXMOX_USERNAME", "root@pam!bmc"),
                ("PROXMOX_TOKEN", secret),
            ],
            vec![
                ("PROXMOX_VE_ENDPOINT", "https://a:8006"),
                ("PROXMOX_VE_API_TOKEN", &whole),
            ],
            vec![
                ("PROXMOX_API_URL", "https://a:8006"),
                ("PROXMOX_TOKEN_ID", "root@pam!bmc"),
                ("PROXMOX_TOKEN_SECRET", secret),
            ],
        ] {
            let found = read(&variables);
            assert_eq!(found.endpoints, ["https://a:8006"]);
            let Some(Credentials::Token(token)) = found.credentials else {
                panic!("{variables:?} has no token");
            };
            assert_eq!(token.id(), "root@pam!bmc");
        }
        let found = read(&[
            ("PROXMOX_API_URL", "a, b"),
            ("PROXMOX_USER", "bmc@pve"),
            ("PROXMOX_PASSWORD", "x"),
            ("PROXMOX_VERIFY_SSL", "false"),
        ]);
        assert_eq!(found.endpoints, ["a", "b"]);
        assert!(matches!(found.credentials, Some(Credentials::User(_))));
        assert!(found.insecure);
        assert!(!read(&[("PROXMOX_VERIFY_SSL", "1")]).insecure);
    }
}
