//! Configuration of Serial over LAN (IPMI 2.0 table 26-5).

mod kept;

use ipmi_proto::command::PARAMETER_NOT_SUPPORTED;
use ipmi_proto::command::transport::sol::{
    BitRate, SolAccumulate, SolAuthentication, SolParameter, SolRetry, SolValue,
};
use ipmi_proto::ipmb::{ChannelNumber, CompletionCode, Privilege};
use ipmi_proto::session::managed::SessionId;
use ipmi_proto::time::Instant;
use ipmi_proto::wire::LowBits;

use super::SetGuard;

/// Configuration of Serial over LAN.
#[derive(Debug)]
pub(crate) struct SolSettings {
    /// Parameter 0.
    pub(crate) guard: SetGuard,
    /// Serial over LAN can be activated.
    pub(crate) is_enabled: bool,
    /// Who may activate it, and how it is protected.
    pub(crate) authentication: SolAuthentication,
    /// When collected characters are sent.
    pub(crate) accumulate: SolAccumulate,
    /// How often packets are repeated.
    pub(crate) retry: SolRetry,
    /// Recorded only: a virtual serial port has no bit rate.
    pub(crate) kept_rate: BitRate,
    /// The same, until the next activation.
    pub(crate) present_rate: BitRate,
}

impl Default for SolSettings {
    fn default() -> Self {
        Self {
            guard: SetGuard::default(),
            is_enabled: true,
            authentication: SolAuthentication {
                force_encryption: true,
                force_authentication: true,
                privilege: Privilege::USER,
            },
            accumulate: SolAccumulate {
                interval: 12,
                threshold: 96,
            },
            retry: SolRetry {
                count: LowBits(7),
                interval: 10,
            },
            kept_rate: BitRate::B115200,
            present_rate: BitRate::B115200,
        }
    }
}

impl SolSettings {
    /// A parameter. `port`: the one that the client talks to.
    ///
    /// # Errors
    /// 80h if there is no such parameter.
    pub(crate) fn get(
        &self,
        parameter: SolParameter,
        now: Instant,
        port: u16,
    ) -> Result<SolValue, CompletionCode> {
        Ok(match parameter {
            SolParameter::SET_IN_PROGRESS => SolValue::SetInProgress(LowBits(self.guard.value(now))),
            SolParameter::ENABLE => SolValue::Enable(LowBits(self.is_enabled)),
            SolParameter::AUTHENTICATION => SolValue::Authentication(self.authentication),
            SolParameter::ACCUMULATE => SolValue::Accumulate(self.accumulate),
            SolParameter::RETRY => SolValue::Retry(self.retry),
            SolParameter::NON_VOLATILE_BIT_RATE => SolValue::NonVolatileBitRate(LowBits(self.kept_rate)),
            SolParameter::VOLATILE_BIT_RATE => SolValue::VolatileBitRate(LowBits(self.present_rate)),
            SolParameter::PAYLOAD_CHANNEL => SolValue::PayloadChannel(LowBits(ChannelNumber::LAN)),
            SolParameter::PAYLOAD_PORT => SolValue::PayloadPort(port),
            _ => return Err(PARAMETER_NOT_SUPPORTED),
        })
    }

    /// Writes a parameter.
    ///
    /// # Errors
    /// 81h or CCh for values that cannot be.
    pub(crate) fn set(
        &mut self,
        value: &SolValue,
        session: Option<SessionId>,
        now: Instant,
    ) -> Result<(), CompletionCode> {
        let invalid = Err(CompletionCode::INVALID_FIELD);
        match *value {
            SolValue::SetInProgress(LowBits(value)) => return self.guard.set(value, session, now),
            SolValue::Enable(LowBits(enabled)) => self.is_enabled = enabled,
            SolValue::Authentication(settings) if !settings.privilege.is_level() => return invalid,
            SolValue::Authentication(settings) => self.authentication = settings,
            SolValue::Accumulate(settings) if settings.interval == 0 => return invalid,
            SolValue::Accumulate(settings) => self.accumulate = settings,
            SolValue::Retry(settings) => self.retry = settings,
            SolValue::NonVolatileBitRate(LowBits(rate)) | SolValue::VolatileBitRate(LowBits(rate))
                if rate.label().is_none() =>
            {
                return invalid;
            }
            SolValue::NonVolatileBitRate(LowBits(rate)) => self.kept_rate = rate,
            SolValue::VolatileBitRate(LowBits(rate)) => self.present_rate = rate,
            _ => return Err(PARAMETER_NOT_SUPPORTED),
        }
        Ok(())
    }
}
