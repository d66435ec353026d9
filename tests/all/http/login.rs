//! Tokens from a login: when and how often Ferry logs in, and what it reports when it gets no token.

use super::scripted::{Play, get, limited, options, post, secret, status, told};
use async_trait::async_trait;
use ferry::http::{Http, HttpOptions, Login, Request, Response, Sent, Token, Traffic, Transport, message::Method};
use ferry::outcome::{Exit, Failure};
use secrecy::{ExposeSecret, SecretString};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

const PASSWORD: &str = "correct horse battery";

/// A platform that takes the tokens it has given and has not let expire, and a server that gives them.
#[derive(Clone)]
struct Vendor(Arc<Mutex<State>>);

struct State {
    /// Tokens given so far, `token-0001` the first, and the one that is good.
    given: u32,
    good: u32,
    /// What the login server does before it works, and what it says to a refresh token.
    before: VecDeque<Play>,
    refresh: Play,
    /// What the platform says to a good token.
    then: VecDeque<Play>,
    /// How long each answer takes.
    latency: Duration,
    /// What came: `login`, `refresh`, and each token that came with a request.
    came: Vec<String>,
}

impl Vendor {
    fn new() -> Vendor {
        let (before, then) = (VecDeque::new(), VecDeque::new());
        let latency = Duration::from_millis(100);
        let refresh = Play::Answer(200, vec![], "token");
        Vendor(Arc::new(Mutex::new(State { given: 0, good: 0, before, refresh, then, latency, came: Vec::new() })))
    }

    fn set(self, change: impl FnOnce(&mut State)) -> Vendor {
        change(&mut self.0.lock().unwrap());
        self
    }

    fn came(&self) -> Vec<String> {
        self.0.lock().unwrap().came.clone()
    }

    fn came_times(&self, what: &str) -> usize {
        self.came().iter().filter(|came| *came == what).count()
    }

    fn expire(&self) {
        self.0.lock().unwrap().good = u32::MAX;
    }

    fn options(&self) -> HttpOptions {
        HttpOptions { login: Some(Arc::new(desk())), ..options("none") }
    }

    fn client(&self) -> Arc<Http> {
        Arc::new(Http::with_transport(Box::new(self.clone()), self.options()))
    }

    async fn answer(&self, play: Play, body: String) -> Sent {
        let latency = self.0.lock().unwrap().latency;
        tokio::time::sleep(latency).await;
        match play {
            Play::Answer(status, headers, said) => {
                let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                let body = if said == "token" { body } else { said.replace("TOKEN", &body) };
                Sent::Answered(Response { status, headers, body: body.into() })
            }
            Play::Silent => Sent::InDoubt(Failure::new(Exit::Unavailable, "did not answer within 30 s")),
            _ => Sent::NotSent(Failure::new(Exit::Unavailable, "not to be had").cause(format!("with {body}"))),
        }
    }
}

#[async_trait]
impl Transport for Vendor {
    async fn exchange(&self, request: &Request) -> Sent {
        let header = request.headers.iter().find(|(name, _)| *name == "Authorization").map(|(_, value)| value.clone());
        let token = header.map_or_else(|| "none".to_owned(), Cow::into_owned);
        let play = {
            let mut state = self.0.lock().unwrap();
            state.came.push(token.clone());
            match token == format!("Bearer token-of-the-account-{:04}", state.good) {
                true => state.then.pop_front().unwrap_or_else(super::scripted::ok),
                false => Play::Answer(401, vec![], "expired: TOKEN"),
            }
        };
        self.answer(play, token).await
    }

