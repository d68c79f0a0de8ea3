//! `import`: BMCs of VirtualBMC, ProxmoxBMC and Multibmc.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use configparser::ini::Ini;
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;

use super::ClientError;
use super::bmcs::proxmox_url;
use super::http::{Http, segment};
use super::output::{OutputArgs, Rows};
use crate::control::api::{AddBmc, BmcDetails};

/// The port of IPMI over LAN, which Multibmc gives every BMC.
const IPMI_PORT: u16 = 623;
/// The version of Multibmc's file that is known.
const MULTIBMC_VERSION: u64 = 1;

/// Arguments of `import`.
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// Which program they are from.
    #[arg(value_enum)]
    pub program: Program,
    /// Where they are [default: ~/.vbmc, ~/.pbmc, /etc/multibmc.json].
    pub path: Option<PathBuf>,
    /// Only show what would be added.
    #[arg(long)]
    pub dry_run: bool,
    /// Connection of the configuration file that has the machines, in the place of the one that the other
    /// program used.
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// File with the certificate authority of Proxmox VE, whose certificate the other programs did not verify.
    #[arg(long, value_name = "FILE")]
    pub proxmox_ca_file: Option<PathBuf>,
    /// SHA-256 fingerprint of the certificate of Proxmox VE.
    #[arg(long, value_name = "AA:BB:...", conflicts_with = "proxmox_ca_file")]
    pub proxmox_fingerprint: Option<String>,
    /// How it is printed.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// A program whose BMCs are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Program {
    /// VirtualBMC.
    Vbmc,
    /// ProxmoxBMC.
    Pbmc,
    /// Multibmc.
    Multibmc,
}

/// Why BMCs of another program cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ImportError {
    /// A file or directory cannot be read.
    #[error("cannot read {path}: name the right place, and read it as a user who may")]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file is not what the program writes.
    #[error("{path}: {reason}")]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// There is no home directory.
    #[error("there is no home directory: say where the BMCs are")]
    NoHome,
}

/// A BMC of another program.
#[derive(Debug)]
struct Foreign {
    body: AddBmc,
    runs: bool,
}

pub(super) async fn import(http: &mut Http, arguments: &ImportArgs) -> Result<(), ClientError> {
    let mut foreign = read(arguments)?;
    for one in &mut foreign {
        adapt(&mut one.body, arguments)?;
    }
    let mut rows = Rows::new(&["Name", "Address", "Port", "Runs", "Result"]);
    let (mut failed, all) = (0, foreign.len());
    for Foreign { body, runs } in foreign {
        let shown = |key: &str| body.bmc.get(key).cloned().unwrap_or_default();
        let mut row = vec![shown("name"), shown("address"), shown("port"), runs.into()];
        let result = if arguments.dry_run {
            Ok("would be added")
        } else {
            add(http, &body, runs).await
        };
        match result {
            Ok(text) => row.push(text.into()),
            Err(ClientError::Refused(reason)) => {
                failed += 1;
                row.push(format!("FAILED: {reason}").into());
            }
            Err(error) => return Err(error),
        }
        rows.push(row);
    }
    rows.print(&arguments.output)?;
    if failed > 0 {
        Err(ClientError::Some { failed, all })
    } else {
        Ok(())
    }
}

async fn add(http: &mut Http, body: &AddBmc, runs: bool) -> Result<&'static str, ClientError> {
    let added: BmcDetails = http.ask(Method::POST, "/v1/bmcs", body).await?;
    if !runs {
        return Ok("added");
    }
    let path = format!("/v1/bmcs/{}/start", segment(&added.summary.name));
    http.tell(Method::POST, &path).await?;
    Ok("added and started")
}

fn read(arguments: &ImportArgs) -> Result<Vec<Foreign>, ImportError> {
    let home = |name: &str| {
        let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
        home.map(|home| PathBuf::from(home).join(name))
            .ok_or(ImportError::NoHome)
    };
    let path = match (&arguments.path, arguments.program) {
        (Some(path), _) => path.clone(),
        (None, Program::Vbmc) => home(".vbmc")?,
        (None, Program::Pbmc) => home(".pbmc")?,
        (None, Program::Multibmc) => PathBuf::from("/etc/multibmc.json"),
    };
    match arguments.program {
        Program::Vbmc => directories(&path, "virtualbmc", virtualbmc),
        Program::Pbmc => directories(&path, "proxmoxbmc", proxmoxbmc),
        Program::Multibmc => multibmc(&path),
    }
}

