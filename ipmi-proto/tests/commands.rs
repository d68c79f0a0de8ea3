//! The command table against known answers, cuts, garbage and its own documentation.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall fail")]

extern crate alloc;

use alloc::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{env, fs};

use ipmi_proto::command::{Body, Class, CommandSpec, Level, REFUSED_NETFNS, Recode, all, find};
use ipmi_proto::ipmb::{CompletionCode, NetFn};
use ipmi_proto::wire::WireError;
use proptest::prelude::*;

/// A line of a file of known answers; the format is described next to the files.
struct Vector {
    place: String,
    is_request: bool,
    bytes: Vec<u8>,
    /// What is written again after reading.
    canonical: Vec<u8>,
    /// Lengths at which the message may end.
    ends: BTreeSet<usize>,
    /// Where a tail of any length starts.
    tail: Option<usize>,
    /// More could follow the last byte.
    is_open: bool,
}

impl Vector {
    fn parse(place: String, line: &str) -> Self {
        let (kind, rest) = line.split_once(':').expect(&place);
        let (data, provenance) = rest.split_once(';').expect(&place);
        assert!(!provenance.trim().is_empty(), "{place}: where does it come from?");
        let (written, canonical) = data.split_once("->").map_or((data, None), |(a, b)| (a, Some(b)));
        let mut vector = Self {
            place,
            is_request: match kind {
                "request" => true,
                "response" => false,
                _ => panic!("neither request nor response: {line}"),
            },
            bytes: Vec::new(),
            canonical: Vec::new(),
            ends: BTreeSet::new(),
            tail: None,
            is_open: false,
        };
        for token in written.split_whitespace() {
            match token {
                "|" => _ = vector.ends.insert(vector.bytes.len()),
                "*" => vector.tail = Some(vector.bytes.len()),
                digits => vector.bytes.extend(hex(digits)),
            }
        }
        vector.is_open = vector.tail.is_some() || vector.ends.contains(&vector.bytes.len());
        vector.ends.insert(vector.bytes.len());
        vector.ends.extend(
            vector
                .tail
                .into_iter()
                .flat_map(|start| start..vector.bytes.len()),
        );
        vector.canonical = canonical.map_or_else(
            || vector.bytes.clone(),
            |text| text.split_whitespace().flat_map(hex).collect(),
        );
        vector
    }

    fn recode(&self, spec: &CommandSpec) -> Recode {
        if self.is_request {
            spec.recode_request
        } else {
            spec.recode_response
        }
    }

    fn check(&self, spec: &CommandSpec) {
        let recode = self.recode(spec);
        let again = run(recode, &self.bytes);
        assert_eq!(again.as_ref(), Ok(&self.canonical), "{}", self.place);
        assert_eq!(
            run(recode, &self.canonical).as_ref(),
            Ok(&self.canonical),
            "{}",
            self.place
        );
        for length in 0..self.bytes.len() {
            let cut = run(recode, &self.bytes[..length]);
            if self.ends.contains(&length) {
                assert!(
                    cut.is_ok(),
                    "{}: may end after {length} bytes: {cut:?}",
                    self.place
                );
            } else {
                assert_eq!(
                    cut,
                    Err(WireError::Truncated),
                    "{}: cut to {length} bytes",
                    self.place
                );
            }
        }
        self.check_longer(recode);
        self.check_output_sizes(recode);
    }

    fn check_longer(&self, recode: Recode) {
        let mut longer = self.bytes.clone();
        // What may go on here can take some bytes more, but not as many as no message has.
        longer.resize(longer.len() + if self.is_open { 1100 } else { 1 }, 0);
        let again = run(recode, &longer);
        if self.is_request {
            let refused = matches!(again, Err(WireError::Trailing | WireError::Invalid));
            assert!(refused, "{}: a longer request gives {again:?}", self.place);
        } else if !self.is_open {
            assert_eq!(
                again.as_ref(),
                Ok(&self.canonical),
                "{}: longer response",
                self.place
            );
        }
    }

