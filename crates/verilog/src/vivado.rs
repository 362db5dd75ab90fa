//! What Vivado takes: constraints and Tcl.

use rtl4ml_circuit::Circuit;
use rtl4ml_ir::Target;

use crate::{TextFile, testbench};

/// The constraints and scripts for a circuit; `rtl` are the paths of its modules.
pub fn vivado_files(
    circuit: &Circuit,
    target: &Target,
    rtl: &[String],
    vectors: &[String],
) -> Vec<TextFile> {
    vec![
        TextFile::new(format!("constraints/{}.xdc", circuit.interface.top), constraints(target)),
        TextFile::new("vivado/project.tcl", project_tcl(circuit, target, rtl, vectors)),
        TextFile::new("vivado/synth.tcl", synth_tcl(circuit, target, rtl)),
    ]
}

/// The clock, for synthesis out of context: the ports are nets to other logic, not pads.
fn constraints(target: &Target) -> String {
    let period_ns = target.clock.period_ns();
    format!(
        "# The clock of the design: {clock}.
create_clock -name clk -period {period_ns:.3} [get_ports clk]

# Out of context the ports are driven by and drive registers of the same clock.
set_input_delay -clock clk 0.000 [get_ports -filter {{DIRECTION == IN && NAME != clk}}]
set_output_delay -clock clk 0.000 [get_ports -filter {{DIRECTION == OUT}}]

# The clock's source is outside; without a buffer's place its skew would be unknown.
set_property HD.CLK_SRC BUFGCE_X0Y0 [get_ports clk]
",
        clock = target.clock,
    )
}

/// A list of files in Tcl, relative to the folder above the script's.
fn tcl_files(files: &[String]) -> String {
    files.iter().map(|file| format!("    [file join $root {file}] \\\n")).collect()
}

fn project_tcl(circuit: &Circuit, target: &Target, rtl: &[String], vectors: &[String]) -> String {
    let interface = &circuit.interface;
    let checker = format!("tb/{}.v", testbench::checker_name(interface));
    let tb = format!("tb/{}.v", testbench::testbench_name(interface));
    format!(
        "# Creates a Vivado project of {top}:
#   vivado -mode batch -source vivado/project.tcl
# The project is made in the folder in which Vivado runs.
set root [file normalize [file join [file dirname [info script]] ..]]

create_project {top} {top}_vivado -part {part} -force
add_files -norecurse [list \\
{rtl}]
add_files -fileset constrs_1 -norecurse [file join $root constraints/{top}.xdc]
add_files -fileset sim_1 -norecurse [list \\
{sim}]
set_property top {top} [current_fileset]
set_property top {tb} [get_filesets sim_1]
set_property -name {{xsim.simulate.runtime}} -value {{all}} -objects [get_filesets sim_1]
set_property -name {{STEPS.SYNTH_DESIGN.ARGS.MORE OPTIONS}} -value {{-mode out_of_context}} \\
    -objects [get_runs synth_1]
update_compile_order -fileset sources_1
",
        top = interface.top,
        part = target.part,
        rtl = tcl_files(rtl),
        sim = tcl_files(&[vec![checker, tb], vectors.to_vec()].concat()),
        tb = testbench::testbench_name(interface),
    )
}

fn synth_tcl(circuit: &Circuit, target: &Target, rtl: &[String]) -> String {
    format!(
        "# Synthesizes {top} out of context, places and routes it, and reports:
#   vivado -mode batch -source vivado/synth.tcl -tclargs ?output folder? ?-synth-only?
# The exit status is 0 only when the timing is met.
set root [file normalize [file join [file dirname [info script]] ..]]
set output [file normalize reports]
set synth_only 0
foreach argument $argv {{
    if {{$argument eq \"-synth-only\"}} {{
        set synth_only 1
    }} else {{
        set output [file normalize $argument]
    }}
}}
file mkdir $output

create_project -in_memory -part {part}
read_verilog [list \\
{rtl}]
read_xdc -mode out_of_context [file join $root constraints/{top}.xdc]
synth_design -top {top} -part {part} -mode out_of_context
write_checkpoint -force [file join $output {top}_synth.dcp]
report_utilization -hierarchical -file [file join $output utilization_synth.rpt]
report_timing_summary -file [file join $output timing_synth.rpt]

if {{!$synth_only}} {{
    opt_design
    place_design
    phys_opt_design
    route_design
    write_checkpoint -force [file join $output {top}_routed.dcp]
    report_utilization -hierarchical -file [file join $output utilization_routed.rpt]
    report_timing_summary -file [file join $output timing_routed.rpt]
}}

# The worst path, before routing an estimate.
set paths [get_timing_paths -max_paths 1 -nworst 1 -setup]
if {{[llength $paths] == 0}} {{
    puts \"{top}: FAIL, no timing path was found\"
    exit 2
}}
set slack [get_property SLACK [lindex $paths 0]]
if {{$slack < 0}} {{
    puts \"{top}: FAIL, timing is missed by [expr {{-$slack}}] ns at {period_ns:.3} ns\"
    exit 1
}}
puts \"{top}: PASS, timing is met with $slack ns to spare at {period_ns:.3} ns\"
exit 0
",
        top = circuit.interface.top,
        part = target.part,
        rtl = tcl_files(rtl),
        period_ns = target.clock.period_ns(),
    )
}
