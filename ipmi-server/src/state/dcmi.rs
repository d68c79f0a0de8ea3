//! Names and settings of DCMI (DCMI 1.5 §6.1, §6.4).

mod kept;

use alloc::vec::Vec;

use ipmi_proto::command::dcmi::configuration::{DcmiParameter, DcmiValue, DiscoveryConfiguration};
use ipmi_proto::command::dcmi::identification::{ASSET_TAG_LENGTH, IDENTIFIER_LENGTH, PAGE};
use ipmi_proto::command::{PARAMETER_NOT_SUPPORTED, PARAMETER_WRITE_ONLY};
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::wire::Bytes;

/// What DCMI adds to a BMC.
#[derive(Debug, Default)]
pub(crate) struct Dcmi {
    asset_tag: Vec<u8>,
    /// The BMC's name with its NUL; empty as long as nobody has written one.
    identifier: Vec<u8>,
    /// A name whose NUL has not come yet.
    unfinished_identifier: Vec<u8>,
    discovery: DiscoveryConfiguration,
    initial_timeout: u8,
    contact_timeout: u16,
    retry_interval: u16,
}

impl Dcmi {
    /// The asset tag.
    pub(crate) fn asset_tag(&self) -> &[u8] {
        &self.asset_tag
    }

    /// Takes over the asset tag that somebody wrote elsewhere.
    pub(crate) fn replace_asset_tag(&mut self, tag: &[u8]) {
        self.asset_tag = tag.to_vec();
    }

    /// Set Asset Tag: the tag ends where this piece ends. Answers its length. Clients that fill up with NULs do
    /// not mean them.
    ///
    /// # Errors
    /// C9h if it would be too long.
    pub(crate) fn write_asset_tag(&mut self, offset: u8, data: &[u8]) -> Result<u8, CompletionCode> {
        let data = data.trim_ascii_end_nul();
        let offset = usize::from(offset);
        if offset + data.len() > ASSET_TAG_LENGTH {
            return Err(CompletionCode::OUT_OF_RANGE);
        }
        // A piece of nothing but NULs behind the end changes nothing.
        if !data.is_empty() || offset <= self.asset_tag.len() {
            splice(&mut self.asset_tag, offset, data);
        }
        Ok(length(&self.asset_tag))
    }

    /// The BMC's name with its NUL. `name`: what it is called as long as nobody has written another name.
    pub(crate) fn identifier(&self, name: &str) -> Vec<u8> {
        if !self.identifier.is_empty() {
            return self.identifier.clone();
        }
        let mut name = name.as_bytes().to_vec();
        name.truncate(IDENTIFIER_LENGTH - 1);
        name.push(0);
        name
    }

    /// Set Management Controller Identifier String: a name counts when its NUL has come. Answers its length so
    /// far.
    ///
    /// # Errors
    /// C9h if it would be too long or leaves a gap.
    pub(crate) fn write_identifier(&mut self, offset: u8, data: &[u8]) -> Result<u8, CompletionCode> {
        let offset = usize::from(offset);
        let unfinished = &mut self.unfinished_identifier;
        if offset == 0 {
            unfinished.clear();
        }
        if offset + data.len() > IDENTIFIER_LENGTH || offset > unfinished.len() {
            return Err(CompletionCode::OUT_OF_RANGE);
        }
        splice(unfinished, offset, data);
        let Some(end) = unfinished.iter().position(|byte| *byte == 0) else {
            return Ok(length(unfinished));
        };
        unfinished.truncate(end + 1);
        self.identifier = core::mem::take(unfinished);
        Ok(length(&self.identifier))
    }

    /// A configuration parameter.
    ///
    /// # Errors
    /// 80h if there is none, 83h if it can only be written.
    pub(crate) fn parameter(&self, parameter: DcmiParameter) -> Result<DcmiValue, CompletionCode> {
        Ok(match parameter {
            DcmiParameter::ACTIVATE_DHCP => return Err(PARAMETER_WRITE_ONLY),
            DcmiParameter::DISCOVERY => DcmiValue::Discovery(self.discovery),
            DcmiParameter::DHCP_TIMING_1 => DcmiValue::InitialTimeout(self.initial_timeout),
            DcmiParameter::DHCP_TIMING_2 => DcmiValue::ContactTimeout(self.contact_timeout),
            DcmiParameter::DHCP_TIMING_3 => DcmiValue::RetryInterval(self.retry_interval),
            _ => return Err(PARAMETER_NOT_SUPPORTED),
        })
    }