    fn check_output_sizes(&self, recode: Recode) {
        for size in 0..self.canonical.len() {
            let mut output = vec![0; size];
            let result = recode(&self.bytes, &mut output);
            assert_eq!(
                result,
                Err(WireError::BufferTooSmall),
                "{}: {size} bytes of room",
                self.place
            );
        }
    }
}

fn run(recode: Recode, input: &[u8]) -> Result<Vec<u8>, WireError> {
    let mut output = [0xa5; 2048];
    recode(input, &mut output).map(|length| output[..length].to_vec())
}

fn hex(digits: &str) -> Vec<u8> {
    assert!(
        digits.len().is_multiple_of(2),
        "odd number of hex digits: {digits}"
    );
    (0..digits.len())
        .step_by(2)
        .map(|start| u8::from_str_radix(&digits[start..start + 2], 16).expect(digits))
        .collect()
}

/// Network function, body code and number: what tells commands apart.
type Key = (u8, Option<u8>, u8);

fn key(spec: &CommandSpec) -> Key {
    (spec.netfn.0, spec.body.code(), spec.number)
}

/// The known answers by command.
fn vectors() -> BTreeMap<Key, Vec<Vector>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kat/commands");
    let mut vectors = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            read_file(&path, &mut vectors);
        }
    }
    vectors
}

fn read_file(path: &Path, vectors: &mut BTreeMap<Key, Vec<Vector>>) {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let text = fs::read_to_string(path).unwrap();
    let mut current = None;
    for (index, line) in text.lines().enumerate() {
        let place = format!("{name}:{}", index + 1);
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(head) = line.strip_prefix('[') {
            current = Some(heading(head, &place));
        } else {
            let key = current.expect(&place);
            vectors.entry(key).or_default().push(Vector::parse(place, line));
        }
    }
}

fn heading(head: &str, place: &str) -> Key {
    let (numbers, name) = head.split_once(']').expect(place);
    let (netfn, body, number) = match numbers.split_whitespace().flat_map(hex).collect::<Vec<_>>()[..] {
        [netfn, number] => (netfn, Body::Ipmi, number),
        [netfn, 0xdc, number] => (netfn, Body::Dcmi, number),
        _ => panic!("{place}: not a command's numbers"),
    };
    let spec = find(NetFn(netfn), body, number).unwrap_or_else(|| panic!("{place}: no such command"));
    assert_eq!(spec.name, name.trim(), "{place}");
    key(spec)
}

#[test]
fn every_command_has_known_answers_and_gives_them() {
    let vectors = vectors();
    let mut missing = Vec::new();
    for spec in all() {
        let of_command = vectors.get(&key(spec)).map_or(&[][..], Vec::as_slice);
        of_command.iter().for_each(|vector| vector.check(spec));
        for is_request in [true, false] {
            if !of_command.iter().any(|vector| vector.is_request == is_request) {
                missing.push((spec.name, if is_request { "request" } else { "response" }));
            }
        }
    }
    assert!(missing.is_empty(), "no known answer for {missing:#?}");
}

#[test]
fn no_command_stands_twice() {
    let mut seen = BTreeMap::new();
    let mut names = BTreeSet::new();
    for spec in all() {
        let other = seen.insert(key(spec), spec.name);
        assert_eq!(other, None, "{} has the number of another command", spec.name);
        assert!(names.insert(spec.name), "two commands are called {}", spec.name);
        assert!(spec.netfn.is_request(), "{}", spec.name);
        let found = find(spec.netfn, spec.body, spec.number).unwrap();
        assert_eq!(found.name, spec.name, "in the table of its network function");
    }
}

