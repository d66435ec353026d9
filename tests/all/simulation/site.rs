//! The sandbox from both sides: served, asked by a third party, and starts of the program that are cut off.

use super::dice::Dice;
use super::view::View;
use crate::support::{ask, postgres, runtime};
use ferry::outcome::{Exit, Failure};
use ferry::plan::{Config, Connection, Env, use_sandbox};
use ferry::report::{Choice, Console, Look, OutputKind, Streams};
use ferry::run::active::close::Ended;
use ferry::run::stop::Stop;
use ferry::sandbox::{FaultKind, Sandbox, SandboxOptions};
use ferry::store::StateDir;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longer than any lag or lateness of the sandbox.
pub const SETTLE: &str = "400ms";
const LAG: Duration = Duration::from_millis(120);
const SLOW: Duration = Duration::from_millis(40);

pub fn silent() -> Console {
    let look = Look { progress: Choice::Never, output: OutputKind::Human, quiet: true, ..Look::default() };
    Console::over(look, Streams { out: Box::new(std::io::sink()), err: Box::new(std::io::sink()), terminal: false })
}

/// The connection to a platform of a sandbox.
pub fn connection(view: &dyn View, sandbox: &Sandbox, settings: &[(&str, String)]) -> Connection {
    let config = Config::load(&crate::support::PLATFORMS, None, &Env::default())
        .unwrap_or_else(|error| panic!("{}", error.render(false)));
    let mut connection = config.find(view.name()).unwrap_or_else(|error| panic!("{}", error.render(false))).clone();
    use_sandbox(&mut connection, &sandbox.credentials());
    for (name, value) in view.settings() {
        connection.settings.set(name, *value);
    }
    for (name, value) in settings {
        connection.settings.set(name, value.as_str());
    }
    connection
}

/// A sandbox with so many clients of TWIN, and without faults.
pub fn options(folder: &Path, seed: u64, clients: usize) -> SandboxOptions {
    let options = SandboxOptions::new(folder.join("sandbox")).with("twin", "clients", clients);
    SandboxOptions { slow: SLOW, lag: LAG, seed, ..options }
}

/// The same, as bad as chance has it.
pub fn rough(dice: &mut Dice, calm: &SandboxOptions) -> SandboxOptions {
    let mut options = SandboxOptions {
        faults: faults(dice),
        rate: dice.chance(15).then_some((60, Duration::from_secs(1))),
        ..calm.clone()
    };
    if dice.chance(60) {
        options.set("twin", "token_requests", 40 + dice.below(100));
    }
    options
}

fn faults(dice: &mut Dice) -> Vec<(FaultKind, f64)> {
    let kinds = [
        (FaultKind::DropBefore, 3),
        (FaultKind::DropAfter, 12),
        (FaultKind::Error500, 3),
        (FaultKind::Error502After, 8),
        (FaultKind::Truncate, 8),
        (FaultKind::Lag, 50),
        (FaultKind::Slow, 10),
    ];
    let drawn = kinds.into_iter().filter(|_| dice.chance(60)).collect::<Vec<_>>();
    drawn.into_iter().map(|(kind, most)| (kind, (1 + dice.below(most)) as f64 / 100.0)).collect()
}

/// Settings of a connection that fails.
pub fn patience(dice: &mut Dice) -> Vec<(&'static str, String)> {
    vec![
        ("settle", SETTLE.to_owned()),
        ("timeout", "2s".to_owned()),
        ("rate", dice.pick(&["none", "none", "200/s", "auto"]).to_owned()),
        ("concurrency", dice.pick(&[1, 2, 4, 8, 16]).to_string()),
        ("find", dice.pick(&["auto", "snapshot", "each"]).to_owned()),
    ]
}

/// Settings of a connection where nothing fails.
pub fn at_ease() -> Vec<(&'static str, String)> {
    vec![("settle", SETTLE.to_owned()), ("rate", "none".to_owned())]
}

/// What a sandbox holds, for another one.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to.join("sandbox")).unwrap();
    for file in std::fs::read_dir(from.join("sandbox")).unwrap().flatten() {
        std::fs::copy(file.path(), to.join("sandbox").join(file.file_name())).unwrap();
    }
}

/// Waits until what was written before is in every list and search of the sandbox.
pub fn wait_until_visible() {
    std::thread::sleep(LAG + SLOW);
}

/// How one start of the program ends before its own end.
#[derive(Clone, Copy, Debug)]
pub enum Cut {
    Never,
    /// The process is gone.
    Killed(Duration),
    /// It gets a signal to stop.
    Told(Duration),
}

