//! The waves of a simulation on the cycle engine: the signals that the user names.

use std::io;

use rtl4ml_hdl::Type;

use super::flatten::{Flat, Named, Scope};
use super::wave_file::{Declare, Record, WaveFile};

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
    /// Its number there.
    signal: usize,
    /// The nets of its lanes with their types, lane 0 first.
    lanes: Vec<(u32, Type)>,
    /// Its bits as they are in the file, the highest first; none before the first record.
    last: Vec<u8>,
}

/// A wave file that is being written.
pub(super) struct Waves {
    file: Box<dyn Record>,
    signals: Signals,
    period_ps: u64,
    time_ps: u64,
    clock_was: Option<bool>,
}

/// What is in a file.
#[derive(Default)]
struct Signals {
    count: usize,
    clocks: Vec<usize>,
    shapes: Vec<Shape>,
}

impl Waves {
    /// Begins a file.
    pub fn begin(file: WaveFile, flat: &Flat, period_ps: u64, shown: &Shown) -> io::Result<Self> {
        let mut file = file.declare()?;
        let mut signals = Signals::default();
        signals.scope(&mut *file, flat, &flat.scope, &flat.scope.name, shown)?;
        let file = file.finish()?;
        Ok(Self { file, signals, period_ps, time_ps: 0, clock_was: None })
    }

    /// Writes what has changed with the clock as it is now, and lets half of its period pass.
    pub fn record(&mut self, clock: bool, value: impl Fn(u32) -> i64) -> io::Result<()> {
        self.file.time(self.time_ps)?;
        if self.clock_was.replace(clock) != Some(clock) {
            for signal in &self.signals.clocks {
                self.file.change(*signal, if clock { b"1" } else { b"0" })?;
            }
        }
        let mut bits = Vec::new();
        for Shape { signal, lanes, last } in &mut self.signals.shapes {
            bits.clear();
            for (net, ty) in lanes.iter().rev() {
                let value = value(*net);
                bits.extend((0..ty.width).rev().map(|bit| b'0' + ((value >> bit) & 1) as u8));
            }
            if *last != bits {
                self.file.change(*signal, &bits)?;
                last.clone_from(&bits);
            }
        }
        // A period of an odd number of picoseconds has a longer high phase.
        let low = self.period_ps / 2;
        self.time_ps += if clock { self.period_ps - low } else { low };
        Ok(())
    }

    /// Writes when the simulation ends.
    pub fn finish(mut self) -> io::Result<()> {
        self.file.time(self.time_ps)?;
        self.file.finish()
    }
}

impl Signals {
    fn scope(
        &mut self,
        file: &mut dyn Declare,
        flat: &Flat,
        scope: &Scope,
        path: &str,
        shown: &Shown,
    ) -> io::Result<()> {
        file.scope(&scope.name)?;
        if scope.clocked && shown.has(&format!("{path}.clk"), true) {
            let clock = self.declare(file, "clk", 1)?;
            self.clocks.push(clock);
        }
        for (named, is_port) in
            scope.ports.iter().map(|p| (p, true)).chain(scope.locals.iter().map(|l| (l, false)))
        {
            if shown.has(&format!("{path}.{}", named.name), is_port) {
                self.add(file, flat, named)?;
            }
        }
        for child in &scope.children {
            self.scope(file, flat, child, &format!("{path}.{}", child.name), shown)?;
        }
        file.up_scope()
    }

    fn add(&mut self, file: &mut dyn Declare, flat: &Flat, named: &Named) -> io::Result<()> {
        let lanes: Vec<(u32, Type)> =
            named.nets.iter().map(|net| (*net, flat.types[*net as usize])).collect();
        let width = lanes.iter().map(|(_, ty)| ty.width).sum();
        let signal = self.declare(file, &named.name, width)?;
        self.shapes.push(Shape { signal, lanes, last: Vec::new() });
        Ok(())
    }

    fn declare(&mut self, file: &mut dyn Declare, name: &str, width: u32) -> io::Result<usize> {
        file.wire(name, width)?;
        self.count += 1;
        Ok(self.count - 1)
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
