//! One call of the API: what is asked, and whether asking twice does harm.

use core::time::Duration;

use reqwest::Method;

/// Within this time the API answers, or something is wrong: 401 takes 3 s, the lock of a guest 10 s.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// A call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(super) method: Method,
    /// Path below `/api2/json`.
    pub(super) path: String,
    pub(super) parameters: Vec<(&'static str, String)>,
    pub(super) timeout: Duration,
    pub(super) as_user: bool,
}

impl Call {
    /// Reads something.
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path.into(), READ_TIMEOUT)
    }

    /// Starts something.
    pub(crate) fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path.into(), WRITE_TIMEOUT)
    }

    /// Changes something.
    pub(crate) fn put(path: impl Into<String>) -> Self {
        Self::new(Method::PUT, path.into(), WRITE_TIMEOUT)
    }

    /// Takes something away.
    pub(crate) fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path.into(), WRITE_TIMEOUT)
    }

    const fn new(method: Method, path: String, timeout: Duration) -> Self {
        Self {
            method,
            path,
            parameters: Vec::new(),
            timeout,
            as_user: false,
        }
    }

    /// With this parameter.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.parameters.push((name, value.to_string()));
        self
    }

    /// For at most this long.
    #[must_use]
    pub(crate) const fn within(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// As the user with a password, for what tokens cannot do.
    #[must_use]
    pub(crate) const fn by_user(mut self) -> Self {
        self.as_user = true;
        self
    }

    /// What is said of it in errors and logs: never its parameters, which may hold a password.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Whether asking twice is the same as asking once.
    pub(super) fn is_read(&self) -> bool {
        self.method == Method::GET
    }

    /// The node that works on it, by its path.
    pub(super) fn node(&self) -> &str {
        let rest = self.path.strip_prefix("/nodes/").unwrap_or_default();
        rest.split('/').next().unwrap_or_default()
    }

    /// Parameters as PVE's decoder wants them: it splits at `;` too.
    pub(super) fn encoded(&self) -> String {
        let mut serializer = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.parameters {
            serializer.append_pair(name, value);
        }
        serializer.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_encoded_for_pve() {
        let call = Call::put("/nodes/pve1/qemu/100/config").with("boot", "order=net0;scsi0");
        assert_eq!(call.encoded(), "boot=order%3Dnet0%3Bscsi0");
        assert_eq!(call.node(), "pve1");
        assert_eq!(Call::get("/version").node(), "");
        assert_eq!(call.name(), "PUT /nodes/pve1/qemu/100/config");
    }
}
