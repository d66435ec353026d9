//! What each column of a header is for: the names of all columns together, and of the first records how often each is
//! filled. Pure; every column gets exactly one decision.
//!
//! Names, an address and the phones are each taken as a group. What a group does not take becomes an attribute, so that
//! no value is lost.

use super::sense::{Meaning, Sense, is_unsure, meaning};
use super::words::{Bare, Head, Role};
use crate::contact::Field;
use std::collections::HashMap;

/// A header as the decisions see it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Layout<'a> {
    /// The columns of a table, or the names of a JSON source's first records.
    pub names: &'a [String],
    /// How often each is filled in the first records; empty where that is not known.
    pub filled: &'a [u64],
    /// What each column holds where more is known than its name; none: by the names alone.
    pub meanings: Option<&'a [Meaning]>,
}

/// What is done with a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// It is this field, or one of its items.
    Field(Field),
    /// The whole name beside its parts: used where they are blank.
    Spare,
    /// An attribute under its own name.
    Attribute(Because),
    /// Left out.
    LeftOut(Reason),
}

/// Why a column becomes an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Because {
    /// Its name is not known.
    Unknown,
    /// It belongs to a company.
    Company,
    /// The field comes from the column of this index already.
    Second(Field, usize),
    /// The address is taken from another group of columns; this one begins with the column of this index.
    OtherAddress(usize),
}

/// Why a column is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It says of which type its neighbour is.
    Label,
    /// An id that only the exporting system knows.
    OwnId,
    /// The number of the row.
    Counter,
    /// What the exporting system keeps for itself.
    System,
}

/// The decisions for a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decisions {
    /// One for each column, in their order.
    pub uses: Vec<Use>,
    /// The columns of phones in the order in which their numbers come, each with the column that says of which type it
    /// is.
    pub phones: Vec<(usize, Option<usize>)>,
    /// How many of these are called so that their numbers come first, whatever their type.
    pub phones_first: usize,
    /// Where the region of a record's phones comes from.
    pub regions: Vec<usize>,
}

impl Decisions {
    /// The columns of a field, in their order.
    pub fn of_field(&self, field: Field) -> impl Iterator<Item = usize> + '_ {
        self.uses.iter().enumerate().filter(move |(_, used)| **used == Use::Field(field)).map(|(at, _)| at)
    }
}

/// Decides what each column is for.
pub(crate) fn assign(layout: Layout<'_>) -> Decisions {
    let by_names = || layout.names.iter().map(|name| meaning(name)).collect();
    let meanings: Vec<Meaning> = layout.meanings.map_or_else(by_names, <[Meaning]>::to_vec);
    let uses = vec![Use::Attribute(Because::Unknown); meanings.len()];
    let mut assigning = Assigning { layout, meanings, uses };
    assigning.companies();
    assigning.names();
    assigning.singles();
    assigning.lists();
    let address = assigning.address();
    assigning.left_out();
    let phones = assigning.phones();
    let is_first = |(column, _): &&(usize, Option<usize>)| {
        assigning.sense(*column).is_some_and(|sense| sense.role <= Role::Mobile)
    };
    let phones_first = phones.iter().filter(is_first).count();
    let regions = assigning.regions(&address);
    Decisions { uses: assigning.uses, phones, phones_first, regions }
}

/// The columns of one address: its role and number, and the columns with what they hold.
type Group = ((Role, u32), Vec<(usize, Sense)>);

struct Assigning<'a> {
    layout: Layout<'a>,
    meanings: Vec<Meaning>,
    uses: Vec<Use>,
}

