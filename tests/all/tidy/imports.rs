//! Which file uses which: the paths of the code, resolved to the files that define what they name, and the circles in them.

use super::{File, code_of, without_tests};
use std::collections::{BTreeMap, BTreeSet};

/// The files of `src`, and which of them uses which.
pub struct Imports {
    /// The files by the path of their modules: `run::export`.
    files: BTreeMap<Vec<String>, Module>,
}

#[derive(Default)]
struct Module {
    path: String,
    code: String,
    /// Names that a file passes on, and the full path that each leads to.
    passed_on: BTreeMap<String, Vec<String>>,
}

/// A path in the code: what it names, in full, and whether it stands in a `pub use`.
struct Named {
    path: Vec<String>,
    /// The name that it has here.
    here: String,
    is_passed_on: bool,
}

impl Imports {
    pub fn of(sources: &[File]) -> Imports {
        let mut files = BTreeMap::new();
        for file in sources {
            let code = without_tests(&code_of(&file.text));
            files.insert(module_path(&file.path), Module { path: file.path.clone(), code, ..Module::default() });
        }
        let mut imports = Imports { files };
        let modules: Vec<Vec<String>> = imports.files.keys().cloned().collect();
        for module in modules {
            let passed_on = imports.named_in(&module).into_iter().filter(|named| named.is_passed_on);
            let passed_on = passed_on.map(|named| (named.here, named.path)).collect();
            if let Some(file) = imports.files.get_mut(&module) {
                file.passed_on = passed_on;
            }
        }
        imports
    }

    /// Files that use one another in a circle, each circle as its files. Only files of one top module count.
    pub fn cycles(&self) -> Vec<Vec<String>> {
        let edges: BTreeMap<&Vec<String>, BTreeSet<Vec<String>>> =
            self.files.keys().map(|module| (module, self.used_by(module))).collect();
        let reaches = |from: &Vec<String>| -> BTreeSet<Vec<String>> {
            let (mut seen, mut open) = (BTreeSet::new(), vec![from.clone()]);
            while let Some(module) = open.pop() {
                for next in edges.get(&module).into_iter().flatten() {
                    if seen.insert(next.clone()) {
                        open.push(next.clone());
                    }
                }
            }
            seen
        };
        let reached: BTreeMap<&Vec<String>, BTreeSet<Vec<String>>> =
            self.files.keys().map(|module| (module, reaches(module))).collect();
        let mut cycles: BTreeSet<Vec<String>> = BTreeSet::new();
        for (module, reach) in reached.iter().filter(|(module, reach)| reach.contains(**module)) {
            let back = |other: &&Vec<String>| reached.get(*other).is_some_and(|it| it.contains(*module));
            cycles.insert(reach.iter().filter(back).filter_map(|it| Some(self.files.get(it)?.path.clone())).collect());
        }
        cycles.into_iter().filter(|cycle| cycle.len() > 1).collect()
    }

    /// The files of the same top module that a file uses.
    fn used_by(&self, module: &Vec<String>) -> BTreeSet<Vec<String>> {
        let Some(file) = self.files.get(module) else { return BTreeSet::new() };
        let mut used = BTreeSet::new();
        for named in self.named_in(module) {
            // What is only passed on is used by those who take it from here.
            if named.is_passed_on && words(&file.code).filter(|word| *word == named.here).count() < 2 {
                continue;
            }
            used.extend(self.file_of(named.path, 0).filter(|it| it != module && it.first() == module.first()));
        }
        used
    }

    /// The module of the file that defines what this path names.
    fn file_of(&self, path: Vec<String>, depth: usize) -> Option<Vec<String>> {
        let len = (1..=path.len()).rev().find(|len| self.files.contains_key(&path[..*len]))?;
        let (module, rest) = path.split_at(len);
        let passed_on = rest.first().and_then(|name| self.files.get(module)?.passed_on.get(name));
        match passed_on.filter(|_| depth < 8) {
            Some(to) => self.file_of([to.as_slice(), &rest[1..]].concat(), depth + 1),
            None => Some(module.to_vec()),
        }
    }

