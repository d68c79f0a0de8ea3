//! Transcripts of serial consoles: what machines say, each in a file of its own.

use std::path::Path;

use ipmi_server::bmc::ConsoleTranscript;

use crate::log_files::{LogFile, LogFileError, LogFiles};

/// The transcript of one machine's console.
#[derive(Debug)]
pub struct Transcript(LogFile);

impl Transcript {
    /// Opens `DIRECTORY/BMC.log`; what it holds already stays.
    ///
    /// # Errors
    /// [`LogFileError`] if it cannot be written, or if others can read it.
    pub fn open(files: &LogFiles, directory: &Path, bmc: &str) -> Result<Self, LogFileError> {
        let lost = |pieces| format!("\r\n[{pieces} pieces lost]\r\n");
        files.file(&directory.join(format!("{bmc}.log")), lost).map(Self)
    }
}

impl ConsoleTranscript for Transcript {
    fn output(&self, _bmc: &str, bytes: &[u8]) {
        self.0.append(bytes.to_vec());
    }
}