/// What the arguments say differs from the other program.
fn adapt(body: &mut AddBmc, arguments: &ImportArgs) -> Result<(), ClientError> {
    if let Some(name) = &arguments.connection {
        body.connection = None;
        body.bmc.insert("connection".into(), name.clone().into());
    }
    let Some(keys) = &mut body.connection else {
        return Ok(());
    };
    if let Some(path) = &arguments.proxmox_ca_file {
        keys.insert("ca_file".into(), super::bmcs::absolute(path)?);
    }
    if let Some(fingerprint) = &arguments.proxmox_fingerprint {
        keys.insert("fingerprint".into(), fingerprint.clone().into());
    }
    Ok(())
}

/// The section of a file.
type Section = BTreeMap<String, String>;

/// A directory for each BMC, with a file `config` that Python's configparser wrote.
fn directories(
    path: &Path,
    section: &str,
    one: fn(&Section) -> Result<Foreign, String>,
) -> Result<Vec<Foreign>, ImportError> {
    let read_error = |path: &Path, source| ImportError::Read {
        path: path.to_owned(),
        source,
    };
    let entries = std::fs::read_dir(path).map_err(|error| read_error(path, error))?;
    let mut files = Vec::new();
    for entry in entries {
        let file = entry
            .map_err(|error| read_error(path, error))?
            .path()
            .join("config");
        if file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    let read = |file: PathBuf| {
        let text = std::fs::read_to_string(&file).map_err(|error| read_error(&file, error))?;
        let form = |reason| ImportError::Form {
            path: file.clone(),
            reason,
        };
        let section = parse(&text, section).map_err(form)?;
        one(&section).map_err(form)
    };
    files.into_iter().map(read).collect()
}

/// A section as Python's configparser reads it: a `#` in a value is a part of it, `%%` is `%`.
fn parse(text: &str, section: &str) -> Result<Section, String> {
    let mut defaults = Ini::new().defaults();
    defaults.inline_comment_symbols = Some(Vec::new());
    let mut sections = Ini::new_from_defaults(defaults).read(text.to_owned())?;
    let keys = sections
        .remove(section)
        .ok_or_else(|| format!("there is no section [{section}]"))?;
    let value = |(key, value): (String, Option<String>)| Some((key, value?.replace("%%", "%")));
    Ok(keys.into_iter().filter_map(value).collect())
}

fn required<'s>(section: &'s Section, key: &str) -> Result<&'s str, String> {
    let value = section
        .get(key)
        .map(String::as_str)
        .filter(|value| !value.is_empty());
    value.ok_or_else(|| format!("there is no `{key}`"))
}

/// What the sections of both programs have.
fn common(section: &Section, machine: &str) -> Result<(BTreeMap<String, Value>, bool), String> {
    let machine = required(section, machine)?;
    let port: u16 = required(section, "port")?
        .parse()
        .map_err(|_| "`port` is no port".to_owned())?;
    let address = section.get("address").map_or("::", String::as_str);
    // Theirs is a socket of both families, which here are apart; IPMI clients come by IPv4 far more often.
    let address = if address == "::" { "0.0.0.0" } else { address };
    let bmc = BTreeMap::from([
        ("name".to_owned(), json!(machine)),
        ("machine".to_owned(), json!(machine)),
        ("username".to_owned(), json!(required(section, "username")?)),
        ("password".to_owned(), json!(required(section, "password")?)),
        ("address".to_owned(), json!(address)),
        ("port".to_owned(), json!(port)),
    ]);
    let active = section.get("active").map(|active| active.to_lowercase());
    let runs = active.is_some_and(|active| ["true", "yes", "on", "1", "t", "y"].contains(&active.as_str()));
    Ok((bmc, runs))
}

fn virtualbmc(section: &Section) -> Result<Foreign, String> {
    let (bmc, runs) = common(section, "domain_name")?;
    let uri = section
        .get("libvirt_uri")
        .map_or("qemu:///system", String::as_str);
    let mut connection = BTreeMap::from([
        ("type".to_owned(), json!("libvirt")),
        ("uri".to_owned(), json!(uri)),
    ]);
    if let Some(name) = section.get("libvirt_sasl_username") {
        connection.insert("sasl_username".into(), json!(name));
        connection.insert(
            "sasl_password".into(),
            json!(required(section, "libvirt_sasl_password")?),
        );
    }
    let connection = Some(connection);
    Ok(Foreign {
        body: AddBmc { bmc, connection },
        runs,
    })
}

fn proxmoxbmc(section: &Section) -> Result<Foreign, String> {
    let (bmc, runs) = common(section, "vmid")?;
    let connection = Some(token_connection(
        required(section, "proxmox_address")?,
        required(section, "token_user")?,
        required(section, "token_name")?,
        required(section, "token_value")?,
    ));
    Ok(Foreign {
        body: AddBmc { bmc, connection },
        runs,
    })
}

