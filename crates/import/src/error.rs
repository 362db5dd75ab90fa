//! Why a model is not imported.

use std::fmt::Write as _;
use std::path::PathBuf;

/// Why a model is not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file cannot be read.
    #[error("`{path}` cannot be read: {source}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("`{path}`: {message}", path = .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// Operations of the model have no layers that do the same.
    #[error("{}", refusals_text(.0))]
    Unsupported(Vec<Refused>),
}

/// An operation that is not imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The node or layer, by its name.
    pub node: String,
    /// What it does.
    pub operator: String,
    /// Why it is not imported, and what could be done.
    pub reason: String,
}

/// How many operations are listed; the others are counted.
const MAX_LISTED: usize = 100;

fn refusals_text(refused: &[Refused]) -> String {
    let count = refused.len();
    let is = if count == 1 { "operation is" } else { "operations are" };
    let mut text = format!("{count} {is} not imported:");
    for Refused { node, operator, reason } in refused.iter().take(MAX_LISTED) {
        let _ = write!(text, "\n  {node} ({operator}): {reason}");
    }
    if count > MAX_LISTED {
        let _ = write!(text, "\n  and {} more", count - MAX_LISTED);
    }
    text
}

/// Why an operation has no layers that do the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(pub String);

impl Refusal {
    /// The refusal for a reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// What an operation becomes, or why it becomes nothing.
pub type Lowered<T> = Result<T, Refusal>;

/// Refuses for a reason.
pub fn refuse<T>(reason: impl Into<String>) -> Lowered<T> {
    Err(Refusal::new(reason))
}
