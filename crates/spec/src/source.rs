//! The text of a spec and the places in it.
//!
//! Guarantees: every offset is mapped to a line and a column (in characters, both from 1), and
//! what is shown of the text is bounded and free of control characters, however long its lines
//! are and whatever they hold.

use std::ops::Range;

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

/// A range of bytes of the spec's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// The place of what is wrong with the file as a whole.
    pub const START: Self = Self { start: 0, end: 0 };
}

/// A line longer than this many bytes is shown in part.
const MAX_SHOWN_LINE: usize = 240;

/// How many bytes of a long line are shown on either side of what is marked in it.
const MARGIN: usize = 60;

/// How many bytes are marked at most.
const MAX_MARKED: usize = 80;

/// The text of a spec as it is shown to people, with the index of its lines.
pub(crate) struct Source {
    name: String,
    /// The text with control characters replaced, byte for byte, so that offsets stay the same.
    text: String,
    line_starts: Vec<usize>,
}

impl Source {
    pub fn new(name: &str, text: &str) -> Self {
        let text = without_control_characters(text);
        let line_starts =
            std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self {
            name: without_control_characters(name).replace(['\n', '\r'], "?"),
            text,
            line_starts,
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The line and the column of a byte, both counted from 1, the column in characters.
    pub fn position(&self, span: Span) -> (usize, usize) {
        let offset = self.boundary(span.start as usize);
        let line = self.line_of(offset);
        let before = &self.text[self.line_starts[line]..offset];
        (line + 1, before.chars().count() + 1)
    }

    /// The part of a span that is marked in its line.
    pub fn marked(&self, span: Span) -> SourceSpan {
        let start = self.boundary(span.start as usize);
        let line_end = self.line_range(self.line_of(start)).end;
        let end = self.boundary((span.end as usize).min(start + MAX_MARKED));
        (start..end.min(line_end).max(start)).into()
    }

    /// The index of the line that holds a byte.
    fn line_of(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset) - 1
    }

    /// The bytes of a line without its line break.
    fn line_range(&self, line: usize) -> Range<usize> {
        let start = self.line_starts[line];
        let next = self.line_starts.get(line + 1).copied();
        let end = next.map_or(self.text.len(), |next| next - 1);
        let end = start + self.text[start..end].trim_end_matches('\r').len();
        start..end
    }

    /// The offset, or the nearest one before it where a character of the text starts.
    fn boundary(&self, offset: usize) -> usize {
        let offset = offset.min(self.text.len());
        (0..=offset).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0)
    }

    /// The bytes to show for the marked bytes `start..end`, `lines` lines around them where
    /// these are short.
    fn context(&self, start: usize, end: usize, before: usize, after: usize) -> Range<usize> {
        let (line, last) = (self.line_of(start), self.line_of(end));
        let lines = line.saturating_sub(before)..=(last + after).min(self.line_starts.len() - 1);
        let range = self.line_range(*lines.start()).start..self.line_range(*lines.end()).end;
        if lines.map(|line| self.line_range(line).len()).all(|len| len <= MAX_SHOWN_LINE) {
            return range;
        }
        let line = self.line_range(line);
        let low = self.boundary(start.saturating_sub(MARGIN)).max(line.start).min(start);
        let high = self.boundary(end + MARGIN).min(line.end).max(end);
        low..high
    }
}

impl SourceCode for Source {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        context_lines_before: usize,
        context_lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let start = self.boundary(span.offset());
        let end = self.boundary(span.offset().saturating_add(span.len()));
        let range = if context_lines_before + context_lines_after == 0 {
            start..end
        } else {
            self.context(start, end, context_lines_before, context_lines_after)
        };
        let (line, column) =
            self.position(Span { start: range.start as u32, end: range.end as u32 });
        let data = &self.text.as_bytes()[range.clone()];
        let line_count = self.line_of(range.end) - self.line_of(range.start) + 1;
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            data,
            range.into(),
            line - 1,
            column - 1,
            line_count,
        )))
    }
}

/// The text with each byte of a control character replaced, but for line breaks and tabs.
fn without_control_characters(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && !matches!(c, '\n' | '\r' | '\t') {
            clean.extend(std::iter::repeat_n('?', c.len_utf8()));
        } else {
            clean.push(c);
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: usize, end: usize) -> Span {
        Span { start: start as u32, end: end as u32 }
    }

    #[test]
    fn positions_count_characters_and_lines_from_1() {
        let source = Source::new("f", "a\r\nµb: x\n");
        assert_eq!(source.position(span(0, 0)), (1, 1));
        assert_eq!(source.position(span(5, 6)), (2, 2));
        assert_eq!(source.position(span(999, 999)), (3, 1));
    }

    #[test]
    fn only_a_part_of_a_long_line_is_shown() {
        let text = format!("{}!{}\nnext\n", "µ".repeat(5_000), "b".repeat(1_000_000));
        let source = Source::new("f", &text);
        let contents = source.read_span(&SourceSpan::from(10_000..10_001), 1, 1).unwrap();
        assert!(contents.data().len() < 300);
        assert!(contents.data().contains(&b'!'));
        assert_eq!((contents.line(), contents.column()), (0, 4970));
        assert!(source.marked(span(0, text.len())).len() <= MAX_MARKED);
    }

    #[test]
    fn control_characters_are_not_shown() {
        let source = Source::new("a\nb", "a\u{1b}[31mb\u{85}c");
        assert_eq!(source.text, "a?[31mb??c");
        assert_eq!(source.name(), "a?b");
    }
}
