//! Connections: from the file, the environment and the platforms' defaults.

use super::support::{ferry, folder_with, registry, run};
use ferry::outcome::Exit;
use ferry::plan::checks::duration;
use ferry::plan::config::{Config, ConfigError};
use ferry::plan::env::Env;
use ferry::plan::{use_sandbox, variable};
use ferry::platforms::settings::{Setting, Settings};
use ferry::platforms::{PlatformFacts, Registry, Text};
use ferry::yaml::nearest;
use secrecy::ExposeSecret;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn setting(name: &'static str) -> Setting {
    Setting::text(name, None, "something")
}

fn needed(name: &'static str, secret: bool, help: &'static str) -> Setting {
    Setting { required: true, secret, help: help.into(), ..setting(name) }
}

/// Two invented platforms.
fn all() -> Registry {
    let choices: Vec<Text> = vec!["replace".into(), "merge".into()];
    let on_update = Setting { choices: choices.into(), default: Some("replace".into()), ..setting("on_update") };
    let pigeon = PlatformFacts {
        aliases: vec!["dove".into()].into(),
        settings: vec![needed("token", true, "the token of the loft"), on_update, setting("segments")].into(),
        ..PlatformFacts::new("pigeon", "Pigeon", "https://api.example.com")
    };
    registry([pigeon, semaphore()])
}

fn semaphore() -> PlatformFacts {
    let settings =
        vec![needed("api_key", true, "the key of the tower"), needed("slug", false, "the name of the tower")];
    PlatformFacts {
        settings: settings.into(),
        ..PlatformFacts::new("semaphore", "Semaphore", "https://api.example.com")
    }
}

fn parse(page: &str, vars: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::parse(&all(), page, Path::new("home/ferry.yaml"), &vars.iter().copied().collect())
}

fn without_file(vars: &[(&str, &str)]) -> Config {
    let folder = tempfile::tempdir().unwrap();
    let env: Env = vars.iter().copied().collect();
    fs::write(folder.path().join("ferry.yaml"), "").unwrap();
    Config::load(&all(), Some(&folder.path().join("ferry.yaml")), &env).unwrap()
}

fn secret(settings: &Settings, name: &str) -> Option<String> {
    settings.secret(name).map(|secret| secret.expose_secret().to_owned())
}

/// What is reported about a wrong file.
fn told(page: &str) -> String {
    match parse(page, &[]) {
        Ok(_) => panic!("nothing is wrong with:\n{page}"),
        Err(error) => {
            assert_eq!(error.exit(), Exit::Usage);
            error.render(false)
        }
    }
}

