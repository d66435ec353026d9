//! The people of one seed: those of a file, and those who are at a platform before.

use super::dice::Dice;
use super::view::{Person, View, client};
use ferry::platforms::diff::OnExisting;
use std::fmt::Write;

pub const HEADER: &str = "First,Last,Phone,Email,Handle,Tags,City,Plan,Client,Status";

/// Lines that stay in their order among themselves: one person, or people who share an e-mail.
#[derive(Clone, Default)]
pub struct Block {
    /// As they stand in the file that is imported to its end.
    pub lines: Vec<String>,
    /// As they stand in the file before it was edited: some are missing, some say something else.
    pub before: Vec<String>,
}

/// One seed's world.
pub struct World {
    pub view: &'static dyn View,
    pub on_existing: OnExisting,
    pub blocks: Vec<Block>,
    /// Who is at the target before, and what is written there.
    pub there: Vec<Person>,
    /// Those among them that another party changes in the middle.
    pub changed: Vec<Person>,
    /// Whether people may share an e-mail: what two of them end as depends on who comes first, so a run of such a world
    /// is compared in less.
    pub may_share: bool,
    pub has_shared: bool,
    /// TWIN's.
    pub clients: usize,
}

impl World {
    /// Whether the end of a run is certain: no two records share an e-mail, or the platform allows it.
    pub fn is_certain(&self) -> bool {
        !self.has_shared || matches!(self.view.name(), "atom" | "twin")
    }

    /// Without records and contacts.
    pub fn of(view: &'static dyn View, on_existing: OnExisting) -> World {
        let (blocks, there, changed) = (Vec::new(), Vec::new(), Vec::new());
        World { view, on_existing, blocks, there, changed, may_share: false, has_shared: false, clients: 0 }
    }
}

const TAGS: [&str; 5] = ["VIP", "Newsletter", "Cliente", "Moroso", "VIP;Lead"];
const CITIES: [&str; 4] = ["Quito", "Guayaquil", "Cuenca", "Loja"];

/// A line of the file. What the mapping of a platform does not name is not carried.
#[derive(Clone, Default)]
struct Line {
    first: String,
    last: &'static str,
    phone: String,
    email: String,
    handle: String,
    tags: &'static str,
    city: &'static str,
    plan: &'static str,
    client: String,
}

impl Line {
    fn text(&self) -> String {
        let Line { first, last, phone, email, handle, tags, city, plan, client } = self;
        format!("{first},{last},{phone},{email},{handle},{tags},{city},{plan},{client},ok")
    }
}

/// Worlds in which people may share an e-mail.
const SHARING_PERCENT: usize = 25;

/// A world of at least so many people, and of less than twice and a half as many.
pub fn world(dice: &mut Dice, view: &'static dyn View, people_min: usize) -> World {
    let on_existing = dice.pick(&[OnExisting::Update, OnExisting::Update, OnExisting::Fill, OnExisting::Skip]);
    let mut world = World::of(view, on_existing);
    world.may_share = dice.chance(SHARING_PERCENT);
    let people = people_min + dice.below(people_min * 3 / 2);
    for number in 0..people {
        let block = block(dice, &mut world, number, people);
        world.blocks.push(block);
    }
    let stranger = client(9_999);
    let bad = [
        "Bad,Phone,12,,,,,,,ok".to_owned(),
        "Spam,Mer,0991111111,,,,,,,spam".to_owned(),
        "Bad,Plan,0992222222,,,,,z,,ok".to_owned(),
        "No,Body,,,,,,,,ok".to_owned(),
        "Ragged,Row".to_owned(),
        ",Nameless,0993333333,,,,,,,ok".to_owned(),
        "Only,Mail,,only@example.com,,,,,,ok".to_owned(),
        "Bad,Mail,0994444444,no mail,,,,,,ok".to_owned(),
        format!("Un,Known,0995555555,,,,,,{stranger},ok"),
    ];
    for line in bad.into_iter().filter(|_| dice.chance(70)).collect::<Vec<_>>() {
        world.blocks.push(Block { lines: vec![line.clone()], before: vec![line] });
    }
    world.clients = 2 * people + 1;
    let bystander = [("+593987654321".to_owned(), "bystander@example.com".to_owned())];
    world.there.extend(bystander.map(|(phone, email)| existing(dice, 2 * people, vec![phone], vec![email])));
    world
}

