//! How TWIN issues tokens: one call with e-mail and password, another one with the refresh token of the first.
//!
//! The server that issues them (IAM) is a different one from that of the chats. It sends nothing itself.

use super::facts::{FACTS, SETTINGS};
use crate::http::{Login, Method, Request, Response, Token, check_base_url};
use crate::outcome::{Exit, Failure};
use crate::platforms::answer::{Account, SAMPLED_LEN_MAX, object};
use crate::platforms::exchange::Fault;
use crate::platforms::settings::Settings;
use crate::platforms::value::text;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;

/// A secret that is set and not blank.
pub(super) fn secret<'a>(settings: &'a Settings, name: &str) -> Option<&'a str> {
    settings.secret(name).map(|secret| secret.expose_secret().trim()).filter(|secret| !secret.is_empty())
}

/// The login, if there is no token and all its settings are there.
pub(super) fn login(settings: &Settings) -> Option<Box<dyn Login>> {
    if secret(settings, "token").is_some() {
        return None;
    }
    let get = |name| settings.get_or_default(SETTINGS, name);
    Some(Box::new(Iam {
        email: settings.get("email")?.to_owned(),
        // A blank at the end of a password is part of it.
        password: settings.secret("password")?.clone(),
        url: get("iam_url").to_owned(),
        allow_http: settings.is_true("allow_http"),
        ttl: get("ttl").parse().ok(),
        company: get("company_id").parse().ok(),
        is_bare: get("refresh_header") == "bare",
        connection: settings.connection.clone(),
    }))
}

/// A token as it is sent with every request.
pub(super) fn bearer(token: &str) -> SecretString {
    SecretString::from(format!("Bearer {}", bare(token)))
}

fn bare(token: &str) -> &str {
    token.strip_prefix("Bearer ").unwrap_or(token).trim()
}

/// How tokens are obtained.
struct Iam {
    email: String,
    password: SecretString,
    url: String,
    allow_http: bool,
    ttl: Option<u64>,
    company: Option<u64>,
    is_bare: bool,
    connection: String,
}

impl Login for Iam {
    fn base_url(&self) -> Result<Url, Failure> {
        check_base_url(&self.url, self.allow_http)
    }

    fn secrets(&self) -> Vec<SecretString> {
        vec![self.password.clone()]
    }

    fn first(&self) -> Request {
        let mut body = json!({ "email": self.email, "password": self.password.expose_secret() });
        self.add(&mut body, "ttl", self.ttl);
        self.add(&mut body, "companyId", self.company);
        accepts_json(Request::write(Method::Post, "/auth/login", &body))
    }

    fn next(&self, last: &Token) -> Option<Request> {
        let mut body = json!({ "refreshToken": last.refresh.as_ref()?.expose_secret() });
        self.add(&mut body, "ttl", self.ttl);
        let mut request = accepts_json(Request::write(Method::Post, "/auth/refresh", &body));
        let token = last.header.1.expose_secret();
        let token = if self.is_bare { bare(token) } else { token };
        request.headers.push(("Authorization", token.to_owned().into()));
        Some(request)
    }

    fn token(&self, response: &Response) -> Option<Token> {
        let answer = object(response)?;
        let get = |name: &str| answer.get(name)?.as_str().map(str::trim).filter(|token| !token.is_empty());
        let refresh = get("refreshToken").map(|token| SecretString::from(token.to_owned()));
        Some(Token { header: ("Authorization", bearer(get("token")?)), refresh })
    }

    fn refused(&self, response: &Response) -> Failure {
        let account = Account { title: FACTS.title.clone(), connection: self.connection.clone() };
        let fault = match response.status {
            300..=399 | 404 | 405 => account.refuses_us(response, &["iam_url"]),
            _ => account.refuses_us(response, &["email", "password"]),
        };
        let message =
            format!("{} refuses the login of connection `{}` (HTTP {})", FACTS.title, self.connection, response.status);
        let failure = match fault {
            Fault::Fatal(failure) => Failure { message, ..failure },
            _ => Failure::new(Exit::Refused, message),
        };
        // It is shortened after secrets have been removed.
        let said = object(response).and_then(|answer| text(answer.get("error")?));
        match said {
            Some(said) => failure.cause(said.chars().take(SAMPLED_LEN_MAX).collect::<String>()),
            None => failure,
        }
    }

    fn has_expired(&self, response: &Response) -> bool {
        is_expired(response)
    }
}

impl Iam {
    fn add(&self, body: &mut Value, name: &str, number: Option<u64>) {
        if let (Some(number), Value::Object(body)) = (number, body) {
            body.insert(name.to_owned(), Value::from(number));
        }
    }
}

/// Whether the token has expired: 401 with `{"error":"Token is expired."}`, or the like. Status and wording are those that
/// one client library reads, and are not documented. Any other refusal is final.
pub(super) fn is_expired(response: &Response) -> bool {
    let said = || object(response).map(|answer| Value::Object(answer).to_string().to_lowercase());
    matches!(response.status, 400..=499)
        && said().is_some_and(|said| said.contains("token") && said.contains("expired"))
}

/// The same with a header that asks for JSON.
pub(super) fn accepts_json(mut request: Request) -> Request {
    request.headers.push(("Accept", "application/json".into()));
    request
}
