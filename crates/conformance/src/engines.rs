//! Runs cases on every engine that has cycles.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rtl4ml_circuit::Circuit;
use rtl4ml_circuit::protocol::Stimulus;
use rtl4ml_ir::Io;
use rtl4ml_sim::external::{Simulator, read_results};
use rtl4ml_sim::{Cycle, CycleProgram, RustHdl, judge, judge_side_by_side};
use rtl4ml_verilog::{checker_name, rtl_files, testbench_files, vector_files, write_files};

use crate::case::Case;

/// A case whose circuit is built.
pub struct BuiltCase {
    /// The case.
    pub case: Case,
    /// Its circuit.
    pub circuit: Circuit,
    /// Its samples with gaps and resets.
    pub stimulus: Stimulus,
}

/// Builds a case's circuit and runs it on Rust-HDL's kernel, with gaps and resets.
pub fn on_rust_hdl(case: Case) -> BuiltCase {
    let name = &case.name;
    let circuit = rtl4ml_circuit::build(&case.network).unwrap_or_else(|e| panic!("{name}: {e}"));
    let latency = circuit.interface.latency_cycles;
    let stimulus = Stimulus::varied(case.samples.clone(), latency);
    let mut engine = RustHdl::new(&circuit).unwrap_or_else(|e| panic!("{name}: {e}"));
    let judgement = judge(&mut engine, &stimulus, &case.expected, |_| {})
        .unwrap_or_else(|mismatch| panic!("{name} on rust-hdl: {mismatch}"));
    on_cycle_engine(&case, &circuit, &stimulus);
    // The judge has compared what came out. A reset discards what is in a pipeline, however much
    // that is, and nothing after the last one is discarded.
    let resets = stimulus.transactions.iter().map(|own| own.reset_after_cycles > 0);
    let mut kept = judgement.outputs.iter().zip(resets).rev().take_while(|(_, reset)| !reset);
    assert!(kept.all(|(output, _)| output.is_some()), "{name}: an output is missing");
    BuiltCase { case, circuit, stimulus }
}

/// Runs a case on the cycle engine: as one stream and, where it can be cut, as many.
fn on_cycle_engine(case: &Case, circuit: &Circuit, stimulus: &Stimulus) {
    let name = &case.name;
    let program = CycleProgram::new(circuit).unwrap_or_else(|e| panic!("{name}: {e}"));
    judge(&mut Cycle::new(&program), stimulus, &case.expected, |_| {})
        .unwrap_or_else(|mismatch| panic!("{name} on cycle: {mismatch}"));
    if circuit.interface.io == Io::Parallel {
        judge_side_by_side(&program, stimulus, &case.expected, |_| {})
            .unwrap_or_else(|mismatch| panic!("{name} on cycle, side by side: {mismatch}"));
    }
}

/// Lints the Verilog of the cases, then simulates them side by side in one testbench on Icarus
/// and on Verilator, whose outputs are also compared here.
pub fn on_external_simulators(title: &str, cases: &[BuiltCase]) {
    on_simulators(title, cases, &[Simulator::Icarus, Simulator::Verilator]);
}

