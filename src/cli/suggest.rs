//! From the words of a command to the command lines that its run may print later.
//!
//! It is the only place that knows which options hold for one start only, and which name a file of the run.

use crate::ids::CommandKind;
use crate::plan::suggest::{Suggestions, Word};

/// Options that hold for one start only.
const ONCE: [(&str, bool); 7] = [
    ("--fresh", false),
    ("--limit", true),
    ("--dry-run", false),
    ("-n", false),
    ("--plan", true),
    ("--quiet", false),
    ("-q", false),
];

/// Options that name a file of the run, which another run would write over.
const FILES: [(&str, bool); 3] = [("--rejects", true), ("--results", true), ("--save-map", true)];

/// The option that names a source platform: rejects are read from a file instead.
const FROM: [(&str, bool); 1] = [("--from", true)];

/// The option that names the output of `convert`, and what is put into its value for the rejects.
const OUT: &str = "--out";
const FIXED: &str = "-fixed";

/// Limits that a run can ask to be raised.
const LIMITS: [&str; 4] = ["--max-rejects", "--max-creates", "--max-updates", "--max-clears"];

/// Options that say where runs are kept.
const PLACE: [&str; 2] = ["--state", "--config"];

/// The suggestions for a command. `source` is the file that it reads, as typed; none of a command that reads no file.
pub(super) fn suggestions(words: &[String], source: Option<&str>) -> Suggestions {
    let lasting = without(words, &ONCE);
    Suggestions { again: with_limits(&lasting), rejects: around_rejects(&lasting, source), place: place_of(words) }
}

/// The words without these options, some of which take a value.
fn without(words: &[String], options: &[(&str, bool)]) -> Vec<String> {
    let mut lasting = Vec::with_capacity(words.len());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        // Several switches in one word, such as `-nq`.
        if let Some(letters) = word.strip_prefix('-').filter(|it| it.len() > 1 && it.chars().all(|c| "nqv".contains(c)))
        {
            let is_lasting = |letter: &char| !options.contains(&(format!("-{letter}").as_str(), false));
            let letters: String = letters.chars().filter(is_lasting).collect();
            lasting.extend((!letters.is_empty()).then(|| format!("-{letters}")));
            continue;
        }
        match options.iter().find(|(option, _)| is_option(word, option)) {
            Some((option, true)) if word == option => drop(words.next()),
            Some(_) => {}
            None => lasting.push(word.clone()),
        }
    }
    lasting
}

/// Whether a word is this option, with or without a value in the same word.
fn is_option(word: &str, option: &str) -> bool {
    word.strip_prefix(option).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
}

/// The words, with those that set a limit kept together.
fn with_limits(words: &[String]) -> Vec<Word> {
    let mut out = Vec::with_capacity(words.len());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        out.push(match LIMITS.iter().find(|option| is_option(word, option)) {
            Some(option) if word == option => {
                Word::Limit((*option).to_owned(), [word].into_iter().chain(words.next()).cloned().collect())
            }
            Some(option) => Word::Limit((*option).to_owned(), vec![word.clone()]),
            None => Word::Text(word.clone()),
        });
    }
    out
}

/// The words around the path of the rejects: in place of the source, or of a migration an import of them.
fn around_rejects(words: &[String], source: Option<&str>) -> Option<(Vec<String>, Vec<String>)> {
    let words = with_output_beside(without(words, &FILES));
    if let Some(source) = source {
        let at = words.iter().position(|word| word == source)?;
        let (before, after) = words.split_at_checked(at)?;
        return Some((before.to_vec(), after.iter().skip(1).cloned().collect()));
    }
    let words = without(&words, &FROM);
    let at = words.iter().position(|word| word == CommandKind::Migrate.name())?;
    let (before, after) = words.split_at_checked(at)?;
    let import = CommandKind::Import.name().to_owned();
    Some((before.iter().cloned().chain([import]).collect(), after.iter().skip(1).cloned().collect()))
}

/// The words with an output beside the one that is there already: it holds the records that were not rejected.
fn with_output_beside(mut words: Vec<String>) -> Vec<String> {
    let mut is_path = false;
    for word in &mut words {
        if is_path {
            *word = beside(word);
        } else if let Some(path) = word.strip_prefix(OUT).and_then(|rest| rest.strip_prefix('=')) {
            *word = format!("{OUT}={}", beside(path));
        }
        is_path = word == OUT;
    }
    words
}

