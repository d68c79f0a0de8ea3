//! The arguments of `vbmc`.

use std::ffi::OsStr;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

pub use super::import::ImportArgs;
pub use super::machine::{BootArgs, CheckArgs, EventArgs, LogArgs, PowerArgs, SensorArgs, UserArgs};
pub use super::output::{Format, OutputArgs};

/// Virtual BMCs: add, start, stop and look at them.
#[derive(Debug, Parser)]
#[command(
    name = "vbmc",
    version,
    about,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 done, 1 something failed, 2 wrong arguments, 3 vbmcd cannot be reached."
)]
pub struct Cli {
    /// Control socket of vbmcd [default: $RUNTIME_DIRECTORY/vbmcd.sock, for root /run/vbmcd/vbmcd.sock, else
    /// $XDG_RUNTIME_DIR/vbmcd.sock].
    #[arg(long, value_name = "PATH", env = "VBMCD_SOCKET", global = true)]
    pub socket: Option<PathBuf>,

    /// Changes nothing: this program never starts vbmcd. For scripts that were written for VirtualBMC.
    #[arg(long, hide = true, global = true)]
    pub no_daemon: bool,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a BMC for a machine. It is down until it is started.
    Add(Box<AddArgs>),
    /// Stop BMCs and forget them. Their machines are not touched.
    Delete(Names),
    /// Start BMCs, now and after every restart of vbmcd.
    Start(Names),
    /// Stop BMCs. Their machines are not touched.
    Stop(Names),
    /// List all BMCs.
    List(ListArgs),
    /// Show the properties of a BMC.
    Show(ShowArgs),
    /// Change a BMC that was added. One that runs is started anew.
    Set(SetArgs),
    /// Read the configuration file again; BMCs that are the same in it go on undisturbed.
    Reload(OutputArgs),
    /// Add the BMCs of VirtualBMC, ProxmoxBMC or Multibmc, with their ports and passwords; start those that run.
    Import(ImportArgs),
    /// Switch machines on and off.
    Power(PowerArgs),
    /// Choose what machines boot from next, or show it.
    Bootdev(BootArgs),
    /// Show or erase the event log of a BMC.
    Sel(LogArgs),
    /// Show the sensors of a BMC.
    Sensors(SensorArgs),
    /// Show or change the users of a BMC.
    Users(UserArgs),
    /// Check whether BMCs run, reach their machines, and answer through their own ports.
    Check(CheckArgs),
    /// Show what was done lately: logins, power, settings, consoles.
    Events(EventArgs),
}

/// BMCs by name.
#[derive(Args, Debug)]
pub struct Names {
    /// Names of the BMCs, or of their machines.
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
}

/// Arguments of `add`.
#[derive(Args)]
pub struct AddArgs {
    /// The machine: domain name or UUID for libvirt, VMID for Proxmox VE.
    pub machine: String,

    /// Name of the BMC [default: that of the machine].
    #[arg(long)]
    pub name: Option<String>,

    /// What logs in and listens.
    #[command(flatten)]
    pub access: AccessArgs,

    /// A connection of the configuration file [default: the only one, if nothing below is given].
    #[arg(long, value_name = "NAME", conflicts_with_all = ["libvirt_uri", "proxmox_address"])]
    pub connection: Option<String>,

    /// libvirt: where [default: qemu:///system, if the configuration has no connection].
    #[arg(long, value_name = "URI", conflicts_with = "proxmox_address")]
    pub libvirt_uri: Option<String>,

    /// libvirt: name for SASL.
    #[arg(long, value_name = "NAME")]
    pub libvirt_sasl_username: Option<String>,

    /// libvirt: file with the password for SASL.
    #[arg(long, value_name = "FILE")]
    pub libvirt_sasl_password_file: Option<PathBuf>,

    /// Proxmox VE: a node or the address of the cluster.
    #[arg(long, value_name = "ADDRESS")]
    pub proxmox_address: Option<String>,

    /// Proxmox VE: whose token it is.
    #[arg(long, value_name = "USER", default_value = "root@pam")]
    pub token_user: String,

    /// Proxmox VE: name of the token.
    #[arg(long, value_name = "NAME", default_value = "pbmc")]
    pub token_name: String,

    /// Proxmox VE: value of the token; everybody on this host can see it here.
    #[arg(long, value_name = "VALUE", conflicts_with = "token_file")]
    pub token_value: Option<String>,

    /// Proxmox VE: file with the value of the token in its first line. It is read once and kept by vbmcd.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,

    /// Proxmox VE: file with the certificate of the cluster's authority.
    #[arg(long, value_name = "FILE")]
    pub proxmox_ca_file: Option<PathBuf>,

    /// Proxmox VE: SHA-256 fingerprint of the node's certificate.
    #[arg(long, value_name = "AA:BB:...")]
    pub proxmox_fingerprint: Option<String>,

    /// Any other key of `[[bmc]]` in a configuration file, such as `cipher_suites=[17]`.
    #[arg(long = "option", value_name = "KEY=VALUE", value_parser = option)]
    pub options: Vec<(String, toml::Value)>,

    /// Start it at once.
    #[arg(long)]
    pub start: bool,
}

