//! From the form of the file to a plan: everything that serde cannot check.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipmi_proto::crypto::{CipherSuite, CipherSuiteId, Password};
use ipmi_proto::ipmb::Privilege;
use ipmi_proto::session::AuthTypes;
use ipmi_server::bmc::LoginLockout;
use toml::Spanned;

use super::form::{ConnectionForm, File, StoreForm, StoreKind};
use super::options::{AuthForm, Options, PrivilegeForm, UserForm};
use super::text::Text;
use super::{ConfigError, console};
use crate::connection::{self, ConnectionPlan, KeyError, Keys};
use crate::plan::{Access, BmcPlan, CipherSuites, DEFAULT_ALERT_PORT, Plan, Sockets, UserPlan};
use crate::secret::Secret;
use crate::store::StorePlan;

/// Users besides the one without a name, which has a number of its own.
const MOST_USERS: usize = 15;
/// Longest name of a user.
const NAME_LIMIT: usize = 16;
/// The port of IPMI over LAN.
const IPMI_PORT: u16 = 623;
/// As many seconds as LAN parameter 26 has room for.
const LONGEST_LOCKOUT: u32 = 655_350;

/// Checks the file and makes a plan of it.
pub(super) fn plan(text: &Text, file: File) -> Result<Plan, ConfigError> {
    let connections = file
        .connection
        .iter()
        .map(|(name, form)| Ok((name.clone(), connection(text, name, form)?)))
        .collect::<Result<_, ConfigError>>()?;
    check_defaults(text, &file.defaults)?;
    let check = Check {
        text,
        defaults: &file.defaults,
        connections: &file.connection,
        sockets: file.listen.sockets,
    };
    let mut taken = Taken::default();
    let bmcs = file
        .bmc
        .iter()
        .map(|form| check.bmc(form, &mut taken))
        .collect::<Result<_, _>>()?;
    let per_user = file.console.per_user;
    Ok(Plan {
        connections,
        bmcs,
        sockets: file.listen.sockets,
        audit: file.audit.file.map(|path| text.relative(&path)),
        consoles_per_user: per_user.and_then(|most| usize::try_from(most.get()).ok()),
        store: store(text, &file.store)?,
    })
}

/// Where what clients change is kept.
fn store(text: &Text, form: &StoreForm) -> Result<StorePlan, ConfigError> {
    let (path, key_file) = (form.path.as_ref(), form.key_file.as_ref());
    match (form.kind, path.or(key_file)) {
        (StoreKind::Memory, None) => Ok(StorePlan::Memory),
        (StoreKind::Memory, Some(place)) => Err(text.mistake(
            place,
            "a store of `type = \"memory\"` has neither `path` nor `key_file`: leave them out",
        )),
        (StoreKind::Disk, _) => {
            let whole = |path: &Spanned<PathBuf>| text.relative(path.get_ref());
            Ok(StorePlan::for_configuration(
                text.path(),
                path.map(whole),
                key_file.map(whole),
            ))
        }
    }
}

fn connection(
    text: &Text,
    name: &str,
    form: &Spanned<ConnectionForm>,
) -> Result<Box<dyn ConnectionPlan>, ConfigError> {
    connection::read(&mut Keys::new(name, form, text.directory())).map_err(|error| match error {
        KeyError::Mistake(mistake) => text.mistake(&Spanned::new(mistake.span, ()), mistake.message),
        KeyError::Secret { span, key, source } => text.bad_secret(&Spanned::new(span, ()), key, source),
    })
}

/// Refuses the keys that cannot be the same for several BMCs.
fn check_defaults(text: &Text, defaults: &Options) -> Result<(), ConfigError> {
    for (key, value) in [("name", &defaults.name), ("machine", &defaults.machine)] {
        if let Some(value) = value {
            let message = format!("`{key}` cannot be a default: write it in each [[bmc]]");
            return Err(text.mistake(value, message));
        }
    }
    Ok(())
}

/// What earlier BMCs of the file have taken, with their lines.
#[derive(Default)]
struct Taken {
    names: BTreeMap<String, usize>,
    machines: BTreeMap<(String, String), usize>,
    endpoints: BTreeMap<SocketAddr, usize>,
}