#[test]
fn a_file_gives_connections_with_defaults_filled_in() {
    let page = "\
connections:
  shop:
    platform: semaphore
    api_key: ${KEY}
    slug: \"my-${PLACE}-shop\"
    rate: 2/s
    timeout: 10s
    phone_region: EC
  birds:
    platform: dove
    token: '007'
    concurrency: 008
    segments: { Gold: 12, \"Old ${PLACE}\": ${ID} }
jobs:
  nightly: { export: { from: shop } }
";
    let page = page.replace("${ID} }", "\"${ID}\" }");
    let config = parse(&page, &[("KEY", "k1"), ("PLACE", "north"), ("ID", "0044")]).unwrap();
    assert_eq!(
        format!("{:?}", config.connections),
        "[shop (semaphore), birds (pigeon), pigeon (pigeon), semaphore (semaphore)]"
    );
    let shop = &config.connection("shop").unwrap().settings;
    assert_eq!(shop.connection, "shop");
    assert_eq!(secret(shop, "api_key").as_deref(), Some("k1"));
    let texts = ["slug", "rate", "timeout", "phone_region", "find", "base_url", "concurrency", "settle", "allow_http"];
    let values = texts.map(|name| shop.get(name).unwrap_or("-"));
    assert_eq!(values, ["my-north-shop", "2/s", "10s", "EC", "auto", "https://api.example.com", "4", "-", "false"]);
    let birds = &config.connection("birds").unwrap().settings;
    assert_eq!(secret(birds, "token").as_deref(), Some("007"));
    assert_eq!((birds.get("on_update"), birds.get("concurrency")), (Some("replace"), Some("008")));
    assert_eq!(birds.table("segments"), [("Gold".into(), "12".into()), ("Old ${PLACE}".into(), "0044".into())]);
    assert!(config.jobs.is_some() && config.notes.is_empty());
    assert_eq!((config.folder.clone(), config.path("a/b")), (PathBuf::from("home"), PathBuf::from("home/a/b")));
}

#[test]
fn without_a_file_connections_are_named_after_their_platforms() {
    let config =
        without_file(&[("FERRY_PIGEON_TOKEN", "t"), ("FERRY_PIGEON_BASE_URL", "http://127.0.0.1:4010/pigeon")]);
    assert_eq!(format!("{:?}", config.connections), "[pigeon (pigeon), semaphore (semaphore)]");
    for name in ["pigeon", "dove"] {
        let pigeon = config.connection(name).unwrap();
        assert_eq!(pigeon.name, "pigeon");
        assert_eq!(pigeon.settings.get("base_url"), Some("http://127.0.0.1:4010/pigeon"));
        assert_eq!(secret(&pigeon.settings, "token").as_deref(), Some("t"));
    }
}

#[test]
fn the_environment_wins_over_the_file_and_its_variables() {
    let page =
        "connections:\n  north-shop:\n    platform: semaphore\n    api_key: ${UNSET}\n    slug: file\n    rate: 2/s\n";
    let vars = [("FERRY_NORTH_SHOP_API_KEY", "k"), ("FERRY_NORTH_SHOP_SLUG", "env"), ("FERRY_NORTH_SHOP_RATE", "")];
    let config = parse(page, &vars).unwrap();
    let settings = &config.connection("north-shop").unwrap().settings;
    assert_eq!((secret(settings, "api_key").as_deref(), settings.get("slug")), (Some("k"), Some("env")));
    assert_eq!(settings.get("rate"), Some("2/s"), "an empty variable is not set");
    assert_eq!(variable("north-shop", "base_url"), "FERRY_NORTH_SHOP_BASE_URL");
}

#[test]
fn a_variable_that_is_not_set_is_named_where_it_is_needed() {
    let page = "\
connections:
  shop:
    platform: semaphore
    api_key: ${SHOP_KEY}
    slug: ${SLUG}-${SLUG2}
  birds:
    platform: pigeon
    token: abc
";
    let config = parse(page, &[("SHOP_KEYS", "x")]).unwrap();
    assert!(config.connection("birds").is_ok());
    assert!(config.find("shop").is_ok(), "enough to rehearse with");
    let expected = "\
error: the environment variable `SHOP_KEY` is not set
 --> home/ferry.yaml:4:14
  |
4 |     api_key: ${SHOP_KEY}
  |              ^^^^^^^^^^^
  |
  = hint: did you mean `SHOP_KEYS`, which is set?

error: the environment variable `SLUG` is not set
 --> home/ferry.yaml:5:11
  |
5 |     slug: ${SLUG}-${SLUG2}
  |           ^^^^^^^^^^^^^^^^
  |
  = hint: set it, or name a file that does: `env_file: .env` with a line `SLUG=…`

error: the environment variable `SLUG2` is not set
 --> home/ferry.yaml:5:11
  |
5 |     slug: ${SLUG}-${SLUG2}
  |           ^^^^^^^^^^^^^^^^
  |
  = hint: set it, or name a file that does: `env_file: .env` with a line `SLUG2=…`

3 errors in `home/ferry.yaml`
";
    assert_eq!(config.connection("shop").unwrap_err().render(false), expected);
}

#[test]
fn what_a_connection_needs_is_reported_with_both_ways_to_give_it() {
    let config = parse("connections:\n  shop:\n    platform: semaphore\n    slug: s\n", &[]).unwrap();
    let expected = "\
error: connection `shop` needs `api_key`: the key of the tower
 --> home/ferry.yaml:2:3
  |
2 |   shop:
  |   ^^^^
  |
  = hint: set the environment variable `FERRY_SHOP_API_KEY`, or `api_key:` in `ferry.yaml`
";
    assert_eq!(config.connection("shop").unwrap_err().render(false), expected);
    let expected = "\
error: connection `pigeon` needs `token`: the token of the loft
hint: set the environment variable `FERRY_PIGEON_TOKEN`, or `token:` in `ferry.yaml`
";
    assert_eq!(without_file(&[]).connection("pigeon").unwrap_err().render(false), expected);
}

#[test]
fn all_errors_are_reported_at_once_in_their_order_with_the_nearest_names() {
    let page = "\
conections: {}
connections:
  shop:
    platform: semafore
  birds:
    platform: pigeon
    tokne: abc
    find: snapshots
    base_url: http://example.com
    timeout: soon
    token: ok
    token: again
  birds_:
  bad name: {}
  pigeon: [a]
";
    let expected = "\
error: `conections` is not a key of the configuration
 --> home/ferry.yaml:1:1
  |
1 | conections: {}
  | ^^^^^^^^^^
  |
  = hint: did you mean `connections`?

error: there is no platform `semafore`
 --> home/ferry.yaml:4:15
  |
4 |     platform: semafore
  |               ^^^^^^^^
  |
  = hint: did you mean `semaphore`?

error: `tokne` is not a setting of Pigeon
 --> home/ferry.yaml:7:5
  |
7 |     tokne: ***
  |     ^^^^^
  |
  = hint: did you mean `token`?

error: `find`: `snapshots` is unknown
 --> home/ferry.yaml:8:11
  |
8 |     find: snapshots
  |           ^^^^^^^^^
  |
  = hint: did you mean `snapshot`? expected one of `auto`, `snapshot`, `each`, `none`

error: `base_url`: `http://example.com` would send the credentials unencrypted
 --> home/ferry.yaml:9:15
  |
9 |     base_url: http://example.com
  |               ^^^^^^^^^^^^^^^^^^
  |
  = hint: use `https://`, or set `allow_http: true` to allow it

error: `timeout`: expected a duration, not `soon`
  --> home/ferry.yaml:10:14
   |
10 |     timeout: soon
   |              ^^^^
   |
   = hint: write a whole number and a unit: `500ms`, `30s`, `10m`, `2h`

error: `token` stands here a second time
  --> home/ferry.yaml:12:5
   |
12 |     token: *****
   |     ^^^^^
   |
   = hint: keep one of them

error: connection `birds_` does not say its platform
  --> home/ferry.yaml:13:3
   |
13 |   birds_:
   |   ^^^^^^
   |
   = hint: add `platform:` with one of `pigeon`, `semaphore`

error: `bad name` is not a valid name for a connection
  --> home/ferry.yaml:14:3
   |
14 |   bad name: {}
   |   ^^^^^^^^
   |
   = hint: use letters, digits, `-` and `_`

error: connection `pigeon` is a list, expected a map
  --> home/ferry.yaml:15:11
   |
15 |   pigeon: ***
   |           ^^^
   |
   = hint: write `name: value`, one per line

10 errors in `home/ferry.yaml`
";
    assert_eq!(told(page), expected);
}

/// A page and what its only mistake says.
const WRONG: &[(&str, &str, &str)] = &[
    ("- a\n", "the configuration is a list, expected a map", "ferry.yaml:1:1"),
    ("connections: 3\n", "`connections` is a text, expected a map", "ferry.yaml:1:14"),
    ("env_file: .env\n", "the file `.env` does not exist", "ferry.yaml:1:11"),
    ("env_file: [a]\n", "`env_file` is a list, expected a path", "ferry.yaml:1:11"),
    ("connections:\n  a:\n\tplatform: pigeon\n", "this is not YAML", "hint: indent with blanks, not with tabs"),
    ("connections: { a: { platform: pigeon, token: ${X} } }\n", "this is not YAML", "between quotes"),
    ("connections:\n  a: {platform: \"pigeon}\n", "this is not YAML", "ferry.yaml:"),
    ("a: &x 1\nb: *x\n", "anchors (`&name`) have no place here", "aliases (`*name`) have no place here"),
    ("a: !!str 1\n", "tags (`!name`) have no place here", "ferry.yaml:1:"),
    ("a: 1\n---\nb: 2\n", "the configuration must be one document", "remove what follows `---`"),
    ("? [a]\n: b\n", "a key must be a text", "ferry.yaml:1:3"),
    ("connections:\n  pigeon:\n    token:\n", "`token` is nothing, expected a text", "ferry.yaml:3:"),
    ("connections:\n  pigeon:\n    rate: [1/s]\n", "`rate` is a list, expected a text", "ferry.yaml:3:11"),
    ("connections:\n  pigeon:\n    token: {a: b}\n", "`token` is a map, expected a text", "token: ******"),
    ("connections:\n  pigeon:\n    segments: {a: [b]}\n", "`a` is a list, expected a text", "name: id"),
    ("connections:\n  pigeon:\n    concurrency: 0\n", "`concurrency`: expected a whole number from 1", "3:18"),
    (
        "connections:
  pigeon:
    phone_region: Narnia
",
        "`Narnia` is not a known country",
        "use its code (`EC`)",
    ),
    (
        "connections:
  pigeon:
    base_url: example.com
",
        "this is not an address",
        "https://api.example.com",
    ),
    ("connections:\n  pigeon:\n    base_url: ftp://example.com\n", "must begin with `https://`", "3:15"),
    ("connections:\n  pigeon:\n    base_url: https://u:pass@example.com\n", "holds a user name or a password", "****"),
    ("connections:\n  pigeon:\n    allow_http: yes\n", "`yes` is unknown", "expected one of `true`, `false`"),
    (
        "connections:\n  a-b: {platform: pigeon}\n  a_b: {platform: pigeon}\n",
        "share their environment variables",
        "3:3",
    ),
    ("connections:\n  pigeon:\n    \"a\\eb\": 1\n", "`a\\u{1b}b` is not a setting of Pigeon", "3:5"),
    ("connections:\n  pigeon:\n    ünknöwn: \"a\\eb\u{202e}\"\n", "`ünknöwn` is not a setting of Pigeon", "3:5"),
];

#[test]
fn every_error_says_what_and_where() {
    for (page, message, more) in WRONG {
        let text = told(page);
        assert!(text.contains(message) && text.contains(more), "{page}\n{text}");
        assert!(!text.contains(['\u{1b}', '\u{202e}']) && !text.contains("pass@"), "{text:?}");
    }
}

#[test]
fn no_page_is_too_odd_for_an_answer() {
    let deep = "[".repeat(100_000);
    let wide = "a: [".to_owned() + &"1,".repeat(30_000) + "]";
    let pages =
        ["", "\u{feff}connections: {}\n", "~", "\0", "a: |\n  b\n c", "%YAML 1.2\n---\na: b\n", "é: \"", &deep, &wide];
    for page in pages {
        if let Err(error) = parse(page, &[]) {
            assert!(!error.render(false).is_empty() && !error.render(true).is_empty());
        }
    }
    assert!(told(&"a: b\n".repeat(300_000)).contains("longer than 1 MiB"));
    assert!(told(&wide).contains("more than 20000 values"));
    let steps: String = (0..20).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    let stairs = steps + &" ".repeat(20) + &"[".repeat(20) + &"]".repeat(20);
    assert!(told(&stairs).contains("nested more than 32 deep"));
}

const CANARY: &str = "canary-5f1e";

#[test]
fn a_secret_is_in_no_message_however_wrong_the_page() {
    let pages = [
        "connections:\n  pigeon: { token: X, rat: 3 }\n",
        "connections:\n  pigeon: { platform: pidgeon, token: X }\n",
        "connections:\n  pigeon:\n    token: X\n    token: X\n",
        "connections:\n  pigeon:\n    token: X${UNSET}\n",
        "connections:\n  pigeon:\n    token: X${not a name}X\n",
        "connections:\n  pigeon:\n    token: X${UNSET\n",
        "connections:\n  pigeon:\n    token: ${X-}\n",
        "connections:\n  pigeon:\n    tok: X\n    api_key: X\n",
        "connections:\n  pigeon:\n    token: [X]\n",
        "connections:\n  pigeon: X\n",
        "connections: X\n",
        "X\n",
        "token: X\n",
        "connections:\n  pigeon:\n    token: \"X\n",
        "connections:\n  pigeon: { token: X, rate: [ }\n",
        "connections:\n  pigeon:\n\t token: X\n",
        "connections:\n  pigeon:\n    base_url: https://me:X@example.com\n",
        "connections:\n  pigeon:\n    token: &X X\n",
        "connections:\n  pigeon:\n    token: *X\n",
        "connections:\n  pigeon:\n    token: !X\n",
        "connections:\n  pigeon:\n    token: !X X\n    rat: 1\n",
        "connections:\n  pigeon: {token: *X , rate: a}\n",
        "connections:\n  pigeon:\n    token: |\n      X\n      X\n    rat: 1\n",
        "connections:\n  pigeon:\n    token: '@X'\n    token: @X\n",
        "connections:\n  pigeon:\n    ? token\n    : *X\n",
    ];
    for page in pages {
        let page = page.replace('X', CANARY);
        let error = match parse(&page, &[]) {
            Err(error) => error,
            Ok(config) => config.connection("pigeon").map(|_| ()).expect_err(&page),
        };
        let shown = format!("{}{error}{error:?}", error.render(true));
        assert!(!shown.contains(CANARY), "{page}\n{shown}");
    }
    let page = format!("connections:\n  pigeon:\n    token: {CANARY}\n    # token: old\njobs: {{a: {CANARY}}}\n");
    let config = parse(&page, &[]).unwrap();
    assert!(!format!("{:?}{:?}", config.connections, config.jobs).contains(CANARY));
    assert!(!format!("{:?}", [("A", CANARY)].into_iter().collect::<Env>()).contains(CANARY));
}

#[test]
fn an_unknown_connection_is_reported_with_the_nearest_name_and_all_names() {
    let config = parse("connections:\n  shop: { platform: pigeon }\n  birds: { platform: pigeon }\n", &[]).unwrap();
    let cases = [
        (
            "shpo",
            "error: there is no connection `shpo`\nhint: did you mean `shop`? the connections are `shop`, `birds`, `pigeon`, `semaphore`\n",
        ),
        (
            "nest",
            "error: there is no connection `nest`\nhint: the connections are `shop`, `birds`, `pigeon`, `semaphore`\n",
        ),
    ];
    assert_eq!(config.find("pigeon").map(|one| one.name).unwrap(), "pigeon");
    for (name, expected) in cases {
        let error = config.find(name).unwrap_err();
        assert_eq!((error.render(false).as_str(), error.exit()), (expected, Exit::Usage));
    }
}

#[test]
fn a_wrong_value_in_the_environment_is_reported_where_it_is_needed() {
    let config = without_file(&[("FERRY_PIGEON_BASE_URL", "http://example.com"), ("FERRY_PIGEON_TOKEN", "t")]);
    let expected = "\
error: the environment variable `FERRY_PIGEON_BASE_URL`: `http://example.com` would send the credentials unencrypted
hint: use `https://`, or set `FERRY_PIGEON_ALLOW_HTTP=true` to allow it
";
    assert_eq!(config.connection("pigeon").unwrap_err().render(false), expected);
    let allowed = [
        ("FERRY_PIGEON_ALLOW_HTTP", "true"),
        ("FERRY_PIGEON_BASE_URL", "http://example.com"),
        ("FERRY_PIGEON_TOKEN", "t"),
    ];
    assert!(without_file(&allowed).connection("pigeon").is_ok());
}

#[test]
fn loopback_needs_no_tls() {
    let page = |url: &str| format!("connections:\n  pigeon:\n    token: t\n    base_url: {url}\n");
    for url in
        ["http://localhost:1/a", "http://127.1.2.3", "http://[::1]:80", "http://a.localhost", "https://example.com"]
    {
        assert!(parse(&page(url), &[]).is_ok(), "{url}");
    }
    for url in ["http://localhost.example.com", "http://10.0.0.1", "http://128.0.0.1", "http://[::2]"] {
        assert!(parse(&page(url), &[]).is_err(), "{url}");
    }
}

#[test]
fn a_sandbox_has_no_rate_to_be_found_out_but_keeps_the_limits_of_its_connection() {
    for (rate, expected) in
        [("auto", "none"), ("auto,max=50/s", "50/s"), ("10/s,300/min", "10/s,300/min"), ("none", "none")]
    {
        let config = without_file(&[("FERRY_SEMAPHORE_RATE", rate)]);
        let mut connection = config.find("semaphore").unwrap();
        use_sandbox(&mut connection, &[]);
        assert_eq!(connection.settings.get("rate"), Some(expected), "{rate}");
    }
}

#[test]
fn a_variable_that_looks_like_a_setting_gets_a_note() {
    let vars = [
        ("FERRY_PIGEON_TOKNE", "secret"),
        ("FERRY_STATE", "/tmp"),
        ("FERRY_SEMAPHORE_SLUG", "s"),
        ("FERRY_SOMETHING_ELSE_ENTIRELY", "x"),
        ("PATH", "/bin"),
    ];
    let note = "the environment variable `FERRY_PIGEON_TOKNE` is not a setting of a connection; did you mean `FERRY_PIGEON_TOKEN`?";
    assert_eq!(without_file(&vars).notes, [note]);
    let config =
        parse("connections:\n  s: { platform: pigeon }\n", &[("FERRY_STATE", "x"), ("FERRY_STATES", "x")]).unwrap();
    let note = "the environment variable `FERRY_STATES` is not a setting of a connection; did you mean `FERRY_S_RATE`?";
    assert!(config.notes.iter().all(|told| told == note), "{:?}", config.notes);
}

#[test]
fn an_environment_file_is_read_first_and_the_environment_wins() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ferry.yaml");
    let page =
        "env_file: my.env\nconnections:\n  shop: { platform: semaphore, api_key: \"${KEY}\", slug: \"${SLUG}\" }\n";
    fs::write(&file, page).unwrap();
    fs::write(
        folder.path().join("my.env"),
        "# a remark\nKEY=from-file\nexport SLUG='from file'\nFERRY_SHOP_RATE=3/s\n",
    )
    .unwrap();
    let env: Env = [("KEY", "from-environment")].into_iter().collect();
    let config = Config::load(&all(), Some(&file), &env).unwrap();
    let settings = &config.connection("shop").unwrap().settings;
    assert_eq!(secret(settings, "api_key").as_deref(), Some("from-environment"));
    assert_eq!((settings.get("slug"), settings.get("rate")), (Some("from file"), Some("3/s")));
    assert!(std::env::var("SLUG").is_err(), "the process's own environment stays as it is");

    fs::write(folder.path().join("my.env"), format!("KEY=\"{CANARY}\n")).unwrap();
    let error = Config::load(&all(), Some(&file), &env).unwrap_err().render(false);
    assert!(error.contains("could not read the environment file `") && error.contains("hint: write `NAME=value`"));
    assert!(!error.contains(CANARY), "{error}");

    fs::remove_file(folder.path().join("my.env")).unwrap();
    let error = Config::load(&all(), Some(&file), &env).unwrap_err().render(false);
    assert!(error.contains("the file `my.env` does not exist") && error.contains("ferry.yaml:1:11"), "{error}");
}