/// A path with another file name: `out/a.csv.gz` becomes `out/a-fixed.csv.gz`. Standard output stays.
fn beside(path: &str) -> String {
    let name_at = path.rfind('/').map_or(0, |at| at + 1);
    let (folder, name) = path.split_at_checked(name_at).unwrap_or(("", path));
    let hidden = name.len() - name.trim_start_matches('.').len();
    let stem_len = name.get(hidden..).and_then(|rest| rest.find('.')).map_or(name.len(), |at| hidden + at);
    match name.split_at_checked(stem_len) {
        Some((stem, ending)) if path != "-" => format!("{folder}{stem}{FIXED}{ending}"),
        _ => path.to_owned(),
    }
}

fn place_of(words: &[String]) -> Vec<String> {
    let mut place = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if PLACE.contains(&word.as_str()) {
            place.extend([word].into_iter().chain(words.next()).cloned());
        } else if PLACE.iter().any(|option| is_option(word, option)) {
            place.push(word.clone());
        }
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, source: Option<&str>) -> Suggestions {
        suggestions(&text.split(' ').map(str::to_owned).collect::<Vec<_>>(), source)
    }

    #[test]
    fn options_of_one_start_are_not_suggested_again() {
        let typed = "import a.csv -n --plan=p.csv --limit 10 --to shop --fresh --limit=5 --map m.yaml --rejects r.csv";
        let suggested = of(typed, Some("a.csv"));
        assert_eq!(suggested.again(), "ferry import a.csv --to shop --map m.yaml --rejects r.csv");
        let rejects = suggested.with_rejects("my rejects.csv");
        assert_eq!(rejects.as_deref(), Some("ferry import 'my rejects.csv' --to shop --map m.yaml"));
        assert_eq!(of(typed, Some("-")).with_rejects("r.csv"), None);
        let migration = of("-q migrate --from shop --to crm --limit 5 --map m.yaml --from=shop", None);
        let rejects = migration.with_rejects("r.jsonl");
        assert_eq!(rejects.as_deref(), Some("ferry import r.jsonl --to crm --map m.yaml"));
        assert_eq!(of("-nq import a.csv -nv --to shop", None).again(), "ferry import a.csv -v --to shop");
        assert_eq!(of("apply plan.jsonl", None).with_rejects("r.csv"), None);
    }

    #[test]
    fn the_rejects_of_a_conversion_do_not_replace_its_output() {
        for (out, expected) in [
            ("--out b.csv", "--out b-fixed.csv"),
            ("--out=x.y/b.csv.gz", "--out=x.y/b-fixed.csv.gz"),
            ("--out ./.b", "--out ./.b-fixed"),
            ("--out -", "--out -"),
        ] {
            let suggested = of(&format!("convert a.csv {out} --map m.yaml"), Some("a.csv"));
            let expected = format!("ferry convert r.csv {expected} --map m.yaml");
            assert_eq!(suggested.with_rejects("r.csv").as_deref(), Some(expected.as_str()));
            assert_eq!(suggested.again(), format!("ferry convert a.csv {out} --map m.yaml"));
        }
    }

    #[test]
    fn a_limit_that_stopped_the_run_is_suggested_with_a_value_that_does_not() {
        let typed = of("import a.csv --quiet --max-clears=1 --to shop --max-creates 3 --max-rejects 5", Some("a.csv"));
        let needed = [("--max-clears", "40".to_owned()), ("--max-creates", "100%".to_owned())];
        assert_eq!(
            typed.again_past(&needed),
            "ferry import a.csv --to shop --max-rejects 5 --max-clears 40 --max-creates 100%"
        );
        assert_eq!(typed.again_past(&[]), typed.again());
    }

    #[test]
    fn a_run_is_resumed_by_its_name_where_runs_are_kept() {
        let typed = of("--config a.yaml export --from shop --state=st --out x.csv", None);
        assert_eq!(typed.resume("run-7f3a"), "ferry resume run-7f3a --config a.yaml --state=st");
    }
}
