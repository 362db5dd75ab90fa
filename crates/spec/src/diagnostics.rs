//! Mistakes in a spec: how they are collected, and how they are told.
//!
//! Guarantees: all mistakes of a file are told in one run, in the order of the file, up to
//! [`MAX_LISTED`]; each has a file, a line and a column; no message holds a control character
//! or more than [`MAX_MESSAGE`] characters, whatever the file holds.

use std::fmt;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode};
use serde::Serialize;

use crate::source::{Source, Span};

/// How many mistakes of a file are listed; the others are counted.
pub const MAX_LISTED: usize = 100;

/// How many characters a message has at most.
pub const MAX_MESSAGE: usize = 1_000;

/// Proof that a mistake was recorded: what depends on the wrong part need not be complained of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reported;

/// What is wrong at a place, and what would be right.
struct Mistake {
    span: Span,
    message: String,
    help: Option<String>,
}

/// The mistakes found so far.
#[derive(Default)]
pub(crate) struct Mistakes {
    listed: Vec<Mistake>,
    unlisted: usize,
}

impl Mistakes {
    /// Records a mistake.
    pub fn add(&mut self, span: Span, message: impl Into<String>) -> Reported {
        self.add_with_help(span, message, None)
    }

    /// Records a mistake and its repair, where one is known.
    pub fn add_with_help(
        &mut self,
        span: Span,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) -> Reported {
        if self.is_full() {
            return self.count();
        }
        self.listed.push(Mistake {
            span,
            message: tidy(&message.into()),
            help: help.into().as_deref().map(tidy),
        });
        Reported
    }

    /// Whether no further mistake will be listed, so that work on its message is wasted.
    pub fn is_full(&self) -> bool {
        self.listed.len() >= MAX_LISTED
    }

    /// Counts a mistake that is not listed, because the list is full.
    pub fn count(&mut self) -> Reported {
        self.unlisted += 1;
        Reported
    }

    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// The error that tells these mistakes of the file.
    pub fn into_error(self, source: Source) -> SpecError {
        let Self { mut listed, unlisted } = self;
        listed.sort_by_key(|mistake| mistake.span.start);
        let diagnostics = listed
            .into_iter()
            .map(|mistake| {
                let (line, column) = source.position(mistake.span);
                Diagnostic {
                    file: source.name().to_owned(),
                    line,
                    column,
                    message: mistake.message,
                    help: mistake.help,
                    marked: source.marked(mistake.span),
                }
            })
            .collect();
        SpecError(Box::new(Report { source, diagnostics, unlisted }))
    }
}

/// The message without control characters, and cut where it is very long.
fn tidy(message: &str) -> String {
    let mut tidy = String::new();
    for c in message.chars().take(MAX_MESSAGE) {
        if c.is_control() {
            tidy.extend(c.escape_default());
        } else {
            tidy.push(c);
        }
    }
    if message.chars().nth(MAX_MESSAGE).is_some() {
        tidy.push('…');
    }
    tidy
}

/// A text from the spec as a message quotes it, cut where it is long.
pub(crate) fn quoted(text: &str) -> String {
    const MAX_QUOTED: usize = 60;
    match text.char_indices().nth(MAX_QUOTED) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}

