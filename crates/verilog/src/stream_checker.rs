//! The checker of a circuit with streams: Verilog that sends the vectors, frame by frame, first at
//! full speed, then with pauses of all senders and receivers, and judges what comes out by the
//! rules of [`rtl4ml_circuit::protocol`].

use rtl4ml_circuit::protocol::{RESET_CYCLES, patience_cycles};
use rtl4ml_circuit::{Interface, Port};
use rtl4ml_ir::Io;

use crate::testbench::{checker_name, pin, present};

/// The text for so many frames.
pub(crate) fn text(interface: &Interface, count: usize, with_pauses: bool) -> String {
    [
        head(interface, count, with_pauses),
        declarations(interface),
        instance(interface),
        start(interface),
        sampling(interface),
        driving(interface),
        "endmodule\n".to_owned(),
    ]
    .concat()
}

/// One text a port.
fn each(ports: &[Port], text: impl Fn(usize, &Port) -> String) -> String {
    ports.iter().enumerate().map(|(index, port)| text(index, port)).collect()
}

fn high(port: &Port) -> u64 {
    port.width - 1
}

fn head(interface: &Interface, count: usize, with_pauses: bool) -> String {
    let (top, checker) = (&interface.top, checker_name(interface));
    let (latency, interval) = (interface.latency_cycles, interface.initiation_interval_cycles);
    let (patience, regular_from) = (patience_cycles(interface), interface.regular_from);
    let drain = latency.min(1000) + 1;
    let longest = interface.inputs.iter().map(|port| port.transfers).max().unwrap_or(1);
    let (pauses, half) = (u8::from(with_pauses), longest.div_ceil(2));
    format!(
        "// Sends the test vectors into {top} and checks every bit of every output. The frames pass at full
// speed first, when latency and interval must be those that are promised; then, if PAUSES is 1,
// half a frame is lost in a reset and all frames pass again while everybody pauses at random.
module {checker} #(
    parameter VECTORS = \"vectors\",   // the folder of the vectors
    parameter COUNT = {count},           // how many frames they hold
    parameter RESULTS = \"\"           // where to write the outputs, if anywhere
) (
    input  wire clk,
    output reg  done,
    output reg [31:0] errors
);
    localparam LATENCY = {latency};
    localparam INTERVAL = {interval};
    localparam REGULAR_FROM = {regular_from};
    localparam PATIENCE = {patience};
    localparam DRAIN = {drain};
    localparam HALF = {half};
    localparam PAUSES = {pauses};
    localparam RESET_CYCLES = {RESET_CYCLES};
    localparam FULL_SPEED = 0, HALF_A_FRAME = 1, WITH_PAUSES = 2;

"
    )
}

fn declarations(interface: &Interface) -> String {
    let flags = |port: &Port, driven: &str, seen: &str| {
        let pin = pin(port);
        format!("    reg {pin}_{driven};\n    wire {pin}_{seen};\n")
    };
    let inputs = each(&interface.inputs, |_, port| {
        let (name, pin) = (&port.name, pin(port));
        let transfers = port.transfers;
        let data = if port.width == 0 {
            String::new()
        } else {
            let high = high(port);
            format!(
                "    reg [{high}:0] sample_{name} [0:COUNT*{transfers}-1];\n    reg [{high}:0] {pin};\n"
            )
        };
        let flags = flags(port, "tvalid", "tready");
        format!("{data}{flags}    integer sent_{name};\n    reg waits_{name};\n")
    });
    let outputs = each(&interface.outputs, |_, port| {
        let (name, pin) = (&port.name, pin(port));
        let transfers = port.transfers;
        let data = if port.width == 0 {
            String::new()
        } else {
            let high = high(port);
            format!(
                "    reg [{high}:0] expected_{name} [0:COUNT*{transfers}-1];\n    wire [{high}:0] {pin};\n    reg [{high}:0] before_{name};\n"
            )
        };
        let flags = flags(port, "tready", "tvalid");
        format!("{data}{flags}    integer got_{name};\n    reg stays_{name};\n")
    });
    format!(
        "    reg rst;
{inputs}{outputs}    integer cycle;          // the number of the next edge
    integer pass;           // what is being done
    integer finished;       // frames whose outputs are all there
    integer first_taken;    // the edge that took the first input
    reg     any_taken;
    integer last_end;       // the edge that ended the last frame
    integer last_moved;     // the edge at which anything moved last
    integer reset_left;     // cycles that the reset still lasts
    integer half_left;      // cycles until half a frame is cut off
    integer drain_left;     // cycles after the last output
    integer results;
    reg     moved;
    reg     complete;
    reg [31:0] noise;

"
    )
}

