//! The settings of connections: their names, values and mistakes.

use super::{connect, driver, facts};
use ferry::platforms::settings::{Settings, environment_name, parse_duration, validate};
use secrecy::SecretString;
use std::time::Duration;

#[test]
fn durations_are_a_number_and_a_unit() {
    for (text, expected_ms) in
        [("500ms", 500), ("30s", 30_000), ("2m", 120_000), ("1h", 3_600_000), ("90d", 7_776_000_000), ("0", 0)]
    {
        assert_eq!(parse_duration(text), Ok(Duration::from_millis(expected_ms)), "{text}");
    }
    for text in ["", "30", "s", "-1s", "1.5s", "3w", "99999999999999999999s", "18446744073709551615d", "１s"] {
        let failure = parse_duration(text).unwrap_err();
        let expected = format!(
            "`{text}` is not a duration; expected a whole number and a unit (`500ms`, `30s`, `2m`, `1h`, `90d`)"
        );
        assert_eq!((failure.exit.code(), failure.message), (2, expected));
    }
}

#[test]
fn the_environment_name_of_a_setting_is_in_capitals_with_underscores() {
    assert_eq!(environment_name("my-shop", "api_key"), "FERRY_MY_SHOP_API_KEY");
}

#[test]
fn all_errors_in_settings_are_reported_at_once() {
    let mut settings = Settings::new("my-shop");
    for (name, value) in [
        ("platform", "mercately"),
        ("slugg", "x"),
        ("write_body", "round"),
        ("timeout", "soon"),
        ("concurrency", "0"),
        ("path_prefix", "api"),
    ] {
        settings.set(name, value);
    }
    settings.set_secret("api_key", SecretString::from("  "));
    let failures = driver("mercately").connect(&settings).err().unwrap();
    let told: Vec<String> =
        failures.iter().map(|failure| format!("{} {failure}: {:?}", failure.exit.code(), failure.hint)).collect();
    assert_eq!(
        told,
        [
            "2 connection `my-shop` has no setting `slugg`: Some(\"did you mean `slug`?\")",
            "2 `concurrency` of connection `my-shop` is `0`; expected a whole number from 1 to 1024: None",
            "2 `timeout` of connection `my-shop` is `soon`; expected a whole number and a unit \
             (`500ms`, `30s`, `2m`, `1h`, `90d`): None",
            "2 connection `my-shop` has no `api_key`: Some(\"set `api_key` of connection `my-shop` in `ferry.yaml`, or \
             `FERRY_MY_SHOP_API_KEY` in the environment\")",
            "2 `write_body` of connection `my-shop` is `round`; expected `wrapped` or `flat`: None",
            "2 `path_prefix` of connection `my-shop` is `api`; expected a path that begins with `/`: None",
        ]
    );
}

#[test]
fn atom_checks_its_paths_and_its_page_size() {
    let failures = connect(
        "atom",
        &[
            ("path_clients", "clients"),
            ("path_by_id", "/clients"),
            ("path_by_phone", "/clients?phone="),
            ("page_size", "0"),
        ],
    );
    let told: Vec<String> = failures.err().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "`path_clients` of connection `my-shop` is `clients`; expected a path that begins with `/`",
            "`path_by_id` of connection `my-shop` is `/clients`; expected a path with `/` and `{id}`",
            "`path_by_phone` of connection `my-shop` is `/clients?phone=`; expected a path with `/` and `{phone}`",
            "`page_size` of connection `my-shop` is `0`; expected a whole number from 1 to 10000",
        ]
    );
}

#[test]
fn defaults_fill_what_is_not_set_and_nothing_else() {
    let platform = facts("atom");
    let mut settings = Settings::new("atom");
    settings.set("page_size", "7");
    settings.set_secret("token", SecretString::from("abc"));
    settings.fill_defaults(platform);
    let got = |name| settings.get(name).unwrap_or_default();
    assert_eq!((got("page_size"), got("sort"), got("rate"), got("timeout")), ("7", "asc", "auto", "30s"));
    assert_eq!(got("base_url"), "https://us-central1-atomchat-io.cloudfunctions.net");
    assert_eq!(validate(platform, &settings), []);
    let replaces = |settings: &Settings| driver("atom").connect(settings).is_ok_and(|connector| connector.replaces());
    assert!(replaces(&settings));
    settings.set("on_update", "merge");
    assert!(!replaces(&settings));
}
