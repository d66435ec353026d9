//! How many different values there are: counted exactly while they are few, then estimated (HyperLogLog, 2¹² registers,
//! standard error 1.6 %).

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Registers of the estimate, as a power of two.
const REGISTERS_LOG: u32 = 12;
/// The most hashes that are kept exactly, and the fewest.
const EXACT_MAX: usize = 10_000;
const EXACT_MIN: usize = 256;
/// All columns together keep about this many hashes.
const EXACT_ALL: usize = 1_000_000;

/// The values met so far.
#[derive(Clone, Debug)]
pub struct Distinct {
    exact_max: usize,
    hashes: HashSet<u64>,
    registers: Vec<u8>,
}

impl Distinct {
    /// Of nothing yet, for one of so many columns.
    pub fn new(columns: usize) -> Distinct {
        let exact_max = (EXACT_ALL / columns.max(1)).clamp(EXACT_MIN, EXACT_MAX);
        Distinct { exact_max, hashes: HashSet::new(), registers: Vec::new() }
    }

    /// Adds a value.
    pub fn add(&mut self, value: &str) {
        self.add_hash(hash_of(value));
    }

    fn add_hash(&mut self, hash: u64) {
        if !self.registers.is_empty() {
            return self.note(hash);
        }
        self.hashes.insert(hash);
        if self.hashes.len() > self.exact_max {
            self.registers = vec![0; 1 << REGISTERS_LOG];
            std::mem::take(&mut self.hashes).into_iter().for_each(|hash| self.note(hash));
        }
    }

    /// The register of the first bits keeps the longest run of zeros behind them.
    fn note(&mut self, hash: u64) {
        let run = u8::try_from((hash << REGISTERS_LOG).leading_zeros().min(64 - REGISTERS_LOG) + 1).unwrap_or(u8::MAX);
        let register = usize::try_from(hash >> (64 - REGISTERS_LOG)).unwrap_or(0);
        if let Some(known) = self.registers.get_mut(register) {
            *known = run.max(*known);
        }
    }

    /// Adds the values of another.
    pub fn merge(&mut self, other: Distinct) {
        if other.registers.is_empty() {
            other.hashes.into_iter().for_each(|hash| self.add_hash(hash));
            return;
        }
        if self.registers.is_empty() {
            self.registers = other.registers;
            std::mem::take(&mut self.hashes).into_iter().for_each(|hash| self.note(hash));
        } else {
            self.registers.iter_mut().zip(other.registers).for_each(|(own, other)| *own = other.max(*own));
        }
    }

    /// How many, and whether that is exact.
    pub fn count(&self) -> (u64, bool) {
        if self.registers.is_empty() {
            return (self.hashes.len() as u64, true);
        }
        let registers = self.registers.len() as f64;
        let sum: f64 = self.registers.iter().map(|run| 0.5_f64.powi(i32::from(*run))).sum();
        let alpha = 0.7213 / (1.0 + 1.079 / registers);
        ((alpha * registers * registers / sum).round() as u64, false)
    }
}

/// The hash of a value, the same in every process: with fixed keys, so that two runs print the same.
pub(super) fn hash_of(value: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_are_counted_and_many_estimated() {
        let (mut one, mut other) = (Distinct::new(1), Distinct::new(1));
        (0..9_000).for_each(|n| one.add(&n.to_string()));
        assert_eq!(one.count(), (9_000, true));
        (5_000..200_000).for_each(|n| other.add(&n.to_string()));
        one.merge(other);
        let (n, is_exact) = one.count();
        assert!(!is_exact && (190_000..210_000).contains(&n), "{n}");
    }
}
