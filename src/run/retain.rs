//! Names that hold when a run began, and the older files of such a name, which go after a success.
//!
//! `{date}` is `2026-11-22`, `{time}` is `031500` (hours, minutes, seconds), local time. A file goes only when its name
//! is the pattern to the letter, and for the date in its name alone.

use crate::files::folder_of;
use crate::outcome::Failure;
use jiff::civil::{Date, DateTime, Time};
use std::path::{Path, PathBuf};
use std::time::Duration;

const DATE: &str = "{date}";
const TIME: &str = "{time}";
/// Bytes of a date and of a time in a name.
const DATE_LEN: usize = 10;
const TIME_LEN: usize = 6;

/// When a run began, as names have it.
#[derive(Clone, Copy, Debug)]
pub struct Moment(DateTime);

impl Moment {
    /// This moment, local time.
    pub fn now() -> Moment {
        Moment(jiff::Zoned::now().datetime())
    }

    /// As it stands in [`crate::run::active::record::RunRecord::started`]; now, where it cannot be read.
    pub fn of(started: &str) -> Moment {
        started.parse().map_or_else(|_| Moment::now(), Moment)
    }

    /// The day: `2026-11-22`.
    pub fn day(self) -> String {
        self.0.strftime("%Y-%m-%d").to_string()
    }

    /// A path with what stands for `{date}` and `{time}` in it.
    pub fn fill(self, path: &Path) -> PathBuf {
        let Some(text) = path.to_str() else { return path.to_owned() };
        let (date, time) = (self.day(), self.0.strftime("%H%M%S").to_string());
        PathBuf::from(text.replace(DATE, &date).replace(TIME, &time))
    }
}

/// Whether a name has nothing between braces but what stands for a moment.
///
/// # Errors
/// Exit 2 when it has: it would stand in the file's name to the letter.
pub fn check_name(option: &str, pattern: &Path) -> Result<(), Failure> {
    let Some(text) = pattern.to_str() else { return Ok(()) };
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('{') {
        let Some((word, behind)) = after.split_once('}') else { return Ok(()) };
        let whole = format!("{{{word}}}");
        if whole != DATE && whole != TIME {
            return Err(Failure::usage(format!("`{option}`: `{whole}` in `{text}` is not a placeholder"))
                .hint(format!("`{DATE}` is the day on which the run started, `{TIME}` the time")));
        }
        rest = behind;
    }
    Ok(())
}

/// Whether a pattern says in the name of its files when they were made.
///
/// # Errors
/// Exit 2 when it does not.
pub fn check(pattern: &Path) -> Result<(), Failure> {
    if pattern.file_name().is_some_and(|name| name.to_string_lossy().contains(DATE)) {
        return Ok(());
    }
    Err(Failure::usage(format!("`--retain` cannot tell how old other files of `{}` are", pattern.display()))
        .hint("put the day into the name of the file: `contacts-{date}.csv`"))
}

/// Removes the files whose names are the pattern's and hold a date more than `age` before `now`, where Ferry wrote them
/// (`is_own`). The file of `now` stays in any case. Gives what was removed, and what is as old and not Ferry's.
///
/// # Errors
/// Exit 1 when one cannot be removed.
pub fn remove_old(
    pattern: &Path,
    now: Moment,
    age: Duration,
    is_own: &dyn Fn(&Path) -> bool,
) -> Result<(Vec<PathBuf>, Vec<PathBuf>), Failure> {
    let fault = |path: &Path, error: &dyn std::fmt::Display| {
        Failure::failed(format!("the older files of `{}` cannot be removed", path.display())).cause(error)
    };
    let (Some(pattern_name), Ok(oldest)) = (pattern.file_name().and_then(|name| name.to_str()), now.0.checked_sub(age))
    else {
        return Ok((Vec::new(), Vec::new()));
    };
    let written = now.fill(pattern);
    let folder = folder_of(&written);
    let mut old = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| fault(pattern, &error))? {
        let entry = entry.map_err(|error| fault(pattern, &error))?;
        let name = entry.file_name();
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        let is_old = name.to_str().and_then(|name| moment_in(pattern_name, name)).is_some_and(|at| at < oldest);
        if is_file && is_old && Some(name.as_os_str()) != written.file_name() {
            old.push(written.with_file_name(name));
        }
    }
    old.sort();
    let (gone, kept): (Vec<_>, Vec<_>) = old.into_iter().partition(|path| is_own(path));
    for path in &gone {
        std::fs::remove_file(path).map_err(|error| fault(path, &error))?;
    }
    Ok((gone, kept))
}