/// Who may log in, and where.
#[derive(Args)]
pub struct AccessArgs {
    /// Name of the administrator [default: admin, if the configuration has no other].
    #[arg(long)]
    pub username: Option<String>,

    /// Password of the administrator; everybody on this host can see it here.
    #[arg(long, hide_env_values = true)]
    pub password: Option<String>,

    /// File with the password in its first line. It is read once and kept by vbmcd.
    #[arg(long, value_name = "FILE", conflicts_with = "password")]
    pub password_file: Option<PathBuf>,

    /// Read the password from standard input.
    #[arg(long, conflicts_with_all = ["password", "password_file"])]
    pub password_stdin: bool,

    /// UDP port [default: 623].
    #[arg(long)]
    pub port: Option<u16>,

    /// Address to listen at: 0.0.0.0 for all of IPv4, :: for all of IPv6 [default: 0.0.0.0, if the
    /// configuration has no other].
    #[arg(long)]
    pub address: Option<IpAddr>,
}

/// Arguments of `list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// All columns.
    #[arg(long)]
    pub long: bool,
    /// How it is printed.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Arguments of `show`.
#[derive(Args, Debug)]
pub struct ShowArgs {
    /// Name of the BMC, or of its machine.
    pub name: String,
    /// How it is printed.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Arguments of `set`.
#[derive(Args)]
pub struct SetArgs {
    /// Name of the BMC, or of its machine.
    pub name: String,
    /// What logs in and listens.
    #[command(flatten)]
    pub access: AccessArgs,
    /// Any other key of `[[bmc]]` in a configuration file; KEY= takes it away.
    #[arg(long = "option", value_name = "KEY=VALUE", value_parser = option)]
    pub options: Vec<(String, toml::Value)>,
}

/// Under which name the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// As VirtualBMC's command: machines are libvirt domains unless said otherwise.
    Vbmc,
    /// As ProxmoxBMC's command: machines are VMIDs.
    Pbmc,
}

impl Flavour {
    /// By the name of the program file.
    #[must_use]
    pub fn of(program: Option<&Path>) -> Self {
        match program.and_then(Path::file_name).and_then(OsStr::to_str) {
            Some("pbmc") => Self::Pbmc,
            _ => Self::Vbmc,
        }
    }

    /// Name of the program.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vbmc => "vbmc",
            Self::Pbmc => "pbmc",
        }
    }

    /// What a machine is called in columns.
    #[must_use]
    pub const fn machine(self) -> &'static str {
        match self {
            Self::Vbmc => "Domain name",
            Self::Pbmc => "VMID",
        }
    }

    pub(super) fn adapt(self, command: clap::Command) -> clap::Command {
        match self {
            Self::Vbmc => command,
            Self::Pbmc => command.name("pbmc"),
        }
    }
}

/// `KEY=VALUE`, the value as in a configuration file; text needs no quotes.
fn option(text: &str) -> Result<(String, toml::Value), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or("write KEY=VALUE, such as cipher_suites=[17]")?;
    let (key, value) = (key.trim(), value.trim());
    if key.is_empty() {
        return Err("write a key before the =".to_owned());
    }
    let parsed: Result<toml::Table, _> = toml::from_str(&format!("value = {value}"));
    let parsed = parsed.ok().and_then(|mut table| table.remove("value"));
    let value = parsed.unwrap_or_else(|| toml::Value::String(value.to_owned()));
    Ok((key.to_owned(), value))
}

/// Without secrets.
impl std::fmt::Debug for AccessArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessArgs")
            .field("username", &self.username)
            .field("address", &self.address)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

/// Without what options may hold.
impl std::fmt::Debug for AddArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AddArgs")
            .field("machine", &self.machine)
            .field("name", &self.name)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

/// Without what options may hold.
impl std::fmt::Debug for SetArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SetArgs")
            .field("name", &self.name)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn arguments_are_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_lines_of_virtualbmc_and_proxmoxbmc_are_understood() {
        for line in [
            "vbmc --no-daemon add node-0 --port 6230 --address ::1 --username admin --password pw \
             --libvirt-uri qemu:///session",
            "vbmc start node-0 node-1",
            "vbmc list -f value -c Status --column Port",
            "pbmc add --username admin --password pw --port 6625 --proxmox-address pve.example.org \
             --token-user root@pam --token-name ipmi --token-value 0-0 123",
            "pbmc show 123 -f json",
        ] {
            Cli::try_parse_from(line.split_whitespace()).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
        assert_eq!(Flavour::of(Some(Path::new("/usr/bin/pbmc"))), Flavour::Pbmc);
        assert_eq!(Flavour::of(Some(Path::new("vbmc"))), Flavour::Vbmc);
    }

    #[test]
    fn options_are_values_of_a_configuration_or_text() {
        let value = |text: &str| option(text).unwrap().1;
        assert_eq!(value("port=7"), toml::Value::Integer(7));
        assert_eq!(value("cycle_when_off=on"), toml::Value::String("on".into()));
        assert!(value("cipher_suites=[3, 17]").is_array());
        assert_eq!(value("kg_file="), toml::Value::String(String::new()));
        assert!(option("nothing").is_err() && option("=1").is_err());
    }
}
