//! The places that the YAML parser gives, as places in the text.

use crate::source::Span;

/// From the characters that the parser counts to the bytes that everything else counts.
pub(super) struct CharOffsets<'t> {
    text: &'t str,
    /// The byte at which each [`STEP`]-th character starts; none where all are single bytes.
    checkpoints: Vec<u32>,
}

const STEP: usize = 64;

impl<'t> CharOffsets<'t> {
    pub fn new(text: &'t str) -> Self {
        let checkpoints = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices().step_by(STEP).map(|(at, _)| at as u32).collect()
        };
        Self { text, checkpoints }
    }

    pub fn byte(&self, character: usize) -> u32 {
        let end = self.text.len();
        let byte = if self.checkpoints.is_empty() {
            character.min(end)
        } else {
            self.checkpoints.get(character / STEP).map_or(end, |checkpoint| {
                let checkpoint = *checkpoint as usize;
                let rest = self.text[checkpoint..].char_indices();
                let found = rest.map(|(at, _)| at).nth(character % STEP);
                found.map_or(end, |at| checkpoint + at)
            })
        };
        byte as u32
    }

    pub fn span(&self, span: &saphyr_parser::Span) -> Span {
        let start = self.byte(span.start.index());
        let end = self.byte(span.end.index()).max(start);
        Span { start, end }
    }
}
