//! The platforms on loopback, to rehearse with and to test against: each under the paths of its real API, with the
//! quirks that its reference names, and with faults on request.
//!
//! What was acknowledged is on disk. It shares no code with the connectors: it is the other side of the wire, and was
//! written from the references alone. It does not imitate a platform's speed, its user interface, or anything that
//! carries no contacts.

mod atom;
mod contact_table;
mod eadesk;
mod faults;
mod history;
mod journal;
mod limit;
mod lines;
mod locked;
mod mercately;
mod model;
mod options;
mod page;
mod registry;
mod request_time;
mod server;
mod site;
mod twin;
mod wire;

pub use faults::{FAULTS, Fault, FaultKind};
pub use history::Exchange;
pub use options::AccountOptions;

use crate::outcome::Failure;
use crate::store::Lock;
use history::History;
use journal::Journal;
use limit::Bucket;
use locked::locked;
use model::{Account, Model};
use options::Setup;
use registry::MODELS;
use site::{Hosted, Site};
use std::collections::hash_map::RandomState;
use std::fs::DirBuilder;
use std::hash::BuildHasher;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How late a slow answer is by default.
const SLOW: Duration = Duration::from_secs(2);
/// How long a new contact that lags is not found by default.
const LAG: Duration = Duration::from_secs(2);
/// How to run a sandbox. Begin with [`SandboxOptions::new`].
#[derive(Clone, Debug)]
pub struct SandboxOptions {
    /// Where to listen; a loopback address. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where what was acknowledged is kept; made when it is not there. One sandbox at a time.
    pub folder: PathBuf,
    /// So many requests per so long, for each platform; more get a 429 with `Retry-After`.
    pub rate: Option<(u32, Duration)>,
    /// What goes wrong, each with its probability (0 to 1) for every request to a platform.
    pub faults: Vec<(FaultKind, f64)>,
    /// Draws the faults, and makes the ids: the same requests in the same order meet the same.
    pub seed: u64,
    /// How late the answer is under [`FaultKind::Slow`].
    pub slow: Duration,
    /// How long a new contact is not found under [`FaultKind::Lag`].
    pub lag: Duration,
    /// What the accounts begin with: options by platform and name ([`SandboxOptions::set`]).
    pub accounts: AccountOptions,
    /// The keys that let a client in.
    pub keys: Keys,
}

/// The keys of a sandbox ([`Sandbox::credentials`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// Always the same, to be typed by users.
    Fixed,
    /// Other ones each time, where they are not typed and no other program may get in.
    Drawn,
}

impl Keys {
    /// The key of a platform whose fixed one is this.
    fn key(self, fixed: &str) -> String {
        match self {
            Keys::Fixed => fixed.to_owned(),
            // Each hasher is keyed with new randomness of the system.
            Keys::Drawn => format!("{fixed}-{:016x}{:016x}", random(), random()),
        }
    }
}

fn random() -> u64 {
    RandomState::new().hash_one(0)
}

impl SandboxOptions {
    /// A well-behaved sandbox on a free port of 127.0.0.1 that keeps what it holds in this folder.
    pub fn new(folder: impl Into<PathBuf>) -> SandboxOptions {
        SandboxOptions {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            folder: folder.into(),
            rate: None,
            faults: Vec::new(),
            seed: 0,
            slow: SLOW,
            lag: LAG,
            accounts: AccountOptions::new(),
            keys: Keys::Fixed,
        }
    }

    /// Sets an option of a platform's account, such as how many clients it begins with. The file of the platform's model
    /// says which options there are; a sandbox with another one, or with a value that cannot be, does not start.
    pub fn set(&mut self, platform: &str, option: &str, value: impl ToString) {
        self.accounts.entry(platform.to_owned()).or_default().insert(option.to_owned(), value.to_string());
    }

    /// The same, for options that are made in one go.
    #[must_use]
    pub fn with(mut self, platform: &str, option: &str, value: impl ToString) -> SandboxOptions {
        self.set(platform, option, value);
        self
    }

    fn check(&self) -> Result<(), Failure> {
        if let Some(name) = self.accounts.keys().find(|name| !MODELS.iter().any(|model| model.name == **name)) {
            return Err(Failure::usage(format!("the sandbox has no platform `{name}`")));
        }
        if !self.listen.ip().is_loopback() {
            let message = format!("the sandbox cannot listen at `{}`: expected a loopback address", self.listen);
            return Err(
                Failure::usage(message).hint("use `127.0.0.1`; any other address would let other machines write to it")
            );
        }
        if let Some(&(kind, probability)) = self.faults.iter().find(|(_, p)| !(0.0..=1.0).contains(p)) {
            let name = FAULTS.iter().find(|fault| fault.kind == kind).map_or("", |fault| fault.name);
            let message = format!("the fault `{name}` cannot have probability `{probability}`: expected 0 to 1");
            return Err(Failure::usage(message));
        }
        if self.rate.is_some_and(|(count, window)| count == 0 || window.is_zero()) {
            return Err(Failure::usage("the sandbox cannot serve at a rate of nothing").hint("leave the rate out"));
        }
        Ok(())
    }
}

/// A sandbox that is serving, on the runtime that started it. Dropping it ends it at once; [`Sandbox::stop`] lets the
/// requests in flight finish.
pub struct Sandbox {
    address: SocketAddr,
    site: Arc<Site>,
    closing: watch::Sender<()>,
    server: JoinHandle<()>,
}

