//! `add`, `delete`, `start`, `stop`, `list`, `show` and `set`.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use hyper::Method;
use serde_json::{Value, json};

use super::ClientError;
use super::cli::{AccessArgs, AddArgs, Flavour, ListArgs, Names, SetArgs, ShowArgs};
use super::http::{Http, segment};
use super::output::{OutputArgs, Rows};
use super::secrets::Source;
use crate::control::api::{AddBmc, BmcDetails, BmcSummary, ChangeBmc, Reloaded, Version};

/// Where libvirt is if nobody says.
const LIBVIRT: &str = "qemu:///system";

type Keys = BTreeMap<String, Value>;

pub(super) async fn add(http: &mut Http, arguments: &AddArgs, flavour: Flavour) -> Result<(), ClientError> {
    let version: Version = http.get("/v1/version").await?;
    let mut bmc = access(&arguments.access, !version.has_password)?;
    bmc.insert("machine".into(), arguments.machine.clone().into());
    if let Some(name) = &arguments.name {
        bmc.insert("name".into(), name.clone().into());
    }
    bmc.extend(options(&arguments.options)?);
    let connection = connection(arguments, flavour, &version, &mut bmc)?;
    let body = AddBmc { bmc, connection };
    let added: BmcDetails = http.ask(Method::POST, "/v1/bmcs", &body).await?;
    if arguments.start {
        let path = format!("/v1/bmcs/{}/start", segment(&added.summary.name));
        http.tell(Method::POST, &path).await?;
    }
    Ok(())
}

pub(super) async fn delete(http: &mut Http, names: &Names, flavour: Flavour) -> Result<(), ClientError> {
    each(http, names, flavour, Method::DELETE, "").await
}

pub(super) async fn start(http: &mut Http, names: &Names, flavour: Flavour) -> Result<(), ClientError> {
    each(http, names, flavour, Method::POST, "/start").await
}

pub(super) async fn stop(http: &mut Http, names: &Names, flavour: Flavour) -> Result<(), ClientError> {
    each(http, names, flavour, Method::POST, "/stop").await
}

pub(super) async fn list(http: &mut Http, arguments: &ListArgs, flavour: Flavour) -> Result<(), ClientError> {
    let bmcs: Vec<BmcSummary> = http.get("/v1/bmcs").await?;
    let columns = [
        "Name",
        flavour.machine(),
        "Status",
        "Address",
        "Port",
        "Connection",
        "Origin",
        "Error",
    ];
    // Those whom VirtualBMC's columns would leave without the name of a BMC see it.
    let from = usize::from(bmcs.iter().all(|bmc| bmc.name == bmc.machine));
    let usual = if arguments.long {
        &columns[..]
    } else {
        columns.get(from..5).unwrap_or_default()
    };
    let mut rows = Rows::new(&columns).usually(usual);
    for bmc in bmcs {
        rows.push(vec![
            bmc.name.into(),
            bmc.machine.into(),
            bmc.status.name().into(),
            bmc.address.to_string().into(),
            bmc.port.into(),
            bmc.connection.into(),
            bmc.origin.name().into(),
            bmc.error.into(),
        ]);
    }
    rows.print(&arguments.output)
}

pub(super) async fn show(http: &mut Http, arguments: &ShowArgs, flavour: Flavour) -> Result<(), ClientError> {
    let path = format!("/v1/bmcs/{}", segment(&arguments.name));
    let bmc: BmcDetails = http.get(&path).await?;
    let mut properties = properties(&bmc, flavour);
    properties.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut rows = Rows::new(&["Property", "Value"]);
    for (name, value) in properties {
        rows.push(vec![name.into(), value]);
    }
    rows.print(&arguments.output)
}

pub(super) async fn set(http: &mut Http, arguments: &SetArgs) -> Result<(), ClientError> {
    let mut bmc = access(&arguments.access, false)?;
    bmc.extend(options(&arguments.options)?);
    if bmc.is_empty() {
        return Err(ClientError::Arguments(
            "nothing to set: give an option, such as --port".to_owned(),
        ));
    }
    // A password in the place of a file, and the other way round.
    for (one, other) in [("password", "password_file"), ("password_file", "password")] {
        if bmc.get(one).is_some_and(|value| !value.is_null()) && !bmc.contains_key(other) {
            bmc.insert(other.to_owned(), Value::Null);
        }
    }
    let path = format!("/v1/bmcs/{}", segment(&arguments.name));
    let _: BmcDetails = http.ask(Method::PATCH, &path, &ChangeBmc { bmc }).await?;
    Ok(())
}

