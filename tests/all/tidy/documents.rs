//! What ARCHITECTURE.md says of the code is there: the files that it names, and the limits where it says they are.

use super::{none, top};
use std::fs;
use std::path::Path;

/// The texts between back-ticks, outside of fences.
fn marked(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// A file or folder of the repository, by its path from the top or from `src`.
fn is_there(place: &str) -> bool {
    let place = place.trim_end_matches('/').trim_end_matches("*.rs");
    ["", "src"].iter().any(|folder| top().join(folder).join(place).exists())
}

fn page() -> Vec<String> {
    let text = fs::read_to_string(top().join("ARCHITECTURE.md")).unwrap();
    let mut is_fenced = false;
    let mut is_text = |line: &str| {
        is_fenced ^= line.starts_with("```");
        !is_fenced
    };
    text.lines().map(|line| if is_text(line) { line.to_owned() } else { String::new() }).collect()
}

#[test]
fn the_files_that_the_architecture_names_are_there() {
    let mut found = Vec::new();
    for (nth, line) in page().iter().enumerate() {
        let is_file = |text: &&str| {
            let ends = [".rs", ".txt", ".tsv", ".md"].iter().any(|end| text.ends_with(end));
            ends || (text.contains('/') && text.ends_with('/'))
        };
        let missing = marked(line).filter(is_file).filter(|place| !place.contains(' ') && !is_there(place));
        found.extend(missing.map(|place| format!("ARCHITECTURE.md:{}: `{place}`", nth + 1)));
    }
    none(&found, "ARCHITECTURE.md names what is not there");
}

#[test]
fn the_limits_that_the_architecture_names_are_where_it_says() {
    let page = page();
    let rows = page.iter().skip_while(|line| !line.starts_with("| Limit | Where")).skip(2);
    let rows: Vec<&String> = rows.take_while(|line| line.starts_with('|')).collect();
    assert!(rows.len() > 10, "the table of limits has moved");
    let mut found = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.split('|').collect();
        let read = |path: &str| fs::read_to_string(Path::new(top()).join("src").join(path)).unwrap_or_default();
        let code: String = marked(cells[2]).map(read).collect();
        let missing = marked(cells[1]).filter(|name| !code.contains(&format!("const {name}:")));
        found.extend(missing.map(|name| format!("`{name}` is not in {}", cells[2].trim())));
    }
    none(&found, "ARCHITECTURE.md names a limit that is not where it says");
}