    /// Every path in the code of a file that begins with `crate`, `super`, `self`, or one of its own modules.
    fn named_in(&self, module: &Vec<String>) -> Vec<Named> {
        let Some(file) = self.files.get(module) else { return Vec::new() };
        let mut named = Vec::new();
        let is_child = |name: &str| self.files.contains_key(&[module.as_slice(), &[name.to_owned()]].concat());
        let mut at = 0;
        while let Some(start) = next_word(&file.code, at) {
            let end = end_of_word(&file.code, start);
            let word = &file.code[start..end];
            at = end;
            let is_first = !file.code[..start].trim_end().ends_with("::");
            if !is_first || !file.code[end..].trim_start().starts_with("::") {
                continue;
            }
            let base = match word {
                "crate" => Vec::new(),
                "self" => module.clone(),
                "super" => module[..module.len().saturating_sub(1)].to_vec(),
                child if is_child(child) => [module.as_slice(), &[child.to_owned()]].concat(),
                _ => continue,
            };
            let statement = file.code[..start].rsplit([';', '}', '{']).next().unwrap_or_default();
            let statement = statement.split_whitespace().collect::<Vec<_>>().join(" ");
            let is_passed_on = statement.starts_with("pub") && statement.ends_with("use");
            let rest = file.code[end..].trim_start().trim_start_matches("::");
            for (path, here) in tree(&base, rest) {
                named.push(Named { path, here, is_passed_on });
            }
        }
        named
    }
}

/// `src/run/export.rs` and `src/run/export/mod.rs` → `run`, `export`; `src/lib.rs` → nothing.
fn module_path(path: &str) -> Vec<String> {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs");
    let parts: Vec<String> = path.split('/').map(str::to_owned).collect();
    match parts.split_last() {
        Some((last, before)) if last == "mod" || (before.is_empty() && last == "lib") => before.to_vec(),
        _ => parts,
    }
}

/// The paths of a tree such as `a::{b, c as d}`, each with the name that it has here.
fn tree(base: &[String], text: &str) -> Vec<(Vec<String>, String)> {
    let text = text.trim_start();
    if let Some(group) = text.strip_prefix('{') {
        return super::outer_names(group).into_iter().flat_map(|part| tree(base, part)).collect();
    }
    let end = end_of_word(text, 0);
    let name = &text[..end];
    let rest = text[end..].trim_start();
    let path = match name {
        "super" => base[..base.len().saturating_sub(1)].to_vec(),
        "self" | "" => base.to_vec(),
        name => [base, &[name.to_owned()]].concat(),
    };
    if let Some(rest) = rest.strip_prefix("::") {
        return tree(&path, rest);
    }
    let here = rest.strip_prefix("as ").map_or(name, |rest| &rest[..end_of_word(rest, 0)]);
    vec![(path, here.to_owned())]
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn next_word(code: &str, from: usize) -> Option<usize> {
    code[from..].find(is_of_word).map(|at| from + at)
}

fn end_of_word(code: &str, from: usize) -> usize {
    code[from..].find(|c| !is_of_word(c)).map_or(code.len(), |len| from + len)
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c| !is_of_word(c))
}

#[test]
fn paths_are_followed_to_the_file_that_defines_a_name() {
    let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
    let sources = [
        file("src/a/mod.rs", "mod one; mod two; mod three; pub use one::One; pub struct Own; fn f() { two::g(); }"),
        file("src/a/one.rs", "use super::two::{g, h as i}; pub struct One;"),
        file("src/a/two.rs", "use crate::a::One; use crate::b::B; pub fn g() {}"),
        file(
            "src/a/three.rs",
            "use super::Own; // use super::three\n#[cfg(test)] mod tests { use crate::a::one::One; }",
        ),
        file("src/b.rs", "use crate::a::three; pub struct B;"),
    ];
    let imports = Imports::of(&sources);
    let used =
        |path: &str| -> Vec<String> { imports.used_by(&module_path(path)).iter().map(|it| it.join("::")).collect() };
    assert_eq!(used("src/a/mod.rs"), ["a::two"], "what is only passed on is not used");
    assert_eq!(used("src/a/one.rs"), ["a::two"]);
    assert_eq!(used("src/a/two.rs"), ["a::one"], "through the `pub use`, and not into another module");
    assert_eq!(used("src/a/three.rs"), ["a"]);
    assert_eq!(imports.cycles(), [["src/a/one.rs", "src/a/two.rs"]]);
}
