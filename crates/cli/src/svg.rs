//! Drawings as SVG text: a canvas of lines, boxes and words in one style.
//!
//! Guarantees: the same drawing is the same text; words are escaped; numbers have two decimals.

use std::fmt::Write as _;

/// The colours of what belongs to one series, told apart by people who see few colours as well.
pub const PALETTE: [&str; 8] =
    ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999999", "#b3a100"];

/// The colour of words and axes.
pub const INK: &str = "#222222";

/// The colour of lines of the grid.
pub const FAINT: &str = "#dddddd";

/// Where a text is put from its point.
#[derive(Clone, Copy, Debug)]
pub enum Anchor {
    /// To the right.
    Start,
    /// On both sides.
    Middle,
    /// To the left.
    End,
}

/// A drawing; lengths are pixels, y downwards.
#[derive(Debug)]
pub struct Canvas {
    width: f64,
    height: f64,
    body: String,
}

impl Canvas {
    /// An empty white canvas.
    pub fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    fn element(&mut self, text: &str) {
        self.body.push_str("  ");
        self.body.push_str(text);
        self.body.push('\n');
    }

    /// A line of this colour and width.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), color: &str, width: f64) {
        self.element(&format!(
            r#"<line x1="{:.2}" y1="{:.2}" x2="{:.2}" y2="{:.2}" stroke="{color}" stroke-width="{width:.2}"/>"#,
            from.0, from.1, to.0, to.1
        ));
    }

    /// A line through points.
    pub fn path(&mut self, points: &[(f64, f64)], color: &str) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.2},{y:.2}")).collect();
        self.element(&format!(
            r#"<polyline points="{}" fill="none" stroke="{color}" stroke-width="2.00"/>"#,
            points.join(" ")
        ));
    }

    /// A filled box.
    pub fn rectangle(&mut self, corner: (f64, f64), size: (f64, f64), color: &str) {
        self.element(&format!(
            r#"<rect x="{:.2}" y="{:.2}" width="{:.2}" height="{:.2}" fill="{color}"/>"#,
            corner.0, corner.1, size.0, size.1
        ));
    }

    /// A filled circle.
    pub fn dot(&mut self, at: (f64, f64), radius: f64, color: &str) {
        self.element(&format!(
            r#"<circle cx="{:.2}" cy="{:.2}" r="{radius:.2}" fill="{color}"/>"#,
            at.0, at.1
        ));
    }

    /// Words; `turned` ones run upwards.
    pub fn text(&mut self, at: (f64, f64), size: u32, anchor: Anchor, turned: bool, words: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let (x, y) = at;
        let turn = if turned {
            format!(r#" transform="rotate(-90 {x:.2} {y:.2})""#)
        } else {
            String::new()
        };
        self.element(&format!(
            r#"<text x="{x:.2}" y="{y:.2}" font-size="{size}" text-anchor="{anchor}" fill="{INK}"{turn}>{}</text>"#,
            escaped(words)
        ));
    }

    /// The text of the file.
    pub fn into_text(self) -> String {
        let Self { width, height, body } = self;
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0} {height:.0}" width="{width:.0}" height="{height:.0}" font-family="Helvetica, Arial, sans-serif">"#
        );
        let _ = writeln!(text, r##"  <rect width="100%" height="100%" fill="#ffffff"/>"##);
        text.push_str(&body);
        text.push_str("</svg>\n");
        text
    }
}

fn escaped(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A round step of which a few make up a length: 1, 2 or 5 times a power of ten.
pub fn round_step(length: f64, most: f64) -> f64 {
    let least = (length / most).max(f64::MIN_POSITIVE);
    let power = 10_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    steps.into_iter().find(|step| *step >= least * 0.999_999).unwrap_or(steps[3])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_escaped() {
        let mut canvas = Canvas::new(10.0, 10.0);
        canvas.text((1.0, 2.0), 8, Anchor::Start, false, "a < b & c");
        assert!(canvas.into_text().contains("a &lt; b &amp; c"));
    }

    #[test]
    fn steps_are_round() {
        let steps = [1.0, 7.0, 49.0, 5.1, 123.0].map(|length| round_step(length, 5.0));
        for (step, expected) in steps.into_iter().zip([0.2, 2.0, 10.0, 2.0, 50.0]) {
            assert!((step / expected - 1.0).abs() < 1e-9, "{step} is not {expected}");
        }
    }
}
