//! What an account of a modelled platform begins with: options by name, which the platform's file names and reads.
//!
//! It knows no platform.

use crate::outcome::Failure;
use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

/// Options by the names of the platforms, then by their own.
pub type AccountOptions = BTreeMap<String, BTreeMap<String, String>>;

/// What one account begins with.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    /// Makes ids.
    pub(super) seed: u64,
    /// The secret that lets a client in.
    pub(super) key: String,
    platform: &'static str,
    /// Every option of the platform.
    values: BTreeMap<&'static str, String>,
}

impl Setup {
    /// Nothing but what every account has.
    pub(super) fn new(platform: &'static str, seed: u64, key: String) -> Setup {
        Setup { seed, key, platform, values: BTreeMap::new() }
    }

    /// The options that the platform has, with the values that are given for some.
    ///
    /// # Errors
    /// An option that the platform does not have.
    pub(super) fn with(
        mut self,
        options: &'static [(&'static str, &'static str)],
        given: Option<&BTreeMap<String, String>>,
    ) -> Result<Setup, Failure> {
        self.values = options.iter().map(|&(name, value)| (name, value.to_owned())).collect();
        for (name, value) in given.into_iter().flatten() {
            match self.values.get_mut(name.as_str()) {
                Some(known) => known.clone_from(value),
                None => {
                    let known: Vec<&str> = self.values.keys().copied().collect();
                    let failure = Failure::usage(format!("the sandbox has no option `{}.{name}`", self.platform));
                    return Err(match known.is_empty() {
                        true => failure,
                        false => failure.hint(format!("the options are {}", known.join(", "))),
                    });
                }
            }
        }
        Ok(self)
    }

    fn text(&self, name: &str) -> &str {
        self.values.get(name).map_or("", |value| value.trim())
    }

    /// A number.
    pub(super) fn number<T: FromStr>(&self, name: &str) -> Result<T, Failure> {
        self.text(name).parse().map_err(|_| self.wrong(name, "a whole number"))
    }

    /// A number, or none where nothing is given.
    pub(super) fn number_if_given<T: FromStr>(&self, name: &str) -> Result<Option<T>, Failure> {
        if self.text(name).is_empty() { Ok(None) } else { self.number(name).map(Some) }
    }

    /// Seconds.
    pub(super) fn duration(&self, name: &str) -> Result<Duration, Failure> {
        let seconds = self.text(name).parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        seconds.ok_or_else(|| self.wrong(name, "seconds"))
    }

    /// Names with commas between them.
    pub(super) fn names(&self, name: &str) -> Vec<String> {
        self.text(name).split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }

    fn wrong(&self, name: &str, expected: &str) -> Failure {
        let (platform, value) = (self.platform, self.text(name));
        Failure::usage(format!("the sandbox option `{platform}.{name}` cannot be `{value}`: expected {expected}"))
    }
}
