//! Tenants: connections and jobs of each row of a table, and secrets that stand elsewhere.

use super::support::{PLATFORMS, ferry, folder_with, run};
use ferry::plan::{Config, Env};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const ROWS: &str = "id,slug,key,list\nacme,acme-shop,${ACME_KEY},acme\nbolt,bolt-shop,file:keys/bolt,bolt\n";
const TEMPLATE: &str = "\
template:
  connections:
    shop: { platform: mercately, slug: \"{tenant.slug}\", api_key: \"{tenant.key}\" }
  jobs:
    copy: { convert: { file: \"lists/{tenant.list}.csv\", out: \"out/{tenant.id}.csv\" }, schedule: \"5 3 * * *\" }
    send: { import: { file: \"lists/{tenant.list}.csv\", to: shop } }
";

/// A folder with a table of tenants, and lists of two of them.
fn folder(page: &str, rows: &str) -> TempDir {
    let list = "First Name,Last Name,Phone\nAna,Paz,+593987625587\n";
    let folder = folder_with(&[("ferry.yaml", page), ("tenants.csv", rows)]);
    for (name, text) in [("lists/acme.csv", list), ("lists/bolt.csv", list), ("keys/bolt", "b0lt\n"), ("out/x", "")] {
        fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn page(tenants: &str) -> String {
    format!("tenants: {tenants}\n{TEMPLATE}")
}

fn jobs(folder: &Path, words: &str) -> (Vec<(String, u64)>, String) {
    let ended = run(ferry(folder, &format!("run {words} --output json")));
    let all: Value = serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"));
    let told = |job: &Value| (job["job"].as_str().unwrap().to_owned(), job["exit"].as_u64().unwrap());
    (all["jobs"].as_array().unwrap().iter().map(told).collect(), ended.err)
}

fn config(folder: &Path, vars: &[(&str, &str)]) -> Config {
    let env: Env = vars.iter().copied().collect();
    Config::load(&PLATFORMS, Some(&folder.join("ferry.yaml")), &env).unwrap()
}

#[test]
fn each_row_makes_its_own_connection_and_jobs() {
    let folder = folder(&page("tenants.csv"), ROWS);
    let (ended, err) = jobs(folder.path(), "acme/copy bolt/copy");
    assert_eq!(ended, [("acme/copy".to_owned(), 0), ("bolt/copy".to_owned(), 0)], "{err}");
    assert!(folder.path().join("out/acme.csv").exists() && folder.path().join("out/bolt.csv").exists());
    // By name, also as a connection of any command.
    let (ended, err) = jobs(folder.path(), "acme/send --sandbox");
    assert_eq!(ended, [("acme/send".to_owned(), 0)], "{err}");
    let typed = run(ferry(folder.path(), "import lists/acme.csv --to bolt/shop --sandbox --yes"));
    assert_eq!(typed.exit, 0, "{typed:?}");
    let (out, err) = (run(ferry(folder.path(), "run acme/sent")).err, "did you mean `acme/send`?");
    assert!(out.contains(err), "{out}");
    let config = config(folder.path(), &[("ACME_KEY", "s3cret")]);
    let key = |name: &str| {
        let found = config.connection(name).unwrap().settings;
        (found.get("slug").unwrap().to_owned(), found.secret("api_key").unwrap().expose_secret().to_owned())
    };
    assert_eq!(key("acme/shop"), ("acme-shop".to_owned(), "s3cret".to_owned()));
    assert_eq!(key("bolt/shop"), ("bolt-shop".to_owned(), "b0lt".to_owned()));
    let unknown = config.find("acme/shap").unwrap_err().render(false);
    assert_eq!(unknown, "error: the tenant `acme` has no connection `shap`\nhint: the template has `shop`\n");
}

#[test]
fn the_table_and_its_template_may_stand_in_one_map_and_the_table_be_json_lines() {
    let template = TEMPLATE.trim_start_matches("template:\n");
    let folder = folder(&format!("tenants:\n  file: rows.jsonl\n{template}"), "");
    let rows = r#"{"id": "acme", "slug": "a", "key": "${K}", "list": "acme"}
{"slug": "b", "id": "bolt", "list": "bolt", "key": "cmd:echo hello", "more": 7}
"#;
    fs::write(folder.path().join("rows.jsonl"), rows).unwrap();
    let (ended, err) = jobs(folder.path(), "bolt/copy");
    assert_eq!(ended, [("bolt/copy".to_owned(), 0)], "{err}");
    let config = config(folder.path(), &[]);
    let secret = config.connection("bolt/shop").unwrap().settings.secret("api_key").unwrap().expose_secret().to_owned();
    assert_eq!(secret, "hello");
}

#[test]
fn a_bad_row_is_its_own_failure_and_the_others_run() {
    let rows = "id,slug,key,list\nacme,a,${K},acme\nBAD ID,b,${K},bolt\nacme,c,${K},bolt\nlit,d,abc123,acme\n\
                none,,${K},acme\nbolt,e,file:keys/bolt,bolt\ntwin,e,file:keys/bolt,bolt\n";
    let folder = folder(&page("tenants.csv"), rows);
    let (ended, err) = jobs(folder.path(), "--all --sandbox");
    let expected = [
        ("acme", 0, 0),
        ("line-3", 2, 2),
        ("line-4", 2, 2),
        ("lit", 0, 2),
        ("none", 0, 2),
        ("bolt", 0, 0),
        ("twin", 2, 2),
    ];
    let expected: Vec<(String, u64)> = expected
        .iter()
        .flat_map(|(name, copy, send)| [(format!("{name}/copy"), *copy), (format!("{name}/send"), *send)])
        .collect();
    assert_eq!(ended, expected, "{err}");
    for told in [
        "tenants.csv:3: `BAD ID` is not a valid `id`",
        "tenants.csv:4: `acme` is the `id` of line 2 too",
        "tenant `lit`: `api_key` of a tenant is a literal secret",
        "tenant `none`: `slug` is blank in line 6 of the table",
        "`twin` and `bolt` have the same settings for `shop`",
    ] {
        assert!(err.contains(told), "{told}: {err}");
    }
    assert!(!err.contains("abc123"), "{err}");
    let alone = run(ferry(folder.path(), "run line-3/send"));
    assert_eq!((alone.exit, alone.err.matches("is not a valid `id`").count()), (2, 1), "{alone:?}");
}

#[test]
fn what_is_wrong_with_the_table_or_the_template_is_told_at_once() {
    let cases = [
        (page("lost.csv"), "the tenants `lost.csv` cannot be read: No such file or directory (os error 2)"),
        (page("ferry.yaml"), "the tenants `ferry.yaml` cannot be read: its name does not say its format"),
        (page("tenants.csv").replace("tenant.slug", "tenant.slag"), "the tenants have no column `slag`"),
        (
            page("tenants.csv").replace("slug: ", "\"{tenant.id}\": "),
            "`{tenant.id}` is a key; only values are filled in",
        ),
        ("tenants: tenants.csv\n".to_owned(), "the tenants have no template"),
        (TEMPLATE.to_owned(), "a template without `tenants`"),
    ];
    for (page, expected) in cases {
        let folder = folder(&page, ROWS);
        let ended = run(ferry(folder.path(), "run --all"));
        assert!(ended.exit == 2 && ended.err.starts_with(&format!("error: {expected}\n")), "{ended:?}");
    }
    let without = folder(&page("tenants.csv"), "name\nx\n");
    let ended = run(ferry(without.path(), "run --all"));
    assert!(ended.err.starts_with("error: the tenants `tenants.csv` have no column `id`\n"), "{ended:?}");
}

/// What a connection with this key says when it is used.
fn told(key: &str) -> Result<String, String> {
    let page = format!("connections: {{ shop: {{ platform: mercately, slug: s, api_key: \"{key}\" }} }}\n");
    let folder = folder(&page, ROWS);
    let config = config(folder.path(), &[("PART", "bolt")]);
    let connection = config.connection("shop").map_err(|error| error.render(false))?;
    Ok(connection.settings.secret("api_key").unwrap().expose_secret().to_owned())
}

#[test]
fn a_secret_is_read_from_a_file_or_a_command_when_it_is_used() {
    assert_eq!(told("file:keys/bolt"), Ok("b0lt".to_owned()));
    assert_eq!(told("file:keys/${PART}"), Ok("b0lt".to_owned()));
    assert_eq!(told("cmd:cat keys/bolt"), Ok("b0lt".to_owned()));
    // No shell, and an environment of two variables.
    assert_eq!(told("cmd:echo '$HOME;' a"), Ok("$HOME; a".to_owned()));
    assert_eq!(told("cmd:sh -c 'echo [$CARGO_MANIFEST_DIR]'"), Ok("[]".to_owned()));
    let wrong = [
        ("file:keys/lost", "`api_key`: the file `", "of a secret cannot be read: No such file"),
        ("file:out/x", "`api_key`: the file `", "is empty"),
        (
            "cmd:no-such-command --token t0p",
            "`api_key`: the command `no-such-command` of a secret failed",
            "No such file",
        ),
        ("cmd:sh -c 'echo sealed >&2; exit 3'", "`api_key`: the command `sh` of a secret failed", "status: 3: sealed"),
        ("cmd:true", "`api_key`: the command `true` printed nothing", ""),
        ("cmd:yes", "`api_key`: the command `yes` of a secret failed", "failed: it has more than 64 KiB"),
    ];
    for (key, message, why) in wrong {
        let error = told(key).unwrap_err();
        assert!(error.contains(message) && error.contains(why) && !error.contains("t0p"), "{error}");
    }
    // Nothing is read for a rehearsal, and a command is not run for another connection.
    let page = "connections:\n  shop: { platform: mercately, slug: s, api_key: \"cmd:touch ran\" }\n  \
                loft: { platform: atom, token: t }\n";
    let folder = folder(page, ROWS);
    config(folder.path(), &[]).connection("loft").unwrap();
    assert_eq!(run(ferry(folder.path(), "check shop --sandbox")).exit, 0);
    assert!(!folder.path().join("ran").exists());
}
