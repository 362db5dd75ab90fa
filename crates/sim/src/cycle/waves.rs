//! The waves of a simulation on the cycle engine: a VCD with the signals that the user names.

use std::io::{self, Write};

use rtl4ml_hdl::Type;
use vcd::{IdCode, TimescaleUnit, Value, VarType};

use super::flatten::{Flat, Named, Scope};

/// Which signals a wave file has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The ports of all modules.
    Ports,
    /// All signals.
    All,
    /// Those whose path, `top.instance.signal`, matches one of these patterns, in which `*` stands
    /// for any text and `?` for a character; ports or not.
    Matching(Vec<String>),
}

/// A signal in the file.
struct Shape {
    code: IdCode,
    /// The nets of its lanes with their types, lane 0 first.
    lanes: Vec<(u32, Type)>,
    /// Its bits as they are in the file, the highest first.
    last: Option<Vec<Value>>,
}

/// A wave file that is being written.
pub(super) struct Waves {
    writer: vcd::Writer<Box<dyn Write>>,
    clocks: Vec<IdCode>,
    shapes: Vec<Shape>,
    period_ps: u64,
    time_ps: u64,
    clock_was: Option<bool>,
}

impl Waves {
    /// Begins a file.
    pub fn begin(
        file: Box<dyn Write>,
        flat: &Flat,
        period_ps: u64,
        shown: &Shown,
    ) -> io::Result<Self> {
        let writer = vcd::Writer::new(file);
        let (clocks, shapes) = (Vec::new(), Vec::new());
        let mut waves = Self { writer, clocks, shapes, period_ps, time_ps: 0, clock_was: None };
        waves.writer.timescale(1, TimescaleUnit::PS)?;
        waves.scope(flat, &flat.scope, &flat.scope.name, shown)?;
        waves.writer.enddefinitions()?;
        Ok(waves)
    }

    fn scope(&mut self, flat: &Flat, scope: &Scope, path: &str, shown: &Shown) -> io::Result<()> {
        self.writer.add_module(&scope.name)?;
        if scope.clocked && shown.has(&format!("{path}.clk"), true) {
            self.clocks.push(self.writer.add_wire(1, "clk")?);
        }
        for (named, is_port) in
            scope.ports.iter().map(|p| (p, true)).chain(scope.locals.iter().map(|l| (l, false)))
        {
            if shown.has(&format!("{path}.{}", named.name), is_port) {
                self.add(flat, named)?;
            }
        }
        for child in &scope.children {
            self.scope(flat, child, &format!("{path}.{}", child.name), shown)?;
        }
        self.writer.upscope()
    }

    fn add(&mut self, flat: &Flat, named: &Named) -> io::Result<()> {
        let lanes: Vec<(u32, Type)> =
            named.nets.iter().map(|net| (*net, flat.types[*net as usize])).collect();
        let width = lanes.iter().map(|(_, ty)| ty.width).sum();
        let code = self.writer.add_var(VarType::Wire, width, &named.name, None)?;
        self.shapes.push(Shape { code, lanes, last: None });
        Ok(())
    }

    /// Writes what has changed with the clock as it is now, and lets half of its period pass.
    pub fn record(&mut self, clock: bool, value: impl Fn(u32) -> i64) -> io::Result<()> {
        self.writer.timestamp(self.time_ps)?;
        if self.clock_was.replace(clock) != Some(clock) {
            for code in &self.clocks {
                self.writer.change_scalar(*code, clock)?;
            }
        }
        for Shape { code, lanes, last } in &mut self.shapes {
            let of_lane = |(net, ty): &(u32, Type)| {
                let value = value(*net);
                (0..ty.width).rev().map(move |bit| Value::from((value >> bit) & 1 == 1))
            };
            let bits: Vec<Value> = lanes.iter().rev().flat_map(of_lane).collect();
            if last.as_ref() == Some(&bits) {
                continue;
            }
            match bits.as_slice() {
                [bit] => self.writer.change_scalar(*code, *bit)?,
                bits => self.writer.change_vector(*code, bits)?,
            }
            *last = Some(bits);
        }
        // A period of an odd number of picoseconds has a longer high phase.
        let low = self.period_ps / 2;
        self.time_ps += if clock { self.period_ps - low } else { low };
        Ok(())
    }

    /// Writes when the simulation ends; whoever gave the file writes out what it has buffered.
    pub fn finish(mut self) -> io::Result<()> {
        self.writer.timestamp(self.time_ps)
    }
}

impl Shown {
    fn has(&self, path: &str, is_port: bool) -> bool {
        match self {
            Self::Ports => is_port,
            Self::All => true,
            Self::Matching(patterns) => patterns.iter().any(|p| matches(p, path)),
        }
    }
}

/// Whether a text matches a pattern with `*` and `?`.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    // Where the last `*` was, and how much of the text it stands for so far.
    let mut star: Option<(usize, usize)> = None;
    let (mut p, mut t) = (0, 0);
    while t < text.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p, t));
            p += 1;
        } else if pattern.get(p).is_some_and(|c| *c == '?' || *c == text[t]) {
            (p, t) = (p + 1, t + 1);
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            (p, t) = (at + 1, from + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_paths() {
        for (pattern, text, expected) in [
            ("*", "top.clk", true),
            ("top.fc1.*", "top.fc1.sum_3", true),
            ("top.fc1.*", "top.fc12.sum_3", false),
            ("*valid", "top.out_valid", true),
            ("*valid", "top.out_valid_1", false),
            ("*fc?.*_3", "top.fc1.sum_3", true),
            ("top", "top.clk", false),
            ("**a*b", "xxaxxbxb", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
