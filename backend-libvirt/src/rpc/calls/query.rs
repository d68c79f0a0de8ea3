//! Asking: which domains, what they do.

use bitflags::bitflags;

use super::{Client, QUICK, SLOW};
use crate::rpc::error::RpcError;
use crate::rpc::types::{Domain, DomainState, DomainStatistics, Uuid};

bitflags! {
    /// Groups of statistics (virDomainStatsTypes).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct StatisticsGroups: u32 {
        /// `state.`: what the domain does.
        const STATE = 1;
        /// `cpu.`: time of the processors.
        const CPU = 1 << 1;
        /// `balloon.`: memory.
        const BALLOON = 1 << 2;
        /// `vcpu.`: each processor.
        const VCPU = 1 << 3;
        /// `net.`: each network interface.
        const INTERFACE = 1 << 4;
        /// `block.`: each disk.
        const BLOCK = 1 << 5;
    }
}

/// Leave out what a domain that is busy with something would have to be asked for.
const NOWAIT: u32 = 1 << 29;
/// Running and others.
const ALL: u32 = 0b11;

impl Client {
    /// All domains, running or not.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn domains(&self) -> Result<Vec<Domain>, RpcError> {
        let (domains, _count): (_, u32) = self.call(273, (1_i32, ALL), QUICK).await?;
        Ok(domains)
    }

    /// The domain of a name.
    ///
    /// # Errors
    /// [`RpcError`], [`ErrorCode::NO_DOMAIN`](crate::rpc::ErrorCode::NO_DOMAIN) among them.
    pub async fn domain_by_name(&self, name: &str) -> Result<Domain, RpcError> {
        self.call(23, (name,), QUICK).await
    }

    /// The domain of a UUID.
    ///
    /// # Errors
    /// As [`domain_by_name`](Self::domain_by_name).
    pub async fn domain_by_uuid(&self, uuid: Uuid) -> Result<Domain, RpcError> {
        self.call(24, (uuid.0,), QUICK).await
    }

    /// What a domain does, and the number of the reason for it.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn state(&self, domain: &Domain) -> Result<(DomainState, i32), RpcError> {
        let (state, reason) = self.call::<(i32, i32)>(212, (domain, 0_u32), QUICK).await?;
        Ok((state.into(), reason))
    }

    /// Whether the domain has a definition that outlives its run.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn is_persistent(&self, domain: &Domain) -> Result<bool, RpcError> {
        let (persistent,): (i32,) = self.call(151, (domain,), QUICK).await?;
        Ok(persistent != 0)
    }

    /// Statistics of all domains in one call. Groups that a domain does not have are left out.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn statistics(&self, groups: StatisticsGroups) -> Result<Vec<DomainStatistics>, RpcError> {
        let none: &[Domain] = &[];
        let (statistics,) = self.call(344, (none, groups.bits(), NOWAIT), SLOW).await?;
        Ok(statistics)
    }

    /// Name of the driver, such as `QEMU`.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn driver(&self) -> Result<String, RpcError> {
        let (name,) = self.call(3, (), QUICK).await?;
        Ok(name)
    }

    /// Versions of the hypervisor and of libvirt, as `9.0.0`.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn versions(&self) -> Result<(String, String), RpcError> {
        let (hypervisor,): (u64,) = self.call(4, (), QUICK).await?;
        let (libvirt,): (u64,) = self.call(157, (), QUICK).await?;
        Ok((version(hypervisor), version(libvirt)))
    }
}

fn version(number: u64) -> String {
    format!(
        "{}.{}.{}",
        number / 1_000_000,
        number / 1_000 % 1_000,
        number % 1_000
    )
}
