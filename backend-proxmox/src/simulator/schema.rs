//! The endpoints of the API: which there are in a version, what they may be given, and which privilege they need.
//!
//! The table is `endpoints.txt`; its head says how it is written.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use super::answer::ApiError;
use super::rules::Rule;
use super::version::PveVersion;

const TABLE: &str = include_str!("endpoints.txt");

/// Who may call an endpoint.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Permission {
    /// Everybody, without a login.
    World,
    /// Everybody who is logged in; the handler may look closer.
    All,
    /// The user whom the path names.
    Own,
    /// Whoever has one of the privileges on the path.
    Any {
        path: &'static str,
        privileges: Vec<&'static str>,
    },
}

/// One method of one path.
#[derive(Debug)]
pub(super) struct Endpoint {
    /// As in `GET /nodes/{node}/qemu`: what handlers and counters know it by.
    pub(super) key: String,
    method: &'static str,
    segments: Vec<&'static str>,
    /// Runs in pvedaemon, which has three workers.
    pub(super) protected: bool,
    /// Is forwarded to the node in its path.
    pub(super) to_node: bool,
    /// API tokens may call it.
    pub(super) tokens: bool,
    pub(super) permission: Permission,
    parameters: Vec<Parameter>,
}

/// A parameter, or a family of numbered ones.
#[derive(Debug)]
pub(super) struct Parameter {
    name: &'static str,
    /// The numbers that may follow the name.
    numbers: Option<(u32, u32)>,
    pub(super) required: bool,
    /// In a property string: the key whose name may be left out.
    pub(super) default_key: bool,
    pub(super) rule: Rule,
}

impl Parameter {
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn is_named(&self, name: &str) -> bool {
        match self.numbers {
            None => self.name == name,
            Some((first, last)) => name
                .strip_prefix(self.name)
                .filter(|digits| *digits == "0" || !digits.starts_with('0'))
                .and_then(|digits| digits.parse::<u32>().ok())
                .is_some_and(|number| (first..=last).contains(&number)),
        }
    }
}

/// The endpoints of one version.
#[derive(Debug, Default)]
pub(super) struct Schema {
    endpoints: Vec<Endpoint>,
    formats: HashMap<&'static str, Vec<Parameter>>,
}

impl Schema {
    /// The table of a version, read once.
    pub(super) fn of(version: PveVersion) -> &'static Self {
        static TABLES: [OnceLock<Schema>; 3] = [const { OnceLock::new() }; 3];
        let [seven, eight, nine] = &TABLES;
        let cell = match version {
            PveVersion::V7 => seven,
            PveVersion::V8 => eight,
            PveVersion::V9 => nine,
        };
        cell.get_or_init(|| Self::read(TABLE, version))
    }

    fn read(table: &'static str, version: PveVersion) -> Self {
        let mut schema = Self::default();
        let mut format = None;
        // The endpoint that the next parameters belong to, if this version has it.
        let mut current = false;
        let mut last_key = String::new();
        for line in table
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            if let Some(name) = line.strip_prefix("format ") {
                schema.formats.insert(name, Vec::new());
                format = Some(name);
            } else if let Some(line) = line.strip_prefix(' ') {
                let Some(parameter) = read_parameter(line, version) else {
                    continue;
                };
                if let Some(keys) = format.and_then(|name| schema.formats.get_mut(name)) {
                    keys.push(parameter);
                } else if let Some(endpoint) = schema.endpoints.last_mut().filter(|_| current) {
                    endpoint.parameters.push(parameter);
                }
            } else if let Some((endpoint, versions)) = read_endpoint(line) {
                format = None;
                let here = versions.as_bytes().contains(&version.digit());
                // Two lines with one key: versions that differ in their heads and share the parameters.
                current = here || (current && endpoint.key == last_key);
                last_key.clone_from(&endpoint.key);
                if here {
                    schema.endpoints.push(endpoint);
                }
            }
        }
        schema
    }

    /// The endpoint of a path without `/api2/json`, and the values of the variables in it.
    pub(super) fn find(&self, method: &str, path: &str) -> Option<(&Endpoint, BTreeMap<String, String>)> {
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        self.endpoints.iter().find_map(|endpoint| {
            if endpoint.method != method || endpoint.segments.len() != segments.len() {
                return None;
            }
            let mut variables = BTreeMap::new();
            for (pattern, segment) in endpoint.segments.iter().zip(&segments) {
                match pattern.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                    Some(name) => _ = variables.insert(name.to_owned(), decode(segment)),
                    None if pattern == segment => {}
                    None => return None,
                }
            }
            Some((endpoint, variables))
        })
    }

    /// Checks every parameter, those of the path as well.
    ///
    /// # Errors
    /// 400 with a text for each parameter that is wrong, missing or unknown.
    pub(super) fn check(
        &self,
        endpoint: &Endpoint,
        given: &BTreeMap<String, String>,
    ) -> Result<(), ApiError> {
        let mut errors = BTreeMap::new();
        self.check_keys(&endpoint.parameters, given, "", &mut errors);
        if errors.is_empty() {
            Ok(())
        } else {
            Err(ApiError::Parameter(errors))
        }
    }

    /// Checks `given` against `parameters`; `prefix` stands before the names in the errors.
    pub(super) fn check_keys(
        &self,
        parameters: &[Parameter],
        given: &BTreeMap<String, String>,
        prefix: &str,
        errors: &mut BTreeMap<String, String>,
    ) {
        for (name, value) in given {
            let error = match parameters.iter().find(|parameter| parameter.is_named(name)) {
                Some(parameter) => parameter.rule.check(self, name, value, given),
                None => Some(
                    "property is not defined in schema and the schema does not allow additional properties"
                        .to_owned(),
                ),
            };
            if let Some(error) = error {
                errors.insert(format!("{prefix}{name}"), error);
            }
        }
        for parameter in parameters {
            if parameter.required && parameter.numbers.is_none() && !given.contains_key(parameter.name) {
                errors.insert(
                    format!("{prefix}{}", parameter.name),
                    "property is missing and it is not optional".to_owned(),
                );
            }
        }
    }

    /// The keys of a property string.
    pub(super) fn format(&self, name: &str) -> Option<&[Parameter]> {
        self.formats.get(name).map(Vec::as_slice)
    }

    /// The rule of one parameter of one endpoint.
    pub(super) fn rule(&self, key: &str, name: &str) -> Option<&Rule> {
        let endpoint = self.endpoints.iter().find(|endpoint| endpoint.key == key)?;
        endpoint
            .parameters
            .iter()
            .find(|parameter| parameter.is_named(name))
            .map(|parameter| &parameter.rule)
    }
}

