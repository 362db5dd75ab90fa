// Layer fc3 of mixed_reuse: dense.
//   x: [6] of ufixed<8,5>
//   weight: [6, 4] of fixed<6,1,RND,SAT>, bias: fixed<6,1,RND,SAT>
//   accumulator: fixed<12,6,TRN,SAT>
//   strategy resource, reuse factor 12: 2 multipliers
//   y: [4] of fixed<10,6>, cast to fixed<10,6,RND>
// Element 0 is in the low bits; an element is as wide as its exact range needs.
// Latency 16 cycles, initiation interval 12 cycles.
module mixed_reuse_fc3 (
    input  wire clk,
    input  wire rst,
    input  wire in_valid,
    input  wire [46:0] x,
    output reg  out_valid,
    output wire [39:0] y
);
    reg [3:0] step;
    reg busy;
    reg [2:0] chunk;
    reg [7:0] held_0;
    reg [7:0] held_1;
    reg [7:0] held_2;
    reg [7:0] held_3;
    reg [7:0] held_4;
    reg [7:0] held_5;
    reg [7:0] lane_0_s1;
    reg signed [13:0] product_0_0_s2;
    reg signed [13:0] product_1_0_s2;
    reg signed [6:0] bias_0_s2;
    reg signed [6:0] bias_1_s2;
    reg first_chunk_s1;
    reg first_chunk_s2;
    reg signed [11:0] acc_0;
    reg signed [11:0] acc_1;
    reg last_chunk_s1;
    reg last_chunk_s2;
    reg last_chunk_s3;
    reg signed [9:0] y_2_held;
    reg signed [9:0] y_3_held;
    reg signed [9:0] y_0_held;
    reg signed [9:0] y_1_held;
    reg done_s1;
    reg done_s2;
    reg done_s3;
    (* rom_style = "distributed" *) reg [25:0] weights;

    wire [7:0] x_0 = x[7:0];
    wire [7:0] x_1 = x[15:8];
    wire [7:0] x_2 = x[23:16];
    wire [6:0] x_3 = x[30:24];
    wire [7:0] x_4 = x[38:31];
    wire [7:0] x_5 = x[46:39];
    wire signed [5:0] weight_0_0 = weights[5:0];
    wire signed [5:0] weight_1_0 = weights[11:6];
    wire signed [6:0] bias_0 = weights[18:12];
    wire signed [6:0] bias_1 = weights[25:19];

    // Controller: 12 steps, chunks of inputs 6 times groups of outputs 2.
    wire step_is_last = step == 4'hb;
    wire step_restart = in_valid | step_is_last;
    wire [3:0] step_plus_one = step + 4'd1;
    wire [3:0] step_next = step_restart ? 4'd0 : step_plus_one;
    wire done = busy & step_is_last;
    wire not_done = ~step_is_last;
    wire stay_busy = busy & not_done;
    wire busy_next = in_valid | stay_busy;
    wire chunk_is_last = chunk == 3'd5;
    wire chunk_restart = in_valid | chunk_is_last;
    wire [2:0] chunk_plus_one = chunk + 3'd1;
    wire [2:0] chunk_next = chunk_restart ? 3'd0 : chunk_plus_one;
    wire first_chunk = chunk == 3'd0;
    wire last_chunk = busy & chunk_is_last;

    // Inputs: loaded at the start, then shifted by one chunk a step.
    wire [7:0] held_0_next = in_valid ? x_0 : held_1;
    wire [7:0] held_1_next = in_valid ? x_1 : held_2;
    wire [7:0] held_2_next = in_valid ? x_2 : held_3;
    wire [7:0] held_3_next = in_valid ? {1'b0, x_3} : held_4;
    wire [7:0] held_4_next = in_valid ? x_4 : held_5;
    wire [7:0] held_5_next = in_valid ? x_5 : held_0;

    // Multiplier array and adder trees of a step.
    wire [7:0] product_0_0_row_0 = weight_0_0[0] ? lane_0_s1 : 8'd0;
    wire [7:0] product_0_0_row_1 = weight_0_0[1] ? lane_0_s1 : 8'd0;
    wire [7:0] product_0_0_row_2 = weight_0_0[2] ? lane_0_s1 : 8'd0;
    wire [7:0] product_0_0_row_3 = weight_0_0[3] ? lane_0_s1 : 8'd0;
    wire [7:0] product_0_0_row_4 = weight_0_0[4] ? lane_0_s1 : 8'd0;
    wire [7:0] product_0_0_row_5 = weight_0_0[5] ? lane_0_s1 : 8'd0;
    wire [9:0] product_0_0_0 = {2'd0, product_0_0_row_0} + {1'b0, product_0_0_row_1, 1'b0};
    wire [9:0] product_0_0_1 = {2'd0, product_0_0_row_2} + {1'b0, product_0_0_row_3, 1'b0};
    wire signed [9:0] product_0_0_2 = {2'd0, product_0_0_row_4} - {1'b0, product_0_0_row_5, 1'b0};
    wire [11:0] product_0_0_3 = {2'd0, product_0_0_0} + {product_0_0_1, 2'd0};
    wire signed [13:0] product_0_0 = {product_0_0_2, 4'd0} + {2'd0, product_0_0_3};
    wire [7:0] product_1_0_row_0 = weight_1_0[0] ? lane_0_s1 : 8'd0;
    wire [7:0] product_1_0_row_1 = weight_1_0[1] ? lane_0_s1 : 8'd0;
    wire [7:0] product_1_0_row_2 = weight_1_0[2] ? lane_0_s1 : 8'd0;
    wire [7:0] product_1_0_row_3 = weight_1_0[3] ? lane_0_s1 : 8'd0;
    wire [7:0] product_1_0_row_4 = weight_1_0[4] ? lane_0_s1 : 8'd0;
    wire [7:0] product_1_0_row_5 = weight_1_0[5] ? lane_0_s1 : 8'd0;
    wire [9:0] product_1_0_0 = {2'd0, product_1_0_row_0} + {1'b0, product_1_0_row_1, 1'b0};
    wire [9:0] product_1_0_1 = {2'd0, product_1_0_row_2} + {1'b0, product_1_0_row_3, 1'b0};
    wire signed [9:0] product_1_0_2 = {2'd0, product_1_0_row_4} - {1'b0, product_1_0_row_5, 1'b0};
    wire [11:0] product_1_0_3 = {2'd0, product_1_0_0} + {product_1_0_1, 2'd0};
    wire signed [13:0] product_1_0 = {product_1_0_2, 4'd0} + {2'd0, product_1_0_3};
    wire signed [11:0] partial_0_product_0_rounded = product_0_0_s2[13:2];
    wire signed [11:0] partial_0_product_0 = partial_0_product_0_rounded;
    wire signed [11:0] partial_1_product_0_rounded = product_1_0_s2[13:2];
    wire signed [11:0] partial_1_product_0 = partial_1_product_0_rounded;

    // Accumulators: the bias or the sum so far, plus the sum of the step.
    wire signed [11:0] base_0 = first_chunk_s2 ? {{5{bias_0_s2[6]}}, bias_0_s2} : acc_0;
    wire signed [12:0] total_0 = {partial_0_product_0[11], partial_0_product_0} + {base_0[11], base_0};
    wire signed [11:0] total_0_cast_kept = total_0[11:0];
    wire total_0_cast_fits = (&total_0[12:11]) | ~(|total_0[12:11]);
    wire signed [11:0] total_0_cast_end = total_0[12] ? 12'h800 : 12'h7ff;
    wire signed [11:0] total_0_cast = total_0_cast_fits ? total_0_cast_kept : total_0_cast_end;
    wire signed [11:0] base_1 = first_chunk_s2 ? {{5{bias_1_s2[6]}}, bias_1_s2} : acc_1;
    wire signed [12:0] total_1 = {partial_1_product_0[11], partial_1_product_0} + {base_1[11], base_1};
    wire signed [11:0] total_1_cast_kept = total_1[11:0];
    wire total_1_cast_fits = (&total_1[12:11]) | ~(|total_1[12:11]);
    wire signed [11:0] total_1_cast_end = total_1[12] ? 12'h800 : 12'h7ff;
    wire signed [11:0] total_1_cast = total_1_cast_fits ? total_1_cast_kept : total_1_cast_end;

    // Results.
    wire y_0_half = acc_0[1];
    wire signed [10:0] y_0_floor = {acc_0[11], acc_0[11:2]};
    wire signed [10:0] y_0_rounded = y_0_floor + {10'd0, y_0_half};
    wire signed [9:0] y_0 = y_0_rounded[9:0];
    wire y_1_half = acc_1[1];
    wire signed [10:0] y_1_floor = {acc_1[11], acc_1[11:2]};
    wire signed [10:0] y_1_rounded = y_1_floor + {10'd0, y_1_half};
    wire signed [9:0] y_1 = y_1_rounded[9:0];

    // Output registers.

    assign y = {y_3_held, y_2_held, y_1_held, y_0_held};

    always @(posedge clk) begin
        case (step)
            4'd0: weights <= 26'h2a6c80b;
            4'd1: weights <= 26'h2a6c7b8;
            4'd2: weights <= 26'h2a6c2a7;
            4'd3: weights <= 26'h2a6c3e5;
            4'd4: weights <= 26'h2a6c609;
            4'd5: weights <= 26'h2a6c167;
            4'd6: weights <= 26'h1550ad2;
            4'd7: weights <= 26'h1550ce9;
            4'd8: weights <= 26'h1550749;
            4'd9: weights <= 26'h15507e1;
            4'ha: weights <= 26'h1550d53;
            default: weights <= 26'h1550b41;
        endcase
    end

    always @(posedge clk) begin
        if (rst) begin
            step <= 4'd0;
            busy <= 1'b0;
            chunk <= 3'd0;
        end else begin
            step <= step_next;
            busy <= busy_next;
            chunk <= chunk_next;
        end
    end

    always @(posedge clk) begin
        held_0 <= held_0_next;
        held_1 <= held_1_next;
        held_2 <= held_2_next;
        held_3 <= held_3_next;
        held_4 <= held_4_next;
        held_5 <= held_5_next;
        lane_0_s1 <= held_0;
        product_0_0_s2 <= product_0_0;
        product_1_0_s2 <= product_1_0;
        bias_0_s2 <= bias_0;
        bias_1_s2 <= bias_1;
        first_chunk_s1 <= first_chunk;
        first_chunk_s2 <= first_chunk_s1;
        acc_0 <= total_0_cast;
        acc_1 <= total_1_cast;
        last_chunk_s1 <= last_chunk;
        last_chunk_s2 <= last_chunk_s1;
        last_chunk_s3 <= last_chunk_s2;
    end

    always @(posedge clk) begin
        if (last_chunk_s3) begin
            y_2_held <= y_0;
            y_3_held <= y_1;
            y_0_held <= y_2_held;
            y_1_held <= y_3_held;
        end
    end

    always @(posedge clk) begin
        if (rst) begin
            done_s1 <= 1'b0;
            done_s2 <= 1'b0;
            done_s3 <= 1'b0;
            out_valid <= 1'b0;
        end else begin
            done_s1 <= done;
            done_s2 <= done_s1;
            done_s3 <= done_s2;
            out_valid <= done_s3;
        end
    end

    // Bits that are dropped on purpose: by rounding, by wrap-around, by zero weights.
    wire unused = &{1'b0, product_0_0_s2[1:0], product_1_0_s2[1:0], y_0_rounded[10], y_1_rounded[10]};
endmodule