/// The same on some simulators only: compiling for Verilator takes longest by far.
pub fn on_simulators(title: &str, cases: &[BuiltCase], simulators: &[Simulator]) {
    assert!(!cases.is_empty(), "{title}: there are no cases");
    let folder = tempfile::tempdir().unwrap();
    let mut rtl = Vec::new();
    let mut checkers = Vec::new();
    for BuiltCase { case, circuit, stimulus } in cases {
        let top = &circuit.interface.top;
        let place = folder.path().join(top);
        let own_rtl = rtl_files(circuit);
        write_files(&place, &own_rtl).unwrap();
        let testbench = testbench_files(circuit, stimulus, "vectors");
        write_files(&place, &testbench).unwrap();
        let vectors = vector_files(&circuit.interface, stimulus, &case.expected);
        write_files(&place, &vectors).unwrap();
        let paths = |file: &rtl4ml_verilog::TextFile| place.join(&file.path);
        let own_rtl: Vec<PathBuf> = own_rtl.iter().map(paths).collect();
        lint(&own_rtl, top);
        rtl.extend(own_rtl);
        checkers.push(place.join(format!("tb/{}.v", checker_name(&circuit.interface))));
    }
    let suite = folder.path().join("suite.v");
    std::fs::write(&suite, suite_text(cases)).unwrap();
    let files: Vec<PathBuf> = rtl.into_iter().chain(checkers).chain([suite]).collect();
    for simulator in simulators.iter().copied() {
        let work = folder.path().join(simulator.name());
        std::fs::create_dir(&work).unwrap();
        let output = simulator
            .run(&files, "suite", folder.path(), &work)
            .unwrap_or_else(|error| panic!("{title} on {}: {error}", simulator.name()));
        let passed = output.lines().filter(|line| line.contains(": PASS")).count();
        assert_eq!(passed, cases.len(), "{title} on {}:\n{output}", simulator.name());
        for case in cases {
            compare_results(case, folder.path(), simulator);
        }
    }
}

/// Compares what a testbench wrote with the expected outputs, independently of its verdict.
fn compare_results(built: &BuiltCase, folder: &Path, simulator: Simulator) {
    let BuiltCase { case, circuit, stimulus } = built;
    let path = folder.join(format!("{}.txt", circuit.interface.top));
    let results = read_results(&path, &circuit.interface).unwrap();
    let (found, of) = (results.len(), stimulus.transactions.len());
    assert!(found * 2 >= of, "{}: {found} of {of} results", case.name);
    for (transaction, outputs) in results {
        let (name, simulator) = (&case.name, simulator.name());
        assert_eq!(outputs, case.expected[transaction], "{name} on {simulator}, {transaction}");
    }
}

/// Every linter takes the Verilog of a case without a word, and no lint is switched off.
fn lint(files: &[PathBuf], top: &str) {
    let silent = |program: &str, arguments: &[&str]| {
        let output = Command::new(program)
            .args(arguments)
            .args(files)
            .output()
            .unwrap_or_else(|error| panic!("{program} is needed by this suite: {error}"));
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        assert!(output.status.success() && text.is_empty(), "{program} on {top}:\n{text}");
    };
    silent("verilator", &["--lint-only", "-Wall", "--top-module", top]);
    silent("iverilog", &["-g2001", "-Wall", "-s", top, "-o", "/dev/null"]);
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        assert!(!text.contains("lint_off"), "{top} switches a lint off");
    }
}

/// A testbench that runs the checkers of all cases side by side.
fn suite_text(cases: &[BuiltCase]) -> String {
    let count = cases.len();
    let mut text = format!("module suite;\n    reg clk;\n    wire [{}:0] done;\n", count - 1);
    let mut verdicts = String::new();
    for (index, BuiltCase { circuit, .. }) in cases.iter().enumerate() {
        let (top, checker) = (&circuit.interface.top, checker_name(&circuit.interface));
        writeln!(
            text,
            "    wire [31:0] errors_{index};
    {checker} #(.VECTORS(\"{top}/vectors\"), .RESULTS(\"{top}.txt\")) checker_{index} (
        .clk(clk), .done(done[{index}]), .errors(errors_{index})
    );"
        )
        .unwrap();
        writeln!(
            verdicts,
            "            if (errors_{index} == 0) $display(\"{top}: PASS\");
            else $display(\"{top}: FAIL, %0d errors\", errors_{index});"
        )
        .unwrap();
    }
    write!(
        text,
        "    initial clk = 1'b0;
    always #5 clk = ~clk;
    always @(posedge clk)
        if (&done) begin
{verdicts}            $finish;
        end
endmodule
"
    )
    .unwrap();
    text
}
