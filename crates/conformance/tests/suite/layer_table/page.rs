//! The table of `docs/layers.md` as it claims things: what it says in bold.

use rtl4ml_conformance::root;

/// The head of the table.
const HEADER: [&str; 5] = ["layer", "strategies", "`io: parallel`", "`io: stream`", "exactness"];

/// What the page says of a layer type.
#[derive(Debug)]
pub struct Row {
    /// The layer type's word.
    pub layer: String,
    /// The strategies that it takes.
    pub strategies: Vec<String>,
    /// How it is built with `io: parallel`.
    pub parallel: Vec<String>,
    /// How it is built with `io: stream`: a word for each way, in the order of the variants.
    pub stream: Vec<String>,
    /// What keeps it from being exact, if anything does.
    pub exactness: Vec<String>,
}

/// The rows of the table.
pub fn rows() -> Vec<Row> {
    let text = std::fs::read_to_string(root().join("docs/layers.md")).unwrap();
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let mut lines = text.lines().skip_while(|line| cells(line) != HEADER);
    assert!(lines.next().is_some(), "the table's header is {HEADER:?}");
    assert!(lines.next().unwrap().starts_with("|---"));
    lines
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells = cells(line);
            assert_eq!(cells.len(), HEADER.len(), "{line}");
            Row {
                layer: cells[0].trim_matches('`').to_owned(),
                strategies: bold(&cells[1]),
                parallel: bold(&cells[2]),
                stream: bold(&cells[3]),
                exactness: bold(&cells[4]),
            }
        })
        .collect()
}

/// The words of a cell that are in bold.
fn bold(cell: &str) -> Vec<String> {
    cell.split("**").skip(1).step_by(2).map(str::to_owned).collect()
}
