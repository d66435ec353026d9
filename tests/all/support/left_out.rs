//! Tests whose part of the system is missing: they say so and pass, or fail where `CI` is set. It installs nothing; that
//! is done by `.ci/setup`.

use std::io::Write;

/// Says on standard error that the rest of a test is left out. Fails where `CI` is set: there `.ci/setup` has installed
/// what tests need, and a test that is left out would be mistaken for one that passed.
pub fn left_out(why: &str) {
    assert!(!is_ci(std::env::var("CI").ok().as_deref()), "left out although `CI` is set: {why}");
    print(why);
}

/// The same for a right that the user who runs the tests lacks. It does not fail, because a right cannot be installed.
pub fn without_a_right(why: &str) {
    print(why);
}

/// Prints past the capture of a test that passes.
fn print(why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}

fn is_ci(value: Option<&str>) -> bool {
    value.is_some_and(|value| !value.is_empty())
}

#[test]
fn an_empty_variable_is_as_good_as_none() {
    assert_eq!([None, Some(""), Some("true")].map(is_ci), [false, false, true]);
}
