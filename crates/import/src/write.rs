//! The text of a draft, and its numbers as an archive.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use npyz::WriterBuilder;
use rawzip::{CompressionMethod, ZipArchiveWriter};

use crate::draft::{Draft, DraftInput, DraftLayer, Setting, Source};
use crate::element_types::{self, Stored};

/// The file that a spec's numbers are in.
pub const WEIGHTS_FILE: &str = "weights.npz";

/// How long a line of the spec is before a layer gets one line a key.
const LINE: usize = 100;

/// The spec's text; `header` is a comment before it, a line each.
pub fn spec_text(name: &str, header: &[String], draft: &Draft) -> String {
    let mut text = String::new();
    for line in header {
        comment(&mut text, "", line);
    }
    let _ = writeln!(text, "name: {name}");
    for line in &draft.head {
        let _ = writeln!(text, "{line}");
    }
    text.push_str("inputs:\n");
    for input in &draft.inputs {
        input.comments.iter().for_each(|line| comment(&mut text, "  ", line));
        let (name, extents) = (&input.name, list(&input.extents));
        let (types, _) = input_types(input);
        let _ = writeln!(text, "  - {{name: {name}, shape: {extents}, precision: {types}}}");
    }
    text.push_str("layers:\n");
    for (index, layer) in draft.layers.iter().enumerate() {
        layer.comments.iter().for_each(|line| comment(&mut text, "  ", line));
        write_layer(&mut text, draft, index, layer);
    }
    let last = Source::Layer(draft.layers.len().wrapping_sub(1));
    if draft.outputs != [last] {
        let names: Vec<&str> = draft.outputs.iter().map(|source| name_of(draft, *source)).collect();
        let _ = writeln!(text, "outputs: [{}]", names.join(", "));
    }
    text
}

fn comment(text: &mut String, indent: &str, line: &str) {
    // Names from a model may hold anything; a comment ends with its line.
    let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let _ = writeln!(text, "{indent}# {line}");
}

fn name_of(draft: &Draft, source: Source) -> &str {
    match source {
        Source::Input(index) => &draft.inputs[index].name,
        Source::Layer(index) => &draft.layers[index].name,
    }
}

/// A layer's keys and values, in the order in which a person would write them.
fn keys(draft: &Draft, index: usize, layer: &DraftLayer) -> Vec<(&'static str, String)> {
    let mut keys = vec![("name", layer.name.clone()), ("type", layer.kind.to_owned())];
    let before = match index.checked_sub(1) {
        Some(before) => vec![Source::Layer(before)],
        None if draft.inputs.len() == 1 => vec![Source::Input(0)],
        None => Vec::new(),
    };
    if layer.inputs != before {
        let names: Vec<&str> = layer.inputs.iter().map(|source| name_of(draft, *source)).collect();
        let value = match names[..] {
            [only] => only.to_owned(),
            _ => format!("[{}]", names.join(", ")),
        };
        keys.push(("inputs", value));
    }
    keys.extend(layer.settings.iter().map(|(key, value)| (*key, setting_text(value))));
    for numbers in &layer.numbers {
        keys.push((numbers.key, format!("{WEIGHTS_FILE}:{}.{}", layer.name, numbers.key)));
    }
    let of_numbers = layer.numbers.iter().map(|numbers| (numbers.key, numbers.ty));
    let types: Vec<_> =
        of_numbers.filter(|(key, _)| *key != "values").chain(layer.types.iter().copied()).collect();
    let result = result_types(layer).map(|(result, _)| result);
    match (types.is_empty(), result) {
        (true, Some(result)) => keys.push(("precision", result)),
        (true, None) => {}
        (false, result) => {
            let own = types.iter().map(|(key, ty)| format!("{key}: \"{ty}\""));
            let result = result.map(|result| format!("result: {result}"));
            let types: Vec<String> = own.chain(result).collect();
            keys.push(("precision", format!("{{{}}}", types.join(", "))));
        }
    }
    keys
}

/// The text of an input's types, and the arrays that it refers to.
fn input_types(input: &DraftInput) -> (String, Vec<Stored>) {
    element_types::written(&input.types, WEIGHTS_FILE, &format!("{}.input", input.name))
}

