//! External simulators on emitted Verilog: Verilator and Icarus Verilog.
//!
//! They are given files and run as programs; nobody here wrote them, which is why what they say
//! counts. A simulator that is not installed is an error, never a pass.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use rtl4ml_circuit::{Interface, Port};
use rtl4ml_hdl::Type;

use crate::reference::Mantissas;

/// A simulator that is installed on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Simulator {
    /// Verilator, which compiles the design.
    Verilator,
    /// Icarus Verilog, which interprets it.
    Icarus,
}

/// Why an external simulation failed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant's message says what its fields are")]
pub enum ExternalError {
    #[error("`{program}` cannot be run ({source}); install it, e.g. Debian's package `{package}`")]
    Missing { program: &'static str, package: &'static str, source: io::Error },
    #[error("`{program}` failed:\n{output}")]
    Failed { program: &'static str, output: String },
    #[error("the testbench says:\n{output}")]
    Verdict { output: String },
    #[error("cannot read `{path}`: {source}")]
    Results { path: PathBuf, source: io::Error },
    #[error("`{path}` has the line `{line}`, which is no result")]
    ResultLine { path: PathBuf, line: String },
}

impl Simulator {
    /// The simulator's name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Verilator => "verilator",
            Self::Icarus => "icarus",
        }
    }

    /// Compiles `files` with the testbench `top` into `work` and runs it in `folder`, where it
    /// finds its vectors. Returns what it printed, which has the verdict `PASS` of every checker
    /// and no `FAIL`.
    ///
    /// # Errors
    /// When the simulator is missing, refuses the files, or the verdict is not a pass.
    pub fn run(
        self,
        files: &[PathBuf],
        top: &str,
        folder: &Path,
        work: &Path,
    ) -> Result<String, ExternalError> {
        let output = match self {
            Self::Icarus => {
                let program = work.join("testbench.vvp");
                let mut compile = command("iverilog", folder);
                compile.args(["-g2005", "-Wall", "-s", top, "-o"]).arg(&program).args(files);
                run("iverilog", "iverilog", &mut compile)?;
                let mut simulate = command("vvp", folder);
                // Without -n a `$stop` would wait for a keyboard.
                run("vvp", "iverilog", simulate.arg("-n").arg(&program))?
            }
            Self::Verilator => {
                let mut compile = command("verilator", folder);
                compile.args(["--binary", "--timing", "-O1", "--top-module", top]);
                // The design is linted on its own; a testbench may mix widths.
                compile.args(["-Wno-fatal", "-Wno-lint", "-Wno-style", "-Wno-STMTDLY"]);
                // Compiling takes far longer than the runs: one file, whose headers are read once,
                // and no optimisation are the quickest way to a verdict.
                compile.args(["--output-split", "0"]);
                compile.args(["-MAKEFLAGS", "OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0"]);
                compile.arg("--Mdir").arg(work).args(files);
                run("verilator", "verilator", &mut compile)?;
                let program = work.join(format!("V{top}"));
                run("verilator", "verilator", &mut command(&program, folder))?
            }
        };
        let passed = output.lines().any(|line| line.contains(": PASS"));
        if passed && !output.lines().any(|line| line.contains(": FAIL")) {
            Ok(output)
        } else {
            Err(ExternalError::Verdict { output })
        }
    }
}

fn command(program: impl AsRef<OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    command
}

/// Runs a program to its end and returns what it printed.
fn run(
    program: &'static str,
    package: &'static str,
    command: &mut Command,
) -> Result<String, ExternalError> {
    let output =
        command.output().map_err(|source| ExternalError::Missing { program, package, source })?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    if output.status.success() {
        return Ok(stdout.into_owned());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(ExternalError::Failed { program, output: format!("{stdout}{stderr}") })
}

/// How many clock cycles a testbench says that it has run the circuit `top` for.
pub fn read_cycles(output: &str, top: &str) -> Option<u64> {
    let cycles = |line: &str| {
        let line = line.strip_prefix(top)?.strip_prefix(": ")?.strip_suffix(" cycles")?;
        line.parse().ok()
    };
    output.lines().find_map(cycles)
}

/// Reads the outputs that a testbench has written: for each transaction that came out, one
/// tensor a port. Each line has the transaction, the port, the transfer and its bits.
///
/// # Errors
/// When the file cannot be read or has a line that is no result.
pub fn read_results(
    path: &Path,
    interface: &Interface,
) -> Result<BTreeMap<usize, Vec<Mantissas>>, ExternalError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ExternalError::Results { path: path.to_owned(), source })?;
    let mut results: BTreeMap<usize, Vec<Mantissas>> = BTreeMap::new();
    for line in text.lines() {
        let wrong = || ExternalError::ResultLine { path: path.to_owned(), line: line.to_owned() };
        let [transaction, port, transfer, hex] =
            line.split_whitespace().collect::<Vec<_>>()[..].try_into().map_err(|_| wrong())?;
        let transaction: usize = transaction.parse().map_err(|_| wrong())?;
        let transfer: usize = transfer.parse().map_err(|_| wrong())?;
        let index = interface.outputs.iter().position(|p| p.name == port).ok_or_else(wrong)?;
        let bits: Vec<bool> = bits(hex).ok_or_else(wrong)?;
        let outputs = results.entry(transaction).or_insert_with(|| {
            let count = |port: &Port| port.elements.len() * port.transfers;
            interface.outputs.iter().map(|port| vec![0; count(port)]).collect()
        });
        let mut rest = bits.as_slice();
        let elements = &interface.outputs[index].elements;
        let first = transfer * elements.len();
        let values = outputs[index].get_mut(first..first + elements.len()).ok_or_else(wrong)?;
        for (element, value) in elements.iter().zip(values) {
            let (own, after) = rest.split_at_checked(element.width as usize).ok_or_else(wrong)?;
            if element.width > 0 {
                let ty = Type { width: element.width, signed: element.signed };
                let raw = own.iter().rev().fold(0u64, |value, bit| (value << 1) | u64::from(*bit));
                *value = ty.decode(ty.wrap(raw as i64));
            }
            rest = after;
        }
    }
    Ok(results)
}

/// The bits of a hexadecimal number, the lowest first.
fn bits(hex: &str) -> Option<Vec<bool>> {
    let digits = hex.chars().rev().map(|c| c.to_digit(16)).collect::<Option<Vec<_>>>()?;
    Some(
        digits
            .into_iter()
            .flat_map(|digit| (0..4).map(move |bit| (digit >> bit) & 1 == 1))
            .collect(),
    )
}
