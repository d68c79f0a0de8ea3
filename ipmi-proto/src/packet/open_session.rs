//! RMCP+ Open Session Request and Response (IPMI 2.0 §13.17, §13.18).

use super::RmcpPlusStatus;
use crate::ipmb::Privilege;
use crate::wire::{Reader, WireError, Writer};

/// Length of an algorithm block.
const BLOCK_LENGTH: u8 = 8;

/// The three kinds of algorithms, in the order of their blocks.
const AUTHENTICATION: u8 = 0;
const INTEGRITY: u8 = 1;
const CONFIDENTIALITY: u8 = 2;

/// Algorithm numbers as proposed or chosen; `None`: the proposer leaves it to the BMC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proposal {
    /// Authentication algorithm.
    pub authentication: Option<u8>,
    /// Integrity algorithm.
    pub integrity: Option<u8>,
    /// Confidentiality algorithm.
    pub confidentiality: Option<u8>,
}

/// Why an Open Session Request cannot be read, and with which status it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenSessionError {
    /// Too short to know whom to answer: dropped.
    Truncated,
    /// The fixed part is there, the rest is not.
    Status {
        /// Tag of the request.
        tag: u8,
        /// The console's session number.
        console_session: u32,
        /// What is wrong.
        status: RmcpPlusStatus,
    },
}

/// The first step of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenSessionRequest {
    /// Matches the response to the request.
    pub tag: u8,
    /// Highest privilege wanted; 0: as high as the algorithms allow.
    pub privilege: Privilege,
    /// The number that the console gave the session.
    pub console_session: u32,
    /// What the console proposes.
    pub proposal: Proposal,
}

impl OpenSessionRequest {
    /// Reads the payload.
    ///
    /// # Errors
    /// [`OpenSessionError`].
    pub fn parse(payload: &[u8]) -> Result<Self, OpenSessionError> {
        let mut reader = Reader::new(payload);
        let mut head = || Ok::<_, WireError>((reader.array::<4>()?, reader.value::<u32>()?));
        let ([tag, privilege, _, _], console_session) = head().map_err(|_| OpenSessionError::Truncated)?;
        let status = |status| OpenSessionError::Status {
            tag,
            console_session,
            status,
        };
        let mut blocks = [None; 3];
        for (kind, slot) in (AUTHENTICATION..=CONFIDENTIALITY).zip(&mut blocks) {
            let block = reader
                .array::<8>()
                .map_err(|_| status(RmcpPlusStatus::ILLEGAL_PARAMETER))?;
            let [block_kind, _, _, length, algorithm, ..] = block;
            if block_kind != kind {
                return Err(status(RmcpPlusStatus::INVALID_PAYLOAD_TYPE));
            }
            *slot = match length {
                0 => None,
                BLOCK_LENGTH => Some(algorithm & 0x3f),
                _ => return Err(status(RmcpPlusStatus::ILLEGAL_PARAMETER)),
            };
        }
        reader
            .finish()
            .map_err(|_| status(RmcpPlusStatus::ILLEGAL_PARAMETER))?;
        let [authentication, integrity, confidentiality] = blocks;
        Ok(Self {
            tag,
            privilege: Privilege(privilege & 0x0f),
            console_session,
            proposal: Proposal {
                authentication,
                integrity,
                confidentiality,
            },
        })
    }

    /// Writes the payload.
    ///
    /// # Errors
    /// [`WireError::BufferTooSmall`] if it does not fit.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.bytes(&[self.tag, self.privilege.0, 0, 0])?;
        writer.value(&self.console_session)?;
        write_blocks(self.proposal, writer)
    }
}

/// The answer to an Open Session Request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenSessionResponse {
    /// Tag of the request.
    pub tag: u8,
    /// The number that the console gave the session.
    pub console_session: u32,
    /// What was granted, or why nothing was.
    pub outcome: Result<Granted, RmcpPlusStatus>,
}

/// What the BMC granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The highest privilege that the session may get; never 0.
    pub privilege: Privilege,
    /// The number that the BMC gave the session.
    pub bmc_session: u32,
    /// The chosen algorithms.
    pub algorithms: Proposal,
}

