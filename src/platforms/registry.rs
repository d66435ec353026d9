//! The platforms that Ferry knows: the only list of them. It connects none.

use super::atom::AtomDriver;
use super::connector::Driver;
use super::eadesk::EadeskDriver;
use super::facts::PlatformFacts;
use super::mercately::MercatelyDriver;
use super::twin::TwinDriver;
use std::fmt;
use std::sync::Arc;

/// The drivers of all platforms, in the order in which they are shown.
#[derive(Clone)]
pub struct Registry {
    drivers: Vec<Arc<dyn Driver>>,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.facts().map(|one| &one.name)).finish()
    }
}

impl Registry {
    /// These platforms.
    pub fn new(drivers: Vec<Arc<dyn Driver>>) -> Registry {
        Registry { drivers }
    }

    /// Those that are built in.
    pub fn built_in() -> Registry {
        Registry::new(vec![
            Arc::new(AtomDriver),
            Arc::new(MercatelyDriver),
            Arc::new(TwinDriver),
            Arc::new(EadeskDriver),
        ])
    }

    /// All of them.
    pub fn drivers(&self) -> &[Arc<dyn Driver>] {
        &self.drivers
    }

    /// The facts of all of them.
    pub fn facts(&self) -> impl Iterator<Item = &PlatformFacts> {
        self.drivers.iter().map(|driver| driver.facts())
    }

    /// The platform with this name or alias.
    pub fn named(&self, name: &str) -> Option<&Arc<dyn Driver>> {
        self.drivers.iter().find(|driver| driver.facts().is_named(name))
    }
}