/// The same of a layer's result, where it has types.
fn result_types(layer: &DraftLayer) -> Option<(String, Vec<Stored>)> {
    let stem = format!("{}.result", layer.name);
    layer.result.as_ref().map(|types| element_types::written(types, WEIGHTS_FILE, &stem))
}

fn write_layer(text: &mut String, draft: &Draft, index: usize, layer: &DraftLayer) {
    let keys = keys(draft, index, layer);
    let all: Vec<String> = keys.iter().map(|(key, value)| format!("{key}: {value}")).collect();
    let line = format!("  - {{{}}}", all.join(", "));
    if layer.numbers.is_empty() && line.len() <= LINE {
        let _ = writeln!(text, "{line}");
        return;
    }
    for (number, key) in all.iter().enumerate() {
        let start = if number == 0 { "  - " } else { "    " };
        let _ = writeln!(text, "{start}{key}");
    }
}

fn setting_text(setting: &Setting) -> String {
    match setting {
        Setting::Integer(value) => value.to_string(),
        Setting::Number(value) => number(*value),
        Setting::Word(word) => (*word).to_owned(),
        Setting::Integers(values) => list(values),
        Setting::Numbers(values) => {
            let values: Vec<String> = values.iter().map(|value| number(*value)).collect();
            format!("[{}]", values.join(", "))
        }
        Setting::Ends([(top, bottom), (left, right)]) => {
            format!("[[{top}, {bottom}], [{left}, {right}]]")
        }
    }
}

/// The shortest text that reads back as the same number.
fn number(value: f64) -> String {
    format!("{value:?}")
}

fn list(values: &[usize]) -> String {
    let values: Vec<String> = values.iter().map(ToString::to_string).collect();
    format!("[{}]", values.join(", "))
}

/// The archive of all trained numbers: each under its layer's name and its key.
///
/// # Errors
/// Never, but that writing to memory is writing.
pub fn weights_archive(draft: &Draft) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut archive = ZipArchiveWriter::new(&mut bytes);
    let mut add = |name: &str, extents: &[usize], values: &[f64]| {
        let content = npy(extents, values)?;
        let (mut entry, config) = archive
            .new_file(format!("{name}.npy"))
            .compression_method(CompressionMethod::STORE)
            .start()
            .map_err(io::Error::other)?;
        let mut writer = config.wrap(&mut entry);
        writer.write_all(&content)?;
        let (_, descriptor) = writer.finish().map_err(io::Error::other)?;
        entry.finish(descriptor).map(|_| ()).map_err(io::Error::other)
    };
    for (name, extents, values) in draft.inputs.iter().flat_map(|input| input_types(input).1) {
        add(&name, &extents, &values)?;
    }
    for layer in &draft.layers {
        for numbers in &layer.numbers {
            add(&format!("{}.{}", layer.name, numbers.key), &numbers.extents, &numbers.values)?;
        }
        for (name, extents, values) in result_types(layer).into_iter().flat_map(|(_, all)| all) {
            add(&name, &extents, &values)?;
        }
    }
    archive.finish().map_err(io::Error::other)?;
    Ok(bytes)
}

/// An array as NumPy writes it: in single precision where that holds every number.
fn npy(extents: &[usize], values: &[f64]) -> io::Result<Vec<u8>> {
    let shape: Vec<u64> = extents.iter().map(|extent| *extent as u64).collect();
    let mut bytes = Vec::new();
    #[allow(clippy::float_cmp, reason = "whether a number survives is a question of every bit")]
    let is_single = values.iter().all(|value| f64::from(*value as f32) == *value);
    let options = npyz::WriteOptions::new().default_dtype().shape(&shape);
    if is_single {
        let options = npyz::WriteOptions::new().default_dtype().shape(&shape);
        let mut writer = options.writer(&mut bytes).begin_nd()?;
        writer.extend(values.iter().map(|value| *value as f32))?;
        writer.finish()?;
    } else {
        let mut writer = options.writer(&mut bytes).begin_nd()?;
        writer.extend(values.iter().copied())?;
        writer.finish()?;
    }
    Ok(bytes)
}
