//! The address of a PostgreSQL store: `postgres://user@host:port/database`, its password from a file, and which connections
//! may go without TLS. It opens nothing before it is asked to.

use super::database::Database;
use super::tls::Tls;
use crate::outcome::Failure;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// The schemes of an address.
const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// The port where none is named.
const PORT: u16 = 5432;

/// How long a lease is valid without being renewed.
const LEASE: Duration = Duration::from_secs(30);

/// How long opening a connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// A server that does not confirm for so long what was sent to it is gone.
const SILENCE_MAX: Duration = Duration::from_secs(20);

/// Where an address was given.
#[derive(Clone, Debug)]
pub struct Given<'a> {
    /// The option or variable that messages name.
    pub by: &'a str,
    /// Whether it was typed on a command line, which other users can see.
    pub is_typed: bool,
    /// The password, if it was given apart from the address.
    pub password: Option<String>,
    /// The file with passwords (`PGPASSFILE`), if there is one.
    pub password_file: Option<PathBuf>,
}

/// Where a PostgreSQL store is; clones share their connections.
#[derive(Clone)]
pub struct PostgresAddress(Arc<Inner>);

struct Inner {
    config: Config,
    tls: Tls,
    shown: String,
    lease: Duration,
    opened: Mutex<Option<Database>>,
}

/// Whether a text is an address of a PostgreSQL store.
pub fn is_postgres(text: &str) -> bool {
    SCHEMES.iter().any(|scheme| text.starts_with(scheme))
}

impl PostgresAddress {
    /// Reads an address.
    ///
    /// # Errors
    /// Exit 2 when it is no address, when a typed one has a password, and when a network is to be used without TLS.
    pub fn parse(text: &str, given: &Given<'_>) -> Result<PostgresAddress, Failure> {
        let (text, own) = own_options(text);
        // The error of the driver could show what was given.
        let mut config = Config::from_str(&text).map_err(|_| {
            Failure::usage(format!("`{}` is not the address of a database", given.by))
                .hint("write `postgres://USER@HOST:PORT/DATABASE`, or `postgres:///DATABASE?host=/FOLDER` for a socket")
        })?;
        if given.is_typed && config.get_password().is_some() {
            return Err(Failure::usage(format!(
                "`{}` has a password, which other users of this machine can see",
                given.by
            ))
            .hint(
                "put the address into `FERRY_STATE`, or the password into `FERRY_STATE_PASSWORD` or a file that `PGPASSFILE` names",
            ));
        }
        let tls = Tls::of(own.tls_mode.as_deref(), own.root, is_near(&config), given.by)?;
        if config.get_password().is_none()
            && let Some(password) = given.password.as_ref().filter(|password| !password.is_empty())
        {
            config.password(password);
        } else if config.get_password().is_none()
            && let Some(password) = given.password_file.as_deref().map(|file| password_of(&config, file)).transpose()?
        {
            password.map(|password| config.password(password));
        }
        config.ssl_mode(tls.mode()).application_name("ferry").connect_timeout(CONNECT_MAX);
        config.keepalives_idle(CONNECT_MAX).keepalives_interval(CONNECT_MAX / 2).tcp_user_timeout(SILENCE_MAX);
        let (shown, lease) = (shown(&config), own.lease.unwrap_or(LEASE));
        Ok(PostgresAddress(Arc::new(Inner { config, tls, shown, lease, opened: Mutex::default() })))
    }

    /// The database, connected and with the tables of this version: opened once, then shared.
    ///
    /// # Errors
    /// Exit 1 when it cannot be reached or used.
    pub fn database(&self) -> Result<Database, Failure> {
        let mut opened = self.0.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(database) = &*opened {
            return Ok(database.clone());
        }
        let database = Database::open(&self.0.config, &self.0.tls, &self.0.shown)?;
        *opened = Some(database.clone());
        Ok(database)
    }

    /// How long a lease of an account is valid without being renewed.
    pub fn lease(&self) -> Duration {
        self.0.lease
    }

    /// The address without password, as messages show it.
    pub fn shown(&self) -> &str {
        &self.0.shown
    }
}

impl PartialEq for PostgresAddress {
    fn eq(&self, other: &PostgresAddress) -> bool {
        self.0.shown == other.0.shown
    }
}

impl Eq for PostgresAddress {}

impl fmt::Display for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.shown)
    }
}

impl fmt::Debug for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The options of an address that the driver does not know, and `sslmode`.
#[derive(Default)]
struct OwnOptions {
    tls_mode: Option<String>,
    root: Option<PathBuf>,
    /// `lease_ms`: how long a lease is valid, for tests.
    lease: Option<Duration>,
}

/// An address without its own options, and those.
fn own_options(text: &str) -> (String, OwnOptions) {
    let Some((address, options)) = text.split_once('?') else { return (text.to_owned(), OwnOptions::default()) };
    let (mut own, mut rest) = (OwnOptions::default(), Vec::new());
    for option in options.split('&') {
        match option.split_once('=') {
            Some(("sslmode", value)) => own.tls_mode = Some(value.to_owned()),
            Some(("sslrootcert", value)) => {
                own.root = Some(PathBuf::from(&*percent_encoding::percent_decode_str(value).decode_utf8_lossy()));
            }
            Some(("lease_ms", value)) => own.lease = value.parse().ok().map(Duration::from_millis),
            _ => rest.push(option),
        }
    }
    let rest = rest.join("&");
    (if rest.is_empty() { address.to_owned() } else { format!("{address}?{rest}") }, own)
}

/// Whether every host is this machine: a socket, or loopback.
fn is_near(config: &Config) -> bool {
    let near_name =
        |name: &str| name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    let near_host = |host: &Host| match host {
        Host::Tcp(name) => near_name(name),
        #[cfg(unix)]
        Host::Unix(_) => true,
    };
    config.get_hosts().iter().all(near_host) && config.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback)
}

