//! `import` into each platform: from a file that may be edited meanwhile, to contacts that another party changes.

use super::carried::{Led, led, same, to_its_end, whole_start};
use super::dice::Dice;
use super::site::{Wire, at_ease, connection, copy, options, patience, rough, state_of};
use super::view::VIEWS;
use super::world::{World, file_of, world};
use crate::support::{runtime, serve};
use ferry::plan::suggest::Typed;
use ferry::plan::work::Effect;
use ferry::plan::{Connection, SourceAsked, SourcePlan, WorkAsked, address_of};
use ferry::platforms::diff::OnExisting;
use ferry::run::plan::{Rules, TargetPlan, Transfer, TransferPlan, Work};
use ferry::sandbox::{Sandbox, SandboxOptions};
use std::path::Path;
use std::time::Duration;

fn mapping(world: &World) -> String {
    let contact = world.view.mapping();
    format!("version: 1\nphone_region: EC\ncontact:{contact}only_if: \"row.Status != 'spam'\"\nduplicates: merge\n")
}

pub fn plan_of(folder: &Path, connection: Connection, world: &World) -> TransferPlan {
    let asked = SourceAsked {
        file: folder.join("contacts.csv"),
        map: Some(folder.join("mapping.yaml")),
        ..SourceAsked::default()
    };
    let state = state_of(folder);
    TransferPlan {
        work: Work::Transfer(Transfer::Import(SourcePlan::new(&asked, &state).unwrap()), Effect::Write),
        to: target_of(connection),
        rules: Rules { on_existing: world.on_existing, only_existing: false, create_attributes: true },
        limits: WorkAsked::default(),
        state,
        typed: Typed {
            words: vec!["import".into(), "contacts.csv".into()],
            folder: folder.to_owned(),
            ..Typed::default()
        },
    }
}

pub fn target_of(connection: Connection) -> TargetPlan {
    TargetPlan { address: address_of(&connection), connection, wait: Duration::ZERO, region: None }
}

pub fn write(folder: &Path, world: &World, text: &str) {
    std::fs::create_dir_all(folder.join("state")).unwrap();
    std::fs::write(folder.join("mapping.yaml"), mapping(world)).unwrap();
    std::fs::write(folder.join("contacts.csv"), text).unwrap();
}

/// What a run without any fault leads to.
fn faultless(world: &World, text: &str, folder: &Path, options: SandboxOptions) -> Led {
    write(folder, world, text);
    let serving = runtime(1);
    let sandbox = serving.block_on(serve(options));
    for person in &world.changed {
        world.view.change(&Wire::to(&sandbox), &sandbox, person);
    }
    let ended = whole_start(&plan_of(folder, connection(world.view, &sandbox, &at_ease()), world));
    assert!(ended.failure.is_none(), "{:?}", ended.failure);
    led(&ended, &sandbox, world.view)
}

/// Whether it was checked that the same once more sends nothing.
pub fn simulate(seed: u64) -> bool {
    let mut dice = Dice(seed);
    let world = world(&mut dice, VIEWS[seed as usize % VIEWS.len()], 16);
    let text = file_of(&mut dice, world.blocks.iter().map(|block| &block.lines));
    let text_before = file_of(&mut dice, world.blocks.iter().map(|block| &block.before));
    let folders = tempfile::tempdir().unwrap();
    let (begin, calm, folder) =
        (folders.path().join("begin"), folders.path().join("calm"), folders.path().join("rough"));
    let serving = runtime(1);
    let sandbox = serving.block_on(serve(options(&begin, seed, world.clients)));
    world.view.found(&Wire::to(&sandbox), world.clients);
    for person in &world.there {
        world.view.put(&Wire::to(&sandbox), person);
    }
    serving.block_on(sandbox.stop());
    copy(&begin, &calm);
    copy(&begin, &folder);
    let expected = faultless(&world, &text, &calm, options(&calm, seed, world.clients));

    // What the first version of a file brought is there already for the second: it is left alone unless it is updated.
    let is_edited = world.on_existing == OnExisting::Update && dice.chance(50);
    write(&folder, &world, if is_edited { &text_before } else { &text });
    let calm_options = options(&folder, seed, world.clients);
    let sandbox_options = rough(&mut dice, &calm_options);
    let settings = patience(&mut dice);
    if std::env::var_os("FERRY_SEED").is_some() {
        eprintln!("{:?} edited {is_edited} {:?} {settings:?}", world.on_existing, sandbox_options.faults);
    }
    let mut sandbox = Some(serving.block_on(serve(sandbox_options.clone())));
    let mut changed = world.changed.clone();
    let change = |sandbox: &Sandbox, changed: &mut Vec<_>| {
        let person = changed.remove(0);
        world.view.change(&Wire::to(sandbox), sandbox, &person);
    };
    if world.on_existing != OnExisting::Update {
        // What is filled depends on who comes first.
        let sandbox = sandbox.as_ref().unwrap();
        while !changed.is_empty() {
            change(sandbox, &mut changed);
        }
    }
    let held = std::cell::RefCell::new(&mut sandbox);
    let mut has_old_file = is_edited;
    let plan = || plan_of(&folder, connection(world.view, held.borrow().as_ref().unwrap(), &settings), &world);
    let ended = to_its_end(&mut dice, plan, |dice, is_over| {
        let mut sandbox = held.borrow_mut();
        while !changed.is_empty() && (is_over || dice.chance(40)) {
            change(sandbox.as_ref().unwrap(), &mut changed);
        }
        if dice.chance(30) {
            serving.block_on(sandbox.take().unwrap().stop());
            **sandbox = Some(serving.block_on(serve(sandbox_options.clone())));
        }
        if is_edited && (is_over || dice.chance(50)) {
            std::fs::write(folder.join("contacts.csv"), &text).unwrap();
            has_old_file = false;
        }
        changed.is_empty() && !has_old_file
    });
    let sandbox = sandbox.unwrap();
    same(led(&ended, &sandbox, world.view), &expected);

    // Once more, the file unchanged: nothing is sent but what reads.
    serving.block_on(sandbox.stop());
    let sandbox = serving.block_on(serve(calm_options));
    let again = whole_start(&plan_of(&folder, connection(world.view, &sandbox, &settings), &world));
    let again = led(&again, &sandbox, world.view);
    if world.is_certain() {
        assert_eq!(sandbox.history().iter().filter(|exchange| exchange.acted).count(), 0);
        same(again, &expected);
    }
    world.is_certain()
}
