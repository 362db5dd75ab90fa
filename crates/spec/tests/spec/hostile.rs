//! Specs that are written to break the tool: each gets an error, soon and in bounded memory.

use std::fs;
use std::path::Path;
use std::time::Instant;

use rtl4ml_spec::{MAX_LISTED, MAX_SPEC_BYTES, load};

use crate::support::{lines, parse};

const GOOD: &str = "name: net\ninputs: [{name: x, shape: [16], precision: \"fixed<16,6>\"}]\n\
                    layers:\n  - {name: r, type: relu}\n";

/// The plain messages about a hostile text, which must come soon and be of bounded length, and
/// must not take longer to draw.
fn check(text: &str, expected: &str) {
    let start = Instant::now();
    let error = parse(text, Path::new("")).expect_err("the text is hostile");
    let plain = error.plain();
    assert!(plain.contains(expected), "{plain}");
    assert!(error.diagnostics().len() <= MAX_LISTED);
    assert!(plain.len() < 300_000, "{} bytes of messages", plain.len());
    assert!(error.graphical(100, true).len() < 1_000_000);
    let seconds = start.elapsed().as_secs_f64();
    // No figure: minutes are what a text takes that makes the reader go on and on.
    assert!(seconds < 120.0, "{seconds} s");
}

/// What is said of a file with these bytes.
fn of_file(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.yaml");
    fs::write(&path, bytes).unwrap();
    let plain = load(&path).expect_err("the file is wrong").plain();
    plain.replace(&folder.path().display().to_string(), "DIR")
}

#[test]
fn files_that_are_no_text() {
    assert_eq!(
        of_file(b"name: net\n# \xe9t\xe9\n"),
        "DIR/network.yaml:2:3: error: the spec is not UTF-8: the byte 0xe9 here belongs to no character; help: save the file as UTF-8"
    );
    let utf16: Vec<u8> = GOOD.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(
        of_file(&[b"\xff\xfe", &utf16[..]].concat()).contains(":1:1: error: the spec is not UTF-8")
    );
    assert!(of_file(&utf16).contains("found unprintable character"));
    assert_eq!(of_file(b""), "DIR/network.yaml:1:1: error: the spec is empty");
    assert_eq!(of_file(b"\xef\xbb\xbf"), "DIR/network.yaml:1:1: error: the spec is empty");
    assert!(of_file(b"name: a\0b\n").contains(":1:8: error: this is not valid YAML"));
}

#[test]
fn things_that_are_no_files() {
    let folder = tempfile::tempdir().unwrap();
    let of_path = |path: &Path| load(path).expect_err("no file").plain();
    assert!(of_path(folder.path()).contains("this is a folder, not a spec"));
    assert!(of_path(&folder.path().join("none.yaml")).contains("the spec cannot be read: No such"));
    if Path::new("/dev/zero").exists() {
        assert!(of_path(Path::new("/dev/zero")).contains("this is not a regular file"));
    }
    // A file of gigabytes that takes no space.
    let path = folder.path().join("big.yaml");
    fs::File::create(&path).unwrap().set_len(5 << 30).unwrap();
    assert!(of_path(&path).contains("the spec has 5368709120 bytes; at most 67108864 are read"));
    let long = " ".repeat(MAX_SPEC_BYTES as usize + 1);
    assert!(parse(&long, Path::new("")).is_err());
}

#[test]
fn lines_of_ten_megabytes() {
    let many = |text: &str| text.repeat(10_000_000 / text.len());
    check(&format!("name: {}\n", many("a")), "is not a legal name");
    check(&format!("name: {}\n", many("a ")), "is not a legal name");
    check(&format!("name: \"{}\"\n", many("µ")), "is not a legal name");
    check(&format!("name: \"{}\n", many("a")), "unexpected end of stream");
    check(&format!("{}: 3\n", many("a")), "not valid YAML");
    check(&format!("? {}\n: 3\n", many("a")), "unknown key `aaaaa");
    check(&format!("#{}\n", many("a")), "the spec is empty");
    check(&format!("{}a: 3\n", many(" ")), "unknown key `a`");
    check(&format!("a: [{}]\n", many("1,")), "separators");
    check(&format!("{}\n", many("a:")), "separators");
    check(&many("-"), "must be a mapping");
    let type_of =
        |text: &str| GOOD.replace("type: relu", &format!("type: relu, precision: {text}"));
    check(&type_of(&format!("\"{}\"", many("f"))), "is not a fixed-point type");
    check(&type_of(&format!("fixed<8{}>", ",1".repeat(10))), "must be quoted");
    check(&type_of(&format!("fixed<8{}>", ",1".repeat(500_000))), "the key `1` is given twice");
    check(
        &GOOD.replace("name: net", &format!("name: net\ntarget: {{part: {}}}", many("x"))),
        "part",
    );
    check(&GOOD.replace("[16]", &format!("[{}]", many("9"))), "must be an integer");
    check(&GOOD.replace("type: relu", &format!("type: {}", many("r"))), "unknown layer type");
    check(&GOOD.replace("type: relu", &format!("type: relu, inputs: {}", many("r"))), "reads `rrr");
}

