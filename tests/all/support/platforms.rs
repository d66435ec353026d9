//! The platforms that tests run over, from the list of the program. What a test expects of one of them only is stated in
//! that test.

use ferry::plan::config::variable;
use ferry::platforms::PLATFORMS;

/// The names of all platforms.
pub fn all_platforms() -> Vec<&'static str> {
    PLATFORMS.iter().map(|platform| platform.name).collect()
}

/// The names of the platforms that can create a contact. A test with records of people runs over them; the others need
/// records with the ids of contacts that exist.
pub fn creating_platforms() -> Vec<&'static str> {
    PLATFORMS.iter().filter(|platform| platform.creates).map(|platform| platform.name).collect()
}

/// The environment variables that give a setting to every platform.
pub fn platform_variables(setting: &str, value: &str) -> Vec<(String, String)> {
    all_platforms().into_iter().map(|name| (variable(name, setting), value.to_owned())).collect()
}