    async fn log_in(&self, request: &Request) -> Sent {
        assert!(request.repeatable && request.headers.iter().all(|(name, _)| *name != "Authorization"));
        let play = {
            let mut state = self.0.lock().unwrap();
            state.came.push(request.path.trim_start_matches('/').to_owned());
            let play = match request.path.as_str() {
                "/refresh" => state.refresh.clone(),
                _ => state.before.pop_front().unwrap_or(Play::Answer(200, vec![], "token")),
            };
            if matches!(&play, Play::Answer(200, _, "token")) {
                state.given += 1;
                state.good = state.given;
            }
            play
        };
        let given = self.0.lock().unwrap().given;
        self.answer(play, format!("token-of-the-account-{given:04}")).await
    }
}

/// How the vendor's tokens are asked for.
pub struct Desk(pub String);

fn desk() -> Desk {
    Desk("https://iam.example.com/v1".to_owned())
}

impl Login for Desk {
    fn base_url(&self) -> Result<url::Url, Failure> {
        ferry::http::check_base_url(&self.0, false)
    }

    fn secrets(&self) -> Vec<SecretString> {
        vec![secret(PASSWORD)]
    }

    fn first(&self) -> Request {
        Request::write(Method::Post, "/login", &serde_json::json!({ "password": PASSWORD }))
    }

    fn next(&self, last: &Token) -> Option<Request> {
        let refresh = last.refresh.as_ref()?.expose_secret();
        Some(Request::write(Method::Post, "/refresh", &serde_json::json!({ "refresh": refresh })))
    }

    fn token(&self, response: &Response) -> Option<Token> {
        let token = response.text(100);
        let header = ("Authorization", secret(&format!("Bearer {token}")));
        let refresh = Some(secret(&format!("refresh of {token}")));
        token.starts_with("token").then_some(Token { header, refresh })
    }

    fn refused(&self, response: &Response) -> Failure {
        Failure::new(Exit::Refused, format!("refused ({})", response.status)).cause(response.text(100))
    }

    fn has_expired(&self, response: &Response) -> bool {
        response.status == 401 && response.text(100).starts_with("expired")
    }
}

/// Sends so many requests at once, every other one writing, and returns the result of each.
async fn send_all(client: &Arc<Http>, n: usize) -> Vec<String> {
    let send = |n: usize| {
        let client = Arc::clone(client);
        tokio::spawn(async move { told(&client.send(if n.is_multiple_of(2) { get() } else { post() }).await) })
    };
    let mut all = Vec::new();
    for sent in (0..n).map(send).collect::<Vec<_>>() {
        all.push(sent.await.unwrap());
    }
    all
}

fn token(number: u32) -> String {
    format!("Bearer token-of-the-account-{number:04}")
}

fn failure(sent: Sent) -> Failure {
    let Sent::NotSent(failure) = sent else { panic!("{sent:?}") };
    failure
}

