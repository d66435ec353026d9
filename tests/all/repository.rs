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
    for browser in crate::support::BROWSERS {
        assert!(setup.contains(browser), "{browser}");
    }
}

#[test]
fn the_paths_and_tests_that_contributors_are_told_exist() {
    let text = read("CONTRIBUTING.md");
    let words = text.split(['`', ' ', '\n']).map(|word| word.trim_end_matches(['.', ',', ';', ':']));
    let paths =
        words.filter(|word| ["src/", "tests/", ".ci/", ".github/", "samples/"].iter().any(|top| word.starts_with(top)));
    let is_there = |path: &&str| {
        let path = path.split(['*', '(']).next().unwrap();
        path.contains("NAME") || Path::new(env!("CARGO_MANIFEST_DIR")).join(path).exists()
    };
    let gone: Vec<&str> = paths.filter(|path| !is_there(path)).collect();
    assert_eq!(gone, Vec::<&str>::new());
    let simulation = read("tests/all/simulation/mod.rs");
    for name in ["an_import_ends", "a_migration_ends", "an_export_is_whole"] {
        assert!(text.contains(name) && simulation.contains(&format!("_{name}_")), "{name}");
    }
}

/// A verb that the document does not explain cannot be found by a user.
#[test]
fn the_document_on_mappings_has_every_verb() {
    let document = read("docs/mapping.md");
    let table = between(&document, "\n| Verb |", "\n\n");
    for verb in ferry::mapping::VERBS {
        assert!(table.contains(&format!("`{}`", verb.name)), "{}", verb.name);
    }
}