fn shown(config: &Config) -> String {
    let user = config.get_user().map(|user| format!("{user}@")).unwrap_or_default();
    let database = config.get_dbname().unwrap_or_default();
    match config.get_hosts().first() {
        Some(Host::Tcp(name)) => format!("postgres://{user}{name}:{}/{database}", port(config)),
        #[cfg(unix)]
        Some(Host::Unix(folder)) => format!("postgres://{user}/{database}?host={}", folder.display()),
        None => format!("postgres://{user}/{database}"),
    }
}

fn port(config: &Config) -> u16 {
    config.get_ports().first().copied().unwrap_or(PORT)
}

/// The password of the first line of a password file that fits: `host:port:database:user:password`, each of the first four
/// may be `*`, and `\` takes the meaning from `:` and itself
/// ([format](https://www.postgresql.org/docs/current/libpq-pgpass.html)).
fn password_of(config: &Config, file: &Path) -> Result<Option<String>, Failure> {
    let fault =
        |cause: String| Failure::usage(format!("the password file `{}` cannot be used", file.display())).cause(cause);
    let text = std::fs::read_to_string(file)
        .map_err(|error| fault(error.to_string()).hint("correct its path in `PGPASSFILE`, or unset that variable"))?;
    if is_open_to_others(file) {
        return Err(fault("other users can read it".to_owned()).hint("take their rights away: `chmod 600`"));
    }
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        _ => "localhost".to_owned(),
    };
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    let wanted =
        [host, port(config).to_string(), database.to_owned(), config.get_user().unwrap_or_default().to_owned()];
    Ok(text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut fields = unescaped(line).into_iter();
        let fits = wanted.iter().all(|wanted| fields.next().is_some_and(|field| field == "*" || field == *wanted));
        fields.next().filter(|_| fits)
    }))
}

#[cfg(unix)]
fn is_open_to_others(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> bool {
    false
}

fn unescaped(line: &str) -> Vec<String> {
    let (mut fields, mut is_escaped) = (vec![String::new()], false);
    for c in line.chars() {
        match (c, is_escaped) {
            ('\\', false) => is_escaped = true,
            (':', false) => fields.push(String::new()),
            (c, _) => {
                is_escaped = false;
                fields.last_mut().into_iter().for_each(|field| field.push(c));
            }
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(is_typed: bool) -> Given<'static> {
        Given { by: "--state", is_typed, password: None, password_file: None }
    }

    #[test]
    fn a_password_is_never_shown_and_never_typed() {
        let address =
            PostgresAddress::parse("postgres://ana:secret@localhost:5433/crm?sslmode=disable", &given(false)).unwrap();
        assert_eq!(address.to_string(), "postgres://ana@localhost:5433/crm");
        assert_eq!(format!("{address:?}"), "postgres://ana@localhost:5433/crm");
        let refused = PostgresAddress::parse("postgres://ana:secret@localhost/crm", &given(true)).unwrap_err();
        let shown = format!("{refused:?}");
        assert!(refused.hint.unwrap().contains("FERRY_STATE") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn a_password_that_is_given_apart_is_used_where_the_address_has_none() {
        let given = Given { password: Some("apart".to_owned()), ..given(true) };
        let password = |text: &str| {
            let address = PostgresAddress::parse(text, &Given { is_typed: false, ..given.clone() }).unwrap();
            String::from_utf8(address.0.config.get_password().unwrap().to_vec()).unwrap()
        };
        assert_eq!(password("postgres://ana@localhost/crm"), "apart");
        assert_eq!(password("postgres://ana:own@localhost/crm"), "own");
    }

    #[test]
    fn what_is_no_address_is_refused_without_showing_it() {
        for text in ["postgres://ana:secret@localhost:port/crm", "postgres://h/crm?secret=1"] {
            let refused = PostgresAddress::parse(text, &given(false)).unwrap_err();
            assert!(!format!("{refused:?}").contains("secret"), "{refused:?}");
        }
    }

    #[test]
    fn only_this_machine_is_reached_without_tls() {
        let parse = |text: &str| PostgresAddress::parse(text, &given(true)).map(|address| address.0.tls.mode());
        use tokio_postgres::config::SslMode::{Disable, Require};
        assert_eq!(parse("postgres://h.example/crm").unwrap(), Require);
        assert_eq!(parse("postgres://h.example/crm?sslmode=prefer").unwrap(), Require);
        assert_eq!(parse("postgres://127.0.0.1/crm").unwrap(), Disable);
        assert_eq!(parse("postgres:///crm?host=/run/postgresql").unwrap(), Disable);
        assert_eq!(parse("postgres://127.0.0.1/crm?sslmode=verify-full").unwrap(), Require);
        assert!(parse("postgres://h.example/crm?sslmode=disable").unwrap_err().message.contains("without TLS"));
        assert!(parse("postgres://localhost,h.example/crm?sslmode=disable").is_err());
        assert!(parse("postgres://localhost/crm?sslmode=secure").is_err());
    }

    #[test]
    fn the_password_is_that_of_the_first_line_that_fits() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let lines = "# passwords\nother:*:*:*:no\n*:5432:crm:ana:it\\:is\n*:*:*:*:last\n";
        std::fs::write(file.path(), lines).unwrap();
        let password = |text: &str| password_of(&Config::from_str(text).unwrap(), file.path()).unwrap();
        assert_eq!(password("postgres://ana@h/crm").as_deref(), Some("it:is"));
        assert_eq!(password("postgres://eva@h/crm").as_deref(), Some("last"));
        assert_eq!(password("postgres://eva@other/crm").as_deref(), Some("no"));
    }
}
