//! The addresses of one cluster, any of which answers for all of it.

use core::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Url;
use thiserror::Error;

/// Port of the API.
const API_PORT: u16 = 8006;

/// Why an address cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// Not an address of an API.
    #[error("{text:?} is no address of a Proxmox VE API: write https://HOST:8006")]
    Address {
        /// What was given.
        text: String,
    },
    /// None was given.
    #[error("no address of the cluster is given: write https://HOST:8006")]
    None,
}

/// The addresses, and which one is asked now.
#[derive(Debug)]
pub(super) struct Endpoints {
    list: Vec<Endpoint>,
    current: AtomicUsize,
}

/// One address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Where the API's paths begin, without a slash at the end: `https://pve1:8006`.
    pub(crate) base: String,
    /// Host alone, for TLS.
    pub(crate) host: String,
    /// Port.
    pub(crate) port: u16,
}

impl Endpoint {
    /// Reads `https://HOST[:PORT]`; also with `/api2/json` at the end, as other tools want it.
    fn parse(text: &str) -> Result<Self, EndpointError> {
        let wrong = || EndpointError::Address {
            text: text.to_owned(),
        };
        let text_only = text.trim().trim_end_matches('/');
        let text_only = text_only
            .trim_end_matches("/json")
            .trim_end_matches("/api2")
            .trim_end_matches('/');
        let with_scheme = if text_only.contains("://") {
            text_only.to_owned()
        } else {
            format!("https://{text_only}")
        };
        let url = Url::parse(&with_scheme).map_err(|_| wrong())?;
        let plain = url.scheme() == "https"
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.path() == "/";
        let Some(host) = url.host_str().filter(|_| plain) else {
            return Err(wrong());
        };
        // 443 is what the URL says by not saying it; a bare host means the API's own port.
        let said = with_scheme
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let port = url.port().unwrap_or(if said { 443 } else { API_PORT });
        Ok(Self {
            base: format!("https://{host}:{port}"),
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port,
        })
    }
}

impl Endpoints {
    /// Reads addresses.
    pub(super) fn parse(texts: &[String]) -> Result<Self, EndpointError> {
        if texts.is_empty() {
            return Err(EndpointError::None);
        }
        let list = texts
            .iter()
            .map(|text| Endpoint::parse(text))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            list,
            current: AtomicUsize::new(0),
        })
    }

    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.list.len()
    }

    /// The one that is asked now, with its number.
    pub(super) fn current(&self) -> (usize, &Endpoint) {
        let index = self.current.load(Ordering::Relaxed) % self.list.len().max(1);
        // There is at least one; the first stands in for a number out of range, which does not happen.
        let fallback = &self.list;
        (index, fallback.get(index).unwrap_or(&fallback[0]))
    }

    /// The next one is asked from now on, unless somebody has moved on from `index` already.
    pub(super) fn leave(&self, index: usize) {
        let next = (index + 1) % self.list.len().max(1);
        let _ = self
            .current
            .compare_exchange(index, next, Ordering::Relaxed, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        for (text, base) in [
            ("https://pve1:8006", "https://pve1:8006"),
            ("https://pve1", "https://pve1:8006"),
            ("pve1", "https://pve1:8006"),
            ("pve1:443", "https://pve1:443"),
            ("https://pve1:443", "https://pve1:443"),
            ("https://10.0.0.1:8006/api2/json", "https://10.0.0.1:8006"),
            ("https://[fd00::1]:8006/", "https://[fd00::1]:8006"),
        ] {
            let endpoint = Endpoint::parse(text);
            assert_eq!(
                endpoint.ok().map(|endpoint| endpoint.base).as_deref(),
                Some(base),
                "{text}"
            );
        }
        for text in [
            "http://pve1:8006",
            "",
            "https://user:pw@pve1",
            "https://pve1/x",
            "https://pve1?x=1",
        ] {
            assert!(Endpoint::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_next_endpoint_is_taken_once_per_failure() {
        let texts = ["a", "b", "c"].map(str::to_owned);
        let endpoints = Endpoints::parse(&texts).unwrap();
        endpoints.leave(0);
        // A second caller whose request to the same endpoint failed.
        endpoints.leave(0);
        assert_eq!(endpoints.current().1.host, "b");
        endpoints.leave(1);
        endpoints.leave(2);
        assert_eq!(endpoints.current().1.host, "a");
    }
}