pub(super) async fn reload(http: &mut Http, output: &OutputArgs) -> Result<(), ClientError> {
    let done: Reloaded = http.ask(Method::POST, "/v1/reload", &json!({})).await?;
    let mut rows = Rows::new(&["Name", "Result", "Error"]);
    let lists = [
        ("started", &done.started),
        ("restarted", &done.restarted),
        ("removed", &done.removed),
    ];
    for (result, names) in lists {
        for name in names {
            rows.push(vec![json!(name), json!(result), Value::Null]);
        }
    }
    for failure in &done.failed {
        rows.push(vec![json!(failure.name), json!("FAILED"), json!(failure.error)]);
    }
    rows.print(output)?;
    let failed = done.failed.len();
    let all = failed + done.started.len() + done.restarted.len() + done.removed.len();
    if failed > 0 {
        Err(ClientError::Some { failed, all })
    } else {
        Ok(())
    }
}

/// Does the same to several BMCs. One that fails does not keep the others from it.
async fn each(
    http: &mut Http,
    names: &Names,
    flavour: Flavour,
    method: Method,
    verb: &str,
) -> Result<(), ClientError> {
    let mut failed = 0;
    for name in &names.names {
        match http
            .tell(method.clone(), &format!("/v1/bmcs/{}{verb}", segment(name)))
            .await
        {
            Ok(()) => {}
            Err(ClientError::Refused(reason)) if names.names.len() > 1 => {
                failed += 1;
                // Nothing is left to do if nobody reads it.
                let _ = writeln!(io::stderr(), "{}: {reason}", flavour.name());
            }
            Err(error) => return Err(error),
        }
    }
    let all = names.names.len();
    if failed > 0 {
        Err(ClientError::Some { failed, all })
    } else {
        Ok(())
    }
}

/// Who may log in, and where.
fn access(arguments: &AccessArgs, ask: bool) -> Result<Keys, ClientError> {
    let mut keys = Keys::new();
    if let Some(username) = &arguments.username {
        keys.insert("username".into(), username.clone().into());
    }
    let source = Source {
        what: "password",
        argument: arguments.password.as_deref(),
        file: arguments.password_file.as_deref(),
        stdin: arguments.password_stdin,
    };
    let password = if ask {
        source.read_or_ask()?
    } else {
        source.read()?
    };
    if let Some(password) = password {
        keys.insert("password".into(), password.expose().into());
    } else if ask {
        let message =
            "the BMC needs a password: give --password-file, --password-stdin, or a terminal to ask at";
        return Err(ClientError::Arguments(message.to_owned()));
    }
    if let Some(port) = arguments.port {
        keys.insert("port".into(), port.into());
    }
    if let Some(address) = arguments.address {
        keys.insert("address".into(), address.to_string().into());
    }
    Ok(keys)
}

/// Other keys; an empty text takes a key away.
fn options(options: &[(String, toml::Value)]) -> Result<Keys, ClientError> {
    let pair = |(key, value): &(String, toml::Value)| {
        let value = match value.as_str() {
            Some("") => Value::Null,
            _ => serde_json::to_value(value).map_err(ClientError::Unknown)?,
        };
        Ok((key.clone(), value))
    };
    options.iter().map(pair).collect()
}

/// The keys of the machine's connection; or its name, which goes to the keys of the BMC.
fn connection(
    arguments: &AddArgs,
    flavour: Flavour,
    version: &Version,
    bmc: &mut Keys,
) -> Result<Option<Keys>, ClientError> {
    if let Some(name) = &arguments.connection {
        bmc.insert("connection".into(), name.clone().into());
        return Ok(None);
    }
    if let Some(address) = &arguments.proxmox_address {
        return proxmox(arguments, address).map(Some);
    }
    if let Some(uri) = &arguments.libvirt_uri {
        return libvirt(arguments, uri).map(Some);
    }
    let mut fitting = version.connections.iter();
    let wanted = (flavour == Flavour::Pbmc).then_some("proxmox");
    let mut fitting = fitting
        .by_ref()
        .filter(|(_, kind)| wanted.is_none_or(|wanted| wanted == *kind));
    match (fitting.next(), fitting.next()) {
        (Some((name, _)), None) => {
            bmc.insert("connection".into(), name.clone().into());
            Ok(None)
        }
        (None, _) if flavour == Flavour::Vbmc => libvirt(arguments, LIBVIRT).map(Some),
        (None, _) => {
            let message = "which Proxmox VE? Give --proxmox-address and --token-file";
            Err(ClientError::Arguments(message.to_owned()))
        }
        (Some(_), Some(_)) => {
            let names: Vec<_> = version.connections.keys().map(String::as_str).collect();
            let message = format!(
                "which connection? Give --connection, one of: {}",
                names.join(", ")
            );
            Err(ClientError::Arguments(message))
        }
    }
}

