//! `ferry worker`: jobs from a queue in PostgreSQL, and what becomes of them when a worker, or the database, does not.

use super::support::postgres::{Server, database, execute, value};
use super::support::{
    Ended, PATIENCE, Running, ask, begin, ferry, leave, run, runtime, serve, sweep, wait_for, wait_until,
};
use ferry::sandbox::{Sandbox, SandboxOptions};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a job is a worker's without being renewed: long enough for a busy machine, short enough for a test.
const LEASE: &str = "8s";

const LIST: &str = "First Name,Last Name,Phone\nAna,Paz,+593987625587\n";

/// A folder with these jobs, a list, and a database for it.
fn scene(jobs: &str) -> Option<(TempDir, String)> {
    let database = database()?;
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("ok.csv"), LIST).unwrap();
    fs::write(folder.path().join("ferry.yaml"), jobs).unwrap();
    Some((folder, database))
}

fn command(folder: &Path, database: &str, words: &str) -> Command {
    let mut command = ferry(folder, words);
    command.env("FERRY_STATE", database).env("FERRY_JOB_LEASE", LEASE);
    command
}

fn typed(folder: &Path, database: &str, words: &str) -> Ended {
    run(command(folder, database, words))
}

fn worker(folder: &Path, database: &str, words: &str) -> Running {
    begin(command(folder, database, &format!("worker --listen 127.0.0.1:0 {words}")))
}

