//! Rates as people write them, and addresses.

use ferry::http::{Rate, check_base_url};

fn shown(text: &str) -> String {
    match Rate::parse(text) {
        Ok(rate) => rate.to_string(),
        Err(failure) => format!("{}; {}", failure.message, failure.hint.unwrap_or_default()),
    }
}

#[test]
fn a_rate_is_read_or_says_what_is_wrong_with_it() {
    let forms = "rates look like `10/s`, `300/min,5000/h`, `auto`, `auto,max=50/s` or `none`";
    let cases = [
        ("10/s", "10/s".to_owned()),
        (" 300/min , 5000/h,100000/d ", "300/min,5000/h,100000/d".to_owned()),
        ("AUTO", "auto".to_owned()),
        ("auto, max=50/s", "auto,max=50/s".to_owned()),
        ("auto,max=50/s,max=1000/min", "auto,max=50/s,max=1000/min".to_owned()),
        ("none", "none".to_owned()),
        ("100000/s", "100000/s".to_owned()),
        ("", format!("a rate cannot be blank; {forms}")),
        ("fast", format!("`fast` is not a rate: `fast` says no number and period; {forms}")),
        ("10", "`10` is not a rate: `10` says no period; `10/s` is 10 requests a second".to_owned()),
        ("10/m", "`10/m` is not a rate: `m` is not a period; did you mean `10/min`? Periods are `s`, `min`, `h` and `d`".to_owned()),
        ("10/week", "`10/week` is not a rate: `week` is not a period; periods are `s`, `min`, `h` and `d`".to_owned()),
        ("0/s", "`0/s` is not a rate: nothing would ever be sent; `none` is no limit".to_owned()),
        ("-5/s", format!("`-5/s` is not a rate: `-5` is not a whole number of requests; {forms}")),
        ("0.5/s", "`0.5/s` is not a rate: `0.5` is not a whole number of requests; give it for a longer period: `30/min` is one in 2 s".to_owned()),
        ("0.5/min", "`0.5/min` is not a rate: `0.5` is not a whole number of requests; give it for a longer period".to_owned()),
        ("100001/s", "`100001/s` is not a rate: more than `100000/s` cannot be kept to; `none` is no limit".to_owned()),
        ("99999999999/d", "`99999999999/d` is not a rate: more than `100000/s` cannot be kept to; `none` is no limit".to_owned()),
        ("10/s,", format!("`10/s,` is not a rate: `` says no number and period; {forms}")),
        ("10/s,none", format!("`10/s,none` is not a rate: `none` cannot follow a quota; {forms}")),
        ("auto,10/s", "`auto,10/s` is not a rate: `10/s` cannot follow `auto`; `auto,max=10/s` bounds it".to_owned()),
        ("none,10/s", format!("`none,10/s` is not a rate: `none` cannot stand with others; {forms}")),
        ("max=10/s", "`max=10/s` is not a rate: `max=` belongs to `auto`; `auto,max=10/s` adapts the rate below it, `10/s` is a fixed rate".to_owned()),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(text), expected, "{text:?}");
        if let Ok(rate) = Rate::parse(text) {
            assert_eq!(Rate::parse(&rate.to_string()), Ok(rate), "{text:?} shown and read again");
        }
    }
}

#[test]
fn an_address_is_protected_or_says_how_to_make_it_so() {
    let look = "an address looks like `https://app.example.com/api`";
    let cases = [
        ("https://api.example.com/v1", false, Ok("https://api.example.com/v1".to_owned())),
        ("http://127.0.0.1:4010/atom", false, Ok("http://127.0.0.1:4010/atom".to_owned())),
        ("http://127.8.8.8/", false, Ok("http://127.8.8.8/".to_owned())),
        ("http://[::1]:4010", false, Ok("http://[::1]:4010/".to_owned())),
        ("http://localhost:4010", false, Ok("http://localhost:4010/".to_owned())),
        ("http://10.0.0.7/api", true, Ok("http://10.0.0.7/api".to_owned())),
        (
            "http://api.example.com/v1",
            false,
            Err("`http://api.example.com/v1` would send the token and the contacts unencrypted; \
                 use `https://api.example.com/v1`, or set `allow_http: true` if the connection is protected otherwise"
                .to_owned()),
        ),
        (
            "http://localhost.example.com",
            false,
            Err("`http://localhost.example.com` would send the token and the contacts unencrypted; \
                 use `https://localhost.example.com`, or set `allow_http: true` if the connection is protected otherwise"
                .to_owned()),
        ),
        (
            "api.example.com",
            false,
            Err(format!("`api.example.com` is not the address of an API: relative URL without a base; {look}")),
        ),
        (
            "ftp://api.example.com",
            true,
            Err(format!("`ftp://api.example.com` is not the address of an API: it does not begin with `https://`; {look}")),
        ),
        (
            "https://api.example.com/?key=1",
            false,
            Err(format!("`https://api.example.com/?key=1` is not the address of an API: it goes on after a `?` or `#`; {look}")),
        ),
        (
            "https://ada:lovelace@api.example.com",
            false,
            Err("the address of an API cannot hold a user or a password; \
                 remove them from `base_url`; a token has a setting of its own"
                .to_owned()),
        ),
    ];
    for (text, allow_http, expected) in cases {
        let checked = check_base_url(text, allow_http).map(|url| url.to_string());
        let checked = checked.map_err(|failure| {
            assert_eq!(failure.exit.code(), 2);
            format!("{}; {}", failure.message, failure.hint.unwrap_or_default())
        });
        assert_eq!(checked, expected, "{text}");
    }
}
