//! The layouts of vendors' files: data, one YAML file a vendor. A layout says what names alone do not: which columns are the
//! exporting system's own, and what a name means there.
//!
//! A layout is recognised by its columns: at least two that no other layout has, and most of those that are always there.

use crate::mapping::names::{Bare, Head, Meaning, Role, Sense};
use crate::yaml::{Errors, Kind, Node, fold, read};
use std::collections::HashMap;
use std::sync::LazyLock;

/// Of a hundred columns that are always there, so many have to be.
const PERCENT_MIN: usize = 70;
/// So many columns have to be there that no other layout has: one name can be there by chance.
const OWN_MIN: usize = 2;
/// A layout that has so much more of its own columns than the next one is the better.
const LEAD_MIN: usize = 1;

/// A vendor's file.
#[derive(Clone, Debug, Default)]
pub struct Vendor {
    /// The file of the layout, without its end.
    pub file: &'static str,
    /// What it is called.
    pub name: String,
    /// The document of the vendor, or the code of an importer, that names the columns.
    pub link: String,
    /// What parts the tags of a cell, where that is not seen.
    pub(super) tags_split: Option<String>,
    always: Vec<String>,
    unique: Vec<String>,
    columns: HashMap<String, Meaning>,
    faults: Vec<String>,
}

macro_rules! layouts {
    ($($file:literal),* $(,)?) => {
        [$(($file, include_str!(concat!("layouts/", $file, ".yaml")))),*]
    };
}

/// The layouts, by file.
static FILES: [(&str, &str); 32] = layouts![
    "activecampaign",
    "amocrm",
    "bitrix24",
    "brevo",
    "chatwoot",
    "facebook-leads",
    "freshdesk",
    "google-new",
    "google-old",
    "hubspot",
    "intercom",
    "linkedin",
    "loader-of-documents",
    "loader-of-tags",
    "mailchimp",
    "odoo",
    "outlook",
    "outlook-de",
    "outlook-es",
    "outlook-fr",
    "outlook-it",
    "outlook-pt",
    "outlook-ru",
    "pipedrive",
    "respond-io",
    "salesforce",
    "shopify",
    "wati",
    "woocommerce",
    "yahoo",
    "zendesk",
    "zoho",
];

/// All vendors, in the order of their files.
pub static VENDORS: LazyLock<Vec<Vendor>> =
    LazyLock::new(|| FILES.iter().map(|(file, text)| Vendor::read(file, text)).collect());

/// The vendor whose file has these columns.
pub(super) fn recognise(names: &[String]) -> Option<&'static Vendor> {
    let names: Vec<String> = names.iter().map(|name| fold(name)).collect();
    let has = |column: &String| names.contains(column);
    let mut found: Vec<(usize, &'static Vendor)> = Vec::new();
    for vendor in VENDORS.iter() {
        let own = vendor.unique.iter().filter(|column| has(column)).count();
        let there = vendor.always.iter().filter(|column| has(column)).count();
        if own >= OWN_MIN && there * 100 >= vendor.always.len() * PERCENT_MIN {
            found.push((own, vendor));
        }
    }
    found.sort_by_key(|(own, _)| std::cmp::Reverse(*own));
    match found.as_slice() {
        [(_, vendor)] => Some(vendor),
        [(first, vendor), (second, _), ..] if first - second >= LEAD_MIN => Some(vendor),
        _ => None,
    }
}

impl Vendor {
    /// What a column of this name means there, where the layout says it.
    pub(super) fn meaning_of(&self, name: &str) -> Option<Meaning> {
        self.columns.get(&fold(name)).copied()
    }

    /// What is wrong with the file of the layout: nothing, as a test sees to.
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    fn read(file: &'static str, text: &str) -> Vendor {
        let mut vendor = Vendor { file, ..Vendor::default() };
        let mut errors = Errors::default();
        match read(text, "the layout", &mut errors).map(|root| root.kind) {
            Some(Kind::Map(entries)) => entries.iter().for_each(|(key, node)| vendor.entry(&key.text, node)),
            _ => vendor.faults.push("it is no map".to_owned()),
        }
        vendor
    }

    fn entry(&mut self, key: &str, node: &Node) {
        match (key, &node.kind) {
            ("name", Kind::Text { text, .. }) => self.name.clone_from(text),
            ("link", Kind::Text { text, .. }) => self.link.clone_from(text),
            ("tags_split", Kind::Text { text, .. }) => self.tags_split = Some(text.clone()),
            ("always", Kind::List(items)) => self.always = texts(items),
            ("unique", Kind::List(items)) => self.unique = texts(items),
            ("ignore", Kind::List(items)) => {
                self.columns.extend(texts(items).into_iter().map(|name| (name, Meaning::System)));
            }
            ("attribute", Kind::List(items)) => {
                self.columns.extend(texts(items).into_iter().map(|name| (name, Meaning::Company)));
            }
            ("columns", Kind::Map(entries)) => {
                for (name, node) in entries {
                    let meaning = match &node.kind {
                        Kind::Text { text, .. } => meaning_named(text),
                        _ => None,
                    };
                    match meaning {
                        Some(meaning) => {
                            self.columns.insert(fold(&name.text), meaning);
                        }
                        None => self.faults.push(format!("`{}` has no meaning", name.text)),
                    }
                }
            }
            _ => self.faults.push(format!("`{key}` is no key")),
        }
    }
}

fn texts(items: &[Node]) -> Vec<String> {
    let text = |node: &Node| match &node.kind {
        Kind::Text { text, .. } => Some(fold(text)),
        _ => None,
    };
    items.iter().filter_map(text).collect()
}

/// `phone mobile`, `email work 2`, `city home`, `label phone work`.
fn meaning_named(text: &str) -> Option<Meaning> {
    let mut words = text.split(' ');
    let first = words.next()?;
    let is_label = first == "label";
    let head = head_named(if is_label { words.next()? } else { first })?;
    let mut sense = Sense { head, role: Role::Plain, number: 1, is_code: false };
    for word in words {
        match word.parse() {
            Ok(number) => sense.number = number,
            Err(_) => sense.role = role_named(word)?,
        }
    }
    Some(if is_label { Meaning::Label(sense) } else { Meaning::Value(sense) })
}

fn head_named(name: &str) -> Option<Head> {
    use crate::contact::Field;
    Some(match name {
        "first_name" => Head::First,
        "last_name" => Head::Last,
        "full_name" => Head::Full,
        "name" => Head::Bare(Bare::Name),
        "phone" => Head::Phone,
        "email" => Head::Email,
        "handles" => Head::Handles,
        "tags" => Head::Tags,
        "street" => Head::Street,
        "city" => Head::City,
        "state" => Head::State,
        "zip" => Head::Zip,
        "country" => Head::Country,
        "country_code" => Head::CountryCode,
        "website" => Head::Website,
        other => Head::Other(Field::named(other)?),
    })
}

fn role_named(name: &str) -> Option<Role> {
    Some(match name {
        "whatsapp" => Role::WhatsApp,
        "mobile" => Role::Mobile,
        "main" => Role::Main,
        "home" => Role::Home,
        "mailing" => Role::Mailing,
        "billing" => Role::Billing,
        "work" => Role::Work,
        "shipping" => Role::Shipping,
        "other" => Role::Other,
        _ => return None,
    })
}
