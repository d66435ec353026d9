//! The command lines that a run suggests: the one that resumes it, and the one that imports its rejects.

use crate::ids::CommandKind;
use crate::report::words::shell;

/// Options that hold for one start only. A suggested command is typed to see what it does.
const ONCE: [(&str, bool); 7] = [
    ("--fresh", false),
    ("--limit", true),
    ("--dry-run", false),
    ("-n", false),
    ("--plan", true),
    ("--quiet", false),
    ("-q", false),
];

/// Options that name a file of the run, and would be written over.
const FILES: [(&str, bool); 2] = [("--rejects", true), ("--results", true)];

/// Options that say where runs are kept.
const WHERE: [&str; 2] = ["--state", "--config"];

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
        match options.iter().find(|(option, _)| word == option || word.starts_with(&format!("{option}="))) {
            Some((option, true)) if word == option => drop(words.next()),
            Some(_) => {}
            None => lasting.push(word.clone()),
        }
    }
    lasting
}

/// The command that resumes the run.
pub fn go_on(words: &[String]) -> String {
    command(&without(words, &ONCE))
}

/// The command that resumes a run which guards have stopped: these options stand in it with these values.
pub fn go_on_past(words: &[String], needed: &[(&str, String)]) -> String {
    let stopped: Vec<(&str, bool)> = needed.iter().map(|(option, _)| (*option, true)).collect();
    let mut words = without(&without(words, &ONCE), &stopped);
    words.extend(needed.iter().flat_map(|(option, value)| [(*option).to_owned(), value.clone()]));
    command(&words)
}

/// The command that goes on with a run which the same words would begin anew.
pub fn resume(words: &[String], run: &str) -> String {
    let mut resume = vec!["resume".to_owned(), run.to_owned()];
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if WHERE.iter().any(|option| word.starts_with(&format!("{option}="))) {
            resume.push(word.clone());
        } else if WHERE.contains(&word.as_str()) {
            resume.extend([word.clone()].into_iter().chain(words.next().cloned()));
        }
    }
    command(&resume)
}

/// The command that brings the rejects in once they are mended: the same words with another source. `None` when the
/// source is not among them.
pub fn with_rejects(words: &[String], source: &str, rejects: &str) -> Option<String> {
    let mut words = without(&without(words, &ONCE), &FILES);
    *words.iter_mut().find(|word| *word == source)? = rejects.to_owned();
    Some(command(&words))
}

/// The command that brings the rejects of a migration in once they are mended: an import of them, with the words that
/// remain. `None` when `migrate` is not among them.
pub fn with_rejects_of_migration(words: &[String], rejects: &str) -> Option<String> {
    let mut words = without(&without(&without(words, &ONCE), &FILES), &[("--from", true)]);
    let at = words.iter().position(|word| word == CommandKind::Migrate.name())?;
    words.splice(at..=at, [CommandKind::Import.name().to_owned(), rejects.to_owned()]);
    Some(command(&words))
}

fn command(words: &[String]) -> String {
    let words: Vec<_> = words.iter().map(|word| shell(word)).collect();
    format!("ferry {}", words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_held_for_one_start_is_not_said_again() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let typed =
            words("import a.csv -n --plan=p.csv --limit 10 --to shop --fresh --limit=5 --map m.yaml --rejects r.csv");
        assert_eq!(go_on(&typed), "ferry import a.csv --to shop --map m.yaml --rejects r.csv");
        let rejects = with_rejects(&typed, "a.csv", "my rejects.csv");
        assert_eq!(rejects.as_deref(), Some("ferry import 'my rejects.csv' --to shop --map m.yaml"));
        assert_eq!(with_rejects(&typed, "-", "r.csv"), None);
        let typed = words("-q migrate --from shop --to crm --limit 5 --map m.yaml --from=shop");
        let rejects = with_rejects_of_migration(&typed, "r.jsonl");
        assert_eq!(rejects.as_deref(), Some("ferry import r.jsonl --to crm --map m.yaml"));
        let typed = words("import a.csv --quiet --max-clears=1 --to shop --max-creates 3 --max-rejects 5");
        assert_eq!(go_on(&words("-nq import a.csv -nv --to shop")), "ferry import a.csv -v --to shop");
        let needed = [("--max-clears", "40".to_owned()), ("--max-creates", "100%".to_owned())];
        assert_eq!(
            go_on_past(&typed, &needed),
            "ferry import a.csv --to shop --max-rejects 5 --max-clears 40 --max-creates 100%"
        );
        assert_eq!(go_on_past(&typed, &[]), go_on(&typed));
        let typed = words("--config a.yaml export --from shop --state=st --out x.csv");
        assert_eq!(resume(&typed, "run-7f3a"), "ferry resume run-7f3a --config a.yaml --state=st");
    }
}