/// The lines of one person, and of others who share a value with them.
fn block(dice: &mut Dice, world: &mut World, number: usize, people: usize) -> Block {
    let has_items = world.view.name() == "eadesk";
    let (phone, other) = phones(dice, number);
    let several =
        if has_items && dice.chance(40) { format!("/{}", phones(dice, 700 + number).0) } else { String::new() };
    let mut line = Line {
        first: format!("Ana{number}"),
        last: "Vera",
        phone: format!("{phone}{several}"),
        email: if dice.chance(70) { format!("p{number}@example.com") } else { String::new() },
        handle: if dice.chance(30) { format!("telegram:ana{number}") } else { String::new() },
        tags: if dice.chance(60) { dice.pick(&TAGS) } else { "" },
        city: dice.pick(&CITIES),
        plan: dice.pick(&["b", "p", ""]),
        client: client(number),
    };
    let email = line.email.clone();
    if has_items && !email.is_empty() && dice.chance(30) {
        write!(line.email, "/q{number}@example.com").unwrap();
    }
    let mut block = Block { lines: vec![line.text()], before: vec![line.text()] };
    match dice.below(12) {
        // A second record of the same person, the phone in another form.
        0..3 => {
            let city = dice.pick(&CITIES);
            let first = line.first.clone();
            let twin =
                Line { first, last: "Mena", phone: other, tags: "Lead", city, client: line.client, ..Line::default() };
            block.lines.push(twin.text());
            if dice.chance(50) {
                block.before.push(twin.text());
            }
        }
        // Another person with the same e-mail: at some platforms the same contact.
        3 if !email.is_empty() && world.may_share => {
            let (phone, _) = phones(dice, 500 + number);
            let (first, client) = (format!("Luz{number}"), client(people + number));
            let luz = Line { first, last: "Paz", phone, email, city: "Ibarra", client, ..Line::default() };
            block.lines.push(luz.text());
            block.before = block.lines.clone();
            world.has_shared = true;
        }
        // Was added later.
        4 | 5 => block.before.clear(),
        // Was edited.
        6 => block.before = vec![Line { city: "Manta", ..line }.text()],
        // A contact that the target has already.
        7 | 8 => {
            let emails = if email.is_empty() { Vec::new() } else { vec![email] };
            let person = existing(dice, number, vec![e164(&phone)], emails);
            if dice.chance(60) {
                world.changed.push(person.clone());
            }
            world.there.push(person);
        }
        _ => {}
    }
    block
}

/// A contact that exists before.
fn existing(dice: &mut Dice, number: usize, phones: Vec<String>, emails: Vec<String>) -> Person {
    Person {
        number,
        first: format!("Old{number}"),
        last: "Name".to_owned(),
        phones,
        emails,
        handles: Vec::new(),
        tags: vec!["Lead".to_owned()],
        attributes: vec![("Loyal", "since 2019".to_owned())],
        oddity: dice.below(60),
    }
}

/// People to be carried from one platform to another. Each is a client of TWIN as well, but for one whose id leads to none.
pub fn crowd(dice: &mut Dice) -> Vec<Person> {
    let of_source = |dice: &mut Dice, number: usize| {
        let twin = if dice.chance(4) { client(9_000 + number) } else { client(number) };
        let mut person = Person {
            number,
            first: format!("Eva{number}"),
            last: dice.pick(&["Sol", "Mora Paz"]).to_owned(),
            phones: vec![e164(&phones(dice, number).0)],
            attributes: vec![("Twin", twin), ("Loyal", dice.pick(&["since 2019", "no"]).to_owned())],
            oddity: dice.below(60),
            ..Person::default()
        };
        if dice.chance(60) {
            person.emails.push(format!("e{number}@example.com"));
        }
        if dice.chance(40) {
            person.phones.push(e164(&phones(dice, 400 + number).0));
        }
        if dice.chance(40) {
            person.handles.push(format!("telegram:eva{number}"));
        }
        if dice.chance(60) {
            person.tags.push(dice.pick(&["VIP", "Lead", "Newsletter"]).to_owned());
        }
        person
    };
    (0..12 + dice.below(20)).map(|number| of_source(dice, number)).collect()
}

/// Some of those people as the target has them already.
pub fn some_of(dice: &mut Dice, crowd: &[Person]) -> Vec<Person> {
    let mut some = Vec::new();
    for person in crowd {
        if dice.chance(20) {
            let emails = person.emails.clone();
            some.push(existing(dice, person.number, vec![person.phone()], emails));
        }
    }
    some
}

/// A phone of its own for each number, in two forms.
fn phones(dice: &mut Dice, number: usize) -> (String, String) {
    match dice.below(4) {
        0 => (format!("+521551234{number:04}"), format!("+52551234{number:04}")),
        1 => (format!("+593 99 50{number:05}"), format!("09950{number:05}")),
        _ => (format!("09960{number:05}"), format!("+59399 60{number:05}")),
    }
}

fn e164(phone: &str) -> String {
    let plain: String = phone.chars().filter(|c| !c.is_whitespace()).collect();
    plain.strip_prefix('0').map_or(plain.clone(), |rest| format!("+593{rest}"))
}

/// A file of these blocks' lines, mixed, each block's in their order.
pub fn file_of<'a>(dice: &mut Dice, blocks: impl Iterator<Item = &'a Vec<String>>) -> String {
    let blocks: Vec<&Vec<String>> = blocks.collect();
    let mut order: Vec<usize> =
        blocks.iter().enumerate().flat_map(|(block, lines)| std::iter::repeat_n(block, lines.len())).collect();
    dice.shuffle(&mut order);
    let mut next = vec![0; blocks.len()];
    let mut text = format!("{HEADER}\n");
    for block in order {
        text.push_str(&blocks[block][next[block]]);
        text.push('\n');
        next[block] += 1;
    }
    text
}
