//! The question before an import without a mapping, and saving its plan as a mapping.

use super::args;
use super::context::Context;
use super::looked::save_mapping;
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
    ask(&format!("{}\n\n{}\n", escape(&head), lines.join("\n")))
}

fn wrapped(line: &str) -> Vec<String> {
    wrap(&format!("  {}", escape(line)), 4).lines().map(str::to_owned).collect()
}

/// Asks on the terminal; anything but a yes is a no.
fn ask(text: &str) -> Result<bool, Failure> {
    let mut err = io::stderr().lock();
    let _ = write!(err, "{text}\nImport? [y/N] ");
    let _ = err.flush();
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    let is_yes = read.is_ok() && is_yes(&answer);
    if !is_yes {
        let _ = writeln!(
            err,
            "nothing was imported; `--dry-run` shows what would change, `--save-map FILE` saves this as a mapping"
        );
    }
    Ok(is_yes)
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::is_yes;

    #[test]
    fn only_a_yes_is_one() {
        assert!(is_yes("y\n") && is_yes(" YES \n"));
        assert!(!is_yes("\n") && !is_yes("n\n") && !is_yes("yesterday\n"));
    }
}
