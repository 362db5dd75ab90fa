//! Text for people, line by line.

/// How wide the names of entries are.
const NAME_WIDTH: usize = 9;

/// Text for people.
#[derive(Debug, Default)]
pub struct Page(String);

impl Page {
    /// A line of its own.
    pub fn say(&mut self, line: impl AsRef<str>) {
        self.0.push_str(line.as_ref());
        self.0.push('\n');
    }

    /// A line of a name and what it is, aligned with those around it.
    pub fn entry(&mut self, name: &str, what: impl AsRef<str>) {
        self.say(format!("{name:<NAME_WIDTH$} {}", what.as_ref()));
    }

    /// Lines below an empty one, such as a table.
    pub fn block(&mut self, lines: impl AsRef<str>) {
        self.0.push('\n');
        self.say(lines);
    }

    /// A line a remark, below an empty one; nothing without remarks.
    pub fn remarks(&mut self, kind: &str, remarks: &[String]) {
        if !remarks.is_empty() {
            let lines = remarks.iter().map(|remark| format!("{kind}: {remark}"));
            self.block(lines.collect::<Vec<_>>().join("\n"));
        }
    }

    /// The text.
    pub fn into_text(self) -> String {
        self.0
    }
}

/// A number of cycles in words.
pub fn cycles_text(cycles: u64) -> String {
    if cycles == 1 { "1 cycle".to_owned() } else { format!("{cycles} cycles") }
}

/// A number of samples in words.
pub fn samples_text(count: usize) -> String {
    if count == 1 { "1 sample".to_owned() } else { format!("{count} samples") }
}