fn instance(interface: &Interface) -> String {
    let top = &interface.top;
    let connections = each(
        &interface.inputs.iter().chain(&interface.outputs).cloned().collect::<Vec<_>>(),
        |_, port| {
            let (pin, valid, ready) = (pin(port), port.valid_name(), port.ready_name());
            let data = match port.width {
                0 => String::new(),
                _ => format!(",\n        .{}({pin})", port.data_name(Io::Stream)),
            };
            format!(",\n        .{valid}({pin}_tvalid),\n        .{ready}({pin}_tready){data}")
        },
    );
    format!("    {top} dut (\n        .clk(clk),\n        .rst(rst){connections}\n    );\n\n")
}

fn start(interface: &Interface) -> String {
    let reads = |kind: &str, ports: &[Port]| -> String {
        let read = |port: &Port| {
            let name = &port.name;
            format!(
                "        $readmemh({{VECTORS, \"/{name}.hex\"}}, {kind}_{name});
        if (^{kind}_{name}[COUNT*{}-1] === 1'bx) begin
            $display(\"{}: the vectors are missing\");
            $finish;
        end
",
                port.transfers, interface.top
            )
        };
        present(ports).map(read).collect()
    };
    let (samples, expected) =
        (reads("sample", &interface.inputs), reads("expected", &interface.outputs));
    format!(
        "    initial begin
        // A vector file that was not found must not pass as zeros.
{samples}{expected}        results = 0;
        if (RESULTS != \"\")
            results = $fopen(RESULTS, \"w\");
        done = 1'b0;
        errors = 32'd0;
        cycle = 0;
        noise = 32'h1d2c3b4a;
        begin_pass(FULL_SPEED);
        park;
        rst = 1'b1;
    end

    // Forgets the frames that passed, and begins with a reset.
    task begin_pass(input integer next);
        begin
            pass = next;
            finished = 0;
            any_taken = 1'b0;
            first_taken = 0;
            last_end = 0;
            last_moved = cycle;
            reset_left = RESET_CYCLES;
            half_left = HALF;
            drain_left = DRAIN;
            complete = 1'b0;
{inputs}{outputs}        end
    endtask

    task park;
        begin
{parked}        end
    endtask

",
        inputs = each(&interface.inputs, |_, port| {
            let name = &port.name;
            format!("            sent_{name} = 0;\n            waits_{name} = 1'b0;\n")
        }),
        outputs = each(&interface.outputs, |_, port| {
            let name = &port.name;
            format!("            got_{name} = 0;\n            stays_{name} = 1'b0;\n")
        }),
        parked = each(&interface.inputs, |_, port| {
            let pin = pin(port);
            let data = match port.width {
                0 => String::new(),
                width => format!("            {pin} = {width}'d0;\n"),
            };
            format!("            {pin}_tvalid = 1'b0;\n{data}")
        }) + &each(&interface.outputs, |_, port| {
            format!("            {}_tready = 1'b0;\n", pin(port))
        }),
    )
}

/// What happens at an edge, as a neighbour samples it; the pins change at the other edge.
fn sampling(interface: &Interface) -> String {
    let top = &interface.top;
    let inputs = each(&interface.inputs, |_, port| {
        let (name, pin) = (&port.name, pin(port));
        format!(
            "            waits_{name} = {pin}_tvalid && !{pin}_tready;
            if ({pin}_tvalid && {pin}_tready) begin
                sent_{name} = sent_{name} + 1;
                moved = 1'b1;
                if (!any_taken)
                    first_taken = cycle;
                any_taken = 1'b1;
            end
"
        )
    });
    let outputs = each(&interface.outputs, |_, port| output_sampling(top, port));
    let all = |condition: &dyn Fn(&Port) -> String| -> String {
        let all: Vec<String> = interface.outputs.iter().map(condition).collect();
        all.join(" && ")
    };
    let frame_ends =
        all(&|port| format!("got_{} >= (finished + 1) * {}", port.name, port.transfers));
    let complete = all(&|port| format!("got_{} == COUNT * {}", port.name, port.transfers));
    format!(
        "    always @(posedge clk) if (!done) begin
        moved = 1'b0;
        if (!rst) begin
{inputs}{outputs}            if (finished < COUNT && {frame_ends}) begin
                if (pass == FULL_SPEED && finished == 0 && cycle - first_taken != LATENCY) begin
                    errors = errors + 1;
                    $display(\"{top}: latency %0d, must be %0d\", cycle - first_taken, LATENCY);
                end
                if (pass == FULL_SPEED && finished >= REGULAR_FROM
                    && cycle - last_end != INTERVAL) begin
                    errors = errors + 1;
                    $display(\"{top}: frame %0d: interval %0d, must be %0d\",
                             finished, cycle - last_end, INTERVAL);
                end
                last_end = cycle;
                finished = finished + 1;
            end
            complete = {complete};
            if (moved)
                last_moved = cycle;
            if (!complete && cycle > last_moved + PATIENCE) begin
                errors = errors + 1;
                $display(\"{top}: cycle %0d: nothing moves any more\", cycle);
                done = 1'b1;
            end
        end
        cycle = cycle + 1;
    end

"
    )
}

fn output_sampling(top: &str, port: &Port) -> String {
    let (name, pin, transfers) = (&port.name, pin(port), port.transfers);
    let data = |text: String| if port.width == 0 { String::new() } else { text };
    let changed = data(format!(" || {pin} !== before_{name}"));
    let keep = data(format!("            before_{name} = {pin};\n"));
    let compare = data(format!(
        "                if (got_{name} < COUNT * {transfers} && {pin} !== expected_{name}[got_{name}]) begin
                    errors = errors + 1;
                    if (errors <= 10)
                        $display(\"{top}: transfer %0d of {name}: found %h, must be %h\",
                                 got_{name}, {pin}, expected_{name}[got_{name}]);
                end
                if (results != 0 && pass == (PAUSES ? WITH_PAUSES : FULL_SPEED))
                    $fdisplay(results, \"%0d {name} %0d %h\", got_{name} / {transfers},
                              got_{name} % {transfers}, {pin});
"
    ));
    format!(
        "            if ({pin}_tvalid !== 1'b0 && {pin}_tvalid !== 1'b1) begin
                errors = errors + 1;
                $display(\"{top}: cycle %0d: {name}_tvalid is unknown\", cycle);
            end
            if (stays_{name} && ({pin}_tvalid !== 1'b1{changed})) begin
                errors = errors + 1;
                $display(\"{top}: cycle %0d: {name} has withdrawn a transfer\", cycle);
            end
            stays_{name} = {pin}_tvalid && !{pin}_tready;
{keep}            if ({pin}_tvalid && {pin}_tready) begin
                moved = 1'b1;
                if (got_{name} == COUNT * {transfers}) begin
                    errors = errors + 1;
                    $display(\"{top}: {name} gives more than its frames have\");
                end
{compare}                got_{name} = got_{name} + 1;
            end
"
    )
}

fn driving(interface: &Interface) -> String {
    let act = |index: usize| {
        let (bit, slow) = (index % 30, index % 30 + 1);
        format!("(pass != WITH_PAUSES || noise[{bit}] || (cycle[7] && noise[{slow}]))")
    };
    let inputs = each(&interface.inputs, |index, port| {
        let (name, pin, transfers) = (&port.name, pin(port), port.transfers);
        let data = match port.width {
            0 => String::new(),
            width => format!(
                "            {pin} = {pin}_tvalid ? sample_{name}[sent_{name}] : {width}'d0;\n"
            ),
        };
        format!(
            "            {pin}_tvalid = waits_{name} || ({} && sent_{name} < COUNT * {transfers});\n{data}",
            act(3 * index)
        )
    });
    let offset = 3 * interface.inputs.len();
    let outputs = each(&interface.outputs, |index, port| {
        format!(
            "            {}_tready = pass != HALF_A_FRAME && {};\n",
            pin(port),
            act(offset + 3 * index)
        )
    });
    let top = &interface.top;
    format!(
        "    always @(negedge clk) begin
        noise = {{noise[30:0], noise[31] ^ noise[21] ^ noise[1] ^ noise[0]}};
        if (reset_left == 0 && pass == HALF_A_FRAME) begin
            if (half_left == 0)
                begin_pass(WITH_PAUSES);
            else
                half_left = half_left - 1;
        end
        if (complete) begin
            if (drain_left > 0)
                drain_left = drain_left - 1;
            else if (pass == FULL_SPEED && PAUSES == 1)
                begin_pass(HALF_A_FRAME);
            else if (!done) begin
                if (results != 0)
                    $fclose(results);
                $display(\"{top}: %0d cycles\", cycle);
                done = 1'b1;
            end
        end
        rst = reset_left > 0;
        if (rst) begin
            reset_left = reset_left - 1;
            park;
        end else begin
{inputs}{outputs}        end
    end
"
    )
}
