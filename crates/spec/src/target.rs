//! `target`, `contract` and `io`: where the design runs, and what it must keep.

use rtl4ml_ir::fabric::DelayFileError;
use rtl4ml_ir::target::{DEVICES, split_unit};
use rtl4ml_ir::{Clock, Contract, Fabric, Io, LatencyBound, Part, Target};

use crate::diagnostics::{Mistakes, quoted, suggestion};
use crate::reader::{self, Fields, Read};
use crate::scalar::Core;
use crate::weights::WeightFiles;
use crate::yaml::{Kind, Node};

/// Longer texts are neither parts nor times, and would make messages long.
const MAX_TEXT: usize = 100;

/// Files of delays with more bytes are none.
const MAX_DELAY_BYTES: u64 = 1 << 16;

/// Reads `target`; a file of delays is found as weights are.
pub(crate) fn read_target(
    node: Option<&Node>,
    files: &mut WeightFiles,
    mistakes: &mut Mistakes,
) -> Read<Target> {
    let Some(node) = node else {
        return Ok(Target::default());
    };
    let fields = Fields::open(node, "`target`", &[&["part", "clock", "delays"]], mistakes)?;
    let part = fields.setting("part", |node| part(node, mistakes));
    let clock = fields.setting("clock", |node| clock(node, mistakes));
    let delays = fields.setting("delays", |node| delays(node, files, mistakes));
    let standard = Target::default();
    Ok(Target {
        part: part?.unwrap_or(standard.part),
        clock: clock?.unwrap_or(standard.clock),
        delays: delays?,
    })
}

/// A fabric that has a name of its own, or that of a file.
fn delays(node: &Node, files: &mut WeightFiles, mistakes: &mut Mistakes) -> Read<Fabric> {
    let names: Vec<String> = Fabric::names().map(|name| format!("`{name}`")).collect();
    let legal = format!("{} or a file, FILE.toml", names.join(", "));
    let found = reader::text(node, "`delays`", &legal, mistakes)?;
    if let Some(fabric) = Fabric::named(found) {
        return Ok(fabric.clone());
    }
    if std::path::Path::new(found).extension().is_none_or(|extension| extension != "toml") {
        let help = suggestion(found, Fabric::names());
        let message = format!("`delays` must be {legal}, found {}", quoted(found));
        return Err(mistakes.add_with_help(node.span, message, help));
    }
    let text = files.text(found, MAX_DELAY_BYTES).map_err(|(message, help)| {
        mistakes.add_with_help(node.span, format!("`delays`: {message}"), help)
    })?;
    Fabric::parse(&text).map_err(|error| {
        let line = |at: usize| 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
        let place = match &error {
            DelayFileError::Syntax { at, .. } => format!(", line {}", line(*at)),
            DelayFileError::OutOfRange { .. } | DelayFileError::Count { .. } => String::new(),
        };
        mistakes.add(node.span, format!("`delays`: {}{place}: {error}", quoted(found)))
    })
}

fn part(node: &Node, mistakes: &mut Mistakes) -> Read<Part> {
    let legal = "a part number such as xcvu9p-flga2104-2-i";
    let found = reader::text(node, "`part`", legal, mistakes)?;
    let parsed = if found.len() > MAX_TEXT {
        Err(format!("{} is not {legal}", quoted(found)))
    } else {
        found.parse::<Part>().map_err(|error| error.to_string())
    };
    parsed.map_err(|message| {
        let device = found.split('-').next().unwrap_or_default();
        let is_known = DEVICES.iter().any(|known| known.name == device);
        let help = if is_known {
            None
        } else {
            suggestion(device, DEVICES.iter().map(|known| known.name.as_str()))
        };
        mistakes.add_with_help(node.span, format!("`part`: {message}"), help)
    })
}

fn clock(node: &Node, mistakes: &mut Mistakes) -> Read<Clock> {
    let legal = "a frequency or a period, e.g. `360 MHz` or `2.5 ns`, from 1 MHz to 2000 MHz";
    let found = reader::text(node, "`clock`", legal, mistakes)?;
    found.parse::<Clock>().map_err(|_| {
        let is_number = matches!(&node.kind, Kind::Scalar(scalar)
            if matches!(scalar.core(), Core::Integer | Core::Float));
        let help = is_number.then(|| format!("add a unit, e.g. `{found} MHz` or `{found} ns`"));
        mistakes.add_with_help(
            node.span,
            format!("`clock` must be {legal}, found {}", quoted(found)),
            help,
        )
    })
}

/// Reads `contract`.
pub(crate) fn read_contract(node: Option<&Node>, mistakes: &mut Mistakes) -> Read<Contract> {
    let Some(node) = node else {
        return Ok(Contract::default());
    };
    let keys = ["initiation_interval", "latency"];
    let fields = Fields::open(node, "`contract`", &[&keys], mistakes)?;
    let interval = fields.setting("initiation_interval", |node| {
        reader::count(node, "`initiation_interval`, in clock cycles,", mistakes)
    });
    let latency = fields.setting("latency", |node| latency(node, mistakes));
    Ok(Contract { initiation_interval_cycles: interval?, latency: latency? })
}

fn latency(node: &Node, mistakes: &mut Mistakes) -> Read<LatencyBound> {
    let what = "`latency`";
    let legal = "clock cycles or a time, e.g. `20`, `20 cycles` or `75 ns`";
    let Kind::Scalar(scalar) = &node.kind else {
        return Err(reader::wrong(node, what, legal, mistakes));
    };
    if scalar.core() == Core::Integer {
        return reader::count(node, "`latency`, in clock cycles,", mistakes)
            .map(LatencyBound::Cycles);
    }
    let found = reader::text(node, what, legal, mistakes)?;
    let bound = split_unit(found).and_then(|(number, unit)| {
        let picoseconds = |unit_ps: f64| Some(LatencyBound::Picoseconds((number * unit_ps) as u64));
        match unit {
            "cycle" | "cycles" if number.fract() == 0.0 => {
                Some(LatencyBound::Cycles(number as u64))
            }
            "ps" => picoseconds(1.0),
            "ns" => picoseconds(1e3),
            "us" => picoseconds(1e6),
            _ => None,
        }
    });
    bound.ok_or_else(|| {
        mistakes.add(node.span, format!("{what} must be {legal}, found {}", reader::describe(node)))
    })
}

/// Reads `io`.
pub(crate) fn read_io(node: Option<&Node>, mistakes: &mut Mistakes) -> Read<Io> {
    let Some(node) = node else {
        return Ok(Io::default());
    };
    reader::word(node, "`io`", Io::ALL, Io::word, mistakes)
}
