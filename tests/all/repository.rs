//! The files around the program: the workflow, the script of the checks, the packages. That they work is tried by running
//! them; here they are compared with what they repeat.

use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// What stands between two texts.
fn between<'t>(text: &'t str, begin: &str, end: &str) -> &'t str {
    text.split_once(begin).and_then(|(_, rest)| rest.split_once(end)).unwrap().0
}

#[test]
fn the_workflow_runs_the_checks_on_the_oldest_and_the_stable_toolchain() {
    let workflow = read(".github/workflows/ci.yml");
    let oldest = between(&read("Cargo.toml"), "\nrust-version = \"", "\"").to_owned();
    assert_eq!(between(&workflow, "toolchain: [", "]"), format!("\"{oldest}\", \"stable\""));
    assert!(workflow.contains("run: .ci/run\n"));
}

#[test]
fn the_checks_run_the_test_command_of_the_readme() {
    let command = between(&read("README.md"), "runs all tests", "\n```\n").split("```sh\n").nth(1).unwrap().to_owned();
    assert!(read(".ci/run").contains(&format!("\nstep {command}\n")), "{command}");
}

#[test]
fn what_tests_need_from_the_system_is_installed_only_where_ci_is_set() {
    assert!(read(".ci/run").contains("\n[ -z \"${CI:-}\" ] || step .ci/setup\n"));
    let setup = read(".ci/setup");
    // The names that `receipt/browser.rs` looks for.
    for browser in crate::receipt::browser::NAMES {
        assert!(setup.contains(browser), "{browser}");
    }
}
