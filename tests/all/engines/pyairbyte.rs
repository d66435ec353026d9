//! The connectors of `engines/airbyte` under PyAirbyte. Without it the test is left out (see `support::left_out`).

use super::stream::{copy, feed, from_pypi, other, record, singer, singer_record};
use crate::support::{left_out, run, scene};
use serde_json::Value;

#[test]
fn pyairbyte_moves_contacts_from_one_connection_to_another() {
    let Some(python) = from_pypi("airbyte", "python") else {
        return left_out("PyAirbyte is not installed (`.ci/setup` installs it)");
    };
    let mut scene = scene(|_| {});
    let state = scene.path("state").display().to_string();
    scene.set("FERRY_STATE", &state);
    let mut without_phone = record(40);
    without_phone["phone"] = Value::Null;
    let people = format!("{}{}\n", singer(0..40, 10), singer_record(&without_phone));
    assert_eq!(feed(&scene, "singer target --to mercately", &people).exit, 0);
    copy(&scene, "engines/airbyte", "project");
    for _ in 0..2 {
        let mut command = other(&scene, &python, "project");
        command.args(["move.py", "mercately", "atom"]).env("AIRBYTE_OFFLINE_MODE", "1");
        let ended = run(command);
        assert_eq!(ended.exit, 0, "{ended:?}");
        assert!(ended.out.contains("41 records"), "{ended:?}");
        assert_eq!(scene.contacts("atom").len(), 40, "the contact without a phone is a reject, which does not fail");
    }
}
