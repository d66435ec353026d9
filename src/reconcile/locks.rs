//! Which contacts are in flight: two that share an identity value, or that turn out to be the same contact at the target,
//! are never in flight together, and come one after the other in the order of the source.

use crate::store::HashedAlready;
use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The queues for the names that are wanted at this moment (identity values, ids at the target).
#[derive(Debug, Default)]
pub struct Locks {
    lines: Mutex<Lines>,
}

/// Names are known by their hashes: two that share one only wait for each other.
#[derive(Debug, Default)]
struct Lines {
    next: u64,
    by_name: HashMap<u64, Line, BuildHasherDefault<HashedAlready>>,
}

/// The queue for one name. Most have one place.
#[derive(Debug)]
struct Line {
    first: Ticket,
    others: VecDeque<Ticket>,
}

#[derive(Debug)]
struct Ticket {
    number: u64,
    called: Arc<Notify>,
}

/// A place in the queue of each of some names, given up when this is dropped.
#[derive(Debug)]
pub struct Place {
    locks: Arc<Locks>,
    names: Vec<u64>,
    number: u64,
    called: Arc<Notify>,
}

/// The hash by which a name is known.
pub fn hash_of(name: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

impl Locks {
    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues for all the names at once, so that no two contacts wait for each other. Each name is given once.
    pub fn queue<N: Hash>(self: &Arc<Self>, names: impl IntoIterator<Item = N>) -> Place {
        let (names, called) = (names.into_iter().map(hash_of).collect::<Vec<u64>>(), Arc::new(Notify::new()));
        let mut lines = self.lines();
        lines.next += 1;
        let number = lines.next;
        for name in &names {
            let ticket = Ticket { number, called: Arc::clone(&called) };
            match lines.by_name.entry(*name) {
                Entry::Occupied(line) => line.into_mut().others.push_back(ticket),
                Entry::Vacant(line) => drop(line.insert(Line { first: ticket, others: VecDeque::new() })),
            }
        }
        Place { locks: Arc::clone(self), names, number, called }
    }

    /// Whether nothing is in the queues of the names that have these hashes ([`hash_of`]).
    pub fn are_free(&self, names: &[u64]) -> bool {
        let lines = self.lines();
        lines.by_name.is_empty() || !names.iter().any(|name| lines.by_name.contains_key(name))
    }
}

impl Place {
    /// Whether it is first in the queue of every name.
    pub fn is_first(&self) -> bool {
        let lines = self.locks.lines();
        let is_first = |name| lines.by_name.get(name).map(|line| line.first.number == self.number);
        self.names.iter().all(|name| is_first(name) == Some(true))
    }

    /// Waits until it is first in the queue of every name.
    pub async fn first(&self) {
        while !self.is_first() {
            self.called.notified().await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut lines = self.locks.lines();
        for name in &self.names {
            let Some(line) = lines.by_name.get_mut(name) else { continue };
            line.others.retain(|ticket| ticket.number != self.number);
            if line.first.number != self.number {
                continue;
            }
            match line.others.pop_front() {
                // A call that comes before the other waits is kept for it.
                Some(next) => {
                    next.called.notify_one();
                    line.first = next;
                }
                None => drop(lines.by_name.remove(name)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[tokio::test]
    async fn the_first_in_the_queue_is_first_whatever_is_shared() {
        let locks = Arc::new(Locks::default());
        let one = locks.queue(names(&["phone:1", "email:x"]));
        let two = locks.queue(names(&["phone:2", "email:x"]));
        let three = locks.queue(names(&["phone:2"]));
        let other = locks.queue(names(&["phone:3"]));
        assert!(one.is_first() && other.is_first() && !two.is_first() && !three.is_first());
        drop(one);
        two.first().await;
        assert!(!three.is_first());
        drop(two);
        three.first().await;
        drop((three, other));
        assert!(locks.lines().by_name.is_empty());
    }

    #[tokio::test]
    async fn a_place_that_is_given_up_delays_no_other() {
        let locks = Arc::new(Locks::default());
        let one = locks.queue(names(&["a"]));
        let two = locks.queue(names(&["a"]));
        let three = locks.queue(names(&["a"]));
        drop(two);
        assert!(!three.is_first());
        drop(one);
        three.first().await;
    }

    #[test]
    fn a_name_is_free_when_no_place_is_left_in_its_queue() {
        let locks = Arc::new(Locks::default());
        let one = locks.queue(names(&["a", "b"]));
        let two = locks.queue(names(&["b"]));
        let are_free = |names: &[&str]| locks.are_free(&names.iter().map(hash_of).collect::<Vec<_>>());
        assert!(are_free(&["c"]) && !are_free(&["c", "a"]));
        drop(one);
        assert!(are_free(&["a"]) && !are_free(&["b"]));
        drop(two);
        assert!(are_free(&["a", "b"]));
    }
}
