//! `migrate` between any two platforms, with faults at both ends: both are served by one sandbox.

use super::carried::{led, same, to_its_end, whole_start};
use super::dice::Dice;
use super::importing::target_of;
use super::site::{Wire, at_ease, connection, copy, options, patience, rough};
use super::view::{VIEWS, View};
use super::world::{crowd, some_of};
use crate::support::{runtime, serve};
use ferry::plan::suggest::Typed;
use ferry::plan::work::Effect;
use ferry::plan::{Mistakes, SourceAsked, SourcePlan, WorkAsked, address_of};
use ferry::platforms::diff::OnExisting;
use ferry::run::plan::{FromPlatform, Rules, Transfer, TransferPlan, Work};
use ferry::sandbox::Sandbox;
use std::path::Path;

/// To and from TWIN a mapping has to say who is who.
const FROM_TWIN: &str = "version: 1
phone_region: EC
contact:
  full_name: attributes.Name
  phone: attributes.Phone
";
const TO_TWIN: &str = "version: 1
phone_region: EC
contact:
  target_id: TWIN
  attributes:
    Name: { value: \"NAME\" }
    Note: phone
";

/// Which way, and what of those who are there.
struct Way {
    from: &'static dyn View,
    to: &'static dyn View,
    on_existing: OnExisting,
}

impl Way {
    fn mapping(&self) -> Option<String> {
        let names = "{{ row.first_name }} {{ row.last_name }}";
        match (self.from.name(), self.to.name()) {
            ("twin", _) => Some(FROM_TWIN.to_owned()),
            ("eadesk", "twin") => Some(TO_TWIN.replace("TWIN", "notes").replace("NAME", "{{ row.full_name }}")),
            (_, "twin") => Some(TO_TWIN.replace("TWIN", "attributes.Twin").replace("NAME", names)),
            _ => None,
        }
    }

    fn plan(&self, folder: &Path, sandbox: &Sandbox, settings: &[(&str, String)]) -> TransferPlan {
        let map = self.mapping().map(|text| {
            std::fs::create_dir_all(folder).unwrap();
            std::fs::write(folder.join("mapping.yaml"), text).unwrap();
            folder.join("mapping.yaml")
        });
        let mut mistakes = Mistakes::default();
        let asked = SourceAsked { map, ..SourceAsked::default() };
        let source = SourcePlan::of_platform(self.from.name(), &asked, folder, &mut mistakes).unwrap();
        let (from, to) = (connection(self.from, sandbox, settings), connection(self.to, sandbox, settings));
        let from = FromPlatform { address: address_of(&from), connection: from, config_folder: folder.to_owned() };
        TransferPlan {
            work: Work::Transfer(Transfer::Migrate(source, Box::new(from)), Effect::Write),
            to: target_of(to),
            rules: Rules { on_existing: self.on_existing, only_existing: false, create_attributes: true },
            limits: WorkAsked::default(),
            state: super::site::state_of(folder),
            typed: Typed { words: vec!["migrate".into()], folder: folder.to_owned(), ..Typed::default() },
        }
    }
}

pub fn simulate(seed: u64) {
    let mut dice = Dice(seed ^ 0x4d69);
    let way = seed as usize % 12;
    let (from, other) = (way / 3, way % 3);
    let to = if other < from { other } else { other + 1 };
    let on_existing = dice.pick(&[OnExisting::Update, OnExisting::Update, OnExisting::Fill, OnExisting::Skip]);
    let way = Way { from: VIEWS[from], to: VIEWS[to], on_existing };
    let people = crowd(&mut dice);
    let there = some_of(&mut dice, &people);
    let clients = people.len();
    let folders = tempfile::tempdir().unwrap();
    let (begin, calm, folder) =
        (folders.path().join("begin"), folders.path().join("calm"), folders.path().join("rough"));
    let serving = runtime(1);
    let sandbox = serving.block_on(serve(options(&begin, seed, clients)));
    let wire = Wire::to(&sandbox);
    for (view, people) in [(way.from, &people), (way.to, &there)] {
        view.found(&wire, clients);
        people.iter().for_each(|person| view.put(&wire, person));
    }
    serving.block_on(sandbox.stop());
    copy(&begin, &calm);
    copy(&begin, &folder);
    std::fs::create_dir_all(calm.join("state")).unwrap();
    std::fs::create_dir_all(folder.join("state")).unwrap();

    let sandbox = serving.block_on(serve(options(&calm, seed, clients)));
    let ended = whole_start(&way.plan(&calm, &sandbox, &at_ease()));
    assert!(ended.failure.is_none(), "{:?}", ended.failure);
    let source = way.from.held(&Wire::to(&sandbox), &sandbox);
    let expected = led(&ended, &sandbox, way.to);
    serving.block_on(sandbox.stop());

    let calm_options = options(&folder, seed, clients);
    let sandbox_options = rough(&mut dice, &calm_options);
    let settings = patience(&mut dice);
    if std::env::var_os("FERRY_SEED").is_some() {
        let (from, to) = (way.from.name(), way.to.name());
        eprintln!("{from} {to} {:?} {:?} {settings:?}", way.on_existing, sandbox_options.faults);
    }
    let mut sandbox = Some(serving.block_on(serve(sandbox_options.clone())));
    let held = std::cell::RefCell::new(&mut sandbox);
    let plan = || way.plan(&folder, held.borrow().as_ref().unwrap(), &settings);
    let ended = to_its_end(&mut dice, plan, |dice, _| {
        if dice.chance(30) {
            let mut sandbox = held.borrow_mut();
            serving.block_on(sandbox.take().unwrap().stop());
            **sandbox = Some(serving.block_on(serve(sandbox_options.clone())));
        }
        true
    });
    let sandbox = sandbox.unwrap();
    same(led(&ended, &sandbox, way.to), &expected);
    assert_eq!(way.from.held(&Wire::to(&sandbox), &sandbox), source, "the source was changed");

    // Once more: nothing is sent but what reads.
    serving.block_on(sandbox.stop());
    let sandbox = serving.block_on(serve(calm_options));
    let again = whole_start(&way.plan(&folder, &sandbox, &settings));
    same(led(&again, &sandbox, way.to), &expected);
    assert_eq!(sandbox.history().iter().filter(|exchange| exchange.acted).count(), 0);
}
