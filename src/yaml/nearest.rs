//! "Did you mean": the known name that is most like the one that was written. Pure.

use unicode_normalization::UnicodeNormalization;

/// Longer names are not compared, because the work grows with the square of the length.
const NAME_LEN_MAX: usize = 100;
/// The fewest letters that two names must share at their beginning to be alike.
const PREFIX_LEN_MIN: usize = 3;

/// The known name that is most like `wanted`, or `None`. Two names are alike if at most one letter in three has to be
/// added, removed, changed or swapped with its neighbour; failing that, if one begins with the other. The first of equals.
///
/// Case, accents, blanks and punctuation do not count.
///
/// ```
/// use ferry::yaml::nearest;
///
/// assert_eq!(nearest("tokne", ["token", "slug"]), Some("token"));
/// assert_eq!(nearest("colour", ["token", "slug"]), None);
/// ```
pub fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = fold(wanted).chars().collect();
    if wanted.is_empty() || wanted.len() > NAME_LEN_MAX {
        return None;
    }
    let ranked = names.into_iter().filter_map(|name| Some((rank(&wanted, name)?, name)));
    ranked.min_by_key(|(rank, _)| *rank).map(|(_, name)| name)
}

/// The name without what does not count: case, accents, blanks, punctuation.
pub(crate) fn fold(name: &str) -> String {
    let letters = name.nfkd().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect::<String>().replace('ß', "ss")
}

/// How unlike two names are, smaller is nearer: by their letters, then by their beginning.
fn rank(wanted: &[char], name: &str) -> Option<(bool, usize)> {
    let name: Vec<char> = fold(name).chars().collect();
    let (shorter, longer) = (wanted.len().min(name.len()), wanted.len().max(name.len()));
    if shorter == 0 || longer > NAME_LEN_MAX {
        return None;
    }
    let limit = (longer / 3).max(1);
    if longer - shorter <= limit && shorter > 1 {
        let distance = distance(wanted, &name);
        if distance <= limit {
            return Some((false, distance));
        }
    }
    let begins = shorter >= PREFIX_LEN_MIN && wanted.iter().zip(&name).take(shorter).all(|(a, b)| a == b);
    begins.then_some((true, longer - shorter))
}

/// The Damerau-Levenshtein distance in which no letter is edited twice (optimal string alignment).
fn distance(one: &[char], other: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut row = Vec::with_capacity(last.len());
        row.push(i + 1);
        for (j, b) in other.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
            let changed = at(&last, j) + usize::from(a != b);
            let mut least = changed.min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && one.get(i - 1) == Some(b) && other.get(j - 1) == Some(a);
            if swapped {
                least = least.min(at(&before, j - 1) + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}
