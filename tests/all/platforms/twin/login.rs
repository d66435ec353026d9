//! TWIN: tokens, the login, and settings that are wrong.

use super::*;

/// Settings with e-mail and password, and no token.
fn settings(given: &[(&str, &str)]) -> Settings {
    let mut settings = Settings::new("my-shop");
    for (name, value) in [("email", "ana@example.com"), ("password", "s3cret ")].iter().chain(given) {
        match *name {
            "password" | "token" => settings.set_secret(name, SecretString::from(*value)),
            name => settings.set(name, *value),
        }
    }
    settings.fill_defaults(facts("twin"));
    settings
}

fn login(given: &[(&str, &str)]) -> Option<Box<dyn Login>> {
    driver("twin").login(&settings(given))
}

fn answer(status: u16, body: &Value) -> Response {
    Response { status, headers: Vec::new(), body: body.to_string().into() }
}

#[test]
fn a_token_wins_over_a_login_and_a_login_takes_both() {
    assert!(login(&[("token", "abc")]).is_none());
    assert!(login(&[("token", " ")]).is_some(), "a blank is none");
    assert!(login(&[("email", "")]).is_none());
    assert!(driver("twin").credentials(&settings(&[])).headers.is_empty());
}

#[test]
fn the_login_is_sent_as_the_documents_say() {
    for (given, expected) in [
        (&[][..], json!({"email": "ana@example.com", "password": "s3cret ", "ttl": 86400})),
        (
            &[("ttl", "600"), ("company_id", "123")],
            json!({"email": "ana@example.com", "password": "s3cret ", "ttl": 600, "companyId": 123}),
        ),
    ] {
        let request = login(given).unwrap().first();
        assert_eq!((request.method, request.path.as_str()), (Method::Post, "/auth/login"));
        assert_eq!(String::from_utf8(request.body.unwrap().to_vec()).unwrap(), expected.to_string());
    }
    assert_eq!(login(&[]).unwrap().base_url().unwrap().as_str(), "https://iam.twin24.ai/api/v1");
}

#[test]
fn a_token_is_renewed_with_the_bare_token_in_the_header() {
    for (how, header) in [("bare", "abc.def"), ("bearer", "Bearer abc.def")] {
        let login = login(&[("refresh_header", how)]).unwrap();
        let token = login.token(&answer(200, &json!({"token": "abc.def", "refreshToken": "r1"}))).unwrap();
        assert_eq!((token.header.0, token.header.1.expose_secret()), ("Authorization", "Bearer abc.def"));
        let request = login.next(&token).unwrap();
        assert_eq!((request.method, request.path.as_str()), (Method::Post, "/auth/refresh"));
        let sent = request.headers.iter().find(|(name, _)| *name == "Authorization").unwrap();
        assert_eq!(sent.1, header);
        let body = String::from_utf8(request.body.unwrap().to_vec()).unwrap();
        assert_eq!(body, json!({"refreshToken": "r1", "ttl": 86400}).to_string());
        assert!(login.next(&Token { refresh: None, ..token }).is_none());
    }
}

#[test]
fn only_a_token_makes_a_login_good() {
    let login = login(&[]).unwrap();
    for body in [json!({}), json!({"token": null}), json!({"token": " "}), json!({"token": 7}), json!([])] {
        assert!(login.token(&answer(200, &body)).is_none(), "{body}");
    }
    let token = login.token(&answer(200, &json!({"token": " abc "}))).unwrap();
    assert_eq!((token.header.1.expose_secret(), token.refresh.is_none()), ("Bearer abc", true));
}

#[test]
fn a_token_has_expired_only_where_the_platform_says_so() {
    let login = login(&[]).unwrap();
    for (status, body, expected) in [
        (401, json!({"error": "Token is expired."}), true),
        (401, json!({"error": "token is Expired "}), true),
        (401, json!({"error": "Token is invalid."}), false),
        (401, json!({"error": "Unauthorized"}), false),
        (401, json!({"error": {"text": "Token is expired."}}), true),
        (401, json!({"message": "Token has expired"}), true),
        (403, json!({"error": "Token is expired."}), true),
        (422, json!({"error": "Token is expired."}), true),
        (401, json!("Token is expired."), false),
        (500, json!({"error": "Token is expired."}), false),
        (200, json!({"error": "Token is expired."}), false),
    ] {
        assert_eq!(login.has_expired(&answer(status, &body)), expected, "{status} {body}");
    }
}

