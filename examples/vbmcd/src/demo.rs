//! What `vbmcd demo` starts.

use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::sync::Arc;

use ipmi_proto::ipmb::Privilege;
use ipmi_server::bmc::LoginLockout;
use rand::RngExt;
use rand::distr::Alphanumeric;
use thiserror::Error;

use crate::AddressRange;
use crate::announce::PasswordHint;
use crate::cli::DemoArgs;
use crate::connection::{ConnectionPlan, ProxmoxDemoPlan, SimulatedPlan};
use crate::plan::{Access, BmcPlan, CipherSuites, ConsolePlan, CycleWhenOff, Plan, Sockets, UserPlan};
use crate::secret::{Secret, SecretError};
use crate::store::StorePlan;

/// Length of a password that is made up: 95 bits, and short enough for IPMI 1.5.
const PASSWORD_LENGTH: usize = 16;
/// Number of BMCs if nothing says otherwise.
const DEFAULT_COUNT: u16 = 3;
/// Longest name of a user.
const NAME_LIMIT: usize = 16;
/// Name of the connection that has all machines.
pub const CONNECTION: &str = "demo";

/// Arguments of the demo that make no sense together.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DemoError {
    /// The ports do not suffice.
    #[error(
        "--port {port} with --count {count} needs ports beyond 65535: choose a lower port or a smaller count"
    )]
    Ports {
        /// First port.
        port: u16,
        /// Number of BMCs.
        count: u16,
    },
    /// The addresses do not suffice.
    #[error("--count {count} needs more than the {addresses} of --addresses: choose a longer range")]
    Addresses {
        /// Number of addresses.
        addresses: usize,
        /// Number of BMCs.
        count: u16,
    },
    /// One port for all that nobody knows.
    #[error("--addresses needs one port for all: choose --port, such as --port 623")]
    NoPort,
    /// IPMI has no room for the name.
    #[error("--username is empty or longer than {NAME_LIMIT} bytes: choose a shorter one")]
    UserName,
    /// The password cannot be used.
    #[error("cannot use the password of the demo")]
    Password(#[from] SecretError),
}

/// The plan of the demo, and how its user gets at the password.
///
/// # Errors
/// [`DemoError`] for arguments that make no sense.
pub fn plan(arguments: &DemoArgs) -> Result<(Plan, PasswordHint), DemoError> {
    if arguments.username.is_empty() || arguments.username.len() > NAME_LIMIT {
        return Err(DemoError::UserName);
    }
    let (secret, hint) = password(arguments)?;
    let user = UserPlan {
        name: arguments.username.clone(),
        password: secret.password()?,
        privilege: Privilege::ADMINISTRATOR,
    };
    let access = Arc::new(Access {
        users: vec![user],
        cipher_suites: CipherSuites::Authenticated,
        bmc_key: None,
        auth_types: None,
        cycle_when_off: CycleWhenOff::default(),
        login_lockout: LoginLockout::default(),
        hide_unknown_users: false,
        alert_port: arguments.alert_port,
    });
    let bmcs = match &arguments.addresses {
        Some(range) => on_addresses(arguments, range, &access)?,
        None => on_ports(arguments, &access)?,
    };
    let machines: Box<dyn ConnectionPlan> = match arguments.proxmox {
        Some(version) => {
            let names = bmcs.iter().map(|bmc| bmc.machine.clone());
            Box::new(ProxmoxDemoPlan::new(version, names.collect()))
        }
        None => Box::new(SimulatedPlan::default()),
    };
    let store = arguments.store.as_ref().map(|directory| {
        let mut key_file = directory.components().as_path().as_os_str().to_owned();
        key_file.push(".key");
        StorePlan::Disk {
            directory: directory.clone(),
            key_file: key_file.into(),
        }
    });
    let plan = Plan {
        connections: BTreeMap::from([(CONNECTION.to_owned(), machines)]),
        bmcs,
        sockets: if arguments.addresses.is_some() {
            Sockets::Shared
        } else {
            Sockets::Each
        },
        audit: None,
        consoles_per_user: None,
        store: store.unwrap_or_default(),
    };
    Ok((plan, hint))
}

