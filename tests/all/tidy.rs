//! The rules of the repository that a compiler does not know: who may use whom, which words stand where, how long a file
//! is. What breaks one is listed with its place.

mod documents;
mod functions;
mod imports;
mod structure;

use ferry::platforms::Registry;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules in reading order: each may use only those before it.
const MODULES: [&str; 31] = [
    "clock",
    "ids",
    "octets",
    "packed",
    "json",
    "contact",
    "record",
    "identity",
    "outcome",
    "change",
    "shown",
    "loopback",
    "yaml",
    "template",
    "files",
    "mapping",
    "profile",
    "suggest",
    "store",
    "scratch",
    "http",
    "platforms",
    "reconcile",
    "report",
    "plan",
    "run",
    "worker",
    "engines",
    "sandbox",
    "edit",
    "cli",
];

/// A file is one idea; a longer one is two.
const LINES_MAX: usize = 600;

/// Cases are data, and may take their room.
const TEST_LINES_MAX: usize = 1_000;

/// Platforms that the documents name, whether they are spoken to yet or not.
const PLATFORM_WORDS: [&str; 6] = ["atom", "atomchat", "mercately", "twin", "eadesk", "yeahdesk"];

/// A file of the repository, by its path from the top, and its text.
struct File {
    path: String,
    text: String,
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Everything below these names that is text.
fn files(names: &[&str]) -> Vec<File> {
    let mut paths: Vec<PathBuf> = names.iter().map(|name| top().join(name)).filter(|path| path.exists()).collect();
    let mut files = Vec::new();
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            paths.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if let Ok(text) = fs::read_to_string(&path) {
            let path = path.strip_prefix(top()).unwrap().to_str().unwrap().replace('\\', "/");
            files.push(File { path, text });
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files
}

/// The files of the program. Tests that have a file of their own are none of it.
fn sources() -> Vec<File> {
    let is_source = |file: &File| file.path.ends_with(".rs") && !file.path.ends_with("/tests.rs");
    files(&["src"]).into_iter().filter(is_source).collect()
}

/// The module that a file belongs to; none for `lib.rs` and `main.rs`.
fn module_of(path: &str) -> Option<&str> {
    let first = path.strip_prefix("src/")?.split('/').next()?;
    Some(first.strip_suffix(".rs").unwrap_or(first)).filter(|module| !["lib", "main"].contains(module))
}

/// The code alone: comments and what stands between quotes become blanks, lines stay where they are.
fn code_of(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = end_of_word(&chars, at);
        if end == at {
            code.push(chars[at]);
            at += 1;
        } else {
            code.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    code
}

/// Where the comment, text or character that begins here ends; `at` itself where none begins.
fn end_of_word(chars: &[char], at: usize) -> usize {
    let starts =
        |text: &str| chars[at..].iter().copied().zip(text.chars()).filter(|(a, b)| a == b).count() == text.len();
    let find = |from: usize, text: &str| {
        let wanted: Vec<char> = text.chars().collect();
        (from..chars.len()).find(|&i| chars[i..].starts_with(&wanted)).map_or(chars.len(), |i| i + wanted.len())
    };
    let is_in_name = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    if starts("//") {
        return find(at, "\n") - 1;
    }
    if starts("/*") {
        return find(at, "*/");
    }
    if !is_in_name && (starts("r\"") || starts("r#")) {
        let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
        if chars.get(at + 1 + hashes) == Some(&'"') {
            return find(at + 2 + hashes, &format!("\"{}", "#".repeat(hashes)));
        }
    }
    match (chars[at], chars.get(at + 1), chars.get(at + 2)) {
        ('"', ..) => end_of_quoted(chars, at, '"'),
        ('\'', Some('\\'), _) | ('\'', _, Some('\'')) => end_of_quoted(chars, at, '\''),
        _ => at,
    }
}

fn end_of_quoted(chars: &[char], start: usize, quote: char) -> usize {
    let mut at = start + 1;
    while at < chars.len() && chars[at] != quote {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

/// The code without its tests: what stands behind `#[cfg(test)]`, up to the end of its braces, becomes blank lines.
fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let Some((before, after)) = code.split_once(MARK) else { return code.to_owned() };
    let (mut depth, mut end) = (0, after.len());
    for (at, c) in after.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 && (c == '}' || c == ';') {
            end = at + 1;
            break;
        }
    }
    let blank: String = after[..end].chars().filter(|c| *c == '\n').collect();
    format!("{before}{blank}{}", without_tests(&after[end..]))
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// The modules that code names behind `crate::`, each with its line.
fn used_by(code: &str) -> Vec<(String, usize)> {
    let mut used = Vec::new();
    for (at, found) in code.match_indices("crate::") {
        let rest = &code[at + found.len()..];
        let names: Vec<&str> = match rest.strip_prefix('{') {
            Some(group) => outer_names(group),
            None => vec![rest],
        };
        let name = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
        used.extend(names.into_iter().map(|text| (name(text.trim()), line_of(code, at))));
    }
    used
}

/// `a::{b, c}, d` → `a…`, `d`: the parts between the commas of the outer braces.
fn outer_names(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut names) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.push(&group[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    names
}

/// Lines in which one of these words stands as a word, whatever its case.
fn lines_with(file: &File, words: &BTreeSet<String>) -> Vec<String> {
    let has = |line: &str| {
        let line = line.to_lowercase();
        line.split(|c: char| !c.is_alphanumeric()).any(|word| words.contains(word))
    };
    let shown = |(number, line): (usize, &str)| format!("{}:{}: {}", file.path, number + 1, line.trim());
    file.text.lines().enumerate().filter(|(_, line)| has(line)).map(shown).collect()
}

fn none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}:\n{}", found.join("\n"));
}

#[test]
fn the_reader_of_code_sees_through_comments_texts_and_tests() {
    let text = r##"//! crate::cli
use crate::{clock::Clock, files::{csv, json}};
/* crate::run */ const A: &str = "crate::run \" crate::run"; const B: char = '"'; const C: char = '\'';
const D: &str = r#"crate::run " crate::run"#; fn e<'a>(x: &'a str) -> crate::http::Http { x.unwrap() }
#[cfg(test)]
mod tests { fn f() { crate::run::go(); } }
use crate::plan;
"##;
    let used: Vec<_> = used_by(&without_tests(&code_of(text)));
    let used: Vec<_> = used.iter().map(|(name, line)| (name.as_str(), *line)).collect();
    assert_eq!(used, [("clock", 2), ("files", 2), ("http", 4), ("plan", 7)]);
}

#[test]
fn a_module_uses_only_those_before_it() {
    let place = |name: &str| MODULES.iter().position(|module| *module == name);
    let mut found = Vec::new();
    for file in sources() {
        let Some(module) = module_of(&file.path) else { continue };
        let own = place(module).unwrap_or_else(|| panic!("`{module}` is not among the modules"));
        for (used, line) in used_by(&without_tests(&code_of(&file.text))) {
            if place(&used).is_some_and(|used| used > own) {
                found.push(format!("{}:{line}: `{module}` uses `{used}`", file.path));
            }
        }
    }
    none(&found, "a module may use only those before it");
}

#[test]
fn the_sandbox_and_the_platforms_share_no_code() {
    let mut found = Vec::new();
    for file in sources() {
        let other = match module_of(&file.path) {
            Some("sandbox") => "platforms",
            Some("platforms") => "sandbox",
            _ => continue,
        };
        let used = used_by(&code_of(&file.text)).into_iter().filter(|(used, _)| used == other);
        found.extend(used.map(|(used, line)| format!("{}:{line}: uses `{used}`", file.path)));
    }
    none(&found, "each is the other side of the wire");
}

#[test]
fn a_platform_is_named_in_its_own_files_only() {
    let mut words: BTreeSet<String> = PLATFORM_WORDS.iter().map(|word| (*word).to_owned()).collect();
    for platform in Registry::built_in().facts() {
        let names = platform.aliases.iter().chain([&platform.name, &platform.title]);
        words.extend(names.map(|name| name.to_lowercase()));
    }
    let mut found = Vec::new();
    for file in sources() {
        if !matches!(module_of(&file.path), Some("platforms" | "sandbox")) {
            found.extend(lines_with(&file, &words));
        }
    }
    none(&found, "a platform's name stands in src/platforms and src/sandbox only");
}

#[test]
fn no_file_is_too_long() {
    let mut found = Vec::new();
    for file in files(&["src", "tests", "benches"]) {
        let max = if file.path.starts_with("tests/") { TEST_LINES_MAX } else { LINES_MAX };
        let lines = file.text.lines().count();
        if lines > max && file.path.ends_with(".rs") {
            found.push(format!("{}: {lines} lines, and {max} are allowed", file.path));
        }
    }
    none(&found, "a file is one idea");
}

#[test]
fn every_module_opens_with_what_it_is() {
    let silent = files(&["src", "tests", "benches"]).into_iter();
    let silent = silent.filter(|file| file.path.ends_with(".rs") && !file.text.starts_with("//! "));
    none(&silent.map(|file| file.path).collect::<Vec<_>>(), "a module opens with `//!`");
}

#[test]
fn nothing_in_the_program_panics_on_purpose() {
    // A text is blanked, so `.expect( ` has one; a parser may have an `expect` of its own, and clippy knows them apart.
    const PANICS: [&str; 8] =
        [".unwrap()", ".unwrap_err()", ".expect( ", ".expect_err(", "panic!(", "todo!(", "unimplemented!(", "dbg!("];
    let mut found = Vec::new();
    for file in sources() {
        let code = without_tests(&code_of(&file.text));
        for panic in PANICS {
            let places = code.match_indices(panic).map(|(at, _)| line_of(&code, at));
            found.extend(places.map(|line| format!("{}:{line}: {panic}", file.path)));
        }
    }
    none(&found, "every fault has a fate, and none of them is a panic");
}

#[test]
fn no_file_speaks_of_where_it_was_made() {
    // Put together here, so that this page may be looked at too.
    let words = [["/wo", "rk/"], ["/ro", "ot/"], ["/Us", "ers/"], ["crates", ".io"], ["pypi", ".org"], ["clau", "de"]];
    let words: Vec<String> = words.iter().map(|parts| parts.concat()).collect();
    let mut found = Vec::new();
    let pages = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "Cargo.toml", "justfile", ".ci"];
    let other = ["src", "tests", "benches", "mappings", "samples", "clippy.toml", "deny.toml"];
    for file in files(&[&pages[..], &other[..]].concat()) {
        for (number, line) in file.text.lines().enumerate() {
            let low = line.to_lowercase();
            if words.iter().any(|word| low.contains(&word.to_lowercase())) {
                found.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    none(&found, "no local path, no registry, no tool of the workplace");
}

/// The texts between quotes that have the form of a code: `subject.problem`, in small letters.
fn codes_in(text: &str) -> BTreeSet<String> {
    const SUBJECTS: [&str; 16] = [
        "phone",
        "email",
        "first_name",
        "last_name",
        "document_type",
        "identity",
        "target_id",
        "id",
        "attribute",
        "row",
        "value",
        "duplicate",
        "target",
        "plan",
        "contact",
        "record",
    ];
    const NO_CODES: [&str; 3] = ["csv", "json", "jsonl"];
    let is_code = |word: &str| {
        word.split_once('.').is_some_and(|(subject, problem)| {
            let is_plain = problem.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            SUBJECTS.contains(&subject) && is_plain && !problem.is_empty() && !NO_CODES.contains(&problem)
        })
    };
    text.split(['"', '`']).filter(|word| is_code(word)).map(str::to_owned).collect()
}

#[test]
fn the_reference_has_every_code() {
    let page = fs::read_to_string(top().join("docs/reference.md")).unwrap();
    let table = page.split("\n## Reject codes\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let listed = codes_in(table);
    let own = |file: &&File| module_of(&file.path) != Some("sandbox");
    let given: BTreeSet<String> = sources().iter().filter(own).flat_map(|file| codes_in(&file.text)).collect();
    let missing: Vec<String> = given.difference(&listed).cloned().collect();
    none(&missing, "a code that the table does not explain");
    // These are put together where they are given.
    let gone: Vec<String> =
        listed.difference(&given).filter(|code| !code.ends_with("_name.missing")).cloned().collect();
    none(&gone, "a code that is given nowhere");
}

/// Words and phrases that the glossary has replaced, and what stands for them now.
const GONE: [(&str, &str); 34] = [
    ("session", "run"),
    ("sessions", "runs"),
    ("payload", "body"),
    ("payloads", "bodies"),
    ("utils", "the name of the concept"),
    ("whoever", "the contact, the record, the user"),
    ("whom", "the noun that is meant"),
    ("somebody", "a contact, a user, another party"),
    ("somebody's", "the noun that is meant"),
    ("anybody", "any user, any process"),
    ("nobody", "no contact, no record"),
    ("everybody", "all contacts, every record"),
    ("anew", "again; start over"),
    ("mend", "fix"),
    ("mends", "fixes"),
    ("mended", "fixed"),
    ("mending", "fixing"),
    ("cure", "hint"),
    ("door", "HTTP client"),
    ("to be had", "unavailable"),
    ("gone on with", "resumed"),
    ("go on with", "resume"),
    ("goes on with", "resumes"),
    ("going on with", "resuming"),
    ("take back", "undo"),
    ("takes back", "undoes"),
    ("taken back", "undone"),
    ("took back", "undid"),
    ("became of", "the outcome of"),
    ("becomes of", "the outcome of"),
    ("become of", "the outcome of"),
    ("half made", "partially created"),
    ("stays behind", "is rejected"),
    ("will not do", "invalid"),
];

/// Where words stand one after the other, whatever their case and across the end of a line: the numbers of the lines.
fn lines_of_phrase(words: &[(usize, String)], phrase: &str) -> Vec<usize> {
    let wanted: Vec<&str> = phrase.split(' ').collect();
    let is_it = |found: &&[(usize, String)]| found.iter().map(|(_, word)| word.as_str()).eq(wanted.iter().copied());
    words.windows(wanted.len()).filter(is_it).filter_map(|found| Some(found.first()?.0)).collect()
}

/// The words of a text in small letters, each with the number of its line. Marks of comments are none.
fn words_of(text: &str) -> Vec<(usize, String)> {
    let is_apart = |c: char| !c.is_alphanumeric() && c != '\'' && c != '_';
    let words = |(at, line): (usize, &str)| {
        let line = line.to_lowercase();
        line.split(is_apart).filter(|word| !word.is_empty()).map(|word| (at + 1, word.to_owned())).collect::<Vec<_>>()
    };
    text.lines().enumerate().flat_map(words).collect()
}

/// A document without the outputs that it shows: they are the words of `src`, which are looked at there.
fn without_outputs(text: &str) -> String {
    let mut is_output = false;
    let own = |line: &str| {
        is_output = match line.strip_prefix("```") {
            Some(kind) => kind.starts_with("console"),
            None => is_output,
        };
        if is_output && !line.starts_with("$ ") { "\n".to_owned() } else { format!("{line}\n") }
    };
    text.lines().map(own).collect()
}

/// The places of one file at which a word stands that is gone. A vendor may call things as it likes.
fn gone_words(file: &File) -> Vec<String> {
    let words = words_of(&without_outputs(&file.text));
    let is_vendor = !matches!(module_of(&file.path), Some(module) if !["platforms", "sandbox"].contains(&module));
    let is_own = |phrase: &str| is_vendor && ["session", "sessions", "payload", "payloads"].contains(&phrase);
    let mut found = Vec::new();
    for (phrase, now) in GONE.iter().filter(|(phrase, _)| !is_own(phrase)) {
        let lines = lines_of_phrase(&words, phrase).into_iter();
        found.extend(lines.map(|line| format!("{}:{line}: `{phrase}`: {now}", file.path)));
    }
    found
}

#[test]
fn one_word_stands_for_one_thing() {
    let documents = ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "CHANGELOG.md", "docs"];
    let places = [&documents[..], &["src", "mappings", "samples", "benches", "justfile"]].concat();
    let is_data = |path: &str| [".csv", ".json", ".jsonl"].iter().any(|end| path.ends_with(end));
    let found = files(&places).into_iter().filter(|file| !is_data(&file.path)).flat_map(|file| gone_words(&file));
    none(&found.collect::<Vec<_>>(), "the glossary has another word");
}