#[test]
fn a_refused_login_says_what_to_fix() {
    let who = "`email` or `password` of connection `my-shop` in `ferry.yaml`, or `FERRY_MY_SHOP_EMAIL` or \
               `FERRY_MY_SHOP_PASSWORD` in the environment";
    let place = "`iam_url` of connection `my-shop` in `ferry.yaml`, or `FERRY_MY_SHOP_IAM_URL` in the environment";
    for (status, body, said, what) in [
        (401, json!({"error": "Wrong password"}), ": Wrong password", who),
        (422, json!({}), "", who),
        (404, json!("x"), "", place),
        (302, json!(null), "", place),
    ] {
        let failure = login(&[]).unwrap().refused(&answer(status, &body));
        let expected = format!("TWIN refuses the login of connection `my-shop` (HTTP {status}){said}");
        assert_eq!((failure.exit.code(), failure.to_string()), (5, expected));
        assert_eq!(failure.hint, Some(format!("correct {what}")));
    }
}

#[test]
fn with_a_login_a_refusal_points_at_it() {
    let connector = driver("twin").connect(&settings(&[])).unwrap_or_else(|failures| panic!("{failures:?}"));
    let mut scene = scene("twin", &[], &[(DEFINED, error(403, "no right"))]);
    scene.connector = connector;
    assert_eq!(
        run(scene.connector.check(&scene.http)).map_err(told).err().unwrap(),
        "fatal 5 TWIN refuses connection `my-shop` (HTTP 403) | correct `email` or `password` of connection `my-shop` in \
         `ferry.yaml`, or `FERRY_MY_SHOP_EMAIL` or `FERRY_MY_SHOP_PASSWORD` in the environment"
    );
}

#[test]
fn all_errors_of_the_settings_are_reported_at_once() {
    let failures = |given: &[(&str, &str)]| -> Vec<String> {
        let told =
            |failure: &ferry::outcome::Failure| format!("{failure} | {}", failure.hint.as_deref().unwrap_or("-"));
        driver("twin").connect(&settings(given)).err().unwrap_or_default().iter().map(told).collect()
    };
    assert_eq!(failures(&[]), [""; 0]);
    let neither = "connection `my-shop` has neither `token` nor `email` and `password` | set `token`, or `email` and \
                   `password` of connection `my-shop` in `ferry.yaml`, or `FERRY_MY_SHOP_TOKEN`, or \
                   `FERRY_MY_SHOP_EMAIL` and `FERRY_MY_SHOP_PASSWORD` in the environment";
    assert_eq!(failures(&[("email", ""), ("password", " ")]), [neither]);
    let half = "connection `my-shop` has no `password` | set `password` of connection `my-shop` in `ferry.yaml`, or \
                `FERRY_MY_SHOP_PASSWORD` in the environment";
    assert_eq!(failures(&[("password", "")]), [half]);
    assert_eq!(
        failures(&[
            ("ttl", "soon"),
            ("company_id", "-1"),
            ("page_size", "0"),
            ("match", "x"),
            ("iam_url", "http://ana:s3cret@x.example")
        ]),
        [
            "`match` of connection `my-shop` is `x`; expected `id` or `name` | -",
            "`page_size` of connection `my-shop` is `0`; expected a whole number from 1 to 10000 | -",
            "`ttl` of connection `my-shop` is `soon`; expected a whole number from 60 to 315360000 | -",
            "`company_id` of connection `my-shop` is `-1`; expected a whole number from 0 to 18446744073709551615 | -",
            "`iam_url` of connection `my-shop` is invalid: the address of an API cannot hold a user or a password | \
             remove them from `iam_url`; a token has a setting of its own",
        ]
    );
}