/// Starts serving.
///
/// # Errors
///
/// Options that cannot be, an address that is taken, a folder that another sandbox uses (busy) or that cannot be
/// written, a journal that is damaged before its last line.
pub async fn start(options: SandboxOptions) -> Result<Sandbox, Failure> {
    options.check()?;
    let empty = MODELS.iter().map(|model| open(model, &options)).collect::<Result<Vec<Empty>, _>>()?;
    let lock = Arc::new(lock(&options.folder)?);
    let listener = TcpListener::bind(options.listen).await.map_err(|cause| not_listening(options.listen, &cause))?;
    let address = listener.local_addr().map_err(|cause| not_listening(options.listen, &cause))?;
    let hosted = empty.into_iter().map(|one| host(one, &options, &lock)).collect::<Result<_, _>>()?;
    let site = Arc::new(Site {
        hosted,
        port: address.port(),
        rate: options.rate.map(|(count, window)| format!("{count} in {} s", window.as_secs_f64())),
        faults: options.faults,
        seed: options.seed,
        slow: options.slow,
        lag: options.lag,
        ordinal: AtomicU64::new(0),
        history: Mutex::new(History::default()),
    });
    let (closing, told) = watch::channel(());
    let server = tokio::spawn(server::accept(listener, Arc::clone(&site), told));
    Ok(Sandbox { address, site, closing, server })
}

/// A platform before its journal is read.
struct Empty {
    model: &'static Model,
    key: String,
    account: Box<dyn Account>,
}

fn open(model: &'static Model, options: &SandboxOptions) -> Result<Empty, Failure> {
    let key = options.keys.key(model.secret.1);
    let setup = Setup::new(model.name, options.seed, key.clone());
    let account = (model.open)(&setup.with(model.options, options.accounts.get(model.name))?)?;
    Ok(Empty { model, key, account })
}

/// A platform with what its journal remembers.
fn host(empty: Empty, options: &SandboxOptions, lock: &Arc<Lock>) -> Result<Hosted, Failure> {
    let Empty { model, key, mut account } = empty;
    let path = options.folder.join(format!("{}.jsonl", model.name));
    let journal = Journal::open(&path, Arc::clone(lock), |line| account.load(line))?;
    let bucket = options.rate.map(|(count, window)| Mutex::new(Bucket::new(count, window, Instant::now())));
    Ok(Hosted { model, secret: (model.secret.0, key), account: Mutex::new(account), journal, bucket })
}

impl Sandbox {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The environment that leads a client here and lets it in: variables and values, platform by platform.
    pub fn credentials(&self) -> Vec<(&'static str, String)> {
        let of = |hosted: &Hosted| {
            let user = hosted.model.user.iter().map(|&(name, value)| (name, value.to_owned()));
            let addresses = hosted.model.addresses.iter();
            let addresses = addresses.map(|&(name, path)| (name, format!("http://{}{path}", self.address)));
            addresses.chain(user).chain([hosted.secret.clone()]).collect::<Vec<_>>()
        };
        self.site.hosted.iter().flat_map(of).collect()
    }

    /// The settings that say that the platforms have no rate to be found; none where one is kept.
    pub fn rates(&self) -> Vec<(String, &'static str)> {
        let of = |hosted: &Hosted| (format!("FERRY_{}_RATE", hosted.model.name.to_uppercase()), "none");
        if self.site.rate.is_some() { Vec::new() } else { self.site.hosted.iter().map(of).collect() }
    }

    /// Everything that a platform holds, as it would answer it, oldest first. Nothing for a name that is not modelled.
    ///
    /// Eadesk: the persons and items that are not deleted. TWIN, which answers no client: those whose values a request
    /// has changed, by number, each as `{"id", "attributes": {name: value}}`.
    pub fn contacts(&self, platform: &str) -> Vec<serde_json::Value> {
        self.hosted(platform).map(|hosted| locked(&hosted.account).held().contacts()).unwrap_or_default()
    }

    /// How many conversations were begun on a platform where a contact can only come with one (TWIN).
    pub fn chats_started(&self, platform: &str) -> usize {
        self.hosted(platform).map(|hosted| locked(&hosted.account).held().chats()).unwrap_or_default()
    }

    fn hosted(&self, platform: &str) -> Option<&Hosted> {
        self.site.hosted.iter().find(|hosted| hosted.model.name == platform)
    }

    /// The newest exchanges, oldest first; the page is not among them.
    pub fn history(&self) -> Vec<Exchange> {
        locked(&self.site.history).exchanges()
    }

    /// The most requests (of the history) that came within any stretch of time this long.
    pub fn max_per_window(&self, window: Duration) -> usize {
        locked(&self.site.history).max_per_window(window)
    }

    /// Lets the requests in flight finish (a few seconds at most), writes everything, and frees port and folder.
    pub async fn stop(self) {
        let _told = self.closing.send(());
        let _ended = self.server.await;
        for hosted in &self.site.hosted {
            hosted.journal.close().await;
        }
    }
}

/// Makes the folder, the user's alone, and holds it against another sandbox for as long as the lock lives.
fn lock(folder: &Path) -> Result<Lock, Failure> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|cause| {
        Failure::failed(format!("the sandbox's folder `{}` cannot be used", folder.display()))
            .cause(cause)
            .hint("name another folder, or change the rights of this one")
    })?;
    let does = format!("is using the sandbox in `{}`", folder.display());
    let busy = Lock::take_for(&folder.join("sandbox"), &does);
    busy.map_err(|failure| failure.hint("wait until it has ended, or use another state folder with `--state`"))
}

fn not_listening(address: SocketAddr, cause: &std::io::Error) -> Failure {
    if cause.kind() == ErrorKind::AddrInUse {
        let message = format!("the sandbox cannot listen at `{address}`: the port is taken");
        return Failure::failed(message).hint("choose another port with `--listen`; port 0 takes a free one");
    }
    Failure::failed(format!("the sandbox cannot listen at `{address}`")).cause(cause)
}
