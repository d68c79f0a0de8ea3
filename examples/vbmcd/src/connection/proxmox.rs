//! `type = "proxmox"`: guests of a Proxmox VE cluster.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use backend_proxmox::{
    ApiToken, ClientConfig, Cluster, ClusterConfig, Credentials, Environment, FileJournal, Fingerprint,
    Guest, Secret as ProxmoxSecret, Trust, UserPassword, token_of,
};
use ipmi_server::backend::BmcBackend;
use toml::Spanned;

use super::{Connection, ConnectionError, ConnectionPlan, Context, KeyError, Keys, Mistake, Wanted};
use crate::secret::Secret;

/// Where systemd puts credentials.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";
/// Where systemd wants state.
const STATE: &str = "STATE_DIRECTORY";

/// A cluster.
#[derive(Debug)]
pub struct ProxmoxPlan {
    name: String,
    config: ClusterConfig,
    state: PathBuf,
}

pub(super) fn read(keys: &mut Keys<'_>) -> Result<Box<dyn ConnectionPlan>, KeyError> {
    let environment = Environment::read(|name| std::env::var(name).ok())
        .map_err(|error| keys.mistake(format!("in the environment: {error}")))?;
    let urls = keys.texts("url")?;
    let urls: Vec<String> = urls.iter().map(|url| (*url.get_ref()).to_owned()).collect();
    let endpoints = if urls.is_empty() {
        environment.endpoints
    } else {
        urls
    };
    if endpoints.is_empty() {
        let name = keys.name();
        let message =
            format!("connection `{name}` has no `url`: write url = \"https://pve1:8006\", or a list");
        return Err(keys.mistake(message));
    }
    let credentials = credentials(keys, environment.credentials)?;
    let trust = trust(keys, environment.insecure)?;
    let mut config = ClusterConfig::new(ClientConfig::new(endpoints, credentials).trust(trust));
    if let Some(interval) = keys.seconds("interval")? {
        config.interval = interval;
    }
    config.soft_off_timeout = keys.seconds("soft_off_timeout")?;
    config.soft_off_stops = keys.flag("soft_off_stops")?;
    let state = keys.path("state_dir")?.map(Spanned::into_inner);
    let name = keys.name().to_owned();
    let state = state.unwrap_or_else(|| match std::env::var_os(STATE) {
        Some(directory) => PathBuf::from(directory).join(format!("proxmox-{name}")),
        None => keys.directory().join(format!("proxmox-{name}.state")),
    });
    Ok(Box::new(ProxmoxPlan { name, config, state }))
}

/// Who asks: a token, a user, or both.
fn credentials(keys: &mut Keys<'_>, of_environment: Option<Credentials>) -> Result<Credentials, KeyError> {
    let id = keys.text("token_id")?;
    let mut secret = keys.secret_file("token_file")?;
    if id.is_some() && secret.is_none() {
        secret = systemd_credential(keys.name());
    }
    let token = match (&id, &secret) {
        (_, Some(secret)) => {
            let text = ProxmoxSecret::new(secret.expose());
            let token = token_of(id.as_ref().map(|id| *id.get_ref()), &text);
            let token = token.map_err(|error| keys.mistake(error.to_string()))?;
            Some(token.ok_or_else(|| {
                keys.mistake("there is no `token_id`: write token_id = \"USER@REALM!TOKEN\"")
            })?)
        }
        (Some(id), None) => {
            let message = "`token_id` has no secret: write `token_file`";
            return Err(Mistake::at(id, message).into());
        }
        (None, None) => None,
    };
    let user = keys.text("username")?;
    let password = keys.secret_file("password_file")?;
    let user = match (user, password) {
        (Some(name), Some(password)) => {
            let password = ProxmoxSecret::new(password.expose());
            let user = UserPassword::new(name.get_ref(), password);
            Some(user.map_err(|error| Mistake::at(&name, error.to_string()))?)
        }
        (Some(name), None) => {
            return Err(Mistake::at(&name, "`username` has no password: write `password_file`").into());
        }
        (None, Some(_)) => {
            return Err(keys.mistake("`password_file` has no user: write username = \"USER@REALM\""));
        }
        (None, None) => None,
    };
    let token: Option<ApiToken> = token;
    let found = Credentials::of(token, user).or(of_environment);
    found.ok_or_else(|| keys.mistake("nobody to ask as: write `token_id` and `token_file`"))
}

/// The token's secret as `LoadCredential=NAME.token:...` of systemd gives it.
fn systemd_credential(name: &str) -> Option<Secret> {
    let directory = PathBuf::from(std::env::var_os(CREDENTIALS)?);
    let names = [format!("{name}.token"), "proxmox-token".to_owned()];
    names
        .iter()
        .find_map(|name| Secret::read(&directory.join(name)).ok())
}

/// Which certificates are accepted.
fn trust(keys: &mut Keys<'_>, insecure_by_environment: bool) -> Result<Trust, KeyError> {
    let authorities = keys.path("ca_file")?;
    let fingerprints = keys.texts("fingerprint")?;
    let insecure = keys.flag("insecure")?;
    let ways =
        usize::from(authorities.is_some()) + usize::from(!fingerprints.is_empty()) + usize::from(insecure);
    if ways > 1 {
        return Err(keys.mistake("write one of `ca_file`, `fingerprint` and `insecure`"));
    }
    if let Some(path) = authorities {
        let pem = std::fs::read(path.get_ref());
        let shown = path.get_ref().display();
        let pem =
            pem.map_err(|error| Mistake::at(&path, format!("`ca_file`: cannot read {shown}: {error}")))?;
        return Ok(Trust::Authorities(pem));
    }
    if !fingerprints.is_empty() {
        let parsed: Result<Vec<_>, KeyError> = fingerprints
            .iter()
            .map(|text| {
                let parsed = Fingerprint::parse(text.get_ref());
                parsed.map_err(|error| Mistake::at(text, format!("`fingerprint`: {error}")).into())
            })
            .collect();
        return Ok(Trust::Fingerprints(parsed?));
    }
    if insecure || insecure_by_environment {
        return Ok(Trust::Insecure);
    }
    Ok(Trust::System)
}

#[async_trait]
impl ConnectionPlan for ProxmoxPlan {
    async fn connect(&self, _: &Context) -> Result<Box<dyn Connection>, ConnectionError> {
        let journal = FileJournal::open(&self.state).map_err(|error| {
            let path = self.state.display();
            let message =
                format!("cannot keep boot orders in {path}: make it writable, or write another `state_dir`");
            ConnectionError::new(message).with_source(error)
        })?;
        let config = self.config.clone().journal(Arc::new(journal));
        let cluster = Cluster::connect(config).await.map_err(|error| {
            ConnectionError::new(format!("cannot use the cluster of `{}`", self.name)).with_source(error)
        })?;
        Ok(Box::new(Proxmox(cluster)))
    }
}

#[derive(Debug)]
struct Proxmox(Arc<Cluster>);

#[async_trait]
impl Connection for Proxmox {
    async fn machine(&self, wanted: &Wanted<'_>) -> Result<Arc<dyn BmcBackend>, ConnectionError> {
        let guest: Arc<Guest> = self.0.find(wanted.machine).await.map_err(|error| {
            ConnectionError::new(format!("cannot find guest `{}`", wanted.machine)).with_source(error)
        })?;
        for missing in self.0.missing_privileges(&[guest.vmid()]) {
            tracing::warn!(bmc = wanted.bmc, "{missing}");
        }
        Ok(guest)
    }
}
