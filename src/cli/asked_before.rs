//! The question before an import without a mapping, and saving its plan as a mapping.

use super::args;
use super::context::Context;
use super::looked::save_mapping;
use crate::mapping::RegionChoice;
use crate::mapping::phone::Region;
use crate::outcome::Failure;
use crate::plan::SourcePlan;
use crate::platforms::PlatformFacts;
use crate::report::words::{shell, wrap};
use crate::run::unmapped::{by_names, suggested};
use crate::shown::escape;
use crate::suggest::{About, yaml};
use std::io::{self, IsTerminal, Write};

/// The plan is shown in so many lines at most.
const LINES_MAX: usize = 18;

/// The target of an import.
pub(super) struct Target<'a> {
    pub name: &'a str,
    pub facts: &'a PlatformFacts,
    pub region: Option<Region>,
}

/// Whether the import goes on. It saves the plan where that was asked for, and asks on a terminal.
pub(super) fn may_go_on(
    typed: &args::Import,
    source: &SourcePlan,
    target: &Target<'_>,
    context: &Context,
) -> Result<bool, Failure> {
    let asks = !typed.yes
        && !typed.dry.dry_run
        && context.job.is_none()
        && io::stdin().is_terminal()
        && io::stderr().is_terminal();
    if source.mapping.is_some() || !(asks || typed.save_map.is_some()) {
        return Ok(true);
    }
    let suggestion = suggested(source, Some(target.facts), target.region)?;
    let plan = by_names(source, &suggestion)?.plan;
    if let Some(out) = &typed.save_map {
        let file = shell(&source.shown);
        let about = About {
            file,
            to: Some(target.name.to_owned()),
            out: Some(shell(&out.display().to_string())),
            region: source.region.and_then(RegionChoice::region),
            is_of_run: true,
            ..About::default()
        };
        save_mapping("--save-map", out, &yaml(&suggestion, &about), context)?;
        context.console.note(&format!("the plan is saved as the mapping `{}`", out.display()));
    }
    if !asks {
        return Ok(true);
    }
    let mut lines: Vec<String> = plan.lines().iter().flat_map(|line| wrapped(line)).collect();
    let more = lines.len().saturating_sub(LINES_MAX);
    lines.truncate(LINES_MAX);
    if more > 0 {
        lines.push("  … `-v` lists every column".to_owned());
    }
    let head = format!("{} → {} ({})", source.shown, target.name, target.facts.title);
    match ask(&format!("{}\n\n{}\n", escape(&head), lines.join("\n"))) {
        Answer::Yes => Ok(true),
        Answer::No => Ok(false),
        Answer::Edit => {
            super::map::edit(&editing(typed, target), context)?;
            Ok(false)
        }
    }
}

/// The editor for the file of an import.
fn editing(typed: &args::Import, target: &Target<'_>) -> args::MapEdit {
    let args::Source { file, phones, encoding, delimiter, sheet, .. } = typed.source.clone();
    args::MapEdit {
        file,
        to: Some(target.name.to_owned()),
        map: None,
        out: None,
        no_open: false,
        sandbox: typed.target.sandbox,
        reading: args::Reading { region: phones.region, encoding, delimiter, sheet },
    }
}

fn wrapped(line: &str) -> Vec<String> {
    wrap(&format!("  {}", escape(line)), 4).lines().map(str::to_owned).collect()
}

/// What was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
    /// To change the mapping first.
    Edit,
}

/// Asks on the terminal; what is neither a yes nor the wish to edit is a no.
fn ask(text: &str) -> Answer {
    let mut err = io::stderr().lock();
    let _ = write!(err, "{text}\nImport? [y]es, [N]o, [e]dit the mapping in the browser: ");
    let _ = err.flush();
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    let answer = if read.is_ok() { answer_of(&answer) } else { Answer::No };
    if answer == Answer::No {
        let _ = writeln!(
            err,
            "nothing was imported; `--dry-run` shows what would change, `--save-map FILE` saves this as a mapping"
        );
    }
    answer
}

fn answer_of(answer: &str) -> Answer {
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Answer::Yes,
        "e" | "edit" => Answer::Edit,
        _ => Answer::No,
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, answer_of};

    #[test]
    fn only_a_yes_is_one() {
        for (typed, answer) in [
            ("y\n", Answer::Yes),
            (" YES \n", Answer::Yes),
            ("e\n", Answer::Edit),
            ("Edit\n", Answer::Edit),
            ("\n", Answer::No),
            ("n\n", Answer::No),
            ("yesterday\n", Answer::No),
            ("", Answer::No),
        ] {
            assert_eq!(answer_of(typed), answer, "{typed:?}");
        }
    }
}
