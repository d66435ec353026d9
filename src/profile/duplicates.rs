//! Records that share a phone or an e-mail: hashes with lines, sorted at the end. Beyond a limit, the first ones stand for
//! all, and the caller says so.

use super::distinct::hash_of;

/// So many values are compared: 64 MiB for each kind.
pub const KEYS_MAX: usize = 4_000_000;

/// Values of one kind.
#[derive(Clone, Debug, Default)]
pub struct Pairs {
    keys: Vec<(u64, u64)>,
    /// Whether there were more than are compared.
    pub is_cut: bool,
}

/// Phones and e-mails, the first of each record.
#[derive(Clone, Debug, Default)]
pub struct Duplicates {
    /// Phones.
    pub phones: Pairs,
    /// E-mails.
    pub emails: Pairs,
}

impl Duplicates {
    pub(super) fn merge(&mut self, other: Duplicates) {
        self.phones.merge(other.phones);
        self.emails.merge(other.emails);
    }
}

impl Pairs {
    pub(super) fn add(&mut self, line: u64, value: &str) {
        match self.keys.len() < KEYS_MAX {
            true => self.keys.push((hash_of(value), line)),
            false => self.is_cut = true,
        }
    }

    fn merge(&mut self, other: Pairs) {
        self.is_cut |= other.is_cut || self.keys.len() + other.keys.len() > KEYS_MAX;
        let room = KEYS_MAX - self.keys.len().min(KEYS_MAX);
        self.keys.extend(other.keys.into_iter().take(room));
    }

    /// How many records repeat the value of an earlier one, and the lines of the first groups.
    pub fn repeated(&mut self, groups_max: usize) -> (u64, Vec<Vec<u64>>) {
        self.keys.sort_unstable();
        let (mut repeated, mut groups) = (0, Vec::new());
        for group in self.keys.chunk_by(|one, other| one.0 == other.0).filter(|group| group.len() > 1) {
            repeated += group.len() as u64 - 1;
            groups.push(group.iter().map(|(_, line)| *line).take(LINES_SHOWN).collect::<Vec<u64>>());
            if groups.len() > groups_max * 64 {
                groups.sort_unstable();
                groups.truncate(groups_max);
            }
        }
        groups.sort_unstable();
        groups.truncate(groups_max);
        (repeated, groups)
    }
}

/// Of one value, the lines of so many records are named.
const LINES_SHOWN: usize = 5;
