//! The formats of wave files: signals are declared first, then their changes are recorded.
//!
//! Signals have the numbers in which they were declared. Bits are text, `0` or `1`, the highest
//! first.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::rc::Rc;

use fst_writer::{
    FstBodyWriter, FstFileType, FstHeaderWriter, FstInfo, FstScopeType, FstSignalId, FstSignalType,
    FstVarDirection, FstVarType, FstWriteError,
};
use vcd::{IdCode, TimescaleUnit, Value, VarType};

/// The changes that are kept in memory before they are compressed into a file: FST stores those of
/// one signal together, which is worth the more the longer they are.
const FST_BYTES: usize = 8 << 20;

/// Where waves are written, and how.
pub enum WaveFile {
    /// As a value change dump: text, which every viewer reads.
    Vcd(Box<dyn Write>),
    /// As a fast signal trace: compressed, for long runs.
    Fst(BufWriter<File>),
}

impl WaveFile {
    /// Begins the file, in picoseconds.
    pub(super) fn declare(self) -> io::Result<Box<dyn Declare>> {
        match self {
            Self::Vcd(file) => {
                let file = Shared(Rc::new(RefCell::new(file)));
                let mut writer = vcd::Writer::new(file.clone());
                writer.timescale(1, TimescaleUnit::PS)?;
                Ok(Box::new(Vcd { writer, file, codes: Vec::new() }))
            }
            Self::Fst(file) => {
                let info = FstInfo {
                    start_time: 0,
                    timescale_exponent: -12,
                    version: String::new(),
                    date: String::new(),
                    file_type: FstFileType::Verilog,
                };
                let writer = FstHeaderWriter::new(file, &info).map_err(io_error)?;
                Ok(Box::new(FstHeader { writer, ids: Vec::new() }))
            }
        }
    }
}

/// A file whose signals are being declared.
pub(super) trait Declare {
    /// Opens the scope of a module.
    fn scope(&mut self, name: &str) -> io::Result<()>;
    /// Closes it.
    fn up_scope(&mut self) -> io::Result<()>;
    /// Declares the next signal.
    fn wire(&mut self, name: &str, width: u32) -> io::Result<()>;
    /// Ends the declarations.
    fn finish(self: Box<Self>) -> io::Result<Box<dyn Record>>;
}

/// A file that takes changes.
pub(super) trait Record {
    /// What follows changes at this time, which is later than the last.
    fn time(&mut self, ps: u64) -> io::Result<()>;
    /// A signal has these bits from now on.
    fn change(&mut self, signal: usize, bits: &[u8]) -> io::Result<()>;
    /// Ends the file and writes out what is buffered.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// A file that outlives its writer, which does not give it back.
#[derive(Clone)]
struct Shared(Rc<RefCell<Box<dyn Write>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.borrow_mut().flush()
    }
}

struct Vcd {
    writer: vcd::Writer<Shared>,
    file: Shared,
    codes: Vec<IdCode>,
}

impl Declare for Vcd {
    fn scope(&mut self, name: &str) -> io::Result<()> {
        self.writer.add_module(name)
    }

    fn up_scope(&mut self) -> io::Result<()> {
        self.writer.upscope()
    }

    fn wire(&mut self, name: &str, width: u32) -> io::Result<()> {
        self.codes.push(self.writer.add_var(VarType::Wire, width, name, None)?);
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> io::Result<Box<dyn Record>> {
        self.writer.enddefinitions()?;
        Ok(self)
    }
}

impl Record for Vcd {
    fn time(&mut self, ps: u64) -> io::Result<()> {
        self.writer.timestamp(ps)
    }

