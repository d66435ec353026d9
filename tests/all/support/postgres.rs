//! A PostgreSQL server for tests: one for all tests of the process, thrown away at its end, with a database for each test. It
//! is left out where PostgreSQL is not installed.

use super::left_out;
use ferry::store::postgres::{Given, PostgresAddress};
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long a server may take to start on a busy machine.
const START_MAX: Duration = Duration::from_secs(120);

/// The user that serves where tests are run by root, which PostgreSQL refuses.
const SERVED_BY: &str = "postgres";

/// A server of its own, which ends with this value.
pub struct Server {
    folder: PathBuf,
    port: u16,
    keeper: Child,
}

/// An address of a new database on the server of all tests; `None`, said aloud, where there is no PostgreSQL.
pub fn database() -> Option<String> {
    static SHARED: OnceLock<Option<Server>> = OnceLock::new();
    let server = SHARED.get_or_init(Server::start).as_ref();
    if server.is_none() {
        left_out("PostgreSQL is not installed");
    }
    server.map(Server::database)
}

/// An address as the program reads it.
pub fn address(text: &str) -> PostgresAddress {
    PostgresAddress::parse(text, &Given { by: "FERRY_STATE", is_typed: false, password: None, password_file: None })
        .unwrap()
}

/// Executes statements in a database.
pub fn execute(text: &str, sql: String) {
    let done = address(text).database().unwrap().ask(move |client| {
        let sql = sql.clone();
        async move { Ok(client.batch_execute(&sql).await?) }
    });
    done.unwrap();
}

/// A value of a database, as text.
pub fn value(text: &str, sql: &'static str) -> String {
    let rows = address(text).database().unwrap().ask(move |client| async move {
        let row = client.query_one(sql, &[]).await?;
        Ok(row.try_get::<_, String>(0)?)
    });
    rows.unwrap()
}

impl Server {
    /// Starts a server; `None` where PostgreSQL is not installed.
    pub fn start() -> Option<Server> {
        let programs = programs()?;
        let base = ["/dev/shm", "/tmp"].into_iter().map(Path::new).find(|base| base.is_dir())?;
        let folder = tempfile::Builder::new().prefix("ferry-pg-").tempdir_in(base).unwrap().keep();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let script = SCRIPT.replace("FOLDER", folder.to_str().unwrap()).replace("PORT", &port.to_string());
        let script = script.replace("BIN", programs.to_str().unwrap());
        let mut command = as_server(&script);
        let keeper = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        if is_root() {
            let owned = Command::new("chown").arg(SERVED_BY).arg(&folder).status().unwrap();
            assert!(owned.success());
        }
        fs::write(folder.join("go"), "").unwrap();
        let (server, begun) = (Server { folder, port, keeper }, Instant::now());
        loop {
            match address(&server.address("postgres")).database() {
                Ok(_) => return Some(server),
                Err(failure) if failure.message.ends_with("cannot be reached") && begun.elapsed() < START_MAX => {}
                Err(failure) => {
                    let log = fs::read_to_string(server.folder.join("log")).unwrap_or_default();
                    panic!("PostgreSQL did not start: {failure:?}\n{log}");
                }
            }
        }
    }

    /// The address of a new database.
    pub fn database(&self) -> String {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        execute(&self.address("postgres"), format!("CREATE DATABASE {name}"));
        self.address(&name)
    }

    fn address(&self, database: &str) -> String {
        format!("postgres://ferry@127.0.0.1:{}/{database}", self.port)
    }

    /// Stops the server at once and starts it again, as a crash does.
    pub fn restart(&self) {
        let socket = self.folder.join(format!(".s.PGSQL.{}", self.port));
        fs::write(self.folder.join("restart"), "").unwrap();
        let begun = Instant::now();
        while self.folder.join("restart").exists() || !socket.exists() {
            assert!(begun.elapsed() < START_MAX, "PostgreSQL did not start again");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Serves until standard input ends, which it does with the process of the tests, however that ends. A file `restart` in the
/// folder stops the server at once and starts it again.
const SCRIPT: &str = r#"
until [ -e FOLDER/go ]; do sleep 0.02; done
BIN/initdb -D FOLDER/data -U ferry -A trust -E UTF8 --locale=C --no-sync > FOLDER/log 2>&1
serve() {
    BIN/postgres -D FOLDER/data -p PORT -k FOLDER -c listen_addresses=127.0.0.1 -c max_connections=200 \
        -c shared_buffers=64MB -c max_wal_size=256MB >> FOLDER/log 2>&1 < /dev/null &
    pid=$!
}
serve
while :; do
    if read -r -t 0.1 line; then :; else [ $? -gt 128 ] || break; fi
    if [ -e FOLDER/restart ]; then
        kill -QUIT "$pid"; wait "$pid"; rm -f FOLDER/.s.PGSQL.PORT*
        serve
        rm FOLDER/restart
    fi
done
kill -QUIT "$pid"; wait "$pid"; rm -rf FOLDER
"#;

fn as_server(script: &str) -> Command {
    let (program, arguments): (&str, &[&str]) =
        if is_root() { ("runuser", &["-u", SERVED_BY, "--", "bash", "-c"]) } else { ("bash", &["-c"]) };
    let mut command = Command::new(program);
    command.args(arguments).arg(script).current_dir("/");
    command
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The folder of `initdb` and `postgres`: in the path, or where Debian has them, the newest first.
fn programs() -> Option<PathBuf> {
    if is_root() && !fs::read_to_string("/etc/passwd").is_ok_and(|users| users.contains(&format!("\n{SERVED_BY}:"))) {
        return None;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    versions.sort();
    let mut folders = std::env::split_paths(&path).chain(versions.into_iter().rev());
    folders.find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}
