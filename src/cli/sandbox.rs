//! `ferry sandbox`.

use super::args;
use super::context::Context;
use crate::outcome::{Exit, Failure};
use crate::run::stop::Stop;
use crate::sandbox::{FAULTS, FaultKind, SandboxOptions, start};

pub(super) fn run(typed: &args::Sandbox, context: &Context) -> Result<Exit, Failure> {
    let faults = typed.fault.iter().map(|text| fault(text)).collect::<Result<Vec<_>, _>>()?;
    let rate = typed.rate.as_deref().map(rate_of).transpose()?;
    context.make_state(false)?;
    let options = SandboxOptions {
        listen: typed.listen,
        rate,
        faults,
        seed: typed.seed.unwrap_or_else(|| u64::from(std::process::id())),
        ..SandboxOptions::new(context.state.join("sandbox"))
    };
    context.block_on(|_, stop| async move {
        let sandbox = start(options).await?;
        context.console.note(&format!(
            "the sandbox is at http://{}/ (Ctrl-C ends it); set these for another terminal:",
            sandbox.address()
        ));
        for (name, value) in sandbox.credentials() {
            context.console.result_line(&format!("export {name}={value}"));
        }
        for (name, value) in sandbox.rates() {
            context.console.result_line(&format!("export {name}={value}"));
        }
        let mut stopping = stop.watch();
        // The sender lives as long as `stop`.
        let _ = stopping.wait_for(|is_stopping| *is_stopping).await;
        sandbox.stop().await;
        Ok(())
    })?;
    // A signal is the normal end of a server.
    Ok(Stop::signal().map_or(Exit::Done, |_| Exit::Done))
}

fn fault(text: &str) -> Result<(FaultKind, f64), Failure> {
    let known: Vec<String> = FAULTS.iter().map(|fault| format!("`{}`", fault.name)).collect();
    let hint = format!("one of {}, with a probability from 0 to 1: `--fault drop-after=0.05`", known.join(", "));
    let wrong = |what: String| Failure::usage(what).hint(hint.clone());
    let Some((kind, probability)) = text.split_once('=') else {
        return Err(wrong(format!("`--fault {text}` has no probability")));
    };
    let kind = FaultKind::named(kind).ok_or_else(|| wrong(format!("there is no fault `{kind}`")))?;
    match probability.parse::<f64>() {
        Ok(probability) if (0.0..=1.0).contains(&probability) => Ok((kind, probability)),
        _ => Err(wrong(format!("`{probability}` is not a probability"))),
    }
}

/// `10/s`, `300/min`: so many requests in so long.
fn rate_of(text: &str) -> Result<(u32, std::time::Duration), Failure> {
    let wrong = || {
        Failure::usage(format!("`--rate {text}` is not a rate")).hint("write a number and a period: `10/s`, `300/min`")
    };
    let (count, unit) = text.split_once('/').ok_or_else(wrong)?;
    let seconds = match unit.trim() {
        "s" => 1,
        "min" => 60,
        "h" => 3600,
        _ => return Err(wrong()),
    };
    let count = count.trim().parse().ok().filter(|count| *count > 0).ok_or_else(wrong)?;
    Ok((count, std::time::Duration::from_secs(seconds)))
}
