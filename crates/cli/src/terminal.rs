//! What depends on the terminal: widths, colours and progress.
//!
//! Guarantees: without a terminal, what is printed depends on neither its width nor its colours.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use clap::builder::styling::{AnsiColor, Style};
use comfy_table::{LineStyle, Table, TableStyle};
use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

/// How wide a terminal is taken to be that does not say so.
const DEFAULT_WIDTH: usize = 100;

/// How often a progress line without a count moves.
const TICK: Duration = Duration::from_millis(100);

/// The width of the terminal that standard output is, if it is one.
pub fn width() -> Option<usize> {
    if !std::io::stdout().is_terminal() {
        return None;
    }
    Some(Table::new().width().map_or(DEFAULT_WIDTH, usize::from))
}

/// The width of the terminal that standard error is, if it is one.
pub fn error_width() -> Option<usize> {
    if !std::io::stderr().is_terminal() {
        return None;
    }
    Some(Table::new().use_stderr().width().map_or(DEFAULT_WIDTH, usize::from))
}

/// Whether standard error shows colours.
pub fn error_has_color() -> bool {
    !matches!(anstream::AutoStream::choice(&std::io::stderr()), anstream::ColorChoice::Never)
}

/// Prints a message to standard error; where that is closed, nobody is left to tell.
pub fn print_error(message: &str) {
    let _ = writeln!(anstream::stderr(), "{message}");
}

/// The word that opens a message, in the colour of mistakes.
pub fn error_word() -> String {
    let style = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
    format!("{style}error{style:#}")
}

/// A table with a line below its header and no other, as wide as its content.
pub fn table() -> Table {
    let line = LineStyle::none().fill('─').junction('─');
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(line));
    table
}

/// A progress bar over `total` steps, on standard error where that is a terminal.
pub fn progress_bar(what: &'static str, total: usize) -> ProgressBar {
    let bar =
        ProgressBar::new(total as u64).with_finish(ProgressFinish::AndClear).with_message(what);
    match ProgressStyle::with_template(
        "{msg} [{bar:40}] {human_pos}/{human_len}, {per_sec}, {eta} left",
    ) {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}

/// A moving line for work whose length is not known, on standard error where that is a terminal.
pub fn spinner(what: &'static str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_finish(ProgressFinish::AndClear);
    spinner.set_message(what);
    spinner.enable_steady_tick(TICK);
    spinner
}
