//! System information: names and versions of the software on the machine (IPMI 2.0 table 22-16c).

mod kept;

use ipmi_proto::command::app::system_info::{SystemInfoParameter, TEXT_PIECE, TextEncoding, TextPiece};
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::wire::Bytes;

use super::{SetGuard, Written};

/// Bytes before the text in its first piece: encoding and length.
const HEADER: usize = 2;
/// Pieces of the longest text.
const PIECES: u8 = 17;

/// System information.
#[derive(Debug, Default)]
pub(crate) struct SystemInfo {
    /// Parameter 0.
    pub(crate) guard: SetGuard,
    written: Written,
}

impl SystemInfo {
    /// A piece of a text. `default`: the text as long as nobody has written one.
    ///
    /// # Errors
    /// C9h for a piece after the end.
    pub(crate) fn piece(
        &self,
        parameter: SystemInfoParameter,
        set: u8,
        default: &str,
    ) -> Result<TextPiece, CompletionCode> {
        let data = if let Some(data) = self.written.get(parameter.0, set) {
            Bytes::from_slice(data).map_err(|_| CompletionCode::UNSPECIFIED)?
        } else if self.written.get(parameter.0, 0).is_some() {
            return Err(CompletionCode::OUT_OF_RANGE);
        } else {
            piece_of(default, set)?
        };
        Ok(TextPiece { set, data })
    }

    /// Writes a piece of a text.
    ///
    /// # Errors
    /// C9h for a piece after the longest text, CCh for an encoding that does not exist.
    pub(crate) fn set_piece(
        &mut self,
        parameter: SystemInfoParameter,
        piece: &TextPiece,
    ) -> Result<(), CompletionCode> {
        if piece.set >= PIECES {
            return Err(CompletionCode::OUT_OF_RANGE);
        }
        if piece.set == 0 {
            match *piece.data {
                [encoding, _, ..] if TextEncoding(encoding & 0x0f).label().is_some() => {}
                _ => return Err(CompletionCode::INVALID_FIELD),
            }
        }
        // Clients compare what they read with what they wrote, in whole pieces.
        let mut whole = [0; TEXT_PIECE];
        if let Some(part) = whole.get_mut(..piece.data.len()) {
            part.copy_from_slice(&piece.data);
        }
        self.written.set(parameter.0, piece.set, &whole);
        Ok(())
    }

    /// The operating system is gone: so are the name and version that it had written.
    pub(crate) fn stopped(&mut self) {
        self.written.forget(SystemInfoParameter::OPERATING_SYSTEM.0);
        self.written
            .forget(SystemInfoParameter::OPERATING_SYSTEM_VERSION.0);
    }
}

/// A piece of a text that nobody has written.
fn piece_of(text: &str, set: u8) -> Result<Bytes<TEXT_PIECE>, CompletionCode> {
    let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
    let bytes = text.as_bytes().get(..usize::from(length)).unwrap_or_default();
    let start = (usize::from(set) * TEXT_PIECE).saturating_sub(HEADER);
    if set > 0 && start >= bytes.len() {
        return Err(CompletionCode::OUT_OF_RANGE);
    }
    let mut piece = [0; TEXT_PIECE];
    let room = if set == 0 {
        let encoding = if text.is_ascii() {
            TextEncoding::LATIN_1
        } else {
            TextEncoding::UTF_8
        };
        [piece[0], piece[1]] = [encoding.0, length];
        piece.get_mut(HEADER..)
    } else {
        piece.get_mut(..)
    };
    let rest = bytes.get(start..).unwrap_or_default();
    for (target, byte) in room.into_iter().flatten().zip(rest) {
        *target = *byte;
    }
    Bytes::from_slice(&piece).map_err(|_| CompletionCode::UNSPECIFIED)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: SystemInfoParameter = SystemInfoParameter::SYSTEM_NAME;

    #[test]
    fn default_text_is_cut_into_pieces() {
        let info = SystemInfo::default();
        let text = "a machine with a name";
        let first = info.piece(NAME, 0, text).unwrap();
        assert_eq!(&first.data[..], b"\x00\x15a machine with");
        assert_eq!(
            &info.piece(NAME, 1, text).unwrap().data[..],
            b" a name\0\0\0\0\0\0\0\0\0"
        );
        assert_eq!(info.piece(NAME, 2, text), Err(CompletionCode::OUT_OF_RANGE));
        assert_eq!(info.piece(NAME, 0, "").unwrap().data[..], [0; 16]);
    }

    #[test]
    fn written_text_is_read_back_and_the_operating_system_s_goes_with_it() {
        let mut info = SystemInfo::default();
        let os = SystemInfoParameter::OPERATING_SYSTEM;
        let piece = |set, data: &[u8]| TextPiece {
            set,
            data: Bytes::from_slice(data).unwrap(),
        };
        info.set_piece(os, &piece(0, b"\x00\x05Linux")).unwrap();
        assert_eq!(&info.piece(os, 0, "").unwrap().data[..7], b"\x00\x05Linux");
        info.stopped();
        assert_eq!(info.piece(os, 0, "").unwrap().data[1], 0);
        assert_eq!(
            info.set_piece(NAME, &piece(17, b"x")),
            Err(CompletionCode::OUT_OF_RANGE)
        );
        assert_eq!(
            info.set_piece(NAME, &piece(0, b"\x05\x01x")),
            Err(CompletionCode::INVALID_FIELD)
        );
    }
}