impl Assigning<'_> {
    fn sense(&self, column: usize) -> Option<Sense> {
        match self.meanings.get(column) {
            Some(Meaning::Value(sense)) => Some(*sense),
            _ => None,
        }
    }

    /// The columns whose values the contact may have.
    fn values(&self) -> impl Iterator<Item = (usize, Sense)> + '_ {
        (0..self.meanings.len()).filter_map(|column| Some((column, self.sense(column)?)))
    }

    fn set(&mut self, column: usize, used: Use) {
        if let Some(slot) = self.uses.get_mut(column) {
            *slot = used;
        }
    }

    /// The field from the first of these columns; the others become attributes.
    fn first_of(&mut self, field: Field, columns: impl IntoIterator<Item = usize>) {
        let mut columns = columns.into_iter();
        let Some(first) = columns.next() else { return };
        self.set(first, Use::Field(field));
        columns.for_each(|column| self.set(column, Use::Attribute(Because::Second(field, first))));
    }

    /// Companies, and what repeats a name behind one: of a file with the columns of two tables, the second is the
    /// company's.
    fn companies(&mut self) {
        let mut seen: HashMap<&str, usize> = HashMap::new();
        let mut company = None;
        for (column, name) in self.layout.names.iter().enumerate() {
            if self.meanings.get(column) == Some(&Meaning::Company) {
                company = company.or(Some(column));
                if let Some(used) = self.uses.get_mut(column) {
                    *used = Use::Attribute(Because::Company);
                }
                continue;
            }
            let plain = repeated(name).and_then(|plain| seen.get(plain));
            let is_behind = plain.is_some_and(|first| company.is_some_and(|company| *first < company));
            if let (true, Some(meaning), Some(used)) =
                (is_behind, self.meanings.get_mut(column), self.uses.get_mut(column))
            {
                (*meaning, *used) = (Meaning::Company, Use::Attribute(Because::Company));
            }
            seen.entry(name).or_insert(column);
        }
    }

    /// The columns of a head.
    fn of_head(&self, head: Head) -> Vec<(usize, Sense)> {
        self.values().filter(|(_, sense)| sense.head == head).collect()
    }

    /// Given and family name of one group, or the whole name; the whole name beside its parts is kept for where they
    /// are blank.
    fn names(&mut self) {
        self.settle_bare_names();
        let parts = [(Field::FirstName, self.of_head(Head::First)), (Field::LastName, self.of_head(Head::Last))];
        let count = |role: Role| {
            parts.iter().filter(|(_, columns)| columns.iter().any(|(_, sense)| sense.role == role)).count()
        };
        let roles = parts.iter().flat_map(|(_, columns)| columns).map(|(_, sense)| sense.role);
        let best = roles.max_by_key(|role| (count(*role), std::cmp::Reverse(*role)));
        for (field, mut columns) in parts {
            columns.sort_by_key(|(_, sense)| Some(sense.role) != best);
            if columns.first().is_some_and(|(_, sense)| Some(sense.role) == best) {
                self.first_of(field, columns.into_iter().map(|(column, _)| column));
            }
        }
        let mut wholes = self.of_head(Head::Full);
        wholes.sort_by_key(|(_, sense)| sense.role);
        let first = wholes.first().map(|(column, _)| *column);
        self.first_of(Field::FullName, wholes.into_iter().map(|(column, _)| column));
        // Ferry's own files have all three.
        let is_own = |column: usize| self.layout.names.get(column).is_some_and(|name| name == "full_name");
        if let (true, Some(whole)) = (best.is_some(), first.filter(|whole| !is_own(*whole))) {
            self.set(whole, Use::Spare);
        }
    }

    /// Names of one word become what their neighbours make of them.
    fn settle_bare_names(&mut self) {
        let has = |head: Head| self.values().any(|(_, sense)| sense.head == head);
        let has_pair = has(Head::MaybeFirst) && has(Head::MaybeLast) && !has(Head::First) && !has(Head::Last);
        let (first, last) = (has(Head::First) || has_pair, has(Head::Last) || has_pair);
        let is_full = has(Head::Full);
        let is_person_known = first || last || is_full || self.values().any(|(_, s)| matches!(s.head, Head::Bare(_)));
        let is_family_first = self.values().any(|(column, sense)| {
            let name = self.layout.names.get(column).map(|name| crate::yaml::fold(name)).unwrap_or_default();
            sense.head == Head::First && (name.starts_with("vorname") || name.starts_with("prenom"))
        });
        let settled = |head: Head| match head {
            Head::MaybeFirst => has_pair.then_some(Head::First),
            Head::MaybeLast => has_pair.then_some(Head::Last),
            Head::Person => (!is_person_known).then_some(Head::Full),
            Head::Bare(bare) => Some(match (first, last, bare) {
                (true, false, Bare::Name | Bare::Family) if is_family_first => Head::Last,
                (false, true, Bare::Name | Bare::Given) => Head::First,
                (false, false, Bare::Given) if is_full => Head::First,
                _ => Head::Full,
            }),
            other => Some(other),
        };
        for meaning in &mut self.meanings {
            if let Meaning::Value(sense) = meaning {
                match settled(sense.head) {
                    Some(head) => sense.head = head,
                    None => *meaning = Meaning::Unknown,
                }
            }
        }
    }

    /// Fields of one value that only their names tell: the first column of each.
    fn singles(&mut self) {
        let mut columns: Vec<(Field, Vec<usize>)> = Vec::new();
        for (column, sense) in self.values() {
            let Head::Other(field) = sense.head else { continue };
            match columns.iter_mut().find(|(known, _)| *known == field) {
                Some((_, columns)) => columns.push(column),
                None => columns.push((field, vec![column])),
            }
        }
        for (field, columns) in columns {
            if field == Field::Id {
                let further: Vec<usize> = columns.iter().copied().skip(1).collect();
                further.into_iter().for_each(|column| self.set(column, Use::LeftOut(Reason::OwnId)));
                self.first_of(field, columns.first().copied());
            } else {
                self.first_of(field, columns);
            }
        }
    }

    fn lists(&mut self) {
        let field_of = |head: Head| match head {
            Head::Phone => Some(Field::Phones),
            Head::Email => Some(Field::Emails),
            Head::Tags => Some(Field::Tags),
            Head::Handles => Some(Field::Handles),
            _ => None,
        };
        let columns: Vec<(usize, Field)> =
            self.values().filter_map(|(column, sense)| Some((column, field_of(sense.head)?))).collect();
        columns.into_iter().for_each(|(column, field)| self.set(column, Use::Field(field)));
    }

    /// The address from one group of columns; gives the group's columns.
    fn address(&mut self) -> Vec<usize> {
        let mut groups: Vec<Group> = Vec::new();
        for (column, sense) in self.values().filter(|(_, sense)| sense.is_address()) {
            let key = (sense.role, sense.number);
            match groups.iter_mut().find(|(known, _)| *known == key) {
                Some((_, group)) => group.push((column, sense)),
                None => groups.push((key, vec![(column, sense)])),
            }
        }
        groups.iter_mut().for_each(|(_, group)| self.drop_unsure(group));
        groups.retain(|(_, group)| !group.is_empty());
        groups.sort_by_key(|(key, group)| (std::cmp::Reverse(self.filled(group)), *key));
        let mut chosen = Vec::new();
        for (at, (_, group)) in groups.into_iter().enumerate() {
            let Some(begin) = group.first().map(|(column, _)| *column) else { continue };
            if at == 0 {
                chosen = group.iter().map(|(column, _)| *column).collect();
                self.take_address(group);
            } else {
                let first = chosen.first().copied().unwrap_or(begin);
                group
                    .into_iter()
                    .for_each(|(column, _)| self.set(column, Use::Attribute(Because::OtherAddress(first))));
            }
        }
        chosen
    }

    /// How much of a group is filled in the first records; where that is not known, how many columns it has.
    fn filled(&self, group: &[(usize, Sense)]) -> u64 {
        group
            .iter()
            .map(|(column, _)| {
                self.layout.filled.get(*column).copied().unwrap_or(u64::from(self.layout.filled.is_empty()))
            })
            .sum()
    }

    /// A bare `State` is one only beside other parts of an address.
    fn drop_unsure(&self, group: &mut Vec<(usize, Sense)>) {
        let is_part = |(_, sense): &(usize, Sense)| !is_unsure(sense.head) && sense.head != Head::Address;
        if !group.iter().any(is_part) {
            group.retain(|(_, sense)| !is_unsure(sense.head));
        }
    }

    /// Each part from its first column, the value rather than its code, the street rather than the whole address.
    fn take_address(&mut self, group: Vec<(usize, Sense)>) {
        let parts: [(Field, &[Head]); 5] = [
            (Field::Street, &[Head::Street, Head::MaybeStreet, Head::Address]),
            (Field::City, &[Head::City, Head::Locality]),
            (Field::State, &[Head::State, Head::MaybeState]),
            (Field::Zip, &[Head::Zip, Head::MaybeZip]),
            (Field::Country, &[Head::Country]),
        ];
        for (field, heads) in parts {
            let rank = |sense: &Sense| heads.iter().position(|head| *head == sense.head);
            let mut columns: Vec<(usize, (bool, usize))> =
                group.iter().filter_map(|(column, sense)| Some((*column, (sense.is_code, rank(sense)?)))).collect();
            columns.sort_by_key(|(_, rank)| *rank);
            self.first_of(field, columns.into_iter().map(|(column, _)| column));
        }
    }

    /// Labels of neighbours that are there, ids and counters.
    fn left_out(&mut self) {
        for column in 0..self.meanings.len() {
            let reason = match self.meanings.get(column) {
                Some(Meaning::Label(sense)) if self.has_neighbour(sense) => Reason::Label,
                Some(Meaning::OwnId) => Reason::OwnId,
                Some(Meaning::Counter) => Reason::Counter,
                Some(Meaning::System) => Reason::System,
                _ => continue,
            };
            self.set(column, Use::LeftOut(reason));
        }
    }

    fn has_neighbour(&self, label: &Sense) -> bool {
        match label.head {
            Head::Website => true,
            _ if label.is_address() => self.values().any(|(_, sense)| sense.is_address()),
            head => self.values().any(|(_, sense)| sense.head == head),
        }
    }

    /// The phones: WhatsApp, mobiles, then the others as they stand.
    fn phones(&self) -> Vec<(usize, Option<usize>)> {
        let mut columns: Vec<(usize, Sense)> = self.values().filter(|(_, sense)| sense.head == Head::Phone).collect();
        columns.sort_by_key(|(_, sense)| sense.role.min(Role::Plain));
        let label_of = |of: &Sense| {
            let is_of = |meaning: &Meaning| {
                matches!(meaning, Meaning::Label(label)
                    if label.head == of.head && label.role == of.role && label.number == of.number)
            };
            self.meanings.iter().position(is_of)
        };
        columns.into_iter().map(|(column, sense)| (column, label_of(&sense))).collect()
    }

    /// The country of the address, else another one, else a calling code beside the phone.
    fn regions(&self, address: &[usize]) -> Vec<usize> {
        let first = |columns: Vec<(usize, Sense)>| columns.first().map(|(column, _)| *column);
        let countries = self.of_head(Head::Country);
        let own = countries.iter().map(|(column, _)| *column).find(|column| address.contains(column));
        // A column that is blank says nothing; another may.
        let is_filled = |column: &usize| self.layout.filled.get(*column).is_none_or(|filled| *filled > 0);
        let filled = countries.iter().map(|(column, _)| *column).find(is_filled);
        let country = own.filter(is_filled).or(filled).or(own).or_else(|| first(countries));
        country.into_iter().chain(first(self.of_head(Head::CountryCode))).filter(is_filled).collect()
    }
}

/// The name that `Phone#2` repeats.
fn repeated(name: &str) -> Option<&str> {
    let (plain, number) = name.rsplit_once('#')?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(plain)
}
