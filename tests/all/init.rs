//! `ferry init`: a first configuration that works, and no file that is overwritten.

use super::dry::scene;
use super::support::{Ended, Scene, left_out, run};
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

const SHOP: &str = "init --platform mercately --name shop --yes";

/// The credentials of the sandbox, under the names that `init` gives to variables.
fn with_credentials() -> Scene {
    let mut scene = scene(|_| {});
    let credentials = scene.sandbox().credentials();
    for (name, value) in credentials {
        let setting = name.strip_prefix("FERRY_MERCATELY_");
        setting.into_iter().for_each(|setting| scene.set(&format!("SHOP_{setting}"), &value));
    }
    scene
}

fn address(scene: &Scene) -> String {
    let credentials = scene.sandbox().credentials();
    credentials.into_iter().find(|(name, _)| *name == "FERRY_MERCATELY_BASE_URL").unwrap().1
}

fn wrote(ended: &Ended) {
    assert!(ended.exit == 0 && ended.out.contains("wrote `ferry.yaml` and `.env`"), "{ended:?}");
}

#[test]
fn what_it_writes_works_and_is_private() {
    let scene = with_credentials();
    scene.write(".gitignore", "target\n/.ferry");
    let ended = scene.run(&format!("{SHOP} --set base_url={} --set phone_region=EC", address(&scene)));
    wrote(&ended);
    assert!(
        ended.out.contains("`shop` works: Mercately") && ended.out.contains("added to `.gitignore`: .env\n"),
        "{ended:?}"
    );
    assert_eq!(scene.read(".gitignore"), "target\n/.ferry\n.env\n");
    let page = scene.read("ferry.yaml");
    assert!(page.contains("  shop:\n    platform: mercately\n    api_key: ${SHOP_API_KEY}\n"), "{page}");
    // A secret that the environment has is not written to disk.
    let env = scene.read(".env");
    assert!(env.contains("# SHOP_API_KEY is taken from the environment"), "{env}");
    assert_eq!(scene.path(".env").metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let schema = page.lines().next().unwrap().strip_prefix("# yaml-language-server: $schema=").unwrap();
    assert!(scene.path(schema).is_file(), "{schema}");
    let checked = scene.run("check shop");
    assert_eq!(checked.exit, 0, "{checked:?}");
    // It is written once.
    let again = scene.run(SHOP);
    assert!(again.exit == 2 && again.err.contains("`ferry.yaml` exists"), "{again:?}");
    assert_eq!(scene.read("ferry.yaml"), page);
}

#[test]
fn a_file_that_exists_is_left_alone() {
    for name in [".env", "ferry.yaml"] {
        let scene = with_credentials();
        scene.write(name, "mine\n");
        let ended = scene.run(&format!("{SHOP} --no-check"));
        assert!(ended.exit == 2 && ended.err.contains(&format!("`{name}` exists")), "{ended:?}");
        assert_eq!(scene.read(name), "mine\n");
        let other = if name == ".env" { "ferry.yaml" } else { ".env" };
        assert!(!scene.path(other).exists());
    }
}

#[test]
fn a_connection_that_does_not_work_is_not_written() {
    let mut scene = with_credentials();
    scene.set("SHOP_API_KEY", "wrong");
    let words = format!("{SHOP} --set base_url={}", address(&scene));
    let ended = scene.run(&words);
    assert!(ended.exit == 5 && ended.err.contains("nothing was written"), "{ended:?}");
    assert!(!scene.path("ferry.yaml").exists() && !scene.path(".env").exists());
    wrote(&scene.run(&format!("{words} --no-check")));
}

#[test]
fn what_is_missing_is_named_and_can_be_rehearsed_without() {
    let scene = Scene::without_sandbox();
    let ended = scene.run(&format!("{SHOP} --set phone_region=EC"));
    wrote(&ended);
    assert!(ended.err.contains("is not tested") && ended.out.contains("fill in SHOP_API_KEY"), "{ended:?}");
    assert!(scene.read(".env").contains("# SHOP_API_KEY=\n"), "{}", scene.read(".env"));
    let checked = scene.run("check shop");
    assert!(checked.exit == 2 && checked.err.contains("SHOP_API_KEY"), "{checked:?}");
    let rehearsed = scene.run("check shop --sandbox");
    assert_eq!(rehearsed.exit, 0, "{rehearsed:?}");
    let scene = Scene::without_sandbox();
    let ended = scene.run("init --platform yeahdesk --sandbox --config conf/../a.yaml --output json --name crm --yes");
    let told = ended.summary();
    assert_eq!(
        (&told["connection"], &told["tested"], &told["missing"]),
        (&json!("crm"), &json!(true), &json!(["CRM_TOKEN"]))
    );
}

#[test]
fn what_cannot_be_is_told_before_anything_is_written() {
    let scene = Scene::without_sandbox();
    for (words, why) in [
        ("", "`--platform` is missing"),
        ("--platform mercatelly", "did you mean `mercately`"),
        ("--platform atom --name a/b", "not a valid name"),
        ("--platform atom --set token=s3cret", "is a secret"),
        ("--platform atom --set on_update", "SETTING=VALUE"),
        ("--platform atom --set on_update=append", "`append` is unknown"),
        ("--platform atom --set on_updat=merge", "did you mean `on_update`"),
        ("--platform atom --set phone_region=Narnia", "not a known country"),
        ("--platform atom --set base_url=http://example.com", "unencrypted"),
    ] {
        let ended = scene.run(&format!("init {words}"));
        assert_eq!(ended.exit, 2, "{words}: {ended:?}");
        assert!(ended.err.contains(why) && !ended.err.contains("s3cret"), "{words}: {}", ended.err);
    }
    assert!(!scene.path("ferry.yaml").exists() && !scene.path(".env").exists());
}

/// On a terminal that `script` makes, with these lines typed.
fn on_terminal(scene: &Scene, words: &str, typed: &str) -> Ended {
    let program = scene.command(words);
    let line: Vec<String> = std::iter::once(program.get_program())
        .chain(program.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let mut command = Command::new("sh");
    // The lines are typed slowly, since echo is switched off for a secret only when it is asked for.
    let typing = typed.lines().map(|line| format!("sleep 0.7; printf '%s\\r' '{line}'; ")).collect::<String>();
    command.args(["-c", &format!("{{ {typing} sleep 0.5; }} | script -qec '{}' /dev/null", line.join(" "))]);
    command.current_dir(scene.folder());
    for (name, value) in program.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    run(command)
}

#[test]
fn on_a_terminal_it_asks_and_does_not_show_a_secret() {
    if Command::new("script").arg("--version").output().is_err() {
        return left_out("`script` is not installed");
    }
    let scene = scene(|_| {});
    let key = scene.sandbox().credentials().into_iter().find(|(name, _)| *name == "FERRY_MERCATELY_API_KEY").unwrap().1;
    let words = format!("init --set base_url={}", address(&scene));
    let ended = on_terminal(&scene, &words, &format!("mercatelly\nmercately\nshop\n{key}\nNarnia\nEC\n"));
    assert_eq!(ended.exit, 0, "{ended:?}");
    assert!(ended.out.contains("did you mean `mercately`") && ended.out.contains("not a known country"), "{ended:?}");
    assert!(ended.out.contains("`shop` works: Mercately") && !ended.out.contains(&key), "{ended:?}");
    assert_eq!(scene.read(".env").lines().nth(1).unwrap(), format!("SHOP_API_KEY='{key}'"));
    assert!(scene.read("ferry.yaml").contains("phone_region: EC"), "{}", scene.read("ferry.yaml"));
    assert_eq!(scene.run("check shop").exit, 0);
}
