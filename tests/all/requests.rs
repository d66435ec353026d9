//! How many requests a contact takes, for each platform and case, beside the fewest that are possible.
//!
//! Each case is run with ten contacts and with twenty: what the second takes more is what ten contacts take. Lists are one
//! page in both, and lookup fields are verified once.

use super::support::{Scene, creating_platforms, scene};
use std::fmt::Write;

const FEW: usize = 10;

const MAPPING: &str = "version: 1
phone_region: EC
contact:
  first_name: First
  last_name: Last
  phone: Phone
  email: Email
";

/// A file of so many contacts.
fn people(len: usize, last: &str) -> String {
    let mut text = "First,Last,Phone,Email\n".to_owned();
    for nth in 0..len {
        writeln!(text, "Ana{nth},{last},+5939910010{nth:02},ana{nth}@example.com").unwrap();
    }
    text
}

/// A file of so many clients of TWIN, which are known by their ids alone.
fn clients(len: usize, name: &str) -> String {
    let mut text = "Client,Name\n".to_owned();
    for nth in 1..=len {
        writeln!(text, "7a1e0000-0000-4000-8000-{nth:012},{name} {nth}").unwrap();
    }
    text
}

/// The requests of an import whose outcome every contact has.
fn requests(scene: &Scene, platform: &str, outcome: &str, len: usize) -> usize {
    let before = scene.requests();
    let ended = scene.run_json(&format!("import people.csv --map mapping.yaml --to {platform}"));
    assert_eq!((ended.exit, ended.count(outcome)), (0, len as u64), "{platform}, {outcome}: {ended:?}");
    scene.requests() - before
}

/// What is asked for new, unchanged and changed contacts.
fn all_cases(platform: &str, find: &str, len: usize) -> [usize; 3] {
    let mut scene = scene(|_| {});
    scene.set_for_all("find", find);
    // Nothing is waited for, and no page is guessed: whether a guess beyond the end leaves in time to be counted is chance.
    scene.set_for_all("settle", "0s");
    scene.set_for_all("concurrency", "1");
    scene.write("mapping.yaml", MAPPING);
    // Contacts that are there before, so that the lookup fields can be verified on them, and nothing is empty.
    scene.write("people.csv", "First,Last,Phone,Email\nEva,Sol,+593987654321,eva@example.com\n");
    requests(&scene, platform, "created", 1);
    scene.write("people.csv", &people(len, "Vera"));
    let new = requests(&scene, platform, "created", len);
    let unchanged = requests(&scene, platform, "unchanged", len);
    scene.write("people.csv", &people(len, "Luna"));
    [new, unchanged, requests(&scene, platform, "updated", len)]
}

#[test]
fn a_contact_takes_the_fewest_requests_that_its_promises_allow() {
    // Eadesk writes the person, the phone and the e-mail with a request each. What is more than the writes has a reason:
    // - The list of Atom says no total, and that of Eadesk may lack contacts: a contact that is not in it is looked up.
    // - Without a list a contact is looked up by each of its values, because each may lead to a contact. Mercately is asked
    //   for a phone in two forms, because it keeps the form in which it was given.
    // - A write of Atom and Eadesk replaces the contact, so it is read first; without a list every contact is.
    let expected = "\
atom snapshot: new 2, unchanged 0, changed 2
atom each: new 2, unchanged 1, changed 2
mercately snapshot: new 1, unchanged 0, changed 1
mercately each: new 4, unchanged 1, changed 2
eadesk snapshot: new 5, unchanged 0, changed 2
eadesk each: new 5, unchanged 1, changed 2
";
    let mut table = String::new();
    for platform in creating_platforms() {
        for find in ["snapshot", "each"] {
            let (few, many) = (all_cases(platform, find, FEW), all_cases(platform, find, 2 * FEW));
            let each: Vec<String> = ["new", "unchanged", "changed"]
                .into_iter()
                .zip(few.into_iter().zip(many))
                .map(|(case, (few, many))| format!("{case} {}", (many - few) as f64 / FEW as f64))
                .collect();
            writeln!(table, "{platform} {find}: {}", each.join(", ")).unwrap();
        }
    }
    assert_eq!(table, expected);
}

#[test]
fn a_client_of_twin_is_read_once_and_written_once() {
    // There is no list of clients, and no other way to find one than its id.
    let cases = |len: usize| {
        let mut scene = scene(|options| options.set("twin", "clients", 2 * FEW as u32));
        scene.set_for_all("settle", "0s");
        scene.write("mapping.yaml", "contact: { target_id: Client, attributes: { Name: Name } }\n");
        scene.write("people.csv", &clients(len, "Vera"));
        requests(&scene, "twin", "updated", len);
        let unchanged = requests(&scene, "twin", "unchanged", len);
        scene.write("people.csv", &clients(len, "Luna"));
        [unchanged, requests(&scene, "twin", "updated", len)]
    };
    let (few, many) = (cases(FEW), cases(2 * FEW));
    assert_eq!(many.map(|all| all as f64), [0, 1].map(|case| few[case] as f64 + FEW as f64 * [1.0, 2.0][case]));
}
