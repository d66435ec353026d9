//! How output looks, as users ask for it. What follows from it is decided in `console`.

/// Whether something is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Choice {
    /// Where it makes sense: on a terminal
    #[default]
    Auto,
    /// In any case
    Always,
    /// In no case
    Never,
}

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum OutputKind {
    /// For users
    #[default]
    Human,
    /// For scripts: one JSON object as the last thing on standard output
    Json,
}

/// How output looks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look {
    /// Colour; `Auto`: on a terminal, and not where `no_color`.
    pub color: Choice,
    /// Progress; `Auto`: a bar on a terminal, plain lines now and then elsewhere.
    pub progress: Choice,
    /// Nothing at all when the exit code is 0, one block of text otherwise.
    pub quiet: bool,
    /// How results are written.
    pub output: OutputKind,
    /// How often `-v` was given.
    pub verbose: u8,
    /// Whether `NO_COLOR` is set to anything (<https://no-color.org>).
    pub no_color: bool,
    /// Whether results go to standard error, because contacts go to standard output.
    pub results_to_stderr: bool,
    /// Whether the summary for scripts says how long the requests took.
    pub times: bool,
}