#[test]
fn nesting_a_hundred_thousand_deep() {
    let deep = |text: &str| text.repeat(100_000);
    for text in [
        deep("["),
        deep("{a: "),
        deep("- "),
        deep("[a: "),
        format!("a: {}", deep("[")),
        format!("a: {}{}", deep("["), deep("]")),
        lines(3_000, |depth| format!("{}a:", " ".repeat(depth))),
    ] {
        check(&text, "nested more than 64 deep");
    }
    check(&deep("? "), "must be a word");
    check(&deep("{? "), "nested more than 64 deep");
}

#[test]
fn bombs_of_aliases() {
    let nine = |item: &str| [item; 9].join(", ");
    let mut bomb = format!("a0: &a0 [{}]\n", nine("lol"));
    bomb += &lines(20, |i| format!("a{}: &a{} [{}]", i + 1, i + 1, nine(&format!("*a{i}"))));
    check(&bomb, "values, those that aliases repeat counted");
    // Aliases that do not multiply, but make a tree as deep as the spec is long.
    let mut tower = "a0: &a0 [1]\n".to_owned();
    tower += &lines(1_000, |i| format!("a{}: &a{} [*a{i}]", i + 1, i + 1));
    check(&tower, "nested more than 64 deep");
    check("a: &a [*a]\n", "a value that it is a part of");
    // Few values, but long ones.
    let long = format!("a: &a {}\nb: [{}]\n", "a".repeat(1_000_000), "*a,".repeat(100_000));
    check(&long, "the texts that aliases repeat");
}

#[test]
fn a_million_of_everything() {
    check(&lines(1_000_000, |i| format!("k{i}: 1")), "separators");
    check(&lines(500_000, |i| format!("k{i}: 1")), "more than 1024 keys");
    check(&"k: 1\n".repeat(500_000), "the key `k` is given twice");
    check(&lines(200_000, |i| format!("k{i}: &a{i} 1")), "more than 1024 keys");
    check(&format!("[{}1]", "1,".repeat(500_000)), "must be a mapping");
    check(&format!("[{}1]", "a: b,".repeat(250_000)), "must be a mapping");
    let layers = |layer: &dyn Fn(usize) -> String| GOOD.to_owned() + &lines(50_000, layer);
    check(&layers(&|i| format!("  - {{name: r{i}, type: rleu}}")), "unknown layer type `rleu`");
    check(&layers(&|i| format!("  - {{name: r{i}}}")), "`type` of layer `r0` is missing");
    check(
        &layers(&|i| format!("  - {{name: r{i}, type: relu, inputs: q{i}}}")),
        "reads `q0`, but nothing before it has this name",
    );
    check(
        &layers(&|_| "  - {name: d, type: dense, weight: w.npz:a}".to_owned()),
        "w.npz does not exist",
    );
    check(&layers(&|_| "  - {name: r, type: relu}".to_owned()), "the name `r` is used twice");
}

#[test]
fn shapes_beyond_64_bits() {
    let shape = |shape: &str| GOOD.replace("[16]", shape);
    check(&shape("[4294967296, 4294967296, 4294967296]"), "has more than 4194304 elements");
    check(&shape("[18446744073709551615, 2]"), "has more than 4194304 elements");
    check(&shape("[18446744073709551616]"), "the largest legal value is 18446744073709551615");
    check(&shape("[0x1ffffffffffffffffffffffffffffffffffffffff]"), "must be an integer");
    let reshape =
        |shape: &str| GOOD.replace("type: relu", &format!("type: reshape, shape: {shape}"));
    check(&reshape("[18446744073709551615, 2, -1]"), "cannot reshape");
    check(&reshape("[1e30]"), "must be an integer");
}

#[test]
fn mistakes_beyond_the_list_are_counted() {
    let keys = lines(150, |i| format!("key{i}: 1"));
    let error = parse(&(keys + GOOD), Path::new("")).unwrap_err();
    assert_eq!((error.diagnostics().len(), error.unlisted()), (100, 50));
    assert!(error.plain().ends_with("network.yaml: 50 more mistakes are not listed"));
    assert!(error.graphical(80, false).contains("50 more mistakes are not listed"));
}
