//! HTTP clients over a scripted platform, on a clock that only moves when all tasks wait.

use async_trait::async_trait;
use ferry::clock::Clock;
use ferry::http::{Credentials, Http, HttpOptions, Rate, Request, Response, Sent, Transport};
use ferry::outcome::{Exit, Failure};
use secrecy::SecretString;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// What the platform does with a request.
#[derive(Clone)]
pub enum Play {
    /// Answers with status, headers, body.
    Answer(u16, Vec<(&'static str, &'static str)>, &'static str),
    /// Cannot be reached.
    Unreachable,
    /// Cannot be reached, and never will.
    BadCertificate,
    /// Takes the request and says nothing.
    Silent,
}

pub fn ok() -> Play {
    Play::Answer(200, vec![], "{}")
}

pub fn status(status: u16) -> Play {
    Play::Answer(status, vec![], "{}")
}

pub fn limited(retry_after: &'static str) -> Play {
    Play::Answer(429, vec![("retry-after", retry_after)], "slow down")
}

/// Plays a list, its last item for ever; notes when each request came.
#[derive(Clone)]
pub struct Platform {
    script: Arc<Mutex<VecDeque<Play>>>,
    pub came: Arc<Mutex<Vec<Duration>>>,
    start: Instant,
    latency: Duration,
}

impl Platform {
    pub fn playing(script: impl IntoIterator<Item = Play>) -> Platform {
        let script = Arc::new(Mutex::new(script.into_iter().collect()));
        Platform { script, came: Arc::default(), start: Instant::now(), latency: Duration::ZERO }
    }

    pub fn slow(mut self, latency: Duration) -> Platform {
        self.latency = latency;
        self
    }

    /// When requests came, in milliseconds after the start.
    pub fn came_ms(&self) -> Vec<u128> {
        self.came.lock().unwrap().iter().map(Duration::as_millis).collect()
    }
}

#[async_trait]
impl Transport for Platform {
    async fn exchange(&self, _request: &Request) -> Sent {
        self.came.lock().unwrap().push(self.start.elapsed());
        let play = {
            let mut script = self.script.lock().unwrap();
            if script.len() > 1 { script.pop_front() } else { script.front().cloned() }
        };
        tokio::time::sleep(self.latency).await;
        match play.expect("a script") {
            Play::Answer(status, headers, body) => {
                let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                Sent::Answered(Response { status, headers, body: body.into() })
            }
            Play::Unreachable => Sent::NotSent(
                Failure::new(Exit::Unavailable, "`https://api.example.com` cannot be reached")
                    .cause("connection refused"),
            ),
            Play::BadCertificate => Sent::NotSent(Failure::new(Exit::Refused, "the certificate will not do")),
            Play::Silent => Sent::InDoubt(Failure::new(Exit::Unavailable, "did not answer within 30 s")),
        }
    }
}

pub fn options(rate: &str) -> HttpOptions {
    HttpOptions {
        base_url: "https://api.example.com/v1/".parse().unwrap(),
        credentials: Credentials::default(),
        login: None,
        user_agent: "ferry/test".to_owned(),
        timeout: Duration::from_secs(30),
        rate: Rate::parse(rate).unwrap(),
        rate_start_per_s: 2.0,
        concurrency: 64,
        wait: Duration::ZERO,
        clock: Clock::start(),
        seed: 17,
    }
}

pub fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

pub fn client(platform: &Platform, rate: &str) -> Arc<Http> {
    Arc::new(Http::with_transport(Box::new(platform.clone()), options(rate)))
}

pub fn get() -> Request {
    Request::get("/contacts")
}

pub fn post() -> Request {
    Request::write(ferry::http::Method::Post, "/contacts", &serde_json::json!({"name": "Ada"}))
}

/// An answer in one word, for tables.
pub fn told(sent: &Sent) -> String {
    match sent {
        Sent::Answered(response) => response.status.to_string(),
        Sent::NotSent(failure) => format!("not sent, exit {}", failure.exit.code()),
        Sent::InDoubt(failure) => format!("in doubt, exit {}", failure.exit.code()),
    }
}
