//! The platforms that tests run over, from the registry of the program, and invented ones. What a test expects of one of
//! them only is stated in that test.

use ferry::http::Credentials;
use ferry::plan::variable;
use ferry::platforms::settings::Settings;
use ferry::platforms::{Connected, Driver, PlatformFacts, Registry};
use std::sync::{Arc, LazyLock};

/// Those that are built in.
pub static PLATFORMS: LazyLock<Registry> = LazyLock::new(Registry::built_in);

/// The names of all platforms.
pub fn all_platforms() -> Vec<&'static str> {
    PLATFORMS.facts().map(|platform| &*platform.name).collect()
}

/// The names of the platforms that can create a contact. A test with records of people runs over them; the others need
/// records with the ids of contacts that exist.
pub fn creating_platforms() -> Vec<&'static str> {
    PLATFORMS.facts().filter(|platform| platform.creates).map(|platform| &*platform.name).collect()
}

/// Whether a platform can delete a contact.
pub fn can_delete(platform: &str) -> bool {
    PLATFORMS.facts().any(|facts| facts.name == platform && facts.deletes)
}

/// The environment variables that give a setting to every platform.
pub fn platform_variables(setting: &str, value: &str) -> Vec<(String, String)> {
    all_platforms().into_iter().map(|name| (variable(name, setting), value.to_owned())).collect()
}

/// A platform that is not connected.
struct Unconnected(PlatformFacts);

impl Driver for Unconnected {
    fn facts(&self) -> &PlatformFacts {
        &self.0
    }

    fn credentials(&self, _: &Settings) -> Credentials {
        Credentials::default()
    }

    fn connect(&self, _: &Settings) -> Connected {
        Err(Vec::new())
    }
}

/// These platforms and no others.
pub fn registry<const N: usize>(platforms: [PlatformFacts; N]) -> Registry {
    Registry::new(platforms.into_iter().map(|facts| Arc::new(Unconnected(facts)) as Arc<dyn Driver>).collect())
}
