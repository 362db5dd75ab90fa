//! The self-checking testbench: Verilog that drives the vectors and judges the answer by the
//! rules of [`rtl4ml_circuit::protocol`], in every cycle and every bit.

use rtl4ml_circuit::protocol::{RESET_CYCLES, Stimulus};
use rtl4ml_circuit::{Circuit, Interface, Port};
use rtl4ml_ir::Io;

use crate::{TextFile, stream_checker};

/// The name of the module that drives and checks the circuit.
pub fn checker_name(interface: &Interface) -> String {
    format!("{}_checker", interface.top)
}

/// The name of the module that runs the checker to its end.
pub fn testbench_name(interface: &Interface) -> String {
    format!("{}_tb", interface.top)
}

/// The files under `tb/`: the checker, which several circuits can have side by side in one
/// simulation, and the testbench, which gives it a clock and a verdict.
///
/// The vectors are those of `stimulus`; `vectors` is where they are, relative to the folder in
/// which the simulator runs.
pub fn testbench_files(circuit: &Circuit, stimulus: &Stimulus, vectors: &str) -> Vec<TextFile> {
    let (count, with_pauses) = (stimulus.transactions.len(), stimulus.with_pauses);
    let interface = &circuit.interface;
    let (checker, testbench) = (checker_name(interface), testbench_name(interface));
    let checker_text = match interface.io {
        Io::Parallel => checker_text(interface, count),
        Io::Stream => stream_checker::text(interface, count, with_pauses),
    };
    vec![
        TextFile::new(format!("tb/{checker}.v"), checker_text),
        TextFile::new(format!("tb/{testbench}.v"), testbench_text(interface, count, vectors)),
    ]
}

/// The ports that have bits.
pub(crate) fn present(ports: &[Port]) -> impl Iterator<Item = &Port> {
    ports.iter().filter(|port| port.width > 0)
}