#[tokio::test(start_paused = true)]
async fn twenty_requests_log_in_once_and_carry_one_token() {
    let vendor = Vendor::new();
    let client = vendor.client();
    assert_eq!(send_all(&client, 20).await, vec!["200"; 20]);
    assert_eq!(vendor.came()[0], "login");
    assert_eq!((vendor.came_times("login"), vendor.came_times(&token(1))), (1, 20));
    assert_eq!(
        client.traffic(),
        Traffic { sent: 21, retried: 0, rate_limited: 0, times: client.traffic().times },
        "a login is traffic"
    );
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_is_renewed_once_for_all_requests_that_used_it() {
    let vendor = Vendor::new();
    let client = vendor.client();
    assert_eq!(send_all(&client, 1).await, ["200"]);
    vendor.expire();
    assert_eq!(send_all(&client, 20).await, vec!["200"; 20], "those that write are sent again, too");
    let counts = ["login", "refresh", &token(1), &token(2)].map(|what| vendor.came_times(what));
    assert_eq!(counts, [1, 1, 21, 20]);
    assert_eq!(client.traffic(), Traffic { sent: 43, retried: 20, rate_limited: 0, times: client.traffic().times });
}

#[tokio::test(start_paused = true)]
async fn a_late_request_with_an_old_token_uses_the_newer_one() {
    let vendor = Vendor::new();
    let client = vendor.client();
    assert_eq!(send_all(&client, 1).await, ["200"]);
    vendor.expire();
    let late = tokio::spawn({
        let vendor = vendor.clone().set(|state| state.latency = Duration::from_secs(5));
        let client = Arc::clone(&client);
        async move { (told(&client.send(post()).await), vendor) }
    });
    tokio::time::sleep(Duration::from_millis(10)).await;
    let vendor = vendor.set(|state| state.latency = Duration::from_millis(100));
    assert_eq!(send_all(&client, 3).await, vec!["200"; 3]);
    assert_eq!(late.await.unwrap().0, "200");
    assert_eq!((vendor.came_times("login"), vendor.came_times("refresh")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn where_a_refresh_brings_no_token_the_password_does() {
    for refresh in [status(400), status(401), status(500), Play::Unreachable, Play::Answer(200, vec![], "{}")] {
        let vendor = Vendor::new().set(|state| state.refresh = refresh);
        let client = vendor.client();
        assert_eq!(send_all(&client, 1).await, ["200"]);
        vendor.expire();
        assert_eq!(send_all(&client, 20).await, vec!["200"; 20]);
        assert_eq!((vendor.came_times("login"), vendor.came_times(&token(2))), (2, 20));
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_token_that_worked_once_and_expires_before_the_next_attempt_is_renewed_too() {
    let vendor = Vendor::new();
    let client = vendor.client();
    assert_eq!(send_all(&client, 1).await, ["200"]);
    vendor.expire();
    let busy = Play::Answer(503, vec![("Retry-After", "5")], "");
    let vendor = vendor.set(|state| state.then.push_back(busy));
    let waits = tokio::spawn({
        let client = Arc::clone(&client);
        async move { told(&client.send(get()).await) }
    });
    // The first has arrived with the new token by now, and has to wait at 300 ms.
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert_eq!(send_all(&client, 1).await, ["200"]);
    vendor.expire();
    assert_eq!(waits.await.unwrap(), "200");
    let counts = ["login", "refresh", &token(2), &token(3)].map(|what| vendor.came_times(what));
    assert_eq!(counts, [1, 2, 3, 1]);
}

#[tokio::test(start_paused = true)]
async fn tokens_that_expire_before_they_can_be_used_are_no_wrong_password() {
    let vendor = Vendor::new();
    let client = vendor.client();
    assert_eq!(send_all(&client, 1).await, ["200"]);
    let stubborn = vendor.clone().set(|state| state.given = 90_000);
    stubborn.expire();
    let wrong = stubborn.set(|state| state.refresh = Play::Answer(200, vec![], "token-that-is-wrong-0001"));
    assert_eq!(send_all(&client, 20).await, vec!["not sent, exit 6"; 20]);
    assert_eq!((wrong.came_times("refresh"), wrong.came_times("login")), (8, 1));
}

#[tokio::test(start_paused = true)]
async fn any_other_401_is_final() {
    let vendor = Vendor::new().set(|state| state.then.push_back(Play::Answer(401, vec![], "no right to do so")));
    let client = vendor.client();
    let Sent::Answered(response) = client.send(get()).await else { panic!("no answer") };
    assert_eq!((response.status, response.text(100).as_str()), (401, "no right to do so"));
    assert_eq!(vendor.came(), ["login".to_owned(), token(1)]);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_tried_once_and_reported_once() {
    for status in [400, 401, 403, 404, 422, 302] {
        let vendor = Vendor::new().set(|state| state.before.push_back(super::scripted::status(status)));
        let client = vendor.client();
        assert_eq!(send_all(&client, 20).await, vec!["not sent, exit 5"; 20]);
        let failure = failure(client.send(get()).await);
        assert_eq!(failure.to_string(), format!("refused ({status}): {{}}"));
        assert_eq!(vendor.came(), ["login"], "servers count wrong passwords");
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_that_is_unavailable_is_retried_and_its_failure_reaches_every_waiting_request() {
    let gone = "`https://iam.example.com/v1` has responded only with 503 for too long";
    let unreachable = "not to be had: with token-of-the-account-0000";
    let silent = "did not answer within 30 s";
    let odd = "`https://iam.example.com/v1` answered a login without a token (HTTP 200)";
    for (play, tries, seconds, message) in [
        (Play::Unreachable, 4..=4, 1..=5, unreachable),
        // An outage lasts as long as anyone waits, so how often it is tried depends on chance.
        (status(503), 8..=20, 115..=125, gone),
        (Play::Silent, 5..=5, 3..=9, silent),
        (super::scripted::ok(), 1..=1, 0..=1, odd),
    ] {
        let failing = || vec![play.clone(); 20].into();
        let vendor = Vendor::new().set(|state| state.before = failing());
        let client = vendor.client();
        let start = Instant::now();
        assert_eq!(send_all(&client, 20).await, vec!["not sent, exit 6"; 20]);
        assert!(seconds.contains(&start.elapsed().as_secs()), "{message}: {:?}", start.elapsed());
        let came = vendor.came();
        assert!(came.iter().all(|path| path == "login") && tries.contains(&came.len()), "{came:?}");
        let vendor = vendor.set(|state| state.before = failing());
        assert_eq!(failure(client.send(get()).await).to_string(), message);
        let vendor = vendor.set(|state| state.before.clear());
        assert_eq!(send_all(&client, 2).await, ["200", "200"], "it is to be had again");
        assert_eq!(vendor.came_times(&token(1)), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_waits_as_long_as_it_is_asked_to_and_no_longer_than_a_quarter_of_an_hour() {
    let vendor = Vendor::new().set(|state| state.before.push_back(limited("30")));
    let client = vendor.client();
    let start = Instant::now();
    let waiting = tokio::spawn({
        let client = Arc::clone(&client);
        async move { send_all(&client, 5).await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(client.pause().expect("a pause").why, "the platform asked for 30 s (429)");
    assert_eq!(waiting.await.unwrap(), vec!["200"; 5]);
    assert_eq!((start.elapsed().as_secs(), vendor.came_times("login")), (30, 2));
    assert_eq!(client.traffic(), Traffic { sent: 7, retried: 1, rate_limited: 1, times: client.traffic().times });
    let vendor = Vendor::new().set(|state| state.before.push_back(limited("901")));
    let told = failure(vendor.client().send(post()).await);
    assert_eq!(told.message, "`https://iam.example.com/v1` asks for no requests for 15 min 1 s");
    assert_eq!((told.exit, vendor.came()), (Exit::Unavailable, vec!["login".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_a_login_at_once() {
    for slow in [Duration::from_secs(20), Duration::from_millis(1)] {
        let busy = |state: &mut State| {
            state.latency = slow;
            state.before = vec![limited("600"); 3].into();
        };
        let vendor = Vendor::new().set(busy);
        let client = vendor.client();
        let all = tokio::spawn({
            let client = Arc::clone(&client);
            async move { send_all(&client, 20).await }
        });
        tokio::time::sleep(Duration::from_secs(5)).await;
        let start = Instant::now();
        client.stop();
        assert_eq!(all.await.unwrap(), vec!["not sent, exit 130"; 20]);
        assert!(start.elapsed() < Duration::from_millis(10), "{:?}", start.elapsed());
        assert_eq!(vendor.came(), ["login"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_stopped_while_a_token_is_renewed_returns_the_doubt() {
    for (play, expected) in [(None, "not sent, exit 130"), (Some(status(500)), "500")] {
        let vendor = Vendor::new();
        let client = vendor.client();
        assert_eq!(send_all(&client, 1).await, ["200"]);
        let vendor = vendor.set(|state| {
            state.refresh = limited("600");
            state.then.extend(play.clone());
        });
        if play.is_none() {
            vendor.expire();
        }
        let sent = tokio::spawn({
            let client = Arc::clone(&client);
            async move { told(&client.send(ferry::http::Request { repeatable: true, ..post() }).await) }
        });
        tokio::time::sleep(Duration::from_millis(150)).await;
        vendor.expire();
        tokio::time::sleep(Duration::from_secs(60)).await;
        client.stop();
        assert_eq!(sent.await.unwrap(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_does_not_wait_for_the_pace() {
    let vendor = Vendor::new().set(|state| state.latency = Duration::ZERO);
    let options = HttpOptions { rate: ferry::http::Rate::parse("1/min").unwrap(), ..vendor.options() };
    let client = Arc::new(Http::with_transport(Box::new(vendor.clone()), options));
    let start = Instant::now();
    assert_eq!(send_all(&client, 1).await, ["200"]);
    assert!(start.elapsed().as_secs() < 1);
    vendor.expire();
    assert_eq!(send_all(&client, 1).await, ["200"]);
    assert_eq!(start.elapsed().as_secs() / 60, 2, "the request went twice, and the login beside it");
}

#[tokio::test(start_paused = true)]
async fn no_secret_of_a_login_leaves_the_http_client() {
    // Whether a line is logged at all is kept for all threads: another test may just have said no.
    for _ in 0..20 {
        let log = what_the_http_client_sends().await;
        if log.contains("POST /login: 200") && log.contains("POST /refresh: 200") {
            return;
        }
        tracing::callsite::rebuild_interest_cache();
    }
    panic!("nothing is logged");
}

/// The log of all that a login can come to; no secret is in it, nor in any answer.
async fn what_the_http_client_sends() -> String {
    let logged = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_writer({
        let logged = logged.clone();
        move || logged.clone()
    });
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let echo = |status| Play::Answer(status, vec![("x-echo", "refresh of token-of-the-account-0001")], "saw TOKEN");
    let vendor = Vendor::new();
    let client = vendor.client();
    let mut seen = Vec::new();
    for status in [200, 400, 500] {
        let vendor = vendor.clone().set(|state| state.then.extend(vec![echo(status); 5]));
        seen.push(format!("{:?}", client.send(Request { path: format!("/{PASSWORD}"), ..get() }).await));
        vendor.set(|state| state.then.clear()).expire();
        seen.push(format!("{:?}", client.send(post()).await));
    }
    let all = ["token-of-the-account-0001", "Bearer token-of-the-account-0003", "refresh of token-of-the-account-0002"];
    let echoed = format!("{PASSWORD}, {}", all.join(", "));
    assert_eq!(client.redact(&echoed), "***, ***, ***, ***");
    vendor.expire();
    let refused = Play::Answer(400, vec![], "correct horse battery is wrong, refresh of token-of-the-account-0001");
    let vendor = vendor.set(|state| {
        state.refresh = status(400);
        state.before.push_back(refused);
    });
    let told = failure(client.send(get()).await);
    assert_eq!(told.to_string(), "refused (400): *** is wrong, ***");
    let down = Vendor::new().set(|state| state.then.extend(vec![Play::Unreachable; 9]));
    let down_door = down.client();
    seen.push(format!("{:?}", down_door.send(get()).await));
    let log = String::from_utf8(logged.0.lock().unwrap().clone()).unwrap();
    // An answer is data; what is shown of it is redacted where it is shown.
    let seen: Vec<String> = seen.iter().map(|text| client.redact(&down_door.redact(text))).collect();
    for text in seen.iter().chain([&log]) {
        assert!(!text.contains("of-the-account") && !text.contains(PASSWORD), "{text}");
    }
    assert!(seen[0].contains("saw ***"), "{}", seen[0]);
    assert!(!format!("{:?}", desk().token(&answered("token-of-the-account-0009"))).contains("0009"));
    drop(vendor);
    log
}

fn answered(body: &'static str) -> Response {
    Response { status: 200, headers: Vec::new(), body: body.into() }
}

/// What is logged on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