fn token_connection(address: &str, user: &str, name: &str, value: &str) -> BTreeMap<String, Value> {
    BTreeMap::from([
        ("type".to_owned(), json!("proxmox")),
        ("url".to_owned(), json!(proxmox_url(address))),
        ("token_id".to_owned(), json!(format!("{user}!{name}"))),
        ("token".to_owned(), json!(value)),
    ])
}

/// Multibmc's file.
#[derive(Deserialize)]
struct Multibmc {
    version: u64,
    global: Global,
    vbmcs: BTreeMap<String, Place>,
}

#[derive(Deserialize)]
struct Global {
    bmclogin: String,
    bmcpass: String,
    apiuser: String,
    tokenname: String,
    tokensecret: String,
    proxmox_ip: String,
}

#[derive(Deserialize)]
struct Place {
    #[serde(rename = "IPV4")]
    address: String,
}

/// Multibmc's BMCs stand at port 623 of their own addresses: its packet filter sent that on to the port in its file.
fn multibmc(path: &Path) -> Result<Vec<Foreign>, ImportError> {
    let text = std::fs::read(path).map_err(|source| ImportError::Read {
        path: path.to_owned(),
        source,
    })?;
    let form = |reason: String| ImportError::Form {
        path: path.to_owned(),
        reason,
    };
    // The place of a mistake is told, not what stands there: it may be a secret.
    let file: Multibmc = serde_json::from_slice(&text).map_err(|error| {
        form(format!(
            "not as Multibmc writes it (line {}, column {})",
            error.line(),
            error.column()
        ))
    })?;
    if file.version > MULTIBMC_VERSION {
        return Err(form(format!(
            "version {} of the format is not known",
            file.version
        )));
    }
    let global = &file.global;
    let one = |(vmid, place): (String, Place)| {
        let bmc = BTreeMap::from([
            ("name".to_owned(), json!(vmid)),
            ("machine".to_owned(), json!(vmid)),
            ("username".to_owned(), json!(global.bmclogin)),
            ("password".to_owned(), json!(global.bmcpass)),
            ("address".to_owned(), json!(place.address)),
            ("port".to_owned(), json!(IPMI_PORT)),
        ]);
        let connection = token_connection(
            &global.proxmox_ip,
            &global.apiuser,
            &global.tokenname,
            &global.tokensecret,
        );
        Foreign {
            body: AddBmc {
                bmc,
                connection: Some(connection),
            },
            // It starts every BMC that it has.
            runs: true,
        }
    };
    Ok(file.vbmcs.into_iter().map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_that_python_wrote() {
        let text = "[VirtualBMC]\nusername = admin\npassword = a#b;c%%d = e\nport = 6230\naddress = ::\n\
                    domain_name = node-0\nlibvirt_uri = qemu+ssh://root@192.0.2.1/system?no_tty=1\nactive = True\n\n";
        let section = parse(text, "virtualbmc").unwrap();
        let Foreign { body, runs } = virtualbmc(&section).unwrap();
        assert!(runs);
        assert_eq!(body.bmc["password"], "a#b;c%d = e");
        assert_eq!(
            (&body.bmc["port"], &body.bmc["address"]),
            (&json!(6230), &json!("0.0.0.0"))
        );
        let uri = &body.connection.unwrap()["uri"];
        assert_eq!(uri, "qemu+ssh://root@192.0.2.1/system?no_tty=1");
        assert!(parse(text, "proxmoxbmc").is_err());
    }

    #[test]
    fn multibmc_stands_at_the_standard_port() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("multibmc.json");
        let text = r#"{"version": 1, "global": {"netdev": "ens19", "udpmin": 11000, "udpmax": 11999, "bmclogin":
            "admin", "bmcpass": "pw", "venv": "/v", "apiuser": "root@pam", "tokenname": "t", "tokensecret": "s",
            "proxmox_ip": "pve"}, "vbmcs": {"111": {"IPV4": "10.25.100.1", "MASK": "16", "UDP": 11000}}}"#;
        std::fs::write(&path, text).unwrap();
        let [Foreign { body, runs: true }] = &multibmc(&path).unwrap()[..] else {
            panic!("one BMC that runs");
        };
        assert_eq!(
            (&body.bmc["address"], &body.bmc["port"]),
            (&json!("10.25.100.1"), &json!(623))
        );
        let connection = body.connection.as_ref().unwrap();
        assert_eq!(connection["url"], "https://pve:8006");
        assert_eq!(connection["token_id"], "root@pam!t");
        std::fs::write(&path, text.replace("\"pw\"", "[\"pw\"]")).unwrap();
        let error = multibmc(&path).unwrap_err().to_string();
        assert!(error.contains("line 2") && !error.contains("pw"), "{error}");
    }
}