/// Checks one BMC after the other.
struct Check<'a> {
    text: &'a Text,
    defaults: &'a Options,
    connections: &'a BTreeMap<String, Spanned<ConnectionForm>>,
    sockets: Sockets,
}

impl Check<'_> {
    fn bmc(&self, place: &Spanned<Options>, taken: &mut Taken) -> Result<BmcPlan, ConfigError> {
        let form = place.get_ref();
        let name = self.required(place, form.name.as_ref(), "name", "\"node1\"")?;
        if name.get_ref().is_empty() {
            return Err(self.text.mistake(name, "`name` is empty: give the BMC a name"));
        }
        self.claim(&mut taken.names, name.get_ref().clone(), name, "the name")?;

        let connection = form.connection.as_ref().or(self.defaults.connection.as_ref());
        let connection = self.required(place, connection, "connection", "\"lab\"")?;
        if !self.connections.contains_key(connection.get_ref()) {
            let connection_name = connection.get_ref();
            let message = format!(
                "`connection`: there is no [connection.{connection_name}]; there is: {}",
                listed(self.connections.keys())
            );
            return Err(self.text.mistake(connection, message));
        }
        let machine = self.required(place, form.machine.as_ref(), "machine", "\"lab-0\"")?;
        let key = (connection.get_ref().clone(), machine.get_ref().clone());
        self.claim(&mut taken.machines, key, machine, "the machine")?;

        let endpoint = self.endpoint(place, taken)?;
        Ok(BmcPlan {
            name: name.get_ref().clone(),
            connection: connection.get_ref().clone(),
            machine: machine.get_ref().clone(),
            address: endpoint.ip(),
            port: endpoint.port(),
            access: Arc::new(self.access(place)?),
            console: console::plan(self.text, name, form, self.defaults)?,
        })
    }

    fn endpoint(&self, place: &Spanned<Options>, taken: &mut Taken) -> Result<SocketAddr, ConfigError> {
        let form = place.get_ref();
        let address = form.address.as_ref().or(self.defaults.address.as_ref());
        let port = form.port.as_ref().or(self.defaults.port.as_ref());
        let endpoint = SocketAddr::new(
            address.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| *address.get_ref()),
            port.map_or(IPMI_PORT, |port| *port.get_ref()),
        );
        if let Some(address) = address.filter(|address| address.get_ref().is_unspecified())
            && self.sockets == Sockets::Shared
        {
            let message = "`address`: with shared sockets each BMC needs an address of its own";
            return Err(self.text.mistake(address, message));
        }
        if endpoint.port() == 0 {
            if self.sockets == Sockets::Shared {
                return Err(self
                    .text
                    .mistake(place, "`port` 0 does not go with shared sockets: write a port"));
            }
            return Ok(endpoint);
        }
        self.claim(&mut taken.endpoints, endpoint, place, "the address and port")?;
        Ok(endpoint)
    }

    fn access(&self, place: &Spanned<Options>) -> Result<Access, ConfigError> {
        let (form, defaults) = (place.get_ref(), self.defaults);
        let types = form.ipmi_1_5.as_ref().or(defaults.ipmi_1_5.as_ref());
        Ok(Access {
            users: self.users(place)?,
            cipher_suites: self.cipher_suites(form)?,
            bmc_key: self.bmc_key(form)?,
            auth_types: types.map(|types| types.iter().map(|kind| auth_type(*kind.get_ref())).collect()),
            cycle_when_off: form
                .cycle_when_off
                .or(defaults.cycle_when_off)
                .unwrap_or_default(),
            login_lockout: self.login_lockout(form)?,
            hide_unknown_users: form
                .hide_unknown_users
                .or(defaults.hide_unknown_users)
                .unwrap_or_default(),
            alert_port: form
                .alert_port
                .or(defaults.alert_port)
                .unwrap_or(DEFAULT_ALERT_PORT),
        })
    }

    fn login_lockout(&self, form: &Options) -> Result<LoginLockout, ConfigError> {
        let (defaults, usual) = (self.defaults, LoginLockout::default());
        let time = |key: &str, place: Option<&Spanned<u32>>, usual: Duration| {
            let Some(place) = place else {
                return Ok(usual);
            };
            if *place.get_ref() > LONGEST_LOCKOUT {
                let message = format!("`{key}`: write at most {LONGEST_LOCKOUT}");
                return Err(self.text.mistake(place, message));
            }
            Ok(Duration::from_secs(u64::from(*place.get_ref())))
        };
        let window = form
            .login_window_seconds
            .as_ref()
            .or(defaults.login_window_seconds.as_ref());
        let duration = form
            .lockout_seconds
            .as_ref()
            .or(defaults.lockout_seconds.as_ref());
        Ok(LoginLockout {
            attempts: form
                .login_attempts
                .or(defaults.login_attempts)
                .unwrap_or(usual.attempts),
            window: time("login_window_seconds", window, usual.window)?,
            duration: time("lockout_seconds", duration, usual.duration)?,
        })
    }

    fn users(&self, place: &Spanned<Options>) -> Result<Vec<UserPlan>, ConfigError> {
        let (form, defaults) = (place.get_ref(), self.defaults);
        let mut users = Vec::new();
        let secret = if form.password.is_some() || form.password_file.is_some() {
            (&form.password, &form.password_file)
        } else {
            (&defaults.password, &defaults.password_file)
        };
        let username = form.username.as_ref().or(defaults.username.as_ref());
        if let Some(name) = username {
            users.push(self.user(name, secret, PrivilegeForm::Administrator, form, &users)?);
        }
        for user in form
            .users
            .as_ref()
            .or(defaults.users.as_ref())
            .into_iter()
            .flatten()
        {
            let UserForm {
                name,
                password,
                password_file,
                privilege,
            } = user.get_ref();
            users.push(self.user(name, (password, password_file), *privilege, form, &users)?);
        }
        if users.is_empty() {
            let message = "nobody could log in: write `username` and `password_file`, here or in [defaults]";
            return Err(self.text.mistake(place, message));
        }
        if users.len() > MOST_USERS {
            let message = format!("`users`: a BMC has room for {MOST_USERS} users with a name");
            return Err(self.text.mistake(place, message));
        }
        Ok(users)
    }

    fn user(
        &self,
        name: &Spanned<String>,
        (password, password_file): (&Option<Spanned<Secret>>, &Option<Spanned<PathBuf>>),
        privilege: PrivilegeForm,
        form: &Options,
        others: &[UserPlan],
    ) -> Result<UserPlan, ConfigError> {
        let text = name.get_ref();
        let null_user = form
            .dangerous_null_user
            .or(self.defaults.dangerous_null_user)
            .unwrap_or(false);
        let message = if text.is_empty() && !null_user {
            Some("the user name is empty: that needs `dangerous_null_user = true`".to_owned())
        } else if text.len() > NAME_LIMIT || text.contains('\0') {
            Some(format!(
                "the user name `{text}` is longer than {NAME_LIMIT} bytes or holds a NUL"
            ))
        } else if others.iter().any(|other| other.name == *text) {
            Some(format!(
                "there are two users `{text}`: give each a name of its own"
            ))
        } else {
            None
        };
        if let Some(message) = message {
            return Err(self.text.mistake(name, message));
        }
        Ok(UserPlan {
            name: text.clone(),
            password: self.password(name, password.as_ref(), password_file.as_ref())?,
            privilege: privilege.into(),
        })
    }

    fn password(
        &self,
        user: &Spanned<String>,
        password: Option<&Spanned<Secret>>,
        password_file: Option<&Spanned<PathBuf>>,
    ) -> Result<Password, ConfigError> {
        match (password, password_file) {
            (Some(place), None) => {
                let private = self.text.check_private();
                let password = private.and_then(|()| place.get_ref().password());
                password.map_err(|error| self.text.bad_secret(place, "password", error))
            }
            (None, Some(place)) => {
                let secret = Secret::read(&self.text.relative(place.get_ref()));
                let password = secret.and_then(|secret| secret.password());
                password.map_err(|error| self.text.bad_secret(place, "password_file", error))
            }
            (Some(place), Some(_)) => Err(self
                .text
                .mistake(place, "both `password` and `password_file`: write one of them")),
            (None, None) => {
                let name = user.get_ref();
                let message = format!("user `{name}` has no password: write `password_file`");
                Err(self.text.mistake(user, message))
            }
        }
    }

    fn bmc_key(&self, form: &Options) -> Result<Option<ipmi_proto::crypto::BmcKey>, ConfigError> {
        let own = form.kg.is_some() || form.kg_file.is_some();
        let source = if own { form } else { self.defaults };
        let (place, key, secret) = match (&source.kg, &source.kg_file) {
            (None, None) => return Ok(None),
            (Some(place), Some(_)) => {
                return Err(self
                    .text
                    .mistake(place, "both `kg` and `kg_file`: write one of them"));
            }
            (Some(place), None) => {
                let secret = self.text.check_private().map(|()| place.get_ref().clone());
                (place.span(), "kg", secret)
            }
            (None, Some(place)) => (
                place.span(),
                "kg_file",
                Secret::read(&self.text.relative(place.get_ref())),
            ),
        };
        let bmc_key = secret.and_then(|secret| secret.bmc_key());
        let bmc_key = bmc_key.map_err(|error| self.text.bad_secret(&Spanned::new(place, ()), key, error))?;
        Ok(Some(bmc_key))
    }

    fn cipher_suites(&self, form: &Options) -> Result<CipherSuites, ConfigError> {
        let defaults = self.defaults;
        let Some(list) = form.cipher_suites.as_ref().or(defaults.cipher_suites.as_ref()) else {
            return Ok(CipherSuites::Protected);
        };
        let suite_0 = form
            .dangerous_cipher_suite_0
            .or(defaults.dangerous_cipher_suite_0)
            .unwrap_or(false);
        let suite = |place: &Spanned<u8>| {
            let id = CipherSuiteId(*place.get_ref());
            if CipherSuite::by_id(id).is_none() {
                let known = listed(CipherSuite::ALL.iter().map(|suite| suite.id.0));
                let message = format!("`cipher_suites`: there is no suite {}; there is: {known}", id.0);
                Err(self.text.mistake(place, message))
            } else if id == CipherSuiteId::SUITE_0 && !suite_0 {
                let message = "`cipher_suites`: suite 0 lets anybody in who knows a user name; it needs \
                               `dangerous_cipher_suite_0 = true`";
                Err(self.text.mistake(place, message))
            } else {
                Ok(id)
            }
        };
        Ok(CipherSuites::Chosen(
            list.iter().map(suite).collect::<Result<_, _>>()?,
        ))
    }

    /// A key that every BMC must have.
    fn required<'f, T>(
        &self,
        bmc: &Spanned<Options>,
        value: Option<&'f Spanned<T>>,
        key: &str,
        example: &str,
    ) -> Result<&'f Spanned<T>, ConfigError> {
        value.ok_or_else(|| {
            let message = format!("this [[bmc]] has no `{key}`: write {key} = {example}");
            self.text.mistake(bmc, message)
        })
    }

    /// Takes something that only one BMC can have.
    fn claim<K: Ord, T>(
        &self,
        taken: &mut BTreeMap<K, usize>,
        key: K,
        place: &Spanned<T>,
        what: &str,
    ) -> Result<(), ConfigError> {
        match taken.insert(key, self.text.line_of(place)) {
            None => Ok(()),
            Some(line) => {
                let message = format!("{what} belongs to the BMC of line {line} already: choose another");
                Err(self.text.mistake(place, message))
            }
        }
    }
}

const fn auth_type(form: AuthForm) -> AuthTypes {
    match form {
        AuthForm::Md2 => AuthTypes::MD2,
        AuthForm::Md5 => AuthTypes::MD5,
        AuthForm::DangerousPassword => AuthTypes::PASSWORD,
        AuthForm::DangerousNone => AuthTypes::NONE,
    }
}

impl From<PrivilegeForm> for Privilege {
    fn from(form: PrivilegeForm) -> Self {
        match form {
            PrivilegeForm::Callback => Self::CALLBACK,
            PrivilegeForm::User => Self::USER,
            PrivilegeForm::Operator => Self::OPERATOR,
            PrivilegeForm::Administrator => Self::ADMINISTRATOR,
        }
    }
}

/// `a, b, c`, or `none`.
fn listed<T: ToString>(items: impl Iterator<Item = T>) -> String {
    let items: Vec<_> = items.map(|item| item.to_string()).collect();
    if items.is_empty() {
        "none".to_owned()
    } else {
        items.join(", ")
    }
}
