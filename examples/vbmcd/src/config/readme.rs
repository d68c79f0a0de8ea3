//! README.md says what the configuration really is.

use super::{load, tests::Directory};

const README: &str = include_str!("../../../../README.md");

/// The first block of a language in README.md.
fn block(language: &str) -> &'static str {
    let (_, rest) = README.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0
}

#[test]
fn its_configuration_can_be_used() {
    let directory = Directory::new();
    let plan = load(&directory.write("vbmcd.toml", block("toml"), 0o644)).unwrap();
    assert_eq!(plan.bmcs[0].name, "node1");
    assert_eq!(plan.bmcs[0].endpoint(), "127.0.0.1:6230".parse().unwrap());
}

#[test]
fn it_has_every_key() {
    let error = Directory::new().load("[[bmc]]\nnone = 1\n").unwrap_err();
    let (_, keys) = error.split_once("expected one of ").unwrap();
    let keys: Vec<_> = keys.split(", ").collect();
    assert!(keys.len() > 10, "{error}");
    for key in keys {
        assert!(README.contains(key), "README.md says nothing of {key}");
    }
}

#[test]
fn its_bmc_is_that_of_the_example() {
    let example = include_str!("../../../embed/src/main.rs");
    let snippet = block("rust,ignore");
    let (machine, _) = snippet.split_once("\nlet ").unwrap();
    assert!(
        example.contains(machine.trim()),
        "examples/embed differs from README.md"
    );
}
