//! What the BMC can do: version, authentication types, cipher suites (IPMI 2.0 §22.13, §22.15).

use super::login::{LoginPhase, Step};
use super::sessionless::{
    message_v1_5, payload_v2_0, response, with_message, write_payload_v2_0, write_v1_5,
};
use super::version15::Challenge;
use super::{ConnectFailure, ConsoleConfig, LoginStep, Protocol, SuiteChoice, TypeChoice};
use crate::command::app::session::{
    AuthenticationChannel, ChannelAuthenticationCapabilities, ChannelCipherSuites, CipherSuiteList,
    GetChannelAuthenticationCapabilities, GetChannelAuthenticationCapabilitiesRequest,
    GetChannelCipherSuites, GetChannelCipherSuitesRequest,
};
use crate::crypto::v15::AuthenticationType;
use crate::crypto::{CipherSuite, CipherSuiteId};
use crate::ipmb::{ChannelNumber, RequestSequence};
use crate::packet::v2_0::PayloadType;
use crate::session::DropReason;
use crate::wire::{WireError, Writer};

/// Get Channel Authentication Capabilities was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Discovery {
    pub(super) sequence: RequestSequence,
}

impl Discovery {
    pub(super) fn write(self, config: &ConsoleConfig, writer: &mut Writer<'_>) -> Result<(), WireError> {
        let request = GetChannelAuthenticationCapabilitiesRequest {
            channel: AuthenticationChannel {
                extended: matches!(config.protocol, Protocol::V2_0(_)),
                channel: ChannelNumber::PRESENT,
            },
            privilege: config.privilege.into(),
        };
        write_v1_5::<GetChannelAuthenticationCapabilities>(self.sequence, &request, writer)
    }

    pub(super) fn handle(self, config: &ConsoleConfig, datagram: &[u8]) -> Step {
        let answer = message_v1_5(datagram)
            .and_then(|message| response::<GetChannelAuthenticationCapabilities>(self.sequence, message));
        let capabilities = match answer {
            Err(reason) => return Step::Stay(reason),
            Ok(Err(completion)) => {
                return Step::Fail(ConnectFailure::Command {
                    step: LoginStep::Discovery,
                    completion,
                });
            }
            Ok(Ok(capabilities)) => capabilities,
        };
        let sequence = self.sequence.next();
        match config.protocol {
            Protocol::V2_0(choice) => {
                if !(capabilities.types.extended && capabilities.extended.ipmi_2_0) {
                    return Step::Fail(ConnectFailure::VersionNotSupported);
                }
                Step::Next(match choice {
                    SuiteChoice::Automatic => LoginPhase::CipherSuites(CipherSuites::new(sequence)),
                    SuiteChoice::Fixed(suite) => LoginPhase::Begin(suite),
                })
            }
            Protocol::V1_5(choice) => match authentication_type(choice, &capabilities) {
                Some(kind) => Step::Next(LoginPhase::Challenge(Challenge { kind, sequence })),
                None => Step::Fail(ConnectFailure::AuthenticationTypeNotOffered),
            },
        }
    }
}

/// The type that is wanted, if it is offered.
fn authentication_type(
    choice: TypeChoice,
    capabilities: &ChannelAuthenticationCapabilities,
) -> Option<AuthenticationType> {
    let offered = capabilities.types;
    let is_offered = |kind: &AuthenticationType| match *kind {
        AuthenticationType::NONE => offered.none,
        AuthenticationType::MD2 => offered.md2,
        AuthenticationType::MD5 => offered.md5,
        AuthenticationType::PASSWORD => offered.password,
        _ => false,
    };
    match choice {
        TypeChoice::Automatic => [AuthenticationType::MD5, AuthenticationType::MD2]
            .into_iter()
            .find(is_offered),
        TypeChoice::Fixed(kind) => Some(kind).filter(is_offered),
    }
}

/// The suites that are chosen by themselves, best first.
const PREFERRED: [CipherSuiteId; 2] = [CipherSuiteId::SUITE_17, CipherSuiteId::SUITE_3];

/// The list ends after this page at the latest: the page number has 6 bits.
const LAST_PAGE: u8 = 0x3f;

/// First byte of the record of a suite (IPMI 2.0 §22.15.1).
const STANDARD_RECORD: u8 = 0xc0;
/// First byte of the record of an OEM's suite; number and enterprise number follow.
const OEM_RECORD: u8 = 0xc1;
const OEM_RECORD_HEAD: u8 = 4;

/// Get Channel Cipher Suites was sent for one page of the list.
///
/// The records are looked at as they come, byte for byte, because a record can begin on one page and end on the
/// next.
#[derive(Clone, Copy, Debug)]
pub(super) struct CipherSuites {
    sequence: RequestSequence,
    page: u8,
    /// The next byte is the number of a suite.
    number_follows: bool,
    /// So many bytes of an OEM's record are still to be passed over.
    skip: u8,
    found: [bool; PREFERRED.len()],
}

