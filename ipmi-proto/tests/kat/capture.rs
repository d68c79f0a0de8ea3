//! The files of recorded datagrams.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use ipmi_proto::crypto::{BmcKey, CipherSuite, CipherSuiteId, Password};

/// Who sent a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    Console,
    Bmc,
}

/// One recorded run of a client.
pub(crate) struct Capture {
    /// Name of the file, for messages.
    pub(crate) name: String,
    /// Lines of the head: comments by their first word, settings by their name.
    head: HashMap<String, String>,
    /// All datagrams in order.
    pub(crate) datagrams: Vec<(Sender, Vec<u8>)>,
}

impl Capture {
    /// All files.
    pub(crate) fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kat/captures");
        let mut paths: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
        assert!(paths.len() >= 45, "files are missing");
        paths.iter().map(|path| Self::read(path)).collect()
    }

    fn read(path: &Path) -> Self {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut capture = Self {
            name,
            head: HashMap::new(),
            datagrams: Vec::new(),
        };
        for line in fs::read_to_string(path).unwrap().lines() {
            let line = line.trim_start_matches("# ");
            let (word, rest) = line.split_once(' ').unwrap();
            match word {
                ">" => capture.datagrams.push((Sender::Console, bytes(rest))),
                "<" => capture.datagrams.push((Sender::Bmc, bytes(rest))),
                _ => {
                    let word = word.trim_end_matches(':').to_owned();
                    capture.head.insert(word, rest.to_owned());
                }
            }
        }
        capture
    }

    /// A line of the head as text.
    pub(crate) fn text(&self, field: &str) -> &str {
        self.head
            .get(field)
            .unwrap_or_else(|| panic!("{}: no {field}", self.name))
    }

    /// A line of the head that is hex.
    pub(crate) fn field(&self, field: &str) -> Vec<u8> {
        bytes(self.text(field))
    }

    pub(crate) fn client(&self) -> &str {
        self.text("client")
    }

    pub(crate) fn password(&self) -> Password {
        Password::new(&self.field("password")).unwrap()
    }

    pub(crate) fn bmc_key(&self) -> Option<BmcKey> {
        let key = self.field("bmc-key");
        (!key.is_empty()).then(|| BmcKey::new(&key).unwrap())
    }

    /// The cipher suite of an RMCP+ session, none for IPMI 1.5.
    pub(crate) fn suite(&self) -> Option<CipherSuite> {
        let id = self.head.get("suite")?.parse().unwrap();
        Some(CipherSuite::by_id(CipherSuiteId(id)).unwrap())
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    if hex == "-" {
        return Vec::new();
    }
    assert_eq!(hex.len() % 2, 0, "{hex}");
    (0..hex.len())
        .step_by(2)
        .map(|start| u8::from_str_radix(&hex[start..start + 2], 16).unwrap())
        .collect()
}