#[test]
fn nothing_in_an_environment_file_stands_for_anything_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".env");
    let read = |text: &str, name: &str| {
        fs::write(&path, text).unwrap();
        let mut env = Env::default();
        env.add_file(&path).map(|_| env.get(name).map(str::to_owned)).map_err(|failure| failure.to_string())
    };
    for (text, expected) in [
        ("A=ab$cd1234567890xyz", "ab$cd1234567890xyz"),
        ("A=${HOME}$HOME$1", "${HOME}$HOME$1"),
        ("B=b\nA=$B", "$B"),
        ("A=a\\$b\\n", "a\\$b\\n"),
        ("A=p#w # a comment", "p#w"),
        ("A=#nothing\nA=x", "x"),
        ("A = two words \t", "two words"),
        ("A=a=b==", "a=b=="),
        ("  export\tA=x\r\n", "x"),
        ("\u{feff}# first\n\n   # second\nA=x", "x"),
        ("A='p#w $HOME \\n \"q\"' # a comment", "p#w $HOME \\n \"q\""),
        ("A=\"p#w $HOME \\\" \\\\ \\n \\t \\x 'q'\"", "p#w $HOME \" \\ \n \t \\x 'q'"),
        ("A='one\n# two\nB=three'\nB=x", "one\n# two\nB=three"),
        ("A=ñandú", "ñandú"),
        ("A=first\nA=second", "first"),
        ("export=x\nA=y", "y"),
        ("A.b=x\nA=y", "y"),
    ] {
        assert_eq!(read(text, "A"), Ok(Some(expected.to_owned())), "{text}");
    }
    assert_eq!(read("A=\nB=''\n", "A"), Ok(None));
    for (text, expected) in [
        (format!("A=x\n\n{CANARY}\nB=y"), "line 3 is not of the form `NAME=value`: it has no `=`"),
        (
            format!("A='x\ny'\n{CANARY} x=y"),
            "line 3 is not of the form `NAME=value`: the text before the `=` is not a valid name",
        ),
        (format!("=x{CANARY}"), "line 1 is not of the form `NAME=value`: the text before the `=` is not a valid name"),
        (format!("\nA=\"x{CANARY}"), "line 2 is not of the form `NAME=value`: its quote is not closed"),
        (format!("A='x'{CANARY}"), "line 1 is not of the form `NAME=value`: something stands behind the closing quote"),
    ] {
        let failure = read(&text, "A").unwrap_err();
        assert!(failure.contains(expected) && !failure.contains(CANARY), "{text}: {failure}");
    }
}

