//! Where libvirt is: `qemu:///system`, `qemu+unix:///session?socket=/run/x`.

use std::path::PathBuf;

use thiserror::Error;

/// A connection URI of libvirt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uri {
    text: String,
    driver: String,
    path: String,
    remote: Remote,
}

/// The way to the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Remote {
    /// Its local socket; a given one, or the usual one.
    Unix { socket: Option<PathBuf> },
    /// The daemon of another host, by ssh.
    Ssh(Ssh),
}

/// How ssh gets there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ssh {
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    pub(crate) user: Option<String>,
    pub(crate) key_file: Option<PathBuf>,
    /// Another program than `ssh`.
    pub(crate) command: Option<String>,
}

impl Ssh {
    /// Reads `user@host:port`, `[::1]`.
    fn parse(authority: &str) -> Option<Self> {
        let (user, rest) = match authority.rsplit_once('@') {
            Some((user, rest)) => (Some(unescaped(user)), rest),
            None => (None, authority),
        };
        let (host, port) = match rest.strip_prefix('[') {
            Some(rest) => rest
                .split_once(']')
                .map(|(host, port)| (host, port.strip_prefix(':')))?,
            None => match rest.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (rest, None),
            },
        };
        let is_word = |text: &str| !text.is_empty() && !text.starts_with('-');
        let port = port.map(str::parse).transpose().ok()?;
        let is_good = is_word(host) && user.as_deref().is_none_or(is_word);
        is_good.then(|| Self {
            host: host.to_owned(),
            port,
            user,
            ..Self::default()
        })
    }
}

/// A text that is no URI of libvirt, or one that this client cannot serve.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{uri}` cannot be used as a libvirt URI: {reason}; write for example qemu:///system")]
pub struct UriError {
    uri: String,
    reason: String,
}

impl Uri {
    /// Reads a URI.
    ///
    /// # Errors
    /// [`UriError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, UriError> {
        let error = |reason: &str| UriError {
            uri: text.to_owned(),
            reason: reason.to_owned(),
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| error("it has no `://`"))?;
        let (driver, transport) = scheme.split_once('+').unwrap_or((scheme, ""));
        if driver.is_empty() || !driver.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(error("it names no hypervisor driver"));
        }
        let (location, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = match location.find('/') {
            Some(slash) => location.split_at(slash),
            None => return Err(error("it has no path")),
        };
        let (mut socket, mut key_file, mut command) = (None, None, None);
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match key {
                "socket" if transport != "ssh" => socket = Some(PathBuf::from(unescaped(value))),
                "keyfile" if transport == "ssh" => key_file = Some(PathBuf::from(unescaped(value))),
                "command" if transport == "ssh" => command = Some(unescaped(value)),
                _ => return Err(error(&format!("the parameter `{key}` is not supported"))),
            }
        }
        let remote = match transport {
            "" | "unix" if authority.is_empty() => Remote::Unix { socket },
            "" | "unix" => return Err(error("a host needs a transport such as `qemu+ssh`")),
            "ssh" => {
                let ssh = Ssh::parse(authority).ok_or_else(|| error("it names no host"))?;
                Remote::Ssh(Ssh {
                    key_file,
                    command,
                    ..ssh
                })
            }
            other => return Err(error(&format!("the transport `{other}` is not supported"))),
        };
        Ok(Self {
            text: text.to_owned(),
            driver: driver.to_owned(),
            path: path.to_owned(),
            remote,
        })
    }

    /// The URI for the daemon itself, which knows nothing of the way to it.
    pub(crate) fn for_daemon(&self) -> String {
        format!("{}://{}", self.driver, self.path)
    }

    pub(crate) fn driver(&self) -> &str {
        &self.driver
    }

    pub(crate) fn is_session(&self) -> bool {
        self.path == "/session"
    }

    pub(crate) const fn remote(&self) -> &Remote {
        &self.remote
    }
}

impl core::fmt::Display for Uri {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Replaces `%2F` and the like.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let digits = tail.get(..2).filter(|_| first == b'%');
        let code = digits.and_then(|digits| u8::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok());
        match code {
            Some(code) => {
                bytes.push(code);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_uris_name_driver_and_socket() {
        let uri = Uri::parse("qemu:///system").unwrap();
        assert_eq!((uri.driver(), uri.is_session()), ("qemu", false));
        assert_eq!(uri.remote(), &Remote::Unix { socket: None });
        let uri = Uri::parse("test+unix:///default?socket=/run/a%20b").unwrap();
        assert_eq!(uri.for_daemon(), "test:///default");
        let socket = Some(PathBuf::from("/run/a b"));
        assert_eq!(uri.remote(), &Remote::Unix { socket });
        assert!(Uri::parse("qemu:///session").unwrap().is_session());
    }

    #[test]
    fn other_hosts_are_reached_by_ssh() {
        let ssh = |text| match Uri::parse(text).unwrap().remote {
            Remote::Ssh(ssh) => ssh,
            Remote::Unix { .. } => panic!("{text} is of another host"),
        };
        let full = ssh("qemu+ssh://root@host.example:2222/system?keyfile=/k&command=/bin/ssh");
        assert_eq!(
            (&*full.host, full.port, full.user.as_deref()),
            ("host.example", Some(2222), Some("root"))
        );
        assert_eq!(
            (full.key_file, full.command.as_deref()),
            (Some("/k".into()), Some("/bin/ssh"))
        );
        assert_eq!(
            (
                ssh("qemu+ssh://[::1]/system").host,
                ssh("qemu+ssh://a/system").port
            ),
            ("::1".to_owned(), None)
        );
    }

    #[test]
    fn what_cannot_be_used_is_said() {
        for (text, reason) in [
            ("qemu", "no `://`"),
            ("://x/", "no hypervisor driver"),
            ("qemu://host", "no path"),
            ("qemu://host/system", "needs a transport"),
            (
                "qemu+carrier-pigeon://host/system",
                "`carrier-pigeon` is not supported",
            ),
            ("qemu+ssh:///system", "names no host"),
            ("qemu+ssh://-oProxyCommand=x/system", "names no host"),
            ("qemu+ssh://host:port/system", "names no host"),
            ("qemu:///system?colour=red", "`colour`"),
        ] {
            let error = Uri::parse(text).unwrap_err().to_string();
            assert!(error.contains(reason) && error.contains(text), "{error}");
        }
    }
}
