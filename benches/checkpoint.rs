//! What the checkpoint costs: creates announced and settled by 256 tasks at once, with and without
//! what is kept for taking them back, and a snapshot being filled.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ferry::change::{StepKind, Written, WrittenValues};
use ferry::contact::{Field, FieldSet};
use ferry::identity::IdentityValue;
use ferry::ids::CommandKind;
use ferry::outcome::Outcome;
use ferry::record::Origin;
use ferry::scratch::snapshot::{Snapshot, SnapshotPage};
use ferry::store::{AccountKey, Checkpoint, Intent, Key, NewRun, RunNo, Settled, StoreAddress};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const TASKS: usize = 256;
const PAIRS: u64 = 50_000;

fn phone(number: u64) -> IdentityValue {
    IdentityValue { field: Field::Phones, value: format!("5939{number:08}") }
}

/// The before-image of a created contact: each value that the create request brings.
fn image(number: u64) -> Vec<Written> {
    let one =
        |field: &str, new: String| Written { field: field.to_owned().into(), new: Some(new), ..Written::default() };
    let tags = ["Cliente", "2026", "Norte"].map(str::to_owned).to_vec();
    vec![
        one("first_name", "María Fernanda".into()),
        one("last_name", "Vera Castillo".into()),
        one("phone", format!("+5939{number:08}")),
        one("email", format!("maria.vera{number}@example.com")),
        one("company", "Comercial del Norte".into()),
        one("address.city", "Guayaquil".into()),
        one("notes", "asks for the catalogue of the winter season, calls in the morning".into()),
        one("attributes.Plan", "Gold".into()),
        one("attributes.Birthday", "1987-04-12".into()),
        Written { field: "tags".into(), added: tags, ..Written::default() },
    ]
}

async fn carry(checkpoint: Checkpoint, run: RunNo, next: Arc<AtomicU64>, end: u64, has_images: bool) {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= end {
            return;
        }
        let (key, origin) = (Key::of(&[phone(number)], b"content"), Origin { ordinal: number, line: number + 2 });
        let identities = vec![phone(number)];
        let kind = StepKind::Create;
        let intent = Intent {
            kind,
            identities,
            origin,
            at_ms: 1_795_000_000_000,
            attempt: 1,
            target_id: None,
            before: None,
            after: if has_images { WrittenValues::from(&image(number)[..]) } else { WrittenValues::default() },
            made: None,
            begun: FieldSet::default(),
        };
        checkpoint.intend(run, key, intent).await.expect("intended");
        let settled = Settled {
            outcome: Outcome::Created,
            origin,
            pass: 1,
            target_id: Some(format!("{:08}", 10_000_000 + number)),
            not_carried: Vec::new(),
            cleared: 0,
            problems: Vec::new(),
            links: vec![phone(number)],
        };
        checkpoint.settle(run, key, settled).await.expect("settled");
    }
}

/// User and system time of this process so far (proc(5): in hundredths of a second).
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    Duration::from_millis(fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * 10)
}

fn creates(criterion: &mut Criterion) {
    pairs(criterion, "creates with their images", true);
    pairs(criterion, "intend and settle alone", false);
}

fn pairs(criterion: &mut Criterion, name: &str, has_images: bool) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let account = StoreAddress::Folder(folder.path().to_owned()).account(AccountKey::of("bench", "bench", "here"));
    let checkpoint = Checkpoint::open(&account).expect("a checkpoint");
    let new = NewRun { name: "bench".into(), work: "bench".into(), command: CommandKind::Import, info: true.into() };
    let run = checkpoint.begin(&new).expect("a run");
    checkpoint.begin_pass(run).expect("a pass");
    let next = Arc::new(AtomicU64::new(0));
    let (mut done, begun) = (0, cpu());
    let mut group = criterion.benchmark_group("checkpoint");
    group.throughput(Throughput::Elements(PAIRS)).sample_size(10);
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|times| {
            let start = Instant::now();
            for _ in 0..times {
                done += PAIRS;
                next.store(done - PAIRS, Ordering::Relaxed);
                runtime.block_on(async {
                    let tasks = (0..TASKS)
                        .map(|_| tokio::spawn(carry(checkpoint.clone(), run, next.clone(), done, has_images)));
                    for task in tasks.collect::<Vec<_>>() {
                        task.await.expect("carried");
                    }
                    checkpoint.flush().await.expect("flushed");
                });
            }
            start.elapsed()
        });
    });
    group.finish();
    let micros = (cpu() - begun).as_secs_f64() * 1e6;
    eprintln!("{name}: {done} pairs, {:.1} µs of CPU each, {} groups", micros / done as f64, checkpoint.groups());
    let start = Instant::now();
    checkpoint.tally(run, 1).expect("a tally");
    eprintln!("tally in {:.2} s", start.elapsed().as_secs_f64());
    let start = Instant::now();
    checkpoint.begin_pass(run).expect("a pass");
    eprintln!("resumed in {:.2} s", start.elapsed().as_secs_f64());
}

fn snapshot(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let people: Vec<_> = (0..100_000).map(|number| (format!("{number}"), [phone(number)])).collect();
    let contact = r#"{"first_name":"Ana","last_name":"Vera","phones":["+593991234567"],"tags":["vip","2026"]}"#;
    let mut group = criterion.benchmark_group("snapshot");
    group.throughput(Throughput::Elements(people.len() as u64)).sample_size(10);
    group.bench_function("fill", |bencher| {
        bencher.iter(|| {
            let mut filling = Snapshot::create(folder.path()).expect("a snapshot");
            for page in people.chunks(100) {
                let mut kept = SnapshotPage::default();
                page.iter().for_each(|(id, phones)| kept.add(id, contact, phones));
                filling.add(1, &kept).expect("added");
            }
            filling.done().expect("sealed").len()
        });
    });
    group.finish();
}

criterion_group!(benches, creates, snapshot);
criterion_main!(benches);