#[test]
fn a_page_that_is_no_yaml_shows_no_value_that_may_be_secret() {
    for line in [
        "    pwd: {C}",
        "    anything: {C}",
        "    \"quoted\": {C}",
        "    - {C}",
        "    key: |\n      {C}",
        "    base_url: https://me:{C}@example.com",
        "    {C}",
        "    x: { y: {C} }",
        "  other: { platform: pigeon, pwd: {C} }",
    ] {
        let line = line.replace("{C}", CANARY);
        for broken in ["\t", "    : :\n", "  x: [\n"] {
            let page =
                format!("connections:\n  shop:\n    platform: pigeon\n{line}\n{broken}    rate: 3/s\n  'unclosed\n");
            let error = parse(&page, &[]).expect_err(&page).render(false);
            assert!(!error.contains(CANARY), "{page}\n{error}");
        }
    }
}

#[test]
fn a_setting_that_breaks_a_line_is_refused_before_anything_is_sent() {
    for value in ["a\r\nX-Injected: 1", "a\nb", "a\u{0}b", "a\u{7f}"] {
        let mut settings = Settings::default();
        settings.connection = "shop".to_owned();
        settings.set("slug", value);
        let failures = ferry::platforms::settings::validate(&semaphore(), &settings);
        let told: Vec<String> = failures.iter().map(|failure| failure.message.clone()).collect();
        let expected = "`slug` of connection `shop` has a line break or a control character";
        assert!(told.iter().any(|told| told == expected), "{value:?}: {told:?}");
        assert!(failures.iter().all(|failure| failure.exit == Exit::Usage));
    }
}

