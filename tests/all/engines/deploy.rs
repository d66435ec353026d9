//! The command of the CronJob in `engines/deploy`: which exit code Kubernetes gets, and who gets TERM.

use crate::support::{Running, begin, wait_until};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// The text of the command, as the manifest has it.
fn command_of_job() -> String {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("engines/deploy/kubernetes/cronjob.yaml");
    let text = std::fs::read_to_string(manifest).unwrap();
    let (before, after) = text.split_once("            - |\n").unwrap();
    assert!(before.ends_with("command: [/bin/sh, -c]\n            args:\n"), "{before}");
    let lines = after.lines().map_while(|line| line.strip_prefix("              "));
    lines.map(|line| format!("{line}\n")).collect()
}

/// Runs it with a program in the place of `ferry`.
fn run_with(program: &str) -> (tempfile::TempDir, Running) {
    let folder = tempfile::tempdir().unwrap();
    let ferry = folder.path().join("ferry");
    std::fs::write(&ferry, format!("#!/bin/sh\n{program}\n")).unwrap();
    std::fs::set_permissions(&ferry, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &command_of_job()]).current_dir(folder.path()).stdin(Stdio::null());
    command.env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    (folder, begin(command))
}

#[test]
fn the_command_of_a_cron_job_ends_as_ferry_does_but_for_rejects_and_passes_term_on() {
    for (code, expected) in [(0, 0), (3, 0), (1, 1), (4, 4), (6, 6), (8, 8)] {
        let (_folder, running) = run_with(&format!("[ \"$*\" = 'run nightly --quiet' ] && exit {code}"));
        assert_eq!(running.finish().exit, expected, "{code}");
    }
    // It finishes what is in flight first, and its own code counts, not that of the wait that TERM has ended.
    let busy = "trap 'sleep 0.3; echo > saved; exit 6' TERM; echo > begun; for i in $(seq 60); do sleep 0.05; done";
    let (folder, running) = run_with(busy);
    wait_until("the job has begun", || folder.path().join("begun").exists());
    running.signal("TERM");
    assert_eq!((running.finish().exit, folder.path().join("saved").exists()), (6, true));
}
