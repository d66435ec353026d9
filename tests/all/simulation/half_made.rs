//! A contact that one request created and the next ones did not complete is completed, whatever `--on-existing` says.

use super::carried::whole_start;
use super::importing::plan_of;
use super::site::{at_ease, connection, options};
use super::view::{VIEWS, View};
use super::world::{HEADER, World};
use crate::support::{runtime, serve};
use ferry::outcome::Exit;
use ferry::platforms::diff::OnExisting;
use ferry::sandbox::{FaultKind, SandboxOptions};
use std::fmt::Write;

#[test]
fn a_person_created_item_by_item_gets_every_item_also_where_existing_contacts_are_skipped_or_filled() {
    std::thread::scope(|scope| {
        for on_existing in [OnExisting::Skip, OnExisting::Fill, OnExisting::Update] {
            scope.spawn(move || every_item_arrives(on_existing));
        }
    });
}

fn every_item_arrives(on_existing: OnExisting) {
    let view: &dyn View = VIEWS[2];
    let folder = tempfile::tempdir().unwrap();
    let world = World::of(view, on_existing);
    let mut text = format!("{HEADER}\n");
    for number in 10..15 {
        let phones = format!("+5939960000{number}/+5939950000{number}");
        let emails = format!("p{number}@example.com/q{number}@example.com");
        writeln!(text, "Ana{number},Vera,{phones},{emails},telegram:a{number},VIP,Quito,,,ok").unwrap();
    }
    super::importing::write(folder.path(), &world, &text);
    let serving = runtime(1);
    let faults = vec![(FaultKind::Error502After, 0.2)];
    let sandbox = serving.block_on(serve(SandboxOptions { faults, ..options(folder.path(), 5, 1) }));
    let mut settings = at_ease();
    settings.extend([("settle", "50ms".to_owned()), ("concurrency", "8".to_owned())]);
    let start = || whole_start(&plan_of(folder.path(), connection(view, &sandbox, &settings), &world)).exit;
    assert!((0..5).any(|_| start() == Exit::Done));
    let items = sandbox.contacts("eadesk").into_iter().map(|person| person["contacts"].as_array().unwrap().len());
    assert_eq!(items.collect::<Vec<_>>(), [5; 5], "{on_existing:?}");
}
