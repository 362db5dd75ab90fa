//! What a command found out, and how it is told.
//!
//! Guarantees: whoever reads standard output may stop reading at any time; that changes neither
//! what the command does nor its exit status. Any other failure to write is a failure.

use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;

use crate::failure::{Failure, Mistake};
use crate::page::Page;
use crate::terminal;

/// What a command found out.
pub struct Answer {
    /// For people.
    text: String,
    /// For scripts.
    json: String,
    /// What of that which was asked for does not hold.
    failures: Vec<Failure>,
}

/// An object for scripts, with the mistakes where there are some.
#[derive(Serialize)]
struct WithErrors<'a, T> {
    #[serde(flatten)]
    result: &'a T,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Mistake>,
}

impl Answer {
    /// An answer, as text and as an object, and what does not hold.
    pub fn new(page: Page, result: &impl Serialize, failures: Vec<Failure>) -> Self {
        let json = json_text(result, failures.iter().flat_map(Failure::mistakes).collect());
        Self { text: page.into_text(), json, failures }
    }
}

/// Prints what a command found out and returns its exit status.
pub fn tell(result: Result<Answer, Failure>, json: bool) -> ExitCode {
    let (answer, failures) = match result {
        Ok(Answer { text, json: object, failures }) => (if json { object } else { text }, failures),
        Err(failure) => {
            if let Failure::Usage(error) = &failure {
                error.exit();
            }
            let nothing = serde_json::Map::new();
            let object = if json { json_text(&nothing, failure.mistakes()) } else { String::new() };
            (object, vec![failure])
        }
    };
    let written = print(&answer);
    if !json {
        for failure in &failures {
            terminal::print_error(&failure.render());
        }
    }
    if let Err(error) = &written {
        terminal::print_error(&format!(
            "{}: cannot write to standard output: {error}",
            terminal::error_word()
        ));
    }
    ExitCode::from(u8::from(!failures.is_empty() || written.is_err()))
}

fn json_text(result: &impl Serialize, errors: Vec<Mistake>) -> String {
    // Results have neither maps with odd keys nor numbers that JSON lacks.
    serde_json::to_string_pretty(&WithErrors { result, errors }).unwrap_or_default() + "\n"
}

fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}