/// The moment in a name that is the pattern to the letter; without a time the end of its day.
fn moment_in(pattern: &str, name: &str) -> Option<DateTime> {
    let (mut pattern, mut name) = (pattern, name);
    let (mut date, mut time): (Option<Date>, Option<Time>) = (None, None);
    loop {
        if let Some(rest) = pattern.strip_prefix(DATE) {
            let (text, left) = name.split_at_checked(DATE_LEN)?;
            let found: Date = text.parse().ok().filter(|date: &Date| date.to_string() == text)?;
            (pattern, name) = (rest, left);
            if *date.get_or_insert(found) != found {
                return None;
            }
        } else if let Some(rest) = pattern.strip_prefix(TIME) {
            let (text, left) = name.split_at_checked(TIME_LEN)?;
            let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
            let found = Time::strptime("%H%M%S", text).ok().filter(|_| is_number)?;
            (pattern, name) = (rest, left);
            if *time.get_or_insert(found) != found {
                return None;
            }
        } else {
            let Some(expected) = pattern.chars().next() else { break };
            name = name.strip_prefix(expected)?;
            pattern = pattern.strip_prefix(expected)?;
        }
    }
    let end_of_day = Time::constant(23, 59, 59, 0);
    name.is_empty().then(|| date.map(|date| date.to_datetime(time.unwrap_or(end_of_day))))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_holds_a_moment_only_when_it_is_the_pattern_to_the_letter() {
        let cases = [
            ("shop-{date}.csv", "shop-2026-11-22.csv", Some("2026-11-22T23:59:59")),
            ("shop-{date}-{time}.csv.gz", "shop-2026-11-22-031500.csv.gz", Some("2026-11-22T03:15:00")),
            ("{date}_{date}.csv", "2026-11-22_2026-11-22.csv", Some("2026-11-22T23:59:59")),
            ("{date}_{date}.csv", "2026-11-22_2026-11-23.csv", None),
            ("shop-{date}.csv", "shop-2026-11-22.csv.gz", None),
            ("shop-{date}.csv", "old-shop-2026-11-22.csv", None),
            ("shop-{date}.csv", "shop-2026-11-22 copy.csv", None),
            ("shop-{date}.csv", "shop-2026-13-22.csv", None),
            ("shop-{date}.csv", "shop-20261122.csv", None),
            ("shop-{date}.csv", "shop-é026-11-22.csv", None),
            ("shop-{date}-{time}.csv", "shop-2026-11-22-+31500.csv", None),
            ("shop-{time}.csv", "shop-031500.csv", None),
            ("ñ{date}", "ñ2026-11-22", Some("2026-11-22T23:59:59")),
        ];
        for (pattern, name, expected) in cases {
            let expected = expected.map(|text| text.parse().unwrap());
            assert_eq!(moment_in(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn only_what_is_older_than_the_age_goes_and_never_the_file_just_written() {
        let folder = tempfile::tempdir().unwrap();
        let names = [
            "a-2026-09-01.csv",
            "a-2026-10-01.csv",
            "a-2026-11-19.csv",
            "a-2026-11-20.csv",
            "a-2026-11-22.csv",
            "b-2026-10-01.csv",
            "a-2026-10-01.csv.bak",
        ];
        names.iter().for_each(|name| std::fs::write(folder.path().join(name), "x").unwrap());
        std::fs::create_dir(folder.path().join("a-2020-01-01.csv")).unwrap();
        let pattern = folder.path().join("a-{date}.csv");
        let moment = Moment::of("2026-11-22 03:15:00");
        let two_days = Duration::from_secs(2 * 86_400);
        let is_own = |path: &Path| !path.ends_with("a-2026-09-01.csv");
        let (gone, kept) = remove_old(&pattern, moment, two_days, &is_own).unwrap();
        assert_eq!(kept, [folder.path().join("a-2026-09-01.csv")]);
        let gone: Vec<_> = gone.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(gone, ["a-2026-10-01.csv", "a-2026-11-19.csv"]);
        let later = Moment::of("2026-11-20 03:15:00");
        remove_old(&pattern, later, Duration::ZERO, &|_| true).unwrap();
        let mut left: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(
            left,
            ["a-2020-01-01.csv", "a-2026-10-01.csv.bak", "a-2026-11-20.csv", "a-2026-11-22.csv", "b-2026-10-01.csv"]
        );
    }
}
