//! Definitions of domains, their metadata, and saved images.

use super::{Client, QUICK, SLOW};
use crate::rpc::error::RpcError;
use crate::rpc::types::Domain;

/// Which XML of a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum XmlKind {
    /// The domain as it runs; as it is defined while it does not.
    Live,
    /// The domain as it will start next, with secrets: what can be defined again.
    Definition,
}

/// With secrets; the definition.
const SECURE: u32 = 1;
const INACTIVE: u32 = 2;
/// Metadata that is an element in a namespace.
const METADATA_ELEMENT: i32 = 2;
/// Of the definition, not of the run.
const CONFIG: u32 = 2;
/// Let libvirt check the XML against its schema.
const VALIDATE: u32 = 1;

impl Client {
    /// The XML of a domain.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn xml(&self, domain: &Domain, kind: XmlKind) -> Result<String, RpcError> {
        let flags = match kind {
            XmlKind::Live => 0,
            XmlKind::Definition => SECURE | INACTIVE,
        };
        let (xml,) = self.call(14, (domain, flags), QUICK).await?;
        Ok(xml)
    }

    /// Defines a domain, or changes its definition. What runs goes on as it is.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn define(&self, xml: &str) -> Result<Domain, RpcError> {
        self.call(350, (xml, 0_u32), SLOW).await
    }

    /// As [`define`](Self::define), after libvirt has checked the XML against its schema.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn define_validated(&self, xml: &str) -> Result<Domain, RpcError> {
        self.call(350, (xml, VALIDATE), SLOW).await
    }

    /// The element of a namespace in the metadata of a domain's definition.
    ///
    /// # Errors
    /// [`RpcError`], [`ErrorCode::NO_DOMAIN_METADATA`](crate::rpc::ErrorCode::NO_DOMAIN_METADATA) among them.
    pub async fn metadata(&self, domain: &Domain, uri: &str) -> Result<String, RpcError> {
        let arguments = (domain, METADATA_ELEMENT, Some(uri), CONFIG);
        let (xml,) = self.call(265, arguments, QUICK).await?;
        Ok(xml)
    }

    /// Whether the domain would start from a managed save image.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn has_managed_save(&self, domain: &Domain) -> Result<bool, RpcError> {
        let (has,): (i32,) = self.call(183, (domain, 0_u32), QUICK).await?;
        Ok(has != 0)
    }

    /// Removes the managed save image of a domain.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn remove_managed_save(&self, domain: &Domain) -> Result<(), RpcError> {
        self.call(184, (domain, 0_u32), SLOW).await
    }
}
