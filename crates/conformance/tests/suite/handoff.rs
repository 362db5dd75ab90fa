//! The handoff folder: complete, the same every time, and taken by the tools that it is for.

use std::path::Path;
use std::process::Command;

use rtl4ml_conformance::{BuiltCase, Case, on_rust_hdl, root};
use rtl4ml_verilog::Handoff;

/// Vivado's commands as procedures that record their calls and check the files that they are
/// given. The slack of the worst path is what the test says.
const VIVADO_STUB: &str = r#"
set calls {}
proc record {name arguments} { global calls; lappend calls [concat $name $arguments] }
foreach name {create_project set_property update_compile_order synth_design write_checkpoint
              report_utilization report_timing_summary opt_design place_design phys_opt_design
              route_design} {
    proc $name {args} "record $name \$args"
}
proc must_exist {files} {
    foreach file $files { if {![file isfile $file]} { error "no file $file" } }
}
proc add_files {args} { record add_files $args; must_exist [lindex $args end] }
proc read_verilog {args} { record read_verilog $args; must_exist [lindex $args end] }
proc read_xdc {args} { record read_xdc $args; must_exist [list [lindex $args end]] }
proc current_fileset {args} { return sources_1 }
proc get_filesets {args} { return [lindex $args 0] }
proc get_runs {args} { return [lindex $args 0] }
proc get_timing_paths {args} { global slack; if {$slack eq "none"} { return {} }; return path }
proc get_property {name object} { global slack; return $slack }
proc create_clock {args} { record create_clock $args }
proc set_input_delay {args} { record set_input_delay $args }
proc set_output_delay {args} { record set_output_delay $args }
proc get_ports {args} { return [lindex $args end] }
"#;

fn jet_tagger() -> BuiltCase {
    let spec = root().join("examples/jet_tagger/network_mixed.yaml");
    on_rust_hdl(Case::load(&spec).with_at_most(8))
}

fn handoff(built: &BuiltCase) -> Handoff {
    let BuiltCase { case, circuit, stimulus } = built;
    Handoff::new(&case.network, circuit, stimulus, &case.expected)
}