    /// Sets a configuration parameter. They are kept; the BMC has no DHCP client that would use them.
    ///
    /// # Errors
    /// 80h if there is none, CCh for what only a DHCP client could do.
    pub(crate) fn set_parameter(&mut self, value: &DcmiValue) -> Result<(), CompletionCode> {
        match *value {
            DcmiValue::ActivateDhcp(_) => return Err(CompletionCode::INVALID_FIELD),
            DcmiValue::Discovery(discovery) => self.discovery = discovery,
            DcmiValue::InitialTimeout(seconds) => self.initial_timeout = seconds,
            DcmiValue::ContactTimeout(seconds) => self.contact_timeout = seconds,
            DcmiValue::RetryInterval(seconds) => self.retry_interval = seconds,
            _ => return Err(PARAMETER_NOT_SUPPORTED),
        }
        Ok(())
    }
}

/// A page of a text that is read in pieces.
///
/// # Errors
/// C9h if it starts after the end or is more than a page.
pub(crate) fn page(text: &[u8], offset: u8, count: u8) -> Result<Bytes<PAGE>, CompletionCode> {
    let rest = text
        .get(usize::from(offset)..)
        .ok_or(CompletionCode::OUT_OF_RANGE)?;
    if usize::from(count) > PAGE {
        return Err(CompletionCode::OUT_OF_RANGE);
    }
    let length = rest.len().min(usize::from(count));
    Bytes::from_slice(rest.get(..length).unwrap_or_default()).map_err(|_| CompletionCode::OUT_OF_RANGE)
}

/// Length of a text of at most 64 bytes.
pub(crate) fn length(text: &[u8]) -> u8 {
    u8::try_from(text.len()).unwrap_or(u8::MAX)
}

/// Puts a piece where it belongs; the text ends with it.
fn splice(text: &mut Vec<u8>, offset: usize, data: &[u8]) {
    text.resize(offset, b' ');
    text.extend_from_slice(data);
}

/// Taking NULs off the end of bytes.
trait TrimNul {
    fn trim_ascii_end_nul(&self) -> &Self;
}

impl TrimNul for [u8] {
    fn trim_ascii_end_nul(&self) -> &Self {
        let end = self
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1);
        self.get(..end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_tag_in_pieces() {
        let mut dcmi = Dcmi::default();
        assert_eq!(dcmi.write_asset_tag(0, b"0123456789abcdef"), Ok(16));
        assert_eq!(dcmi.write_asset_tag(16, b"gh"), Ok(18));
        assert_eq!(dcmi.asset_tag(), b"0123456789abcdefgh");
        assert_eq!(page(dcmi.asset_tag(), 16, 16).as_deref(), Ok(&b"gh"[..]));
        assert_eq!(page(dcmi.asset_tag(), 18, 16).map(|page| page.len()), Ok(0));
        assert_eq!(page(dcmi.asset_tag(), 19, 1), Err(CompletionCode::OUT_OF_RANGE));
        assert_eq!(page(dcmi.asset_tag(), 0, 17), Err(CompletionCode::OUT_OF_RANGE));
        assert_eq!(
            dcmi.write_asset_tag(60, b"four"),
            Err(CompletionCode::OUT_OF_RANGE)
        );
        assert_eq!(dcmi.write_asset_tag(0, b"new\0\0\0"), Ok(3));
        assert_eq!(dcmi.write_asset_tag(48, &[0; 16]), Ok(3));
        assert_eq!(dcmi.asset_tag(), b"new");
    }

    #[test]
    fn a_name_counts_with_its_nul() {
        let mut dcmi = Dcmi::default();
        assert_eq!(dcmi.identifier("node1"), b"node1\0");
        assert_eq!(dcmi.write_identifier(0, b"a name of sixtee"), Ok(16));
        assert_eq!(dcmi.identifier("node1"), b"node1\0");
        assert_eq!(
            dcmi.write_identifier(18, b"n\0"),
            Err(CompletionCode::OUT_OF_RANGE)
        );
        assert_eq!(dcmi.write_identifier(16, b"n\0\0"), Ok(18));
        assert_eq!(dcmi.identifier("node1"), b"a name of sixteen\0");
    }

    #[test]
    fn configuration_is_kept() {
        let mut dcmi = Dcmi::default();
        dcmi.set_parameter(&DcmiValue::ContactTimeout(120)).unwrap();
        assert_eq!(
            dcmi.parameter(DcmiParameter::DHCP_TIMING_2),
            Ok(DcmiValue::ContactTimeout(120))
        );
        assert_eq!(dcmi.parameter(DcmiParameter(1)), Err(CompletionCode(0x83)));
        assert_eq!(dcmi.parameter(DcmiParameter(9)), Err(CompletionCode(0x80)));
    }
}