#[test]
fn a_named_file_must_be_there_and_be_text() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("other.yaml");
    let error = Config::load(&all(), Some(&missing), &Env::default()).unwrap_err();
    let expected = format!("error: the configuration `{}` cannot be read\n  cause: No such file", missing.display());
    assert!(error.render(false).starts_with(&expected), "{error}");
    fs::write(&missing, b"a: \xff\n").unwrap();
    let error = Config::load(&all(), Some(&missing), &Env::default()).unwrap_err();
    assert!(error.render(false).contains("did not contain valid UTF-8"), "{error}");
    assert_eq!(error.exit(), Exit::Usage);
}

#[test]
fn lengths_of_time_are_read_with_their_units() {
    let ms = |text: &str| duration(text).map(|time| time.as_millis());
    let cases = [
        ("30s", Some(30_000)),
        ("500ms", Some(500)),
        ("2h", Some(7_200_000)),
        ("10m", Some(600_000)),
        ("10min", Some(600_000)),
        ("90d", Some(7_776_000_000)),
        (" 2 h ", Some(7_200_000)),
        ("1h30m", None),
        ("0", Some(0)),
        ("", None),
        ("5", None),
        ("s", None),
        ("-1s", None),
        ("1.5h", None),
        ("1w", None),
        ("400d", None),
        ("99999999999999999999s", None),
        ("9999999999999999d", None),
    ];
    for (text, expected) in cases {
        assert_eq!(ms(text), expected, "{text:?}");
    }
    assert_eq!(duration("1s"), Some(Duration::from_secs(1)));
}

#[test]
fn the_nearest_name_is_suggested_only_when_it_is_near() {
    let names = ["token", "slug", "base_url", "rate"];
    for (word, expected) in
        [("tokne", Some("token")), ("Slug", Some("slug")), ("baseurl", Some("base_url")), ("xyz", None), ("", None)]
    {
        assert_eq!(nearest(word, names), expected, "{word}");
    }
}

#[test]
fn a_variable_names_the_configuration_and_the_option_comes_before_it() {
    let folder = folder_with(&[("typed.yaml", "wrong: 1\n"), ("set.yaml", "wrong: 2\n")]);
    let place_of = |line: &str| {
        let ended = run(ferry(folder.path(), line).env("FERRY_CONFIG", "set.yaml"));
        assert_eq!(ended.exit, 2, "{}", ended.err);
        ended.err.lines().find_map(|line| line.trim().strip_prefix("--> ")).map(str::to_owned)
    };
    assert_eq!(place_of("check atom").as_deref(), Some("set.yaml:1:1"));
    assert_eq!(place_of("check atom --config typed.yaml").as_deref(), Some("typed.yaml:1:1"));
}