#[test]
fn the_table_is_complete() {
    let count = |class| all().filter(|spec| spec.class == class).count();
    assert_eq!(count(Class::Core), 14);
    assert_eq!(count(Class::Manage), 45);
    assert_eq!(count(Class::Monitor), 38);
    assert_eq!(count(Class::Console), 12);
    assert_eq!(count(Class::Alert), 11);
    assert_eq!(count(Class::Dcmi), 11);
    assert_eq!(count(Class::Refuse), 40);
    assert_eq!(all().count(), 171);
    assert!(all().all(|spec| !REFUSED_NETFNS.contains(&spec.netfn)));
}

#[test]
fn own_completion_codes_are_in_their_range() {
    for spec in all() {
        let codes: BTreeSet<_> = spec.codes.iter().map(|own| own.code).collect();
        assert_eq!(
            codes.len(),
            spec.codes.len(),
            "{}: a code stands twice",
            spec.name
        );
        assert!(
            codes.iter().all(|code| (0x80..=0xbe).contains(&code.0)),
            "{}",
            spec.name
        );
    }
    let spec = find(NetFn::APP, Body::Ipmi, 0x22).unwrap();
    assert!(
        spec.code_label(CompletionCode(0x80))
            .unwrap()
            .contains("never set")
    );
    assert_eq!(spec.code_label(CompletionCode::BUSY), Some("node busy"));
    assert_eq!(spec.code_label(CompletionCode(0x81)), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever can be read is the same value after writing and reading it again.
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        for spec in all() {
            for recode in [spec.recode_request, spec.recode_response] {
                // Cut, so that commands with little data are met as well.
                for length in [bytes.len(), 1, 2, 3, 4, 5, 6, 8, 11, 16, 18, 20] {
                    let Ok(once) = run(recode, &bytes[..length.min(bytes.len())]) else { continue };
                    let twice = run(recode, &once);
                    prop_assert_eq!(twice, Ok(once), "{}", spec.name);
                }
            }
        }
    }
}

fn level(level: Level) -> String {
    match level {
        Level::Anyone => "none".into(),
        Level::AtLeast(privilege) => privilege.to_string(),
        Level::SystemInterface => "system interface".into(),
        Level::FromBmc => "sent by the BMC".into(),
        _ => panic!("a level without a name"),
    }
}

fn documentation() -> String {
    let mut text = String::from(
        "# Commands\n\n\
         Written from the command table by `UPDATE_DOCS=1 cargo test -p ipmi-proto --test commands`; do not edit.\n\n\
         Section: of IPMI 2.0 revision 1.1, or of DCMI 1.5 for network function 2Ch. Privilege: the least that a\n\
         session needs. Class `Refuse`: not offered, because a virtual machine has nothing behind it. The last column\n\
         names completion codes that only this command gives.\n\n\
         | NetFn | Number | Name | Section | Privilege | Class | Codes |\n|---|---|---|---|---|---|---|\n",
    );
    let mut rows: Vec<_> = all().collect();
    rows.sort_by_key(|spec| key(spec));
    for spec in rows {
        let codes = spec
            .codes
            .iter()
            .map(|own| format!("{:02X}h {}", own.code.0, own.label));
        let codes = codes.collect::<Vec<_>>().join("; ");
        let body = spec
            .body
            .code()
            .map_or(String::new(), |code| format!("/{code:02X}"));
        text += &format!(
            "| {:02X}{body} | {:02X} | {} | {} | {} | {:?} | {codes} |\n",
            spec.netfn.0,
            spec.number,
            spec.name,
            spec.section,
            level(spec.level),
            spec.class
        );
    }
    let refused = all().filter(|spec| spec.class == Class::Refuse).count();
    let netfns = REFUSED_NETFNS
        .iter()
        .map(|netfn| format!("{netfn} ({:02X}h)", netfn.0));
    text += &format!(
        "\n{} commands, {refused} of them refused. Refused as a whole: {}.\n",
        all().count(),
        netfns.collect::<Vec<_>>().join(", ")
    );
    text
}

#[test]
fn documentation_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("COMMANDS.md");
    let wanted = documentation();
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    let present = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        present == wanted,
        "COMMANDS.md is old: run the test with UPDATE_DOCS=1"
    );
}
