//! What one parameter may be, and the text that Proxmox VE has for what it may not be.

use std::collections::BTreeMap;

use regex_lite::Regex;

use super::schema::Schema;

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    String,
    Integer,
    Boolean,
    Number,
    Array,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Number => "number",
            Self::Array => "array",
        }
    }

    fn accepts(self, value: &str) -> bool {
        match self {
            Self::String | Self::Array => true,
            Self::Boolean => matches!(value, "0" | "1"),
            Self::Integer => value.parse::<i64>().is_ok() && !value.starts_with('+'),
            Self::Number => value.parse::<f64>().is_ok_and(f64::is_finite),
        }
    }
}

/// The limits of one parameter.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) kind: Kind,
    minimum: Option<i64>,
    maximum: Option<i64>,
    values: Vec<&'static str>,
    length: Option<usize>,
    pattern: Option<Regex>,
    format: Option<&'static str>,
    /// The format of a property string.
    keys: Option<&'static str>,
    /// Another parameter that must be given too.
    requires: Option<&'static str>,
    /// Only another name for that key.
    alias: Option<&'static str>,
}

impl Rule {
    /// Reads the words of a line of the table; `None`: one of them is not understood.
    pub(super) fn read(words: &[&'static str]) -> Option<Self> {
        let mut rule = Self {
            kind: Kind::String,
            minimum: None,
            maximum: None,
            values: Vec::new(),
            length: None,
            pattern: None,
            format: None,
            keys: None,
            requires: None,
            alias: None,
        };
        for word in words {
            match *word {
                "s" => rule.kind = Kind::String,
                "i" => rule.kind = Kind::Integer,
                "b" => rule.kind = Kind::Boolean,
                "n" => rule.kind = Kind::Number,
                "a" => rule.kind = Kind::Array,
                word if word.starts_with('@') => {}
                word => rule.read_limit(word)?,
            }
        }
        Some(rule)
    }

    fn read_limit(&mut self, word: &'static str) -> Option<()> {
        let (key, text) = word.split_once('=')?;
        match key {
            "r" => {
                let (minimum, maximum) = text.split_once("..")?;
                self.minimum = minimum.parse().ok();
                self.maximum = maximum.parse().ok();
            }
            "e" => self.values = text.split('|').collect(),
            "l" => self.length = Some(text.parse().ok()?),
            "m" => self.pattern = Some(Regex::new(&format!("^(?:{text})$").replace("{,", "{0,")).ok()?),
            "f" => self.format = Some(text),
            "k" => self.keys = Some(text),
            "q" => self.requires = Some(text),
            "alias" => self.alias = Some(text),
            _ => return None,
        }
        Some(())
    }

    /// What is wrong with `value`, in the words of Proxmox VE.
    pub(super) fn check(
        &self,
        schema: &Schema,
        name: &str,
        value: &str,
        given: &BTreeMap<String, String>,
    ) -> Option<String> {
        if self.alias.is_some() {
            return None;
        }
        if let Some(required) = self.requires.filter(|required| !given.contains_key(*required)) {
            return Some(format!("missing property - '{required}' requires this property"));
        }
        if !self.kind.accepts(value) {
            return Some(format!(
                "type check ('{}') failed - got '{value}'",
                self.kind.name()
            ));
        }
        if let Some(error) = self.check_format(schema, name, value) {
            return Some(format!("invalid format - {error}\n"));
        }
        if self
            .pattern
            .as_ref()
            .is_some_and(|pattern| !pattern.is_match(value))
        {
            return Some("value does not match the regex pattern".to_owned());
        }
        if let Some(length) = self.length.filter(|length| value.chars().count() > *length) {
            return Some(format!("value may only be {length} characters long"));
        }
        let number = value.parse::<f64>().ok();
        if let Some(maximum) = self
            .maximum
            .filter(|maximum| number.is_some_and(|n| n > *maximum as f64))
        {
            return Some(format!("value must have a maximum value of {maximum}"));
        }
        if let Some(minimum) = self
            .minimum
            .filter(|minimum| number.is_some_and(|n| n < *minimum as f64))
        {
            return Some(format!("value must have a minimum value of {minimum}"));
        }
        if !self.values.is_empty() && !self.values.contains(&value) {
            return Some(format!(
                "value '{value}' does not have a value in the enumeration '{}'",
                self.values.join(", ")
            ));
        }
        None
    }

    fn check_format(&self, schema: &Schema, name: &str, value: &str) -> Option<String> {
        if let Some(keys) = self.keys {
            return check_property_string(schema, keys, name, value);
        }
        let list = |check: fn(&str) -> Option<String>| value.split([',', ';', ' ', '\0']).find_map(check);
        match self.format? {
            "pve-vmid" => {
                let digits =
                    (3..=9).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit());
                let valid = digits && !value.starts_with('0');
                (!valid).then(|| "value does not look like a valid VM ID".to_owned())
            }
            "pve-configid" => check_configuration_id(value),
            "pve-configid-list" => list(|id| {
                if id.is_empty() {
                    None
                } else {
                    check_configuration_id(id)
                }
            }),
            "pve-qm-bootdev-list" => list(|device| {
                let known = device.is_empty() || is_boot_device(device);
                (!known).then(|| format!("invalid boot device '{device}'"))
            }),
            "dns-name" => {
                let label = |label: &str| {
                    !label.is_empty()
                        && label
                            .bytes()
                            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                        && !label.starts_with('-')
                        && !label.ends_with('-')
                };
                (!value.split('.').all(label)).then(|| "value does not look like a valid DNS name".to_owned())
            }
            "pve-tag-list" => {
                let tag = |tag: &str| {
                    tag.bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b"_-+.".contains(&byte))
                        && !tag.starts_with(['-', '+', '.'])
                };
                (!value.split([',', ';', ' ', '\0']).all(tag)).then(|| "invalid characters in tag".to_owned())
            }
            // The others are checked where they mean something to a guest here, or not at all.
            _ => None,
        }
    }
}

