//! Whether a part of two configurations is the same, also what it names in files. Contents are compared by a
//! keyed hash with a key of this process: nothing about secrets is kept.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::path::Path;
use std::sync::LazyLock;

use toml::{Table, Value};
use zeroize::Zeroizing;

static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// The fingerprint of tables, whose paths are relative to `directory`.
pub(super) fn of<'t>(directory: &Path, tables: impl IntoIterator<Item = &'t Table>) -> u64 {
    let mut hasher = KEY.build_hasher();
    for table in tables {
        add_table(&mut hasher, directory, table);
    }
    hasher.finish()
}

fn add_table(hasher: &mut impl Hasher, directory: &Path, table: &Table) {
    table.len().hash(hasher);
    for (key, value) in table {
        key.hash(hasher);
        add(hasher, directory, value);
        if key.ends_with("_file")
            && let Some(path) = value.as_str()
        {
            // A file that cannot be read is as good as none, here: it is told of where it is used.
            let content = std::fs::read(directory.join(path)).ok().map(Zeroizing::new);
            content.as_ref().map(|content| content.as_slice()).hash(hasher);
        }
    }
}

fn add(hasher: &mut impl Hasher, directory: &Path, value: &Value) {
    match value {
        Value::Table(table) => add_table(hasher, directory, table),
        Value::Array(values) => {
            values.len().hash(hasher);
            for value in values {
                add(hasher, directory, value);
            }
        }
        // Text with quotes is told from numbers.
        single => Zeroizing::new(single.to_string()).hash(hasher),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_changes_with_values_and_with_the_files_that_they_name() {
        let directory = tempfile::tempdir().unwrap();
        let fingerprint = |text: &str| of(directory.path(), [&toml::from_str(text).unwrap()]);
        let write = |text: &str| std::fs::write(directory.path().join("secret"), text).unwrap();
        write("one");
        let one = fingerprint("password_file = \"secret\"\nport = 1");
        assert_eq!(
            one,
            fingerprint("port = 1\npassword_file = \"secret\""),
            "order has no meaning"
        );
        assert_ne!(one, fingerprint("password_file = \"secret\"\nport = 2"));
        assert_ne!(fingerprint("x = 1"), fingerprint("x = \"1\""));
        assert_ne!(fingerprint("x = [1, 2]"), fingerprint("x = [[1], 2]"));
        write("two");
        assert_ne!(one, fingerprint("password_file = \"secret\"\nport = 1"));
    }
}
