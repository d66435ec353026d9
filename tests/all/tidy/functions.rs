//! The functions of the code: how many values a signature takes, and how many lines a function has.

use super::{File, code_of, line_of, without_tests};

/// One function, as far as its head and its length go.
pub struct Function {
    /// `src/run/import.rs: work`
    pub name: String,
    pub line: usize,
    /// `self`, each parameter, and each member of a parameter that is a tuple.
    pub values: usize,
    /// From its first line to its last; none where there is only a head.
    pub lines: Option<usize>,
}

/// The functions of a file, its tests left out.
pub fn functions_of(file: &File) -> Vec<Function> {
    let code = without_tests(&code_of(&file.text));
    let mut functions = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        if code[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let head = &code[at + 3..];
        let name: String = head.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let Some(open) = parameters_at(head).filter(|_| !name.is_empty()) else { continue };
        let (parameters, after) = inside(&head[open + 1..], ')');
        let values = parts(parameters).into_iter().map(values_of).sum();
        let body = after.find(['{', ';']).filter(|at| after[*at..].starts_with('{'));
        let lines = body.map(|body| {
            let (inner, _) = inside(&after[body + 1..], '}');
            let text = &head[..head.len() - after.len() + body + 1 + inner.len()];
            text.matches('\n').count() + 1
        });
        functions.push(Function { name: format!("{}: {name}", file.path), line: line_of(&code, at), values, lines });
    }
    functions
}

/// Where the parameters begin, behind the name and what stands between `<` and `>`.
fn parameters_at(head: &str) -> Option<usize> {
    let (mut depth, mut before) = (0, ' ');
    for (at, c) in head.char_indices() {
        match c {
            '<' => depth += 1,
            '>' if before != '-' && before != '=' => depth -= 1,
            '(' if depth == 0 => return Some(at),
            '{' | ';' if depth == 0 => return None,
            _ => {}
        }
        before = c;
    }
    None
}

/// What stands before the bracket that closes, and what stands behind it.
fn inside(text: &str, close: char) -> (&str, &str) {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            c if depth == 0 && c == close => return (&text[..at], &text[at + 1..]),
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
    }
    (text, "")
}

/// The parts between the commas of the outermost level.
fn parts(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut before, mut parts) = (0, 0, ' ', Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' | '<' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            '>' if before != '-' && before != '=' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        before = c;
    }
    parts.push(&text[start..]);
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// One, or the members of a tuple that is taken apart in the head.
fn values_of(parameter: &str) -> usize {
    match parameter.strip_prefix('(') {
        Some(pattern) => parts(inside(pattern, ')').0).into_iter().map(values_of).sum(),
        None => 1,
    }
}

/// The smallest number that 95 in 100 do not exceed.
pub fn p95(mut numbers: Vec<usize>) -> usize {
    numbers.sort_unstable();
    let rank = (numbers.len() * 95).div_ceil(100);
    numbers.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

#[test]
fn values_and_lines_of_functions_are_counted() {
    let text = "impl A {\n  fn a(&self, (b, (c, d)): (u8, (u8, u8)), e: Map<u8, fn(u8, u8) -> u8>) -> u8 {\n    1\n  }\n}\n\
                fn b<F: Fn(u8, u8) -> u8>(f: F, g: [u8; 2]) {}\ntrait T { fn c(&self); }\n\
                #[cfg(test)] mod tests { fn d(a: u8, b: u8) {} }";
    let file = File { path: "src/a.rs".to_owned(), text: text.to_owned() };
    let found: Vec<_> = functions_of(&file).into_iter().map(|it| (it.name, it.line, it.values, it.lines)).collect();
    let name = |name: &str| format!("src/a.rs: {name}");
    assert_eq!(found, [(name("a"), 2, 5, Some(3)), (name("b"), 6, 2, Some(1)), (name("c"), 7, 1, None)]);
    assert_eq!((p95((1..=100).collect()), p95(vec![7]), p95(Vec::new())), (95, 7, 0));
}