pub fn cut(dice: &mut Dice) -> Cut {
    let after = Duration::from_millis(5 + dice.below(700) as u64);
    if dice.chance(65) { Cut::Killed(after) } else { Cut::Told(after) }
}

/// One start of the program; `None` when it was killed.
pub fn one_start(cut: Cut, work: impl AsyncFnOnce(Stop) -> Result<Ended, Failure>) -> Option<Result<Ended, Failure>> {
    let runtime = runtime(2);
    let ended = runtime.block_on(async {
        let stop = Stop::default();
        let work = work(stop.clone());
        match cut {
            Cut::Never => Some(work.await),
            Cut::Killed(after) => tokio::time::timeout(after, work).await.ok(),
            Cut::Told(after) => {
                let told = async {
                    tokio::time::sleep(after).await;
                    stop.stop();
                    std::future::pending().await
                };
                tokio::select! {
                    ended = work => Some(ended),
                    () = told => None,
                }
            }
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(5));
    if let Some(Ok(ended)) = &ended {
        super::requests::count(matches!(cut, Cut::Never), ended.summary.requests.sent);
    }
    ended
}

/// Whether a start that was cut off, or let down, ended as it may.
pub fn may_end_so(exit: Exit) -> bool {
    matches!(exit, Exit::Done | Exit::Rejects | Exit::Unknown | Exit::Unavailable | Exit::Interrupted)
}

/// A third party that speaks to the sandbox.
pub struct Wire {
    pub address: SocketAddr,
    /// TWIN's.
    token: RefCell<String>,
}

impl Wire {
    pub fn to(sandbox: &Sandbox) -> Wire {
        Wire { address: sandbox.address(), token: RefCell::default() }
    }

    /// One request, again until it is answered well. An empty answer is null.
    pub fn insist(&self, platform: &str, method: &str, path: &str, body: &Value) -> Value {
        for _ in 0..300 {
            match self.once(platform, method, path, body) {
                Some(answer) => return answer,
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        }
        panic!("{method} {path} was never answered well")
    }

    /// One request; none where the answer is not whole or not good.
    pub fn once(&self, platform: &str, method: &str, path: &str, body: &Value) -> Option<Value> {
        let (path, header) = match platform {
            "atom" => (path.to_owned(), "Authorization: Bearer sandbox-atom-token".to_owned()),
            "mercately" => (path.to_owned(), "Api-Key: sandbox-mercately-key".to_owned()),
            "eadesk" => {
                let sign = if path.contains('?') { '&' } else { '?' };
                (format!("{path}{sign}token=sandbox-eadesk-token"), "Accept: */*".to_owned())
            }
            _ => (path.to_owned(), format!("Authorization: Bearer {}", self.token.borrow())),
        };
        let body = if body.is_null() { String::new() } else { body.to_string() };
        match ask(self.address, &format!("{method} {path}"), &header, &body) {
            Some((401, _)) if platform == "twin" => {
                let login = json!({ "email": "sandbox@example.com", "password": "sandbox-twin-password" }).to_string();
                let answer = ask(self.address, "POST /api/v1/auth/login", "Accept: */*", &login)?;
                let answer: Value = serde_json::from_str(&answer.1).ok()?;
                self.token.replace(answer["token"].as_str()?.to_owned());
                None
            }
            Some((200..300, text)) if text.trim().is_empty() => Some(Value::Null),
            Some((200..300, text)) => serde_json::from_str(&text).ok(),
            _ => None,
        }
    }
}

thread_local! {
    /// The databases of the folders of this thread, where simulations keep their state in PostgreSQL.
    static DATABASES: RefCell<Option<HashMap<PathBuf, StateDir>>> = const { RefCell::new(None) };
}

/// Simulates with the state of every folder in a database of its own.
pub fn on_databases<T>(simulate: impl FnOnce() -> T) -> T {
    DATABASES.set(Some(HashMap::new()));
    let simulated = simulate();
    DATABASES.set(None);
    simulated
}

/// Where the runs of a folder are kept.
pub fn state_of(folder: &Path) -> StateDir {
    let in_database = || {
        let address = postgres::address(&postgres::database().unwrap());
        StateDir::shared(folder.join("state"), address)
    };
    DATABASES.with_borrow_mut(|databases| match databases {
        Some(known) => known.entry(folder.to_owned()).or_insert_with(in_database).clone(),
        None => StateDir::in_folder(folder.join("state")),
    })
}
