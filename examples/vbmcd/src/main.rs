//! `vbmcd`: see the library of this package.
fn main() {}
