//! Which intents of a block are open: a bit for each, and all blocks together as bytes. Pure.

use crate::packed::{Bytes, number};
use std::collections::BTreeMap;

/// The places of a block, in the order of writing.
#[derive(Debug, Default, PartialEq)]
pub(super) struct OpenPlaces {
    bits: Vec<u8>,
    len: usize,
    open: usize,
}

impl OpenPlaces {
    /// Adds a place, which is open; its number, from 0.
    pub(super) fn add(&mut self) -> usize {
        let (nth, bit) = (self.len, 1 << (self.len % 8));
        match self.bits.get_mut(nth / 8) {
            Some(byte) => *byte |= bit,
            None => self.bits.push(bit),
        }
        (self.len, self.open) = (nth + 1, self.open + 1);
        nth
    }

    /// Closes a place.
    pub(super) fn close(&mut self, nth: usize) {
        let bit = 1 << (nth % 8);
        if let Some(byte) = self.bits.get_mut(nth / 8).filter(|byte| **byte & bit != 0) {
            *byte &= !bit;
            self.open -= 1;
        }
    }

    pub(super) fn is_open(&self, nth: usize) -> bool {
        self.bits.get(nth / 8).is_some_and(|byte| byte & (1 << (nth % 8)) != 0)
    }

    /// Whether none is open.
    pub(super) fn is_empty(&self) -> bool {
        self.open == 0
    }

    /// How many places there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }
}

/// The blocks as bytes: of each by how much its number is above that of the one before, how many places it has, and their bits.
pub(super) fn encode(blocks: &BTreeMap<i64, OpenPlaces>) -> Vec<u8> {
    let (mut bytes, mut before) = (Vec::with_capacity(16 * blocks.len()), 0);
    for (no, places) in blocks {
        number(&mut bytes, no.abs_diff(before));
        number(&mut bytes, places.len as u64);
        bytes.extend(&places.bits);
        before = *no;
    }
    bytes
}

/// The blocks of these bytes; `None` where they are not as written.
pub(super) fn decode(bytes: &[u8]) -> Option<BTreeMap<i64, OpenPlaces>> {
    let (mut bytes, mut blocks, mut before) = (Bytes(bytes), BTreeMap::new(), 0_i64);
    while !bytes.0.is_empty() {
        let no = before.checked_add_unsigned(bytes.number()?)?;
        let len = bytes.number()?;
        let bits = bytes.take(len.div_ceil(8))?.to_vec();
        let open = bits.iter().map(|byte| byte.count_ones() as usize).sum();
        blocks.insert(no, OpenPlaces { bits, len: usize::try_from(len).ok()?, open });
        before = no;
    }
    Some(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_is_read_as_it_was_written_and_a_part_of_it_is_not() {
        let mut many = OpenPlaces::default();
        (0..19).for_each(|nth| assert_eq!(many.add(), nth));
        [0, 8, 18, 18, 40].into_iter().for_each(|nth| many.close(nth));
        let open: Vec<usize> = (0..30).filter(|nth| many.is_open(*nth)).collect();
        assert_eq!(open, [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17]);
        let mut one = OpenPlaces::default();
        one.add();
        one.close(0);
        assert!(one.is_empty() && !many.is_empty());
        let blocks = BTreeMap::from([(3, many), (700, one)]);
        let bytes = encode(&blocks);
        assert_eq!(decode(&bytes).unwrap(), blocks);
        let first = 1 + 1 + 3;
        for len in (1..bytes.len()).filter(|len| *len != first) {
            assert_eq!(decode(&bytes[..len]), None, "{len} of {}", bytes.len());
        }
        assert_eq!(decode(&[]).unwrap(), BTreeMap::new());
    }
}