/// The jobs as `ferry jobs` lists them.
fn jobs(folder: &Path, database: &str) -> Vec<Value> {
    let ended = typed(folder, database, "jobs --output json");
    serde_json::from_str::<Vec<Value>>(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"))
}

fn job(folder: &Path, database: &str, name: &str) -> Value {
    let found = jobs(folder, database).into_iter().find(|job| job["job"] == name);
    found.unwrap_or_else(|| panic!("no job `{name}`"))
}

fn state(folder: &Path, database: &str, name: &str) -> String {
    let job = job(folder, database, name);
    format!("{} {} {}", job["state"].as_str().unwrap(), job["why"].as_str().unwrap_or("-"), job["last_run"]["exit"])
}

#[test]
fn jobs_are_submitted_scheduled_held_and_freed() {
    const JOBS: &str = "jobs:
  good: { convert: { file: ok.csv, out: good.csv } }
  nightly: { convert: { file: ok.csv, out: nightly.csv }, schedule: \"5 3 * * *\", timezone: America/Guayaquil }
  lost: { convert: { file: lost.csv, out: found.csv } }
  wrong: { convert: { file: ok.csv, out: \"-\" }, schedule: \"5 3 * * *\" }
";
    let Some((folder, database)) = scene(JOBS) else { return };
    let (folder, at) = (folder.path(), &database[..]);
    let worker = worker(folder, at, "--concurrency 2");
    wait_until("the worker has registered", || jobs(folder, at).len() == 4);
    assert_eq!(typed(folder, at, "worker submit good lost").exit, 0);
    wait_until("good is done", || state(folder, at, "good") == "idle - 0");
    // What is wrong on this side waits for a person, with its message; a definition that is wrong is never begun.
    wait_until("lost is held", || state(folder, at, "lost") == "held failed 2");
    assert!(job(folder, at, "lost")["message"].as_str().unwrap().contains("`lost.csv`"), "{}", job(folder, at, "lost"));
    assert_eq!(state(folder, at, "wrong"), "held definition null");
    assert_eq!(job(folder, at, "wrong")["next_run"], Value::Null, "a job that is held does not start by itself");
    let failed = typed(folder, at, "jobs --failed");
    let lines = ["lost", "wrong"].map(|name| failed.out.lines().filter(|line| line.starts_with(name)).count());
    assert!(
        lines == [1, 1] && !failed.out.contains("good") && failed.out.contains("  hint: add `out: FILE`"),
        "{failed:?}"
    );
    // A person corrects it, and frees it.
    fs::write(folder.join("lost.csv"), LIST).unwrap();
    assert_eq!(typed(folder, at, "worker submit lost").exit, 0);
    wait_until("lost is done", || state(folder, at, "lost") == "idle - 0");
    // By its schedule: the next time is the one of its time zone, and a time that has passed is made up for once.
    let next = job(folder, at, "nightly")["next_run"].as_str().unwrap().to_owned();
    assert!(next.ends_with("T08:05:00Z"), "{next}");
    execute(at, "UPDATE ferry.job SET next_at = now() - interval '3 days' WHERE name = 'nightly'".to_owned());
    wait_until("nightly is done", || state(folder, at, "nightly") == "idle - 0" && folder.join("nightly.csv").exists());
    assert_eq!(job(folder, at, "nightly")["next_run"], next.as_str());
    // A definition that is corrected while the worker runs.
    fs::write(folder.join("ferry.yaml"), JOBS.replace("\"-\"", "wrong.csv").replace("  good:", "  better:")).unwrap();
    wait_until("the definitions are read again", || jobs(folder, at).iter().any(|job| job["job"] == "better"));
    assert_eq!(state(folder, at, "wrong"), "idle - null");
    let is_listed = |name: &str| jobs(folder, at).iter().any(|job| job["job"] == name);
    assert!(!is_listed("good"), "it is gone");
    let set = |state: &str| {
        execute(
            at,
            format!(
                "UPDATE ferry.job SET state = '{state}', lease_until = now() + interval '1 hour' WHERE name = 'good'"
            ),
        )
    };
    set("running");
    assert!(is_listed("good"), "what runs is listed until it has ended");
    set("idle");
    let drained = typed(folder, at, "worker drain");
    assert_eq!(drained.out, "1 worker finishes what it does and ends\n", "{drained:?}");
    let ended = worker.finish();
    assert!(ended.exit == 0 && ended.err.contains("job `good` ended with 0 after "), "{ended:?}");
    assert_eq!(value(at, "SELECT count(*)::text FROM ferry.worker"), "0");
}

/// Sandboxes of their own port and folder, one for each account.
struct Accounts {
    folder: TempDir,
    sandboxes: Vec<Sandbox>,
    runtime: tokio::runtime::Runtime,
}

fn accounts(count: usize) -> Accounts {
    let (folder, runtime) = (TempDir::new().unwrap(), runtime(2));
    let options = |n: usize| SandboxOptions::new(folder.path().join(n.to_string()));
    let sandboxes = runtime.block_on(async {
        let mut sandboxes = Vec::new();
        for n in 0..count {
            sandboxes.push(serve(options(n)).await);
        }
        sandboxes
    });
    Accounts { folder, sandboxes, runtime }
}

impl Accounts {
    /// The value of a variable that leads to an account.
    fn of(&self, n: usize, variable: &str) -> String {
        let found = self.sandboxes[n].credentials().into_iter().find(|(name, _)| *name == variable);
        found.unwrap_or_else(|| panic!("no `{variable}`")).1
    }

    fn stop(self) {
        let Accounts { folder, sandboxes, runtime } = self;
        runtime.block_on(async { futures(sandboxes).await });
        drop(folder);
    }
}

async fn futures(sandboxes: Vec<Sandbox>) {
    for sandbox in sandboxes {
        sandbox.stop().await;
    }
}

/// Contacts of one account: others have other phones.
fn list(account: usize, contacts: usize) -> String {
    let row = |n: usize| format!("Ana{n},Paz,+5939{:08}\n", 87_000_000 + account * 1_000 + n);
    "First Name,Last Name,Phone\n".to_owned() + &(0..contacts).map(row).collect::<String>()
}

/// A folder with a tenant for each account, of which each has one job: its list is imported.
fn tenants(accounts: &Accounts, contacts: usize, rate: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("lists")).unwrap();
    let mut rows = "id,url\n".to_owned();
    for n in 0..accounts.sandboxes.len() {
        rows += &format!("t{n},{}\n", accounts.of(n, "FERRY_MERCATELY_BASE_URL"));
        fs::write(folder.path().join(format!("lists/t{n}.csv")), list(n, contacts)).unwrap();
    }
    fs::write(folder.path().join("tenants.csv"), rows).unwrap();
    let page = format!(
        "tenants: tenants.csv
template:
  connections:
    shop: {{ platform: mercately, base_url: \"{{tenant.url}}\", api_key: \"${{KEY}}\", slug: \"${{SLUG}}\", rate: {rate},
            find: each, settle: 1s, timeout: 5s }}
  jobs:
    send: {{ import: {{ file: \"lists/{{tenant.id}}.csv\", to: shop }} }}
"
    );
    fs::write(folder.path().join("ferry.yaml"), page).unwrap();
    folder
}

fn worker_of(folder: &Path, database: &str, accounts: &Accounts, words: &str) -> Running {
    let mut command = command(folder, database, &format!("worker --listen 127.0.0.1:0 {words}"));
    command.env("KEY", accounts.of(0, "FERRY_MERCATELY_API_KEY")).env("SLUG", "shop");
    begin(command)
}

/// The processes that a process has started.
fn children(of: u32) -> Vec<u32> {
    let listed = Command::new("ps").args(["-o", "pid=", "--ppid", &of.to_string()]).output().unwrap();
    String::from_utf8_lossy(&listed.stdout).split_whitespace().filter_map(|id| id.parse().ok()).collect()
}

fn signal(processes: &[u32], name: &str) {
    let ids: Vec<String> = processes.iter().map(ToString::to_string).collect();
    // A process that has ended meanwhile cannot be signalled.
    let _ = Command::new("kill").arg(format!("-{name}")).args(ids).status().unwrap();
}

/// A number that a statement counts.
fn counted(database: &str, sql: &'static str) -> u64 {
    value(database, sql).parse().unwrap()
}

const DONE: &str = "SELECT count(*)::text FROM ferry.job WHERE state = 'idle' AND exit = 0";

#[test]
fn every_job_is_done_once_whatever_happens_to_workers_and_database() {
    // The same with a thousand: `FERRY_TENANTS=1000 cargo test every_job_is_done_once`.
    let asked = std::env::var("FERRY_TENANTS").ok();
    let count: usize = asked.map_or(50, |count| count.parse().unwrap());
    const CONTACTS: usize = 8;
    const PER_SECOND: usize = 12;
    let Some(server) = Server::start() else { return };
    let (database, accounts) = (server.database(), accounts(count));
    let folder = tenants(&accounts, CONTACTS, &format!("{PER_SECOND}/s"));
    let (folder, at) = (folder.path(), &database[..]);
    let names: Vec<String> = (0..count).map(|n| format!("t{n}/send")).collect();
    let mut workers: Vec<Running> = (0..3).map(|_| worker_of(folder, at, &accounts, "--concurrency 4")).collect();
    wait_until("the workers have registered", || counted(at, "SELECT count(*)::text FROM ferry.worker") == 3);
    assert_eq!(typed(folder, at, &format!("worker submit {}", names.join(" "))).exit, 0);
    wait_until("some jobs are done", || counted(at, DONE) >= 5);
    // One is killed with its processes, as by a machine that fails; one is stopped with them, as by one that sleeps.
    let (killed, stopped) = (workers.remove(0), workers.remove(0));
    signal(&[children(killed.id()), vec![killed.id()]].concat(), "KILL");
    killed.kill();
    let asleep = children(stopped.id());
    let sleeping = [vec![stopped.id()], asleep.clone()].concat();
    signal(&sleeping, "STOP");
    // What is stopped does not end with its worker.
    sweep(&asleep);
    wait_until("a few more are done", || counted(at, DONE) >= 15);
    server.restart();
    wait_until("jobs of the lost workers are taken again", || {
        counted(at, "SELECT count(*)::text FROM ferry.job_run WHERE message = 'the worker was lost'") >= 2
    });
    signal(&sleeping, "CONT");
    leave(&asleep);
    let all = count as u64;
    let shown = || typed(folder, at, "jobs --failed").out;
    let (mut done, mut progress) = (0, Instant::now());
    while done < all {
        assert_eq!(counted(at, "SELECT count(*)::text FROM ferry.job WHERE state = 'held'"), 0, "{}", shown());
        let now = counted(at, DONE);
        if now > done {
            (done, progress) = (now, Instant::now());
        }
        assert!(progress.elapsed() < PATIENCE, "{done} of {all} are done: {:?}", jobs(folder, at));
        std::thread::sleep(Duration::from_millis(200));
    }
    // Every job once, and no two starts of it at a time.
    let ends = "SELECT count(*)::text FROM ferry.job_run WHERE exit = 0";
    let twice =
        "SELECT count(*)::text FROM (SELECT job FROM ferry.job_run WHERE exit = 0 GROUP BY job HAVING count(*) > 1) j";
    assert_eq!([counted(at, ends), counted(at, twice)], [all, 0]);
    // Nothing lost, nothing twice, and every rate kept, as the platform saw it.
    for (n, sandbox) in accounts.sandboxes.iter().enumerate() {
        let held = sandbox.contacts("mercately");
        let phones: BTreeSet<String> = held.iter().map(|contact| contact["phone"].to_string()).collect();
        assert_eq!((held.len(), phones.len()), (CONTACTS, CONTACTS), "t{n}");
        let most = sandbox.max_per_window(Duration::from_secs(1));
        assert!(most <= PER_SECOND, "t{n}: {most} requests in a second");
    }
    let report = typed(folder, at, "jobs --report");
    assert_eq!(report.out, format!("{count} tenants in 24 hours: {count} fine, 0 with rejects, 0 in need\n"));
    assert_eq!(typed(folder, at, "worker drain").exit, 0);
    for worker in [workers.remove(0), stopped] {
        assert_eq!(worker.finish().exit, 0);
    }
    accounts.stop();
}

#[test]
fn two_jobs_of_an_account_are_never_done_at_a_time() {
    let Some(database) = database() else { return };
    let accounts = accounts(1);
    let folder = tenants(&accounts, 4, "20/s");
    let (folder, at) = (folder.path(), &database[..]);
    let page = fs::read_to_string(folder.join("ferry.yaml")).unwrap();
    let send = page.lines().last().unwrap().to_owned();
    let more: String = (0..5).map(|n| send.replace("send:", &format!("send{n}:")) + "\n").collect();
    fs::write(folder.join("ferry.yaml"), page + &more).unwrap();
    let worker = worker_of(folder, at, &accounts, "--concurrency 6");
    wait_until("the worker has registered", || counted(at, "SELECT count(*)::text FROM ferry.job") == 6);
    let names: Vec<String> = (0..5).map(|n| format!("t0/send{n}")).collect();
    assert_eq!(typed(folder, at, &format!("worker submit t0/send {}", names.join(" "))).exit, 0);
    wait_until("all are done", || counted(at, DONE) == 6);
    let together = "SELECT count(*)::text FROM ferry.job_run a, ferry.job_run b \
                    WHERE a.no < b.no AND a.started < b.ended AND b.started < a.ended";
    assert_eq!(counted(at, together), 0);
    assert_eq!(accounts.sandboxes[0].contacts("mercately").len(), 4);
    worker.signal("TERM");
    assert_eq!(worker.finish().exit, 0);
    accounts.stop();
}

#[test]
fn jobs_of_a_host_that_is_unavailable_for_twenty_of_them_wait_and_leave_room_for_others() {
    let Some(database) = database() else { return };
    let accounts = accounts(1);
    let folder = tenants(&accounts, 2, "20/s");
    let (folder, at) = (folder.path(), &database[..]);
    // No program listens at port 1.
    let away: Vec<String> = (0..24).map(|n| format!("away{n}")).collect();
    let rows: String = away.iter().map(|name| format!("{name},http://127.0.0.1:1/retailers/api/v1\n")).collect();
    let table = fs::read_to_string(folder.join("tenants.csv")).unwrap();
    fs::write(folder.join("tenants.csv"), table + &rows).unwrap();
    for name in &away {
        fs::write(folder.join(format!("lists/{name}.csv")), list(1, 2)).unwrap();
    }
    let page = fs::read_to_string(folder.join("ferry.yaml")).unwrap().replace("to: shop }", "to: shop, wait: 0s }");
    fs::write(folder.join("ferry.yaml"), page).unwrap();
    let worker = worker_of(folder, at, &accounts, "--concurrency 4");
    wait_until("the worker has registered", || counted(at, "SELECT count(*)::text FROM ferry.job") == 25);
    let names: Vec<String> = away.iter().map(|name| format!("{name}/send")).collect();
    assert_eq!(typed(folder, at, &format!("worker submit {}", names.join(" "))).exit, 0);
    wait_until("the host is paused", || {
        // Two of its jobs run at most, of four slots.
        let running = "SELECT count(*)::text FROM ferry.job WHERE state = 'running' AND name LIKE 'away%'";
        assert!(counted(at, running) <= 2);
        counted(at, "SELECT count(*)::text FROM ferry.job WHERE why = 'paused'") > 0
    });
    let failures = "SELECT max(failures)::text FROM ferry.host";
    assert!(counted(at, failures) >= 20);
    let listed = typed(folder, at, "jobs");
    assert!(
        listed.err.contains("`127.0.0.1:1` is paused until ") && listed.out.contains("waiting (paused)"),
        "{listed:?}"
    );
    let report = typed(folder, at, "jobs --report");
    assert!(report.out.contains("\n127.0.0.1:1 is paused: 2"), "{report:?}");
    // Others are done meanwhile.
    assert_eq!(typed(folder, at, "worker submit t0/send").exit, 0);
    wait_until("another is done", || counted(at, DONE) == 1);
    let paused = "SELECT count(*)::text FROM ferry.host WHERE paused_until > clock_timestamp()";
    assert_eq!(counted(at, paused), 1);
    // A person who submits one of them knows better: the pause is over, until ten more have failed.
    let tries = "SELECT count(*)::text FROM ferry.job_run WHERE job = 'away3/send'";
    let before = counted(at, tries);
    assert_eq!(typed(folder, at, "worker submit away3/send").exit, 0);
    assert!(counted(at, failures) < 20, "the host is not paused any more");
    // On a slow machine so many others are due at that moment that it may come behind them.
    wait_until("it was tried, or ten others were", || counted(at, tries) > before || counted(at, failures) >= 20);
    worker.signal("TERM");
    assert_eq!(worker.finish().exit, 0);
    accounts.stop();
}

#[test]
fn a_job_is_stopped_at_its_time_limit_and_waits_for_the_process_that_has_its_account() {
    let Some(database) = database() else { return };
    let accounts = accounts(1);
    let folder = tenants(&accounts, 120, "2/s");
    let (folder, at) = (folder.path(), &database[..]);
    let page = fs::read_to_string(folder.join("ferry.yaml")).unwrap();
    let limited = page.replace("send: {", "send: { time_limit: 3s,");
    fs::write(folder.join("ferry.yaml"), &limited).unwrap();
    let worker = worker_of(folder, at, &accounts, "");
    wait_until("the worker has registered", || counted(at, "SELECT count(*)::text FROM ferry.job") == 1);
    assert_eq!(typed(folder, at, "worker submit t0/send").exit, 0);
    wait_until("it was stopped", || state(folder, at, "t0/send") == "waiting again 143");
    let message = job(folder, at, "t0/send")["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("error: the job was stopped after 3 s, its time limit\nhint: "), "{message}");
    let sent = accounts.sandboxes[0].contacts("mercately").len();
    assert!((1..60).contains(&sent), "{sent}");
    // A process outside of the queue writes to its account.
    let hold =
        "UPDATE ferry.account SET holder = gen_random_uuid(), lease_until = clock_timestamp() + interval '1 hour'";
    execute(at, hold.to_owned());
    assert_eq!(typed(folder, at, "worker submit t0/send").exit, 0);
    wait_until("it waits for its account", || state(folder, at, "t0/send") == "waiting account 7");
    let due = counted(at, "SELECT extract(epoch FROM due - clock_timestamp())::bigint::text FROM ferry.job");
    assert!((3_500..3_612).contains(&due), "{due}");
    worker.signal("TERM");
    assert_eq!(worker.finish().exit, 0);
    accounts.stop();
}

#[test]
fn a_job_that_loses_its_process_three_times_waits_for_a_person() {
    let Some(database) = database() else { return };
    let accounts = accounts(1);
    // A minute long, if it were let.
    let folder = tenants(&accounts, 120, "2/s");
    let (folder, at) = (folder.path(), &database[..]);
    let worker = worker_of(folder, at, &accounts, "");
    wait_until("the worker has registered", || counted(at, "SELECT count(*)::text FROM ferry.job") == 1);
    assert_eq!(typed(folder, at, "worker submit t0/send").exit, 0);
    for _ in 0..3 {
        let child = wait_for("its process runs", || children(worker.id()).first().copied());
        signal(&[child], "KILL");
        wait_until("it is gone", || !children(worker.id()).contains(&child));
    }
    wait_until("it is held", || state(folder, at, "t0/send") == "held deaths null");
    // A draining worker gives back what it has; it is no death, and no try is used up.
    assert_eq!(typed(folder, at, "worker submit t0/send").exit, 0);
    wait_until("its process runs", || !children(worker.id()).is_empty());
    wait_until("it has sent something", || !accounts.sandboxes[0].contacts("mercately").is_empty());
    worker.signal("TERM");
    let ended = worker.finish();
    assert!(ended.exit == 0 && ended.took < Duration::from_secs(110), "{ended:?}");
    assert_eq!(state(folder, at, "t0/send"), "waiting drained 143");
    assert_eq!(counted(at, "SELECT deaths::text FROM ferry.job"), 0);
    accounts.stop();
}

#[test]
fn the_process_of_a_job_ends_when_its_worker_is_killed_and_another_goes_on() {
    let Some(database) = database() else { return };
    let accounts = accounts(1);
    let folder = tenants(&accounts, 16, "6/s");
    let (folder, at) = (folder.path(), &database[..]);
    let worker = worker_of(folder, at, &accounts, "");
    wait_until("the worker has registered", || counted(at, "SELECT count(*)::text FROM ferry.job") == 1);
    assert_eq!(typed(folder, at, "worker submit t0/send").exit, 0);
    wait_until("it has sent something", || !accounts.sandboxes[0].contacts("mercately").is_empty());
    let child = children(worker.id())[0];
    worker.kill();
    // Long before the lease of the job is over, at which another worker may take it.
    let is_there = || Path::new(&format!("/proc/{child}/exe")).exists();
    wait_until("its process has ended", || !is_there());
    let is_held = "SELECT count(*)::text FROM ferry.job WHERE state = 'running' AND lease_until > clock_timestamp()";
    assert_eq!(counted(at, is_held), 1);
    let sent = accounts.sandboxes[0].contacts("mercately").len();
    let next = worker_of(folder, at, &accounts, "");
    wait_until("it is done", || counted(at, DONE) == 1);
    assert!(sent < 16 && accounts.sandboxes[0].contacts("mercately").len() == 16, "{sent}");
    next.signal("TERM");
    assert_eq!(next.finish().exit, 0);
    accounts.stop();
}

#[test]
fn a_worker_shows_its_figures_and_its_health() {
    let Some((folder, database)) = scene("jobs:\n  good: { convert: { file: ok.csv, out: good.csv } }\n") else {
        return;
    };
    let (folder, at) = (folder.path(), &database[..]);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let worker = begin(command(folder, at, &format!("worker --listen {port}")));
    wait_until("the worker has registered", || counted(at, "SELECT count(*)::text FROM ferry.worker") == 1);
    assert_eq!(typed(folder, at, "worker submit good").exit, 0);
    wait_until("it is done", || counted(at, DONE) == 1);
    let get = |address: SocketAddr, path: &str| ask(address, &format!("GET {path}"), "X: y", "").unwrap();
    let wanted = [
        "ferry_records_total{command=\"convert\",outcome=\"created\"} 1",
        "ferry_job_runs_total{exit_code=\"0\"} 1",
        "ferry_jobs{state=\"idle\"} 1",
        "ferry_queue_length 0",
        "ferry_worker_draining 0",
    ];
    wait_until("the figures are those of the job", || {
        let (status, text) = get(port, "/metrics");
        status == 200 && wanted.iter().all(|line| text.lines().any(|one| one == *line))
    });
    let (status, health) = get(port, "/healthz");
    let health: Value = serde_json::from_str(&health).unwrap();
    assert_eq!((status, &health["status"], &health["slots"]), (200, &"ok".into(), &4.into()));
    assert_eq!(get(port, "/").0, 404);
    assert_eq!(ask(port, "POST /metrics", "X: y", "").unwrap().0, 405);
    // A worker that cannot renew its lease is not well; the database is not asked for it.
    assert_eq!(typed(folder, at, "worker drain").exit, 0);
    assert_eq!(worker.finish().exit, 0);
}

#[test]
fn definitions_that_are_gone_or_cannot_be_read_leave_the_jobs_as_they_were() {
    const JOBS: &str = "jobs:\n  one: { convert: { file: ok.csv, out: one.csv }, schedule: \"5 3 * * *\" }\n";
    let Some((folder, database)) = scene(JOBS) else { return };
    let (folder, at) = (folder.path(), &database[..]);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = command(folder, at, &format!("worker --listen {port}"));
    let worker = begin(command.env("FERRY_JOB_LEASE", "1s"));
    let are_valid = |value: &str| {
        let (_, text) = ask(port, "GET /metrics", "X: y", "").unwrap_or_default();
        text.contains(&format!("\nferry_worker_definitions_valid {value}\n"))
    };
    wait_until("the worker is there", || counted(at, "SELECT count(*)::text FROM ferry.worker") == 1);
    let due = "SELECT count(*)::text FROM ferry.job WHERE NOT is_gone AND next_at IS NOT NULL";
    fs::remove_file(folder.join("ferry.yaml")).unwrap();
    wait_until("it is missed", || are_valid("0"));
    assert_eq!(counted(at, due), 1);
    fs::write(folder.join("ferry.yaml"), JOBS.replace("one:", "two:")).unwrap();
    wait_until("it is read again", || are_valid("1"));
    fs::write(folder.join("ferry.yaml"), JOBS.replace("{ convert", "{ [convert")).unwrap();
    wait_until("it cannot be read", || are_valid("0"));
    assert_eq!((counted(at, due), state(folder, at, "two")), (1, "idle - null".to_owned()));
    // Long enough for several looks, of which one tells it.
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(typed(folder, at, "worker drain").exit, 0);
    let ended = worker.finish();
    let told = |text: &str| ended.err.matches(text).count();
    let kept = "note: the definitions have changed and cannot be read, so the jobs stay as they were\nerror: ";
    assert_eq!(
        (told(kept), told("error: `ferry.yaml` is missing\n"), told("\n --> ferry.yaml:2")),
        (2, 1, 1),
        "{ended:?}"
    );
}

#[test]
fn without_a_shared_store_the_jobs_of_the_file_are_listed_with_their_last_runs() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("ok.csv"), LIST).unwrap();
    let page = "jobs:
  good: { convert: { file: ok.csv, out: good.csv }, schedule: \"5 3 * * *\", timezone: UTC }
  never: { convert: { file: ok.csv, out: never.csv } }
  wrong: { convert: { file: ok.csv, out: x.csv, lmit: 3 } }
";
    fs::write(folder.path().join("ferry.yaml"), page).unwrap();
    let typed = |words: &str| run(ferry(folder.path(), words));
    assert_eq!(typed("run good").exit, 0);
    let all: Vec<Value> = serde_json::from_str(&typed("jobs --output json").out).unwrap();
    let told = |job: &Value| format!("{} {} {}", job["job"], job["state"], job["last_run"]["exit"]);
    let told: Vec<String> = all.iter().map(told).collect();
    assert_eq!(told, ["\"good\" \"idle\" 0", "\"never\" \"idle\" null", "\"wrong\" \"held\" null"]);
    assert_eq!((&all[0]["last_run"]["records"]["read"], &all[0]["timezone"]), (&1.into(), &"UTC".into()));
    let shown = typed("jobs");
    assert!(shown.out.starts_with("JOB    STATE              SCHEDULE   NEXT"), "{shown:?}");
    let failed = typed("jobs --failed");
    assert_eq!(failed.out.lines().count(), 4, "{failed:?}");
    assert!(failed.out.contains("did you mean `limit`?"), "{failed:?}");
    let refused = typed("worker");
    let expected = "error: a worker needs a store that workers share\n\
                    hint: set `FERRY_STATE=postgres://USER@HOST/DATABASE`; `ferry run` runs jobs without one\n";
    assert_eq!((refused.exit, refused.err.as_str()), (2, expected));
}