/// A segment of a path as it was meant.
fn decode(segment: &str) -> String {
    percent_encoding::percent_decode_str(segment)
        .decode_utf8_lossy()
        .into_owned()
}

fn read_endpoint(line: &'static str) -> Option<(Endpoint, &'static str)> {
    let mut words = line.split(' ');
    let (method, path, versions) = (words.next()?, words.next()?, words.next()?);
    let (flags, permission) = (words.next()?, words.next()?);
    let permission = match permission {
        "world" => Permission::World,
        "all" => Permission::All,
        "self" => Permission::Own,
        other => {
            let (path, privileges) = other.split_once(':')?;
            Permission::Any {
                path,
                privileges: privileges.split('|').collect(),
            }
        }
    };
    let endpoint = Endpoint {
        key: format!("{method} {path}"),
        method,
        segments: path.split('/').filter(|segment| !segment.is_empty()).collect(),
        protected: flags.contains('p'),
        to_node: flags.contains('n'),
        tokens: !flags.contains('t'),
        permission,
        parameters: Vec::new(),
    };
    Some((endpoint, versions))
}

fn read_parameter(line: &'static str, version: PveVersion) -> Option<Parameter> {
    let mut words = line.split(' ');
    let name = words.next()?;
    let limits: Vec<&'static str> = words.collect();
    let elsewhere = |word: &&str| {
        word.strip_prefix('@')
            .is_some_and(|v| !v.as_bytes().contains(&version.digit()))
    };
    if limits.iter().any(elsewhere) {
        return None;
    }
    let (name, default_key) = name.strip_suffix('*').map_or((name, false), |name| (name, true));
    let required = name.ends_with('!');
    let name = name.trim_end_matches(['?', '!']);
    let (name, numbers) = match name.split_once('[') {
        Some((name, range)) => {
            let (first, last) = range.strip_suffix(']')?.split_once('-')?;
            (name, Some((first.parse().ok()?, last.parse().ok()?)))
        }
        None => (name, None),
    };
    Some(Parameter {
        name,
        numbers,
        required,
        default_key,
        rule: Rule::read(&limits)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every line of the table is understood: nothing is dropped on the way.
    #[test]
    fn the_whole_table_is_read() {
        for line in TABLE
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            if let Some(parameter) = line.strip_prefix(' ') {
                let read = PveVersion::ALL
                    .iter()
                    .any(|version| read_parameter(parameter, *version).is_some());
                assert!(read, "{line}");
            } else if !line.starts_with("format ") {
                assert!(read_endpoint(line).is_some(), "{line}");
            }
        }
        let count = |version| Schema::of(version).endpoints.len();
        assert_eq!(
            (
                count(PveVersion::V7),
                count(PveVersion::V8),
                count(PveVersion::V9)
            ),
            (110, 111, 112)
        );
    }

    #[test]
    fn endpoints_differ_by_version() {
        let interfaces = "/nodes/pve1/lxc/300/interfaces";
        assert!(Schema::of(PveVersion::V7).find("GET", interfaces).is_none());
        let (endpoint, variables) = Schema::of(PveVersion::V9).find("GET", interfaces).unwrap();
        assert_eq!(endpoint.key, "GET /nodes/{node}/lxc/{vmid}/interfaces");
        assert_eq!(variables["vmid"], "300");
    }
}