fn libvirt(arguments: &AddArgs, uri: &str) -> Result<Keys, ClientError> {
    let mut keys = Keys::from([
        ("type".to_owned(), json!("libvirt")),
        ("uri".to_owned(), json!(uri)),
    ]);
    match (
        &arguments.libvirt_sasl_username,
        &arguments.libvirt_sasl_password_file,
    ) {
        (Some(name), Some(file)) => {
            keys.insert("sasl_username".into(), name.clone().into());
            keys.insert("sasl_password_file".into(), absolute(file)?);
        }
        (None, None) => {}
        _ => {
            let message = "SASL needs both --libvirt-sasl-username and --libvirt-sasl-password-file";
            return Err(ClientError::Arguments(message.to_owned()));
        }
    }
    Ok(keys)
}

/// The URL of a Proxmox VE node.
pub(super) fn proxmox_url(address: &str) -> String {
    if address.contains("://") {
        address.to_owned()
    } else if address
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok())
    {
        format!("https://{address}")
    } else {
        format!("https://{address}:8006")
    }
}

fn proxmox(arguments: &AddArgs, address: &str) -> Result<Keys, ClientError> {
    let url = proxmox_url(address);
    let token_id = format!("{}!{}", arguments.token_user, arguments.token_name);
    let mut keys = Keys::from([
        ("type".to_owned(), json!("proxmox")),
        ("url".to_owned(), json!(url)),
        ("token_id".to_owned(), json!(token_id)),
    ]);
    let source = Source {
        what: "token",
        argument: arguments.token_value.as_deref(),
        file: arguments.token_file.as_deref(),
        stdin: false,
    };
    let Some(token) = source.read()? else {
        let message = "Proxmox VE needs a token: give --token-file";
        return Err(ClientError::Arguments(message.to_owned()));
    };
    keys.insert("token".into(), token.expose().into());
    if let Some(file) = &arguments.proxmox_ca_file {
        keys.insert("ca_file".into(), absolute(file)?);
    }
    if let Some(fingerprint) = &arguments.proxmox_fingerprint {
        keys.insert("fingerprint".into(), fingerprint.clone().into());
    }
    Ok(keys)
}

/// The path of a file as vbmcd finds it, which works in another directory.
pub(super) fn absolute(path: &Path) -> Result<Value, ClientError> {
    let path = std::path::absolute(path).map_err(|error| ClientError::Arguments(error.to_string()))?;
    let text = path.to_str();
    let text = text.ok_or_else(|| ClientError::Arguments(format!("{} is not UTF-8", path.display())))?;
    Ok(text.into())
}

/// The properties of a BMC under the names that VirtualBMC and ProxmoxBMC have for them.
fn properties(bmc: &BmcDetails, flavour: Flavour) -> Vec<(String, Value)> {
    let summary = &bmc.summary;
    let machine = match flavour {
        Flavour::Vbmc => "domain_name",
        Flavour::Pbmc => "vmid",
    };
    let mut properties = vec![
        ("name".to_owned(), summary.name.clone().into()),
        (machine.to_owned(), summary.machine.clone().into()),
        ("status".to_owned(), summary.status.name().into()),
        ("active".to_owned(), bmc.active.into()),
        ("address".to_owned(), summary.address.to_string().into()),
        ("port".to_owned(), summary.port.into()),
        ("username".to_owned(), bmc.users.first().cloned().into()),
        ("password".to_owned(), "***".into()),
        ("connection".to_owned(), summary.connection.clone().into()),
        ("origin".to_owned(), summary.origin.name().into()),
    ];
    if let Some(error) = &summary.error {
        properties.push(("error".to_owned(), error.clone().into()));
    }
    let kind = bmc
        .connection_keys
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    for (key, value) in &bmc.connection_keys {
        let name = match (kind, key.as_str()) {
            ("libvirt", "uri") => "libvirt_uri".to_owned(),
            ("libvirt", "sasl_username") => "libvirt_sasl_username".to_owned(),
            ("proxmox", "url") => "proxmox_address".to_owned(),
            _ => format!("connection_{key}"),
        };
        properties.push((name, value.clone()));
    }
    let known: Vec<String> = properties.iter().map(|(name, _)| name.clone()).collect();
    let others = bmc.options.iter().filter(|(key, _)| key.as_str() != "machine");
    let others = others.filter(|(key, _)| !known.contains(key));
    properties.extend(others.map(|(key, value)| (key.clone(), value.clone())));
    properties
}
