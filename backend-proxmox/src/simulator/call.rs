//! One call of the API on its way to its handler.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::access::Caller;
use super::answer::ApiError;
use super::schema::{Endpoint, Permission};
use super::shared::Shared;

/// A call: who asks which node for what.
pub(super) struct Call {
    pub(super) shared: Arc<Shared>,
    /// The node that the client is connected to.
    pub(super) here: String,
    pub(super) caller: Caller,
    pub(super) endpoint: &'static Endpoint,
    pub(super) parameters: BTreeMap<String, String>,
}

impl Call {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// A parameter that the schema demands, or nothing.
    pub(super) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.get(name) == Some("1")
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }

    pub(super) fn vmid(&self) -> u32 {
        self.text("vmid").parse().unwrap_or(0)
    }

    /// The node in the path.
    pub(super) fn node(&self) -> &str {
        self.text("node")
    }

    /// The permission that the schema demands.
    ///
    /// # Errors
    /// 403 naming path and privileges.
    pub(super) fn check_permission(&self) -> Result<(), ApiError> {
        match &self.endpoint.permission {
            Permission::World | Permission::All => Ok(()),
            Permission::Own => {
                if self.text("userid") == self.caller.user {
                    return Ok(());
                }
                self.shared
                    .cluster()
                    .require(&self.caller, "/access/groups", &["User.Modify"])
            }
            Permission::Any { path, privileges } => {
                let mut path = (*path).to_owned();
                for name in ["node", "vmid", "storage"] {
                    path = path.replace(&format!("{{{name}}}"), self.text(name));
                }
                self.shared.cluster().require(&self.caller, &path, privileges)
            }
        }
    }

    /// # Errors
    /// 400 when `skiplock` is given by anybody but `root@pam` with a ticket.
    pub(super) fn check_skiplock(&self) -> Result<(), ApiError> {
        if self.flag("skiplock") && !self.caller.is_root() {
            return Err(ApiError::parameter("skiplock", "Only root may use this option."));
        }
        Ok(())
    }
}
