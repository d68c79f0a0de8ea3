//! The command line.

use std::net::IpAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::address_range::AddressRange;
use crate::plan::DEFAULT_ALERT_PORT;

/// Virtual BMCs: IPMI management controllers in front of machines that need no hardware.
#[derive(Debug, Parser)]
#[command(version, about, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// How log lines look on standard error. Which lines appear is chosen by RUST_LOG.
    #[arg(long, value_enum, default_value_t, global = true)]
    pub log_format: LogFormat,

    /// Control socket, which `vbmc` uses [default: $RUNTIME_DIRECTORY/vbmcd.sock, for root
    /// /run/vbmcd/vbmcd.sock, else $XDG_RUNTIME_DIR/vbmcd.sock]. `none`: there is none.
    #[arg(long, value_name = "PATH", env = "VBMCD_SOCKET", global = true)]
    pub socket: Option<PathBuf>,

    /// Group that may use the control socket, besides root and the user of this program.
    #[arg(long, value_name = "GROUP", global = true)]
    pub socket_group: Option<String>,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start BMCs in front of simulated machines and print how to reach them.
    Demo(DemoArgs),
    /// Start the BMCs of a configuration file, and those that were added with `vbmc add`.
    Run(RunArgs),
    /// Check a configuration file, and start nothing.
    CheckConfig(ConfigArgs),
}

/// Arguments of `vbmcd demo`.
#[derive(Args)]
pub struct DemoArgs {
    /// Number of BMCs: 3 unless said otherwise, or with --addresses all of them.
    #[arg(long, value_name = "N")]
    pub count: Option<NonZeroU16>,

    /// The machines are guests of a Proxmox VE cluster, simulated in this process and asked over HTTPS; VERSION is 7, 8 or
    /// 9, which is the default.
    #[arg(
        long,
        value_name = "VERSION",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "9",
        hide_possible_values = true
    )]
    pub proxmox: Option<ProxmoxVersion>,

    /// Address of the BMCs.
    #[arg(
        long,
        value_name = "ADDR",
        default_value = "127.0.0.1",
        conflicts_with = "addresses"
    )]
    pub bind: IpAddr,

    /// UDP port of the first BMC; the others follow. 0 takes free ports. With --addresses: port of all.
    #[arg(long, value_name = "FIRST_PORT", default_value_t = 6230)]
    pub port: u16,

    /// One BMC per local address, all at one port through one socket, such as 127.0.1.1-127.0.1.200.
    #[arg(long, value_name = "FIRST-LAST")]
    pub addresses: Option<AddressRange>,

    /// Name of the administrator.
    #[arg(long, value_name = "U", default_value = "admin")]
    pub username: String,

    /// Password of the administrator. Without any of the password options one is made up and printed.
    #[arg(long, value_name = "P", env = "VBMCD_PASSWORD", hide_env_values = true)]
    pub password: Option<String>,

    /// File with the password of the administrator in its first line.
    #[arg(long, value_name = "FILE", conflicts_with = "password")]
    pub password_file: Option<PathBuf>,

    /// UDP port that alerts, which are SNMP traps, are sent to.
    #[arg(long, value_name = "PORT", default_value_t = DEFAULT_ALERT_PORT)]
    pub alert_port: NonZeroU16,

    /// Directory that keeps what clients change; its key is the file DIR.key. Without it a restart forgets it.
    #[arg(long, value_name = "DIR")]
    pub store: Option<PathBuf>,

    /// File that gets a line per action that reached a machine: `node1 power on`, `node1 boot pxe`.
    #[arg(long, value_name = "FILE")]
    pub actions: Option<PathBuf>,
}

/// Which configuration file.
#[derive(Args, Debug)]
pub struct ConfigArgs {
    /// Configuration file [default: $XDG_CONFIG_HOME/vbmcd/config.toml (~/.config without it) if there is one,
    /// else /etc/vbmcd/config.toml].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Arguments of `vbmcd run`.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// Which configuration.
    #[command(flatten)]
    pub config: ConfigArgs,

    /// File that gets a line per action that reached a simulated machine: `node1 power on`.
    #[arg(long, value_name = "FILE")]
    pub actions: Option<PathBuf>,
}

/// Version of a simulated Proxmox VE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProxmoxVersion {
    /// 7.4
    #[value(name = "7")]
    V7,
    /// 8.4
    #[value(name = "8")]
    V8,
    /// 9.2
    #[value(name = "9")]
    V9,
}

/// Form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object per line.
    Json,
}

/// Without the password.
impl std::fmt::Debug for DemoArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DemoArgs")
            .field("count", &self.count)
            .field("proxmox", &self.proxmox)
            .field("bind", &self.bind)
            .field("port", &self.port)
            .field("addresses", &self.addresses)
            .field("username", &self.username)
            .field("alert_port", &self.alert_port)
            .field("store", &self.store)
            .field("actions", &self.actions)
            .finish_non_exhaustive()
    }
}