fn on_addresses(
    arguments: &DemoArgs,
    range: &AddressRange,
    access: &Arc<Access>,
) -> Result<Vec<BmcPlan>, DemoError> {
    if arguments.port == 0 {
        return Err(DemoError::NoPort);
    }
    let addresses = range.iter().count();
    let count = arguments
        .count
        .map_or(addresses, |count| usize::from(count.get()));
    if let Some(wanted) = arguments.count.filter(|_| count > addresses) {
        return Err(DemoError::Addresses {
            addresses,
            count: wanted.get(),
        });
    }
    let numbered = range.iter().take(count).enumerate();
    Ok(numbered
        .map(|(i, address)| bmc(i, address, arguments.port, access))
        .collect())
}

fn on_ports(arguments: &DemoArgs, access: &Arc<Access>) -> Result<Vec<BmcPlan>, DemoError> {
    let first = arguments.port;
    let count = arguments.count.map_or(DEFAULT_COUNT, NonZeroU16::get);
    if first != 0 && first.checked_add(count - 1).is_none() {
        return Err(DemoError::Ports { port: first, count });
    }
    let port = |i: u16| if first == 0 { 0 } else { first + i };
    Ok((0..count)
        .map(|i| bmc(usize::from(i), arguments.bind, port(i), access))
        .collect())
}

fn bmc(i: usize, address: std::net::IpAddr, port: u16, access: &Arc<Access>) -> BmcPlan {
    let name = format!("node{}", i + 1);
    BmcPlan {
        machine: name.clone(),
        name,
        connection: CONNECTION.to_owned(),
        address,
        port,
        access: Arc::clone(access),
        console: ConsolePlan::default(),
    }
}

fn password(arguments: &DemoArgs) -> Result<(Secret, PasswordHint), SecretError> {
    match (&arguments.password, &arguments.password_file) {
        (Some(password), _) => Ok((Secret::new(password.clone()), PasswordHint::Ask)),
        (None, Some(path)) => Ok((
            Secret::read(path)?,
            PasswordHint::File(path.display().to_string()),
        )),
        (None, None) => {
            let password: String = rand::rng()
                .sample_iter(Alphanumeric)
                .take(PASSWORD_LENGTH)
                .map(char::from)
                .collect();
            Ok((Secret::new(password.clone()), PasswordHint::Generated(password)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    fn demo(arguments: &str) -> Result<(Plan, PasswordHint), DemoError> {
        let words = ["vbmcd", "demo"].into_iter().chain(arguments.split_whitespace());
        match Cli::try_parse_from(words).unwrap().command {
            Command::Demo(arguments) => plan(&arguments),
            _ => unreachable!("it is the demo"),
        }
    }

    #[test]
    fn bmcs_stand_on_consecutive_ports_or_addresses() {
        let (plan, hint) = demo("--count 2 --port 7000 --password x").unwrap();
        let endpoints: Vec<_> = plan.bmcs.iter().map(|bmc| bmc.endpoint().to_string()).collect();
        assert_eq!(endpoints, ["127.0.0.1:7000", "127.0.0.1:7001"]);
        assert_eq!((plan.sockets, hint), (Sockets::Each, PasswordHint::Ask));

        let (plan, _) = demo("--addresses 127.0.1.1-127.0.1.3 --port 623").unwrap();
        assert_eq!((plan.bmcs.len(), plan.sockets), (3, Sockets::Shared));
        assert_eq!(plan.bmcs[2].name, "node3");
        let (plan, _) = demo("--addresses 127.0.1.1-127.0.1.3 --count 2").unwrap();
        assert_eq!(plan.bmcs.len(), 2);
        assert_eq!(demo("").unwrap().0.bmcs.len(), 3);
    }

    #[test]
    fn a_password_is_made_up_and_differs_each_time() {
        let made_up = || match demo("").unwrap().1 {
            PasswordHint::Generated(password) => password,
            other => panic!("{other:?}"),
        };
        assert_eq!(made_up().len(), PASSWORD_LENGTH);
        assert_ne!(made_up(), made_up());
    }

    #[test]
    fn impossible_arguments_are_refused() {
        assert!(matches!(
            demo("--port 65535 --count 2"),
            Err(DemoError::Ports { .. })
        ));
        assert!(matches!(
            demo("--addresses ::1-::2 --port 0"),
            Err(DemoError::NoPort)
        ));
        assert!(matches!(
            demo("--username seventeen-letters"),
            Err(DemoError::UserName)
        ));
        assert!(matches!(
            demo("--password 123456789012345678901"),
            Err(DemoError::Password(_))
        ));
    }
}