/// The candidate that `word` most likely stands for, if one is near.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    const MAX_WORD: usize = 64;
    const MIN_BEGINNING: usize = 4;
    const MOST: usize = 2_000;
    if word.len() > MAX_WORD {
        return None;
    }
    let plain = |text: &str| text.to_lowercase().replace(['-', ' ', '.'], "_");
    let word = plain(word);
    let distance = |candidate: &str| {
        let candidate = plain(candidate);
        let shorter = candidate.len().min(word.len());
        let begins = word.starts_with(&candidate) || candidate.starts_with(&word);
        let distance = strsim::osa_distance(&word, &candidate);
        match distance {
            near if near <= 1 + shorter / 4 && near < shorter => Some(near),
            // `reuse` for `reuse_factor`: worse than any slip of the fingers.
            _ if begins && shorter >= MIN_BEGINNING => Some(MAX_WORD),
            _ => None,
        }
    };
    candidates
        .into_iter()
        .take(MOST)
        .filter(|candidate| candidate.len() <= MAX_WORD)
        .filter_map(|candidate| Some((distance(candidate)?, candidate)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The question that proposes the nearest candidate.
pub(crate) fn suggestion<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(word, candidates).map(|candidate| format!("did you mean `{candidate}`?"))
}

/// A mistake in a spec: where it is, what is wrong, and how to repair it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The file, as it was named by the caller.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// What was found and what is legal.
    pub message: String,
    /// How to repair it, where that is known.
    pub help: Option<String>,
    #[serde(skip)]
    marked: miette::SourceSpan,
}

impl Diagnostic {
    /// One line: `file:line:column: error: message; help: help`.
    pub fn plain(&self) -> String {
        let Self { file, line, column, message, help, .. } = self;
        let help = help.as_ref().map(|help| format!("; help: {help}"));
        format!("{file}:{line}:{column}: error: {message}{}", help.unwrap_or_default())
    }
}

impl fmt::Display for Diagnostic {
    /// The message alone, which is what a report shows beside the place.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Diagnostic {}

impl miette::Diagnostic for Diagnostic {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = self.help.as_ref()?;
        Some(Box::new(help))
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = LabeledSpan::new_with_span(None, self.marked);
        Some(Box::new(std::iter::once(label)))
    }
}

/// Every mistake of a spec.
///
/// It is a [`miette::Diagnostic`] with the mistakes as related diagnostics; [`SpecError::plain`]
/// and [`SpecError::graphical`] render it for files and for terminals, and
/// [`SpecError::diagnostics`] gives the list that a script would read. Its `Debug` form is the
/// plain one, so that an `unwrap` in a test says what is wrong.
pub struct SpecError(Box<Report>);

/// What a [`SpecError`] holds.
struct Report {
    source: Source,
    diagnostics: Vec<Diagnostic>,
    unlisted: usize,
}

impl SpecError {
    /// The mistakes in the order of the file: at least one, at most [`MAX_LISTED`].
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.0.diagnostics
    }

    /// How many mistakes there are beyond the listed ones.
    pub fn unlisted(&self) -> usize {
        self.0.unlisted
    }

    /// One line a mistake: `file:line:column: error: message; help: help`.
    pub fn plain(&self) -> String {
        let mut lines: Vec<String> = self.diagnostics().iter().map(Diagnostic::plain).collect();
        lines.extend(self.unlisted_text());
        lines.join("\n")
    }

    /// Each mistake under the lines of the spec that it is in, for a terminal of `width` columns.
    pub fn graphical(&self, width: usize, color: bool) -> String {
        let theme =
            if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_width(width).with_links(false);
        let mut text = String::new();
        // Writing to a string cannot fail, and every marked range is within the source.
        let _ = handler.render_report(&mut text, self);
        text
    }

    fn unlisted_text(&self) -> Option<String> {
        let Report { source, unlisted, .. } = &*self.0;
        (*unlisted > 0)
            .then(|| format!("{}: {unlisted} more mistakes are not listed", source.name()))
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.diagnostics().len() + self.unlisted();
        let mistakes = if count == 1 { "mistake" } else { "mistakes" };
        write!(f, "`{}` has {count} {mistakes}", self.0.source.name())
    }
}

impl fmt::Debug for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}\n{}", self.plain())
    }
}

impl std::error::Error for SpecError {}

impl miette::Diagnostic for SpecError {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.0.source)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let text = self.unlisted_text()?;
        Some(Box::new(text))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>> {
        let related = self.diagnostics().iter();
        Some(Box::new(related.map(|diagnostic| diagnostic as &dyn miette::Diagnostic)))
    }
}