fn check_configuration_id(value: &str) -> Option<String> {
    let mut bytes = value.bytes();
    let valid = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && value.len() > 1
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    (!valid).then(|| format!("invalid configuration ID '{value}'"))
}

/// A device that may stand in `boot: order=`.
pub(super) fn is_boot_device(device: &str) -> bool {
    const DEVICES: [(&str, u32); 7] = [
        ("ide", 3),
        ("sata", 5),
        ("scsi", 30),
        ("virtio", 15),
        ("net", 31),
        ("usb", 13),
        ("hostpci", 15),
    ];
    DEVICES.iter().any(|(kind, last)| {
        device
            .strip_prefix(kind)
            .and_then(|number| number.parse::<u32>().ok())
            .is_some_and(|number| number <= *last && device == format!("{kind}{number}"))
    })
}

/// Checks `key=value,key=value`; the first value may stand without its key.
fn check_property_string(schema: &Schema, format: &str, name: &str, text: &str) -> Option<String> {
    let keys = schema.format(format)?;
    let mut given: BTreeMap<String, String> = BTreeMap::new();
    for part in text.split(',').filter(|part| !part.trim().is_empty()) {
        let (key, value) = match part.split_once('=') {
            Some((key, value)) if !key.is_empty() && !value.is_empty() => {
                let Some(known) = keys.iter().find(|known| known.is_named(key)) else {
                    return Some(format!("invalid key in comma-separated list property: {key}"));
                };
                (known.rule.alias.unwrap_or(key).to_owned(), value)
            }
            Some(_) => return Some("missing key in comma-separated list property".to_owned()),
            None => match keys.iter().find(|known| known.default_key) {
                Some(known) => (known.name().to_owned(), part),
                None => {
                    return Some("value without key, but schema does not define a default key".to_owned());
                }
            },
        };
        if given.contains_key(&key) {
            return Some(format!("duplicate key in comma-separated list property: {key}"));
        }
        let boolean = keys
            .iter()
            .any(|known| known.is_named(&key) && known.rule.kind == Kind::Boolean);
        given.insert(
            key,
            if boolean {
                as_boolean(value)
            } else {
                value.to_owned()
            },
        );
    }
    let mut errors = BTreeMap::new();
    schema.check_keys(keys, &given, &format!("{name}."), &mut errors);
    if errors.is_empty() {
        return None;
    }
    let lines: Vec<String> = errors
        .iter()
        .map(|(key, error)| format!("{key}: {error}"))
        .collect();
    Some(format!("format error\n{}", lines.join("\n")))
}

/// Inside of property strings booleans may be written as words.
fn as_boolean(value: &str) -> String {
    match value.to_ascii_lowercase().as_str() {
        "on" | "yes" | "true" => "1",
        "off" | "no" | "false" => "0",
        _ => value,
    }
    .to_owned()
}