#[allow(clippy::too_many_lines, reason = "most lines are those of one Verilog module")]
fn checker_text(interface: &Interface, count: usize) -> String {
    let top = &interface.top;
    let lines = |ports: &[Port], line: &dyn Fn(&Port) -> String| -> String {
        present(ports).map(line).collect()
    };
    let (inputs, outputs) = (&interface.inputs, &interface.outputs);
    let high = |port: &Port| port.width - 1;
    let memories = |kind: &str, ports: &[Port]| {
        lines(ports, &|port| {
            format!("    reg [{}:0] {kind}_{} [0:COUNT-1];\n", high(port), port.name)
        })
    };
    let reads = |kind: &str, ports: &[Port]| {
        lines(ports, &|port| {
            let name = &port.name;
            format!("        $readmemh({{VECTORS, \"/{name}.hex\"}}, {kind}_{name});\n")
        })
    };
    let input_memories = memories("sample", inputs);
    let output_memories = memories("expected", outputs);
    let input_reads = reads("sample", inputs);
    let output_reads = reads("expected", outputs);
    let pins = lines(inputs, &|port| format!("    reg [{}:0] {};\n", high(port), pin(port)));
    let wires = lines(outputs, &|port| format!("    wire [{}:0] {};\n", high(port), pin(port)));
    let connections = lines(inputs, &|port| format!("        .{}({}),\n", port.name, pin(port)))
        + &lines(outputs, &|port| format!("        .{}({}),\n", port.name, pin(port)));
    let compares = lines(outputs, &|port| {
        let (name, pin) = (&port.name, pin(port));
        format!(
            "            if ({pin} !== expected_{name}[received]) begin
                errors = errors + 1;
                if (errors <= 10)
                    $display(\"{top}: transaction %0d, {name}: found %h, must be %h\",
                             received, {pin}, expected_{name}[received]);
            end
"
        )
    });
    let dumps = lines(outputs, &|port| {
        format!(
            "                $fdisplay(results, \"%0d {} 0 %h\", received, {});\n",
            port.name,
            pin(port)
        )
    });
    let drives =
        lines(inputs, &|port| format!("            {} = sample_{}[sent];\n", pin(port), port.name));
    let parks = lines(inputs, &|port| format!("            {} = {}'d0;\n", pin(port), port.width));
    let (latency, interval) = (interface.latency_cycles, interface.initiation_interval_cycles);
    format!(
        "// Drives the test vectors into {top} and checks in every cycle that in_ready and out_valid are
// what the latency and the initiation interval promise, and every bit of every output.
// Inputs come back to back, after gaps, and into resets, as vectors/schedule.hex says.
module {checker} #(
    parameter VECTORS = \"vectors\",   // the folder of the vectors
    parameter COUNT = {count},           // how many transactions they hold
    parameter RESULTS = \"\"           // where to write the outputs, if anywhere
) (
    input  wire clk,
    output reg  done,
    output reg [31:0] errors
);
    localparam LATENCY = {latency};
    localparam INTERVAL = {interval};
    localparam RESET_CYCLES = {RESET_CYCLES};

    reg [31:0] schedule [0:COUNT-1];
{input_memories}{output_memories}
    reg rst;
    reg in_valid;
    wire in_ready;
    wire out_valid;
{pins}{wires}
    {top} dut (
        .clk(clk),
        .rst(rst),
        .in_valid(in_valid),
        .in_ready(in_ready),
{connections}        .out_valid(out_valid)
    );

    integer cycle;          // the number of the next edge
    integer sent;           // transactions that were taken
    integer received;       // transactions that came out or were discarded
    integer last_taken;     // the edge that took the last one
    reg     any_taken;      // whether one was taken since the reset
    integer taken_at [0:COUNT-1];
    integer idle_left;      // cycles to wait before the next is offered
    integer reset_wait;     // cycles until a reset begins
    integer reset_left;     // cycles that the reset still lasts
    integer drain_left;     // cycles after the last transaction
    integer results;
    reg     expect_valid;
    reg     expect_ready;

    initial begin
        $readmemh({{VECTORS, \"/schedule.hex\"}}, schedule);
{input_reads}{output_reads}        // A vector file that was not found must not pass as zeros.
        if (^schedule[0] === 1'bx || ^schedule[COUNT-1] === 1'bx) begin
            $display(\"{top}: the vectors are missing\");
            $finish;
        end
        results = 0;
        if (RESULTS != \"\")
            results = $fopen(RESULTS, \"w\");
        done = 1'b0;
        errors = 32'd0;
        cycle = 0;
        sent = 0;
        received = 0;
        last_taken = 0;
        any_taken = 1'b0;
        idle_left = {{16'd0, schedule[0][15:0]}};
        reset_wait = 0;
        reset_left = RESET_CYCLES;
        drain_left = LATENCY + 1;
        rst = 1'b1;
        in_valid = 1'b0;
{parks_initial}    end

    // What a receiver samples at the edge; the pins change at the other edge.
    always @(posedge clk) if (!done) begin
        expect_valid = received < sent && cycle == taken_at[received] + LATENCY;
        // Before its first reset a circuit may flag anything.
        if (cycle > 0 && out_valid !== expect_valid) begin
            errors = errors + 1;
            if (errors <= 10)
                $display(\"{top}: cycle %0d: out_valid is %b, must be %b\",
                         cycle, out_valid, expect_valid);
        end
        if (expect_valid) begin
{compares}            if (results != 0) begin
{dumps}            end
            received = received + 1;
        end
        expect_ready = !rst && (!any_taken || cycle >= last_taken + INTERVAL);
        if (in_ready !== expect_ready) begin
            errors = errors + 1;
            if (errors <= 10)
                $display(\"{top}: cycle %0d: in_ready is %b, must be %b\",
                         cycle, in_ready, expect_ready);
        end
        if (in_valid && in_ready) begin
            taken_at[sent] = cycle;
            last_taken = cycle;
            any_taken = 1'b1;
            reset_wait = {{16'd0, schedule[sent][31:16]}};
            sent = sent + 1;
            if (sent < COUNT)
                idle_left = {{16'd0, schedule[sent][15:0]}};
        end
        if (rst) begin
            // What was in flight is gone.
            received = sent;
            any_taken = 1'b0;
        end
        cycle = cycle + 1;
    end

    always @(negedge clk) begin
        rst = 1'b0;
        in_valid = 1'b0;
        if (reset_left > 0) begin
            rst = 1'b1;
            reset_left = reset_left - 1;
        end else if (reset_wait > 1) begin
            reset_wait = reset_wait - 1;
        end else if (reset_wait == 1) begin
            reset_wait = 0;
            rst = 1'b1;
            reset_left = RESET_CYCLES - 1;
        end else if (sent == COUNT) begin
            if (drain_left == 0 && !done) begin
                if (results != 0)
                    $fclose(results);
                if (received != COUNT) begin
                    errors = errors + 1;
                    $display(\"{top}: %0d transactions never came out\", COUNT - received);
                end
                done = 1'b1;
            end else
                drain_left = drain_left - 1;
        end else if (idle_left > 0) begin
            idle_left = idle_left - 1;
        end else begin
            in_valid = 1'b1;
        end
        if (in_valid) begin
{drives}        end else begin
{parks}        end
    end
endmodule
",
        checker = checker_name(interface),
        parks_initial = parks.replace("            ", "        "),
    )
}

/// The register or wire in the checker for a port, whose own name may be one of the checker's.
pub(crate) fn pin(port: &Port) -> String {
    format!("pin_{}", port.name)
}

fn testbench_text(interface: &Interface, count: usize, vectors: &str) -> String {
    format!(
        "// Runs {checker} to its end and prints the verdict. Run it where {vectors} is found.
module {testbench};
    reg clk;
    wire done;
    wire [31:0] errors;

    {checker} #(
        .VECTORS(\"{vectors}\"),
        .COUNT({count}),
        .RESULTS(\"results.txt\")
    ) u_checker (
        .clk(clk),
        .done(done),
        .errors(errors)
    );

    initial clk = 1'b0;
    always #5 clk = ~clk;

    always @(posedge clk)
        if (done) begin
            if (errors == 32'd0)
                $display(\"{top}: PASS, {count} transactions\");
            else
                $display(\"{top}: FAIL, %0d errors\", errors);
            $finish;
        end
endmodule
",
        top = interface.top,
        checker = checker_name(interface),
        testbench = testbench_name(interface),
    )
}