impl OpenSessionResponse {
    /// Reads the payload.
    ///
    /// # Errors
    /// [`WireError`] if it is cut.
    pub fn parse(payload: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(payload);
        let [tag, status, privilege, _] = reader.array()?;
        let console_session = reader.value()?;
        if status != RmcpPlusStatus::NO_ERRORS.0 {
            return Ok(Self {
                tag,
                console_session,
                outcome: Err(RmcpPlusStatus(status)),
            });
        }
        let bmc_session = reader.value()?;
        let mut blocks = [None; 3];
        for slot in &mut blocks {
            let [_, _, _, length, algorithm, ..] = reader.array::<8>()?;
            *slot = (length == BLOCK_LENGTH).then_some(algorithm & 0x3f);
        }
        let [authentication, integrity, confidentiality] = blocks;
        let algorithms = Proposal {
            authentication,
            integrity,
            confidentiality,
        };
        let granted = Granted {
            privilege: Privilege(privilege & 0x0f),
            bmc_session,
            algorithms,
        };
        Ok(Self {
            tag,
            console_session,
            outcome: Ok(granted),
        })
    }

    /// Writes the payload: 36 bytes, or 8 with an error.
    ///
    /// # Errors
    /// [`WireError::BufferTooSmall`] if it does not fit.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        match &self.outcome {
            Err(status) => {
                writer.bytes(&[self.tag, status.0, 0, 0])?;
                writer.value(&self.console_session)
            }
            Ok(granted) => {
                writer.bytes(&[self.tag, RmcpPlusStatus::NO_ERRORS.0, granted.privilege.0, 0])?;
                writer.value(&self.console_session)?;
                writer.value(&granted.bmc_session)?;
                write_blocks(granted.algorithms, writer)
            }
        }
    }
}

fn write_blocks(proposal: Proposal, writer: &mut Writer<'_>) -> Result<(), WireError> {
    let kinds = [
        (AUTHENTICATION, proposal.authentication),
        (INTEGRITY, proposal.integrity),
        (CONFIDENTIALITY, proposal.confidentiality),
    ];
    for (kind, algorithm) in kinds {
        let length = if algorithm.is_some() { BLOCK_LENGTH } else { 0 };
        writer.bytes(&[kind, 0, 0, length, algorithm.unwrap_or_default(), 0, 0, 0])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    /// Open Session Request of ipmitool 1.8.19 with -C 3.
    const REQUEST: [u8; 32] =
        hex!("00 00 0000 a4a3a2a0 00000008 01000000 01000008 01000000 02000008 01000000");

    #[test]
    fn request_goes_both_ways() {
        let request = OpenSessionRequest::parse(&REQUEST).unwrap();
        let one = Some(1);
        assert_eq!(
            request.proposal,
            Proposal {
                authentication: one,
                integrity: one,
                confidentiality: one
            }
        );
        assert_eq!(request.console_session, 0xa0a2_a3a4);
        let mut output = [0xa5; 64];
        let mut writer = Writer::new(&mut output);
        request.write(&mut writer).unwrap();
        assert_eq!(writer.written(), REQUEST);
        for length in 0..8 {
            assert_eq!(
                OpenSessionRequest::parse(&REQUEST[..length]),
                Err(OpenSessionError::Truncated)
            );
        }
        for length in 8..REQUEST.len() {
            assert!(matches!(
                OpenSessionRequest::parse(&REQUEST[..length]),
                Err(OpenSessionError::Status {
                    status: RmcpPlusStatus::ILLEGAL_PARAMETER,
                    ..
                })
            ));
        }
    }

    #[test]
    fn responses_have_their_two_lengths() {
        let algorithms = Proposal {
            authentication: Some(3),
            integrity: Some(4),
            confidentiality: Some(1),
        };
        let granted = Granted {
            privilege: Privilege::ADMINISTRATOR,
            bmc_session: 7,
            algorithms,
        };
        for (outcome, length) in [(Ok(granted), 36), (Err(RmcpPlusStatus::NO_CIPHER_SUITE_MATCH), 8)] {
            let response = OpenSessionResponse {
                tag: 1,
                console_session: 2,
                outcome,
            };
            let mut output = [0xa5; 64];
            let mut writer = Writer::new(&mut output);
            response.write(&mut writer).unwrap();
            assert_eq!(writer.len(), length);
            assert_eq!(OpenSessionResponse::parse(writer.written()), Ok(response));
        }
    }
}