impl CipherSuites {
    pub(super) const fn new(sequence: RequestSequence) -> Self {
        Self {
            sequence,
            page: 0,
            number_follows: false,
            skip: 0,
            found: [false; PREFERRED.len()],
        }
    }

    pub(super) fn write(self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        let request = GetChannelCipherSuitesRequest {
            channel: ChannelNumber::PRESENT.into(),
            payload: PayloadType::IPMI.into(),
            list: CipherSuiteList {
                by_suite: true,
                index: self.page,
            },
        };
        with_message::<GetChannelCipherSuites, _>(self.sequence, &request, |message| {
            write_payload_v2_0(PayloadType::IPMI, writer, |writer| message.write(writer))
        })
    }

    pub(super) fn handle(mut self, datagram: &[u8]) -> Step {
        let answer = payload_v2_0(datagram, PayloadType::IPMI)
            .and_then(|message| response::<GetChannelCipherSuites>(self.sequence, message));
        match answer {
            Err(reason) => Step::Stay(reason),
            Ok(Err(_)) => self.not_answered(),
            Ok(Ok(page)) => self.handle_page(&page),
        }
    }

    fn handle_page(&mut self, page: &ChannelCipherSuites) -> Step {
        for byte in page.records.iter() {
            self.handle_byte(*byte);
        }
        if page.records.len() == 16 && self.page < LAST_PAGE {
            return Step::Next(LoginPhase::CipherSuites(Self {
                sequence: self.sequence.next(),
                page: self.page + 1,
                ..*self
            }));
        }
        let best = PREFERRED.into_iter().zip(self.found).find(|(_, found)| *found);
        match best.and_then(|(id, _)| CipherSuite::by_id(id)) {
            Some(suite) => Step::Next(LoginPhase::Begin(suite)),
            None => Step::Fail(ConnectFailure::NoCommonCipherSuite),
        }
    }

    fn handle_byte(&mut self, byte: u8) {
        if let Some(skip) = self.skip.checked_sub(1) {
            self.skip = skip;
        } else if self.number_follows {
            self.number_follows = false;
            for (found, id) in self.found.iter_mut().zip(PREFERRED) {
                *found |= id.0 == byte;
            }
        } else if byte == OEM_RECORD {
            self.skip = OEM_RECORD_HEAD;
        } else {
            self.number_follows = byte == STANDARD_RECORD;
        }
    }

    /// BMCs that do not know the command have suite 3: it is mandatory (IPMI 2.0 §13.28).
    pub(super) fn not_answered(self) -> Step {
        match CipherSuite::by_id(CipherSuiteId::SUITE_3) {
            Some(suite) => Step::Next(LoginPhase::Begin(suite)),
            None => Step::Stay(DropReason::NotAwaited),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Bytes;
    use alloc::vec::Vec;

    /// What is chosen from a list that comes in pages.
    fn chosen(list: &[u8]) -> Option<CipherSuiteId> {
        let mut query = CipherSuites::new(RequestSequence::default());
        let mut pages: Vec<&[u8]> = list.chunks(16).collect();
        // A list of whole pages is ended by an empty one.
        pages.push(&[]);
        for page in pages {
            let page = ChannelCipherSuites {
                channel: ChannelNumber::LAN.into(),
                records: Bytes::from_slice(page).unwrap(),
            };
            match query.handle_page(&page) {
                Step::Next(LoginPhase::CipherSuites(next)) => query = next,
                Step::Next(LoginPhase::Begin(suite)) => return Some(suite.id),
                _ => return None,
            }
        }
        None
    }

    #[test]
    fn suites_are_found_across_pages() {
        let mut list = Vec::new();
        for suite in CipherSuite::ALL {
            list.extend(suite.record());
        }
        assert_eq!(list.len(), 60);
        assert_eq!(chosen(&list), Some(CipherSuiteId::SUITE_17));
        assert_eq!(chosen(&list[..20]), Some(CipherSuiteId::SUITE_3));
        assert_eq!(chosen(&list[..15]), None);
        // The number of suite 17 is the first byte of a page.
        let mut moved = list[..10].to_vec();
        moved.extend([0xc0, 6, 0x02, 0x40, 0x80, 0xc0, 17, 3, 0x44, 0x81]);
        assert_eq!(chosen(&moved), Some(CipherSuiteId::SUITE_17));
    }

    #[test]
    fn bytes_of_oem_records_are_not_taken_for_suites() {
        // An enterprise number that looks like the record of suite 17.
        assert_eq!(chosen(&[0xc1, 0x80, 0xc0, 0x11, 0x00, 0x01, 0x41, 0x81]), None);
        let both = [
            0xc1, 0x80, 0xc0, 0x11, 0x00, 0x01, 0x41, 0x81, 0xc0, 3, 1, 0x41, 0x81,
        ];
        assert_eq!(chosen(&both), Some(CipherSuiteId::SUITE_3));
    }
}