/// Runs a Tcl file after the stub; the exit status and what was printed, the calls last.
fn run_tcl(folder: &Path, script: &str, slack: &str) -> (i32, String) {
    let main = format!(
        "{VIVADO_STUB}
set slack {slack}
set argv {{}}
rename exit real_exit
proc exit {{status}} {{
    global calls
    foreach call $calls {{ puts \"call: $call\" }}
    real_exit $status
}}
source {script}
exit 0
"
    );
    std::fs::write(folder.join("stub.tcl"), main).unwrap();
    let output = Command::new("tclsh")
        .arg("stub.tcl")
        .current_dir(folder)
        .output()
        .unwrap_or_else(|error| panic!("tclsh is needed by this test: {error}"));
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

#[test]
fn vivado_scripts_run_and_name_every_file() {
    let built = jet_tagger();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("handoff");
    let handoff = handoff(&built);
    handoff.write(&place).unwrap();

    let (status, text) = run_tcl(&place, "vivado/project.tcl", "0.1");
    assert_eq!(status, 0, "{text}");
    let rtl: Vec<&str> =
        handoff.files.iter().map(|f| f.path.as_str()).filter(|p| p.starts_with("rtl/")).collect();
    assert!(rtl.len() >= 5);
    for path in &rtl {
        assert!(text.contains(path), "{path} is not in the project:\n{text}");
    }
    assert!(text.contains("create_project jet_tagger_mixed"), "{text}");
    assert!(text.contains("-part xcvu9p-flga2104-2-i"), "{text}");

    for (slack, expected, verdict) in
        [("0.125", 0, "PASS"), ("-0.250", 1, "FAIL, timing is missed by 0.25"), ("none", 2, "FAIL")]
    {
        let (status, text) = run_tcl(&place, "vivado/synth.tcl", slack);
        assert_eq!(status, expected, "slack {slack}:\n{text}");
        assert!(text.contains(verdict), "{text}");
        assert!(rtl.iter().all(|path| text.contains(path)), "{text}");
        assert!(text.contains("synth_design -top jet_tagger_mixed"), "{text}");
        assert!(text.contains("out_of_context"), "{text}");
    }

    let (status, text) = run_tcl(&place, "constraints/jet_tagger_mixed.xdc", "0");
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("create_clock -name clk -period 2.777"), "{text}");
}

#[test]
fn the_same_network_gives_the_same_bytes_and_the_manifest_holds() {
    let built = jet_tagger();
    let (first, second) = (handoff(&built), handoff(&jet_tagger()));
    assert_eq!(first.files, second.files);
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("handoff");
    // A folder that is in the way is replaced as a whole.
    std::fs::create_dir_all(place.join("rtl")).unwrap();
    std::fs::write(place.join("rtl/old.v"), "stale").unwrap();
    first.write(&place).unwrap();
    assert!(!place.join("rtl/old.v").exists());
    let entries: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(entries.len(), 1, "nothing temporary is left");
    let check = Command::new("sha256sum")
        .args(["--check", "--strict", "--quiet", "MANIFEST.sha256"])
        .current_dir(&place)
        .status()
        .unwrap();
    assert!(check.success());
    let machine = place.to_string_lossy().into_owned();
    for file in &first.files {
        assert!(!file.text.contains(&machine), "{} names a path", file.path);
    }
}

/// The testbench that is handed over runs by the scripts that are for it.
#[test]
fn the_handed_over_testbench_passes_in_both_simulators() {
    let spec = root().join("testbenches/mixed_reuse/network.yaml");
    let built = on_rust_hdl(Case::load(&spec));
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("handoff");
    handoff(&built).write(&place).unwrap();
    for script in ["sim/icarus.sh", "sim/verilator.sh"] {
        let output = Command::new(root().join(script)).arg(&place).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        assert!(output.status.success(), "{script}:\n{text}");
        assert!(text.contains("mixed_reuse: PASS, 32 transactions"), "{script}:\n{text}");
        assert!(!text.contains("arning"), "{script}:\n{text}");
    }
    // A wrong expectation is found, by the script's exit status as well.
    let expected = place.join("vectors/fc3.hex");
    let mut text = std::fs::read_to_string(&expected).unwrap().into_bytes();
    let digit = text.iter().position(|byte| *byte == b'\n').unwrap() - 1;
    text[digit] = if text[digit] == b'0' { b'1' } else { b'0' };
    std::fs::write(&expected, text).unwrap();
    let output = Command::new(root().join("sim/icarus.sh")).arg(&place).output().unwrap();
    assert!(!output.status.success(), "wrong expectations pass");
}

/// The committed design is what this version builds: a change of the RTL shows in its review.
#[test]
fn the_golden_design_is_what_is_built() {
    let spec = root().join("testbenches/mixed_reuse/network.yaml");
    let built = on_rust_hdl(Case::load(&spec));
    for file in rtl4ml_verilog::rtl_files(&built.circuit) {
        let golden = root().join("rtl-out/golden").join(&file.path);
        if std::env::var_os("RTL4ML_UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(golden.parent().unwrap()).unwrap();
            std::fs::write(&golden, &file.text).unwrap();
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        assert_eq!(
            file.text, expected,
            "{} differs; run with RTL4ML_UPDATE_GOLDEN=1 if the change is meant",
            file.path
        );
    }
}

/// Yosys maps the RTL to the part's family, and finds the multipliers that were asked for.
#[test]
fn yosys_maps_the_rtl_to_ultrascale_plus() {
    let spec = root().join("testbenches/multiplier_styles/network.yaml");
    let built = on_rust_hdl(Case::load(&spec));
    let folder = tempfile::tempdir().unwrap();
    rtl4ml_verilog::write_files(folder.path(), &rtl4ml_verilog::rtl_files(&built.circuit)).unwrap();
    let top = &built.circuit.interface.top;
    let script = format!("read_verilog rtl/*.v; synth_xilinx -family xcup -top {top}; stat; check");
    let output = Command::new("yosys")
        .args(["-q", "-p", &script, "-l", "yosys.log"])
        .current_dir(folder.path())
        .output()
        .unwrap_or_else(|error| panic!("yosys is needed by this test: {error}"));
    let log = std::fs::read_to_string(folder.path().join("yosys.log")).unwrap();
    assert!(output.status.success(), "{log}");
    // The mapper inside Yosys remarks on what it is given piece by piece; that is not the design.
    let warnings: Vec<&str> =
        log.lines().filter(|l| l.contains("Warning") && !l.starts_with("ABC:")).collect();
    assert!(warnings.is_empty(), "{warnings:#?}");
    assert!(log.contains("Found and reported 0 problems"));
    let cells = |name: &str| -> u64 {
        let line = log.lines().rev().find(|line| line.trim_start().starts_with(name));
        line.and_then(|line| line.split_whitespace().last()).map_or(0, |n| n.parse().unwrap())
    };
    let dsp: u64 = built.circuit.layers.iter().map(|l| l.statistics.dsp_blocks).sum();
    assert!(dsp > 0);
    assert_eq!(cells("DSP48E2"), dsp);
}