    fn change(&mut self, signal: usize, bits: &[u8]) -> io::Result<()> {
        let code = self.codes[signal];
        let value = |bit: &u8| Value::from(*bit == b'1');
        match bits {
            [bit] => self.writer.change_scalar(code, value(bit)),
            bits => {
                let bits: Vec<Value> = bits.iter().map(value).collect();
                self.writer.change_vector(code, &bits)
            }
        }
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.file.flush()
    }
}

struct FstHeader {
    writer: FstHeaderWriter<BufWriter<File>>,
    ids: Vec<FstSignalId>,
}

struct FstBody {
    writer: FstBodyWriter<BufWriter<File>>,
    ids: Vec<FstSignalId>,
}

impl Declare for FstHeader {
    fn scope(&mut self, name: &str) -> io::Result<()> {
        self.writer.scope(name, "", FstScopeType::Module).map_err(io_error)
    }

    fn up_scope(&mut self) -> io::Result<()> {
        self.writer.up_scope().map_err(io_error)
    }

    fn wire(&mut self, name: &str, width: u32) -> io::Result<()> {
        // As viewers know it from Verilog: a range behind the name of what has more than one bit.
        let name = if width == 1 { name.to_owned() } else { format!("{name} [{}:0]", width - 1) };
        let ty = FstSignalType::bit_vec(width);
        let direction = FstVarDirection::Implicit;
        let id = self.writer.var(name, ty, FstVarType::Wire, direction, None).map_err(io_error)?;
        self.ids.push(id);
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<Box<dyn Record>> {
        let Self { writer, ids } = *self;
        Ok(Box::new(FstBody { writer: writer.finish().map_err(io_error)?, ids }))
    }
}

impl Record for FstBody {
    fn time(&mut self, ps: u64) -> io::Result<()> {
        if self.writer.size() > FST_BYTES {
            self.writer.flush().map_err(io_error)?;
        }
        self.writer.time_change(ps).map_err(io_error)
    }

    fn change(&mut self, signal: usize, bits: &[u8]) -> io::Result<()> {
        self.writer.signal_change(self.ids[signal], bits).map_err(io_error)
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.writer.finish().map_err(io_error)?.flush()
    }
}

fn io_error(error: FstWriteError) -> io::Error {
    match error {
        FstWriteError::Io(error) => error,
        other => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many sections with changes a file has: its blocks have a kind and a length each.
    fn sections(bytes: &[u8]) -> usize {
        let (mut at, mut found) = (0, 0);
        while at < bytes.len() {
            found += usize::from(matches!(bytes[at], 1 | 5 | 8));
            at += 1 + u64::from_be_bytes(bytes[at + 1..at + 9].try_into().unwrap()) as usize;
        }
        found
    }

    /// Enough changes for several sections, of which each must go on where the last one ended.
    #[test]
    fn a_long_trace_is_whole() {
        const STEPS: u64 = 700_000;
        let value = |time: u64| time.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.fst");
        let file = WaveFile::Fst(BufWriter::new(File::create(&path).unwrap()));
        let mut header = file.declare().unwrap();
        header.scope("top").unwrap();
        header.wire("steady", 1).unwrap();
        header.wire("busy", 64).unwrap();
        header.up_scope().unwrap();
        let mut body = header.finish().unwrap();
        for time in 0..STEPS {
            body.time(time).unwrap();
            if time == 0 {
                body.change(0, b"1").unwrap();
            }
            body.change(1, format!("{:064b}", value(time)).as_bytes()).unwrap();
        }
        body.finish().unwrap();

        let file = io::BufReader::new(File::open(&path).unwrap());
        let mut reader = fst_reader::FstReader::open(file).unwrap();
        let mut next = 0;
        let all = fst_reader::FstFilter::all();
        reader
            .read_signals(&all, |time, handle, bits| {
                let fst_reader::FstSignalValue::String(bits) = bits else { panic!("bits only") };
                if handle.get_index() == 0 {
                    assert_eq!(bits, b"1");
                } else {
                    // A section may begin with the values that the last one ended with.
                    assert!(time == next || time + 1 == next, "{time} after {next}");
                    assert_eq!(bits, format!("{:064b}", value(time)).as_bytes());
                    next = time + 1;
                }
                Ok::<(), std::convert::Infallible>(())
            })
            .unwrap();
        assert_eq!(next, STEPS);
        assert!(sections(&std::fs::read(&path).unwrap()) > 1);
    }
}
