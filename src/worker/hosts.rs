//! How many jobs of one host a worker runs: where jobs of several hosts are defined, at most half of its slots, so that a platform
//! which does not answer leaves room for the others. When a host is paused is decided in the database, for all workers.

use std::collections::{BTreeMap, BTreeSet};

/// So many jobs in a row that find a host unavailable pause it.
pub(super) const FAILURES_MAX: i32 = 20;
/// For how long, and how far apart two of them may be, in leases of a job (a minute).
pub(super) const PAUSE: u32 = 10;

/// The jobs of a worker by host.
#[derive(Debug, Default)]
pub(super) struct HostSlots {
    slots: usize,
    /// Whether jobs of more than one host are defined.
    are_several: bool,
    running: BTreeMap<String, usize>,
}

impl HostSlots {
    pub(super) fn new(slots: usize) -> HostSlots {
        HostSlots { slots, ..HostSlots::default() }
    }

    /// The hosts of the jobs that are defined.
    pub(super) fn define<'j>(&mut self, hosts: impl Iterator<Item = &'j String>) {
        self.are_several = hosts.collect::<BTreeSet<_>>().len() > 1;
    }

    /// The hosts of which no further job may begin.
    pub(super) fn full(&self) -> Vec<String> {
        let most = if self.are_several { (self.slots / 2).max(1) } else { self.slots };
        self.running.iter().filter(|(_, count)| **count >= most).map(|(host, _)| host.clone()).collect()
    }

    /// A job of these hosts has begun.
    pub(super) fn begin(&mut self, hosts: &[String]) {
        for host in hosts {
            *self.running.entry(host.clone()).or_default() += 1;
        }
    }

    /// It has ended.
    pub(super) fn end(&mut self, hosts: &[String]) {
        for host in hosts {
            if let Some(count) = self.running.get_mut(host) {
                *count = count.saturating_sub(1);
            }
        }
        self.running.retain(|_, count| *count > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_at_most_half_of_the_slots_where_there_are_others() {
        let [shop, crm] = ["shop.example", "crm.example"].map(str::to_owned);
        let mut hosts = HostSlots::new(5);
        hosts.define([&shop, &shop].into_iter());
        for _ in 0..4 {
            hosts.begin(std::slice::from_ref(&shop));
        }
        assert!(hosts.full().is_empty(), "all slots are for the only host");
        hosts.define([&shop, &crm].into_iter());
        assert_eq!(hosts.full(), std::slice::from_ref(&shop));
        for _ in 0..3 {
            hosts.end(std::slice::from_ref(&shop));
        }
        assert!(hosts.full().is_empty(), "one of two");
        hosts.begin(&[shop.clone(), crm]);
        assert_eq!(hosts.full(), [shop]);
        assert_eq!(HostSlots::new(1).full(), [""; 0], "one slot is never none");
    }
}
