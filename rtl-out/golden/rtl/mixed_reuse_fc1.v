// Layer fc1 of mixed_reuse: dense.
//   x: [8] of fixed<8,4>
//   weight: [8, 6] of fixed<6,1,RND,SAT>, bias: fixed<6,1,RND,SAT>
//   accumulator: exact
//   strategy resource, reuse factor 4: 12 multipliers
//   y: [6] of fixed<12,6>, cast to fixed<12,6,RND,SAT>
// Element 0 is in the low bits; an element is as wide as its exact range needs.
// Latency 8 cycles, initiation interval 4 cycles.
module mixed_reuse_fc1 (
    input  wire clk,
    input  wire rst,
    input  wire in_valid,
    input  wire [63:0] x,
    output reg  out_valid,
    output wire [71:0] y
);
    reg [1:0] step;
    reg busy;
    reg signed [7:0] held_0;
    reg signed [7:0] held_1;
    reg signed [7:0] held_2;
    reg signed [7:0] held_3;
    reg signed [7:0] held_4;
    reg signed [7:0] held_5;
    reg signed [7:0] held_6;
    reg signed [7:0] held_7;
    reg signed [7:0] lane_0_s1;
    reg signed [7:0] lane_1_s1;
    reg signed [12:0] product_0_0_s2;
    reg signed [12:0] product_0_1_s2;
    reg signed [12:0] product_1_0_s2;
    reg signed [12:0] product_1_1_s2;
    reg signed [12:0] product_2_0_s2;
    reg signed [11:0] product_2_1_s2;
    reg signed [12:0] product_3_0_s2;
    reg signed [12:0] product_3_1_s2;
    reg signed [12:0] product_4_0_s2;
    reg signed [12:0] product_4_1_s2;
    reg signed [12:0] product_5_0_s2;
    reg signed [12:0] product_5_1_s2;
    reg first_chunk_s1;
    reg first_chunk_s2;
    reg signed [14:0] acc_0;
    reg signed [14:0] acc_1;
    reg signed [14:0] acc_2;
    reg signed [15:0] acc_3;
    reg signed [14:0] acc_4;
    reg signed [14:0] acc_5;
    reg signed [11:0] y_0_held;
    reg signed [11:0] y_1_held;
    reg signed [11:0] y_2_held;
    reg signed [11:0] y_3_held;
    reg signed [11:0] y_4_held;
    reg signed [11:0] y_5_held;
    reg done_s1;
    reg done_s2;
    reg done_s3;
    (* rom_style = "distributed" *) reg [69:0] weights;

    wire signed [7:0] x_0 = x[7:0];
    wire signed [7:0] x_1 = x[15:8];
    wire signed [7:0] x_2 = x[23:16];
    wire signed [7:0] x_3 = x[31:24];
    wire signed [7:0] x_4 = x[39:32];
    wire signed [7:0] x_5 = x[47:40];
    wire signed [7:0] x_6 = x[55:48];
    wire signed [7:0] x_7 = x[63:56];
    wire signed [5:0] weight_0_0 = weights[5:0];
    wire signed [5:0] weight_0_1 = weights[11:6];
    wire signed [5:0] weight_1_0 = weights[17:12];
    wire signed [5:0] weight_1_1 = weights[23:18];
    wire signed [5:0] weight_2_0 = weights[29:24];
    wire signed [4:0] weight_2_1 = weights[34:30];
    wire signed [5:0] weight_3_0 = weights[40:35];
    wire signed [5:0] weight_3_1 = weights[46:41];
    wire signed [5:0] weight_4_0 = weights[52:47];
    wire signed [5:0] weight_4_1 = weights[58:53];
    wire [4:0] weight_5_0 = weights[63:59];
    wire signed [5:0] weight_5_1 = weights[69:64];

    // Controller: 4 steps, chunks of inputs 4 times groups of outputs 1.
    wire step_is_last = step == 2'd3;
    wire step_restart = in_valid | step_is_last;
    wire [1:0] step_plus_one = step + 2'd1;
    wire [1:0] step_next = step_restart ? 2'd0 : step_plus_one;
    wire done = busy & step_is_last;
    wire not_done = ~step_is_last;
    wire stay_busy = busy & not_done;
    wire busy_next = in_valid | stay_busy;
    wire first_chunk = step == 2'd0;

    // Inputs: loaded at the start, then shifted by one chunk a step.
    wire signed [7:0] held_0_next = in_valid ? x_0 : held_2;
    wire signed [7:0] held_1_next = in_valid ? x_1 : held_3;
    wire signed [7:0] held_2_next = in_valid ? x_2 : held_4;
    wire signed [7:0] held_3_next = in_valid ? x_3 : held_5;
    wire signed [7:0] held_4_next = in_valid ? x_4 : held_6;
    wire signed [7:0] held_5_next = in_valid ? x_5 : held_7;

    // Multiplier array and adder trees of a step.
    wire signed [7:0] product_0_0_row_0 = weight_0_0[0] ? lane_0_s1 : 8'd0;
    wire signed [7:0] product_0_0_row_1 = weight_0_0[1] ? lane_0_s1 : 8'd0;
    wire signed [7:0] product_0_0_row_2 = weight_0_0[2] ? lane_0_s1 : 8'd0;
    wire signed [7:0] product_0_0_row_3 = weight_0_0[3] ? lane_0_s1 : 8'd0;
    wire signed [7:0] product_0_0_row_4 = weight_0_0[4] ? lane_0_s1 : 8'd0;
    wire signed [7:0] product_0_0_row_5 = weight_0_0[5] ? lane_0_s1 : 8'd0;
    wire signed [9:0] product_0_0_0 = {{2{product_0_0_row_0[7]}}, product_0_0_row_0} + {product_0_0_row_1[7], product_0_0_row_1, 1'b0};
    wire signed [9:0] product_0_0_1 = {{2{product_0_0_row_2[7]}}, product_0_0_row_2} + {product_0_0_row_3[7], product_0_0_row_3, 1'b0};
    wire signed [9:0] product_0_0_2 = {{2{product_0_0_row_4[7]}}, product_0_0_row_4} - {product_0_0_row_5[7], product_0_0_row_5, 1'b0};
    wire signed [11:0] product_0_0_3 = {{2{product_0_0_0[9]}}, product_0_0_0} + {product_0_0_1, 2'd0};
    wire signed [12:0] product_0_0 = {product_0_0_2[8:0], 4'd0} + {product_0_0_3[11], product_0_0_3};
    wire signed [7:0] product_0_1_row_0 = weight_0_1[0] ? lane_1_s1 : 8'd0;
    wire signed [7:0] product_0_1_row_1 = weight_0_1[1] ? lane_1_s1 : 8'd0;
    wire signed [7:0] product_0_1_row_2 = weight_0_1[2] ? lane_1_s1 : 8'd0;
    wire signed [7:0] product_0_1_row_3 = weight_0_1[3] ? lane_1_s1 : 8'd0;
    wire signed [7:0] product_0_1_row_4 = weight_0_1[4] ? lane_1_s1 : 8'd0;
    wire signed [7:0] product_0_1_row_5 = weight_0_1[5] ? lane_1_s1 : 8'd0;
    wire signed [9:0] product_0_1_0 = {{2{product_0_1_row_0[7]}}, product_0_1_row_0} + {product_0_1_row_1[7], product_0_1_row_1, 1'b0};
    wire signed [9:0] product_0_1_1 = {{2{product_0_1_row_2[7]}}, product_0_1_row_2} + {product_0_1_row_3[7], product_0_1_row_3, 1'b0};
    wire signed [9:0] product_0_1_2 = {{2{product_0_1_row_4[7]}}, product_0_1_row_4} - {product_0_1_row_5[7], product_0_1_row_5, 1'b0};
    wire signed [11:0] product_0_1_3 = {{2{product_0_1_0[9]}}, product_0_1_0} + {product_0_1_1, 2'd0};
    wire signed [12:0] product_0_1 = {product_0_1_2[8:0], 4'd0} + {product_0_1_3[11], product_0_1_3};
    wire signed [7:0] product_1_0_row_0 = weight_1_0[0] ? lane_0_s1 : 8'd0;
    wire signed [7:0] product_1_0_row_1 = weight_1_0[1] ? lane_0_s1 : 8'd0;
    wire signed [7:0] product_1_0_row_2 = weight_1_0[2] ? lane_0_s1 : 8'd0;
    wire signed [7:0] product_1_0_row_3 = weight_1_0[3] ? lane_0_s1 : 8'd0;
    wire signed [7:0] product_1_0_row_4 = weight_1_0[4] ? lane_0_s1 : 8'd0;
    wire signed [7:0] product_1_0_row_5 = weight_1_0[5] ? lane_0_s1 : 8'd0;
    wire signed [9:0] product_1_0_0 = {{2{product_1_0_row_0[7]}}, product_1_0_row_0} + {product_1_0_row_1[7], product_1_0_row_1, 1'b0};
    wire signed [9:0] product_1_0_1 = {{2{product_1_0_row_2[7]}}, product_1_0_row_2} + {product_1_0_row_3[7], product_1_0_row_3, 1'b0};
    wire signed [9:0] product_1_0_2 = {{2{product_1_0_row_4[7]}}, product_1_0_row_4} - {product_1_0_row_5[7], product_1_0_row_5, 1'b0};
    wire signed [11:0] product_1_0_3 = {{2{product_1_0_0[9]}}, product_1_0_0} + {product_1_0_1, 2'd0};
    wire signed [12:0] product_1_0 = {product_1_0_2[8:0], 4'd0} + {product_1_0_3[11], product_1_0_3};
    wire signed [7:0] product_1_1_row_0 = weight_1_1[0] ? lane_1_s1 : 8'd0;
    wire signed [7:0] product_1_1_row_1 = weight_1_1[1] ? lane_1_s1 : 8'd0;
    wire signed [7:0] product_1_1_row_2 = weight_1_1[2] ? lane_1_s1 : 8'd0;
    wire signed [7:0] product_1_1_row_3 = weight_1_1[3] ? lane_1_s1 : 8'd0;
    wire signed [7:0] product_1_1_row_4 = weight_1_1[4] ? lane_1_s1 : 8'd0;
    wire signed [7:0] product_1_1_row_5 = weight_1_1[5] ? lane_1_s1 : 8'd0;
    wire signed [9:0] product_1_1_0 = {{2{product_1_1_row_0[7]}}, product_1_1_row_0} + {product_1_1_row_1[7], product_1_1_row_1, 1'b0};
    wire signed [9:0] product_1_1_1 = {{2{product_1_1_row_2[7]}}, product_1_1_row_2} + {product_1_1_row_3[7], product_1_1_row_3, 1'b0};
    wire signed [9:0] product_1_1_2 = {{2{product_1_1_row_4[7]}}, product_1_1_row_4} - {product_1_1_row_5[7], product_1_1_row_5, 1'b0};
    wire signed [11:0] product_1_1_3 = {{2{product_1_1_0[9]}}, product_1_1_0} + {product_1_1_1, 2'd0};
    wire signed [12:0] product_1_1 = {product_1_1_2[8:0], 4'd0} + {product_1_1_3[11], product_1_1_3};
    wire signed [7:0] product_2_0_row_0 = weight_2_0[0] ? lane_0_s1 : 8'd0;
    wire signed [7:0] product_2_0_row_1 = weight_2_0[1] ? lane_0_s1 : 8'd0;
    wire signed [7:0] product_2_0_row_2 = weight_2_0[2] ? lane_0_s1 : 8'd0;
    wire signed [7:0] product_2_0_row_3 = weight_2_0[3] ? lane_0_s1 : 8'd0;
    wire signed [7:0] product_2_0_row_4 = weight_2_0[4] ? lane_0_s1 : 8'd0;
    wire signed [7:0] product_2_0_row_5 = weight_2_0[5] ? lane_0_s1 : 8'd0;
    wire signed [9:0] product_2_0_0 = {{2{product_2_0_row_0[7]}}, product_2_0_row_0} + {product_2_0_row_1[7], product_2_0_row_1, 1'b0};
    wire signed [9:0] product_2_0_1 = {{2{product_2_0_row_2[7]}}, product_2_0_row_2} + {product_2_0_row_3[7], product_2_0_row_3, 1'b0};
    wire signed [9:0] product_2_0_2 = {{2{product_2_0_row_4[7]}}, product_2_0_row_4} - {product_2_0_row_5[7], product_2_0_row_5, 1'b0};
    wire signed [11:0] product_2_0_3 = {{2{product_2_0_0[9]}}, product_2_0_0} + {product_2_0_1, 2'd0};
    wire signed [12:0] product_2_0 = {product_2_0_2[8:0], 4'd0} + {product_2_0_3[11], product_2_0_3};
    wire signed [7:0] product_2_1_row_0 = weight_2_1[0] ? lane_1_s1 : 8'd0;
    wire signed [7:0] product_2_1_row_1 = weight_2_1[1] ? lane_1_s1 : 8'd0;
    wire signed [7:0] product_2_1_row_2 = weight_2_1[2] ? lane_1_s1 : 8'd0;
    wire signed [7:0] product_2_1_row_3 = weight_2_1[3] ? lane_1_s1 : 8'd0;
    wire signed [7:0] product_2_1_row_4 = weight_2_1[4] ? lane_1_s1 : 8'd0;
    wire signed [9:0] product_2_1_0 = {{2{product_2_1_row_0[7]}}, product_2_1_row_0} + {product_2_1_row_1[7], product_2_1_row_1, 1'b0};
    wire signed [9:0] product_2_1_1 = {{2{product_2_1_row_2[7]}}, product_2_1_row_2} + {product_2_1_row_3[7], product_2_1_row_3, 1'b0};
    wire signed [12:0] product_2_1_2 = {{3{product_2_1_0[9]}}, product_2_1_0} - {product_2_1_row_4[7], product_2_1_row_4, 4'd0};
    wire signed [11:0] product_2_1 = {product_2_1_1, 2'd0} + product_2_1_2[11:0];
    wire signed [7:0] product_3_0_row_0 = weight_3_0[0] ? lane_0_s1 : 8'd0;
    wire signed [7:0] product_3_0_row_1 = weight_3_0[1] ? lane_0_s1 : 8'd0;
    wire signed [7:0] product_3_0_row_2 = weight_3_0[2] ? lane_0_s1 : 8'd0;
    wire signed [7:0] product_3_0_row_3 = weight_3_0[3] ? lane_0_s1 : 8'd0;
    wire signed [7:0] product_3_0_row_4 = weight_3_0[4] ? lane_0_s1 : 8'd0;
    wire signed [7:0] product_3_0_row_5 = weight_3_0[5] ? lane_0_s1 : 8'd0;
    wire signed [9:0] product_3_0_0 = {{2{product_3_0_row_0[7]}}, product_3_0_row_0} + {product_3_0_row_1[7], product_3_0_row_1, 1'b0};
    wire signed [9:0] product_3_0_1 = {{2{product_3_0_row_2[7]}}, product_3_0_row_2} + {product_3_0_row_3[7], product_3_0_row_3, 1'b0};
    wire signed [9:0] product_3_0_2 = {{2{product_3_0_row_4[7]}}, product_3_0_row_4} - {product_3_0_row_5[7], product_3_0_row_5, 1'b0};
    wire signed [11:0] product_3_0_3 = {{2{product_3_0_0[9]}}, product_3_0_0} + {product_3_0_1, 2'd0};
    wire signed [12:0] product_3_0 = {product_3_0_2[8:0], 4'd0} + {product_3_0_3[11], product_3_0_3};
    wire signed [7:0] product_3_1_row_0 = weight_3_1[0] ? lane_1_s1 : 8'd0;
    wire signed [7:0] product_3_1_row_1 = weight_3_1[1] ? lane_1_s1 : 8'd0;
    wire signed [7:0] product_3_1_row_2 = weight_3_1[2] ? lane_1_s1 : 8'd0;
    wire signed [7:0] product_3_1_row_3 = weight_3_1[3] ? lane_1_s1 : 8'd0;
    wire signed [7:0] product_3_1_row_4 = weight_3_1[4] ? lane_1_s1 : 8'd0;
    wire signed [7:0] product_3_1_row_5 = weight_3_1[5] ? lane_1_s1 : 8'd0;
    wire signed [9:0] product_3_1_0 = {{2{product_3_1_row_0[7]}}, product_3_1_row_0} + {product_3_1_row_1[7], product_3_1_row_1, 1'b0};
    wire signed [9:0] product_3_1_1 = {{2{product_3_1_row_2[7]}}, product_3_1_row_2} + {product_3_1_row_3[7], product_3_1_row_3, 1'b0};
    wire signed [9:0] product_3_1_2 = {{2{product_3_1_row_4[7]}}, product_3_1_row_4} - {product_3_1_row_5[7], product_3_1_row_5, 1'b0};
    wire signed [11:0] product_3_1_3 = {{2{product_3_1_0[9]}}, product_3_1_0} + {product_3_1_1, 2'd0};
    wire signed [12:0] product_3_1 = {product_3_1_2[8:0], 4'd0} + {product_3_1_3[11], product_3_1_3};
    wire signed [7:0] product_4_0_row_0 = weight_4_0[0] ? lane_0_s1 : 8'd0;
    wire signed [7:0] product_4_0_row_1 = weight_4_0[1] ? lane_0_s1 : 8'd0;
    wire signed [7:0] product_4_0_row_2 = weight_4_0[2] ? lane_0_s1 : 8'd0;
    wire signed [7:0] product_4_0_row_3 = weight_4_0[3] ? lane_0_s1 : 8'd0;
    wire signed [7:0] product_4_0_row_4 = weight_4_0[4] ? lane_0_s1 : 8'd0;
    wire signed [7:0] product_4_0_row_5 = weight_4_0[5] ? lane_0_s1 : 8'd0;
    wire signed [9:0] product_4_0_0 = {{2{product_4_0_row_0[7]}}, product_4_0_row_0} + {product_4_0_row_1[7], product_4_0_row_1, 1'b0};
    wire signed [9:0] product_4_0_1 = {{2{product_4_0_row_2[7]}}, product_4_0_row_2} + {product_4_0_row_3[7], product_4_0_row_3, 1'b0};
    wire signed [9:0] product_4_0_2 = {{2{product_4_0_row_4[7]}}, product_4_0_row_4} - {product_4_0_row_5[7], product_4_0_row_5, 1'b0};
    wire signed [11:0] product_4_0_3 = {{2{product_4_0_0[9]}}, product_4_0_0} + {product_4_0_1, 2'd0};
    wire signed [12:0] product_4_0 = {product_4_0_2[8:0], 4'd0} + {product_4_0_3[11], product_4_0_3};
    wire signed [7:0] product_4_1_row_0 = weight_4_1[0] ? lane_1_s1 : 8'd0;
    wire signed [7:0] product_4_1_row_1 = weight_4_1[1] ? lane_1_s1 : 8'd0;
    wire signed [7:0] product_4_1_row_2 = weight_4_1[2] ? lane_1_s1 : 8'd0;
    wire signed [7:0] product_4_1_row_3 = weight_4_1[3] ? lane_1_s1 : 8'd0;
    wire signed [7:0] product_4_1_row_4 = weight_4_1[4] ? lane_1_s1 : 8'd0;
    wire signed [7:0] product_4_1_row_5 = weight_4_1[5] ? lane_1_s1 : 8'd0;
    wire signed [9:0] product_4_1_0 = {{2{product_4_1_row_0[7]}}, product_4_1_row_0} + {product_4_1_row_1[7], product_4_1_row_1, 1'b0};
    wire signed [9:0] product_4_1_1 = {{2{product_4_1_row_2[7]}}, product_4_1_row_2} + {product_4_1_row_3[7], product_4_1_row_3, 1'b0};
    wire signed [9:0] product_4_1_2 = {{2{product_4_1_row_4[7]}}, product_4_1_row_4} - {product_4_1_row_5[7], product_4_1_row_5, 1'b0};
    wire signed [11:0] product_4_1_3 = {{2{product_4_1_0[9]}}, product_4_1_0} + {product_4_1_1, 2'd0};
    wire signed [12:0] product_4_1 = {product_4_1_2[8:0], 4'd0} + {product_4_1_3[11], product_4_1_3};
    wire signed [7:0] product_5_0_row_0 = weight_5_0[0] ? lane_0_s1 : 8'd0;
    wire signed [7:0] product_5_0_row_1 = weight_5_0[1] ? lane_0_s1 : 8'd0;
    wire signed [7:0] product_5_0_row_2 = weight_5_0[2] ? lane_0_s1 : 8'd0;
    wire signed [7:0] product_5_0_row_3 = weight_5_0[3] ? lane_0_s1 : 8'd0;
    wire signed [7:0] product_5_0_row_4 = weight_5_0[4] ? lane_0_s1 : 8'd0;
    wire signed [9:0] product_5_0_0 = {{2{product_5_0_row_0[7]}}, product_5_0_row_0} + {product_5_0_row_1[7], product_5_0_row_1, 1'b0};
    wire signed [9:0] product_5_0_1 = {{2{product_5_0_row_2[7]}}, product_5_0_row_2} + {product_5_0_row_3[7], product_5_0_row_3, 1'b0};
    wire signed [12:0] product_5_0_2 = {product_5_0_row_4[7], product_5_0_row_4, 4'd0} + {{3{product_5_0_0[9]}}, product_5_0_0};
    wire signed [12:0] product_5_0 = {product_5_0_1[9], product_5_0_1, 2'd0} + product_5_0_2;
    wire signed [7:0] product_5_1_row_0 = weight_5_1[0] ? lane_1_s1 : 8'd0;
    wire signed [7:0] product_5_1_row_1 = weight_5_1[1] ? lane_1_s1 : 8'd0;
    wire signed [7:0] product_5_1_row_2 = weight_5_1[2] ? lane_1_s1 : 8'd0;
    wire signed [7:0] product_5_1_row_3 = weight_5_1[3] ? lane_1_s1 : 8'd0;
    wire signed [7:0] product_5_1_row_4 = weight_5_1[4] ? lane_1_s1 : 8'd0;
    wire signed [7:0] product_5_1_row_5 = weight_5_1[5] ? lane_1_s1 : 8'd0;
    wire signed [9:0] product_5_1_0 = {{2{product_5_1_row_0[7]}}, product_5_1_row_0} + {product_5_1_row_1[7], product_5_1_row_1, 1'b0};
    wire signed [9:0] product_5_1_1 = {{2{product_5_1_row_2[7]}}, product_5_1_row_2} + {product_5_1_row_3[7], product_5_1_row_3, 1'b0};
    wire signed [9:0] product_5_1_2 = {{2{product_5_1_row_4[7]}}, product_5_1_row_4} - {product_5_1_row_5[7], product_5_1_row_5, 1'b0};
    wire signed [11:0] product_5_1_3 = {{2{product_5_1_0[9]}}, product_5_1_0} + {product_5_1_1, 2'd0};
    wire signed [12:0] product_5_1 = {product_5_1_2[8:0], 4'd0} + {product_5_1_3[11], product_5_1_3};
    wire signed [13:0] partial_0 = {product_0_0_s2[12], product_0_0_s2} + {product_0_1_s2[12], product_0_1_s2};
    wire signed [13:0] partial_1 = {product_1_0_s2[12], product_1_0_s2} + {product_1_1_s2[12], product_1_1_s2};
    wire signed [13:0] partial_2 = {product_2_0_s2[12], product_2_0_s2} + {{2{product_2_1_s2[11]}}, product_2_1_s2};
    wire signed [13:0] partial_3 = {product_3_0_s2[12], product_3_0_s2} + {product_3_1_s2[12], product_3_1_s2};
    wire signed [13:0] partial_4 = {product_4_0_s2[12], product_4_0_s2} + {product_4_1_s2[12], product_4_1_s2};
    wire signed [13:0] partial_5 = {product_5_0_s2[12], product_5_0_s2} + {product_5_1_s2[12], product_5_1_s2};

    // Accumulators: the bias or the sum so far, plus the sum of the step.
    wire signed [14:0] base_0 = first_chunk_s2 ? 15'h7e80 : acc_0;
    wire signed [15:0] total_0 = {{2{partial_0[13]}}, partial_0} + {base_0[14], base_0};
    wire signed [14:0] base_1 = first_chunk_s2 ? 15'h60 : acc_1;
    wire signed [15:0] total_1 = {{2{partial_1[13]}}, partial_1} + {base_1[14], base_1};
    wire signed [14:0] base_2 = first_chunk_s2 ? 15'h1f0 : acc_2;
    wire signed [15:0] total_2 = {{2{partial_2[13]}}, partial_2} + {base_2[14], base_2};
    wire signed [15:0] base_3 = first_chunk_s2 ? 16'hd0 : acc_3;
    wire signed [15:0] total_3 = {{2{partial_3[13]}}, partial_3} + base_3;
    wire signed [14:0] base_4 = first_chunk_s2 ? 15'h7f70 : acc_4;
    wire signed [15:0] total_4 = {{2{partial_4[13]}}, partial_4} + {base_4[14], base_4};
    wire signed [14:0] base_5 = first_chunk_s2 ? 15'h7e30 : acc_5;
    wire signed [15:0] total_5 = {{2{partial_5[13]}}, partial_5} + {base_5[14], base_5};
    wire signed [14:0] acc_0_next = total_0[14:0] + 15'd0;
    wire signed [14:0] acc_1_next = total_1[14:0] + 15'd0;
    wire signed [14:0] acc_2_next = total_2[14:0] + 15'd0;
    wire signed [14:0] acc_4_next = total_4[14:0] + 15'd0;
    wire signed [14:0] acc_5_next = total_5[14:0] + 15'd0;

    // Results.
    wire y_0_half = acc_0[2];
    wire signed [11:0] y_0_floor = acc_0[14:3];
    wire signed [11:0] y_0_rounded = y_0_floor + {11'd0, y_0_half};
    wire signed [11:0] y_0 = y_0_rounded;
    wire y_1_half = acc_1[2];
    wire signed [11:0] y_1_floor = acc_1[14:3];
    wire signed [11:0] y_1_rounded = y_1_floor + {11'd0, y_1_half};
    wire signed [11:0] y_1 = y_1_rounded;
    wire y_2_half = acc_2[2];
    wire signed [11:0] y_2_floor = acc_2[14:3];
    wire signed [11:0] y_2_rounded = y_2_floor + {11'd0, y_2_half};
    wire signed [11:0] y_2 = y_2_rounded;
    wire y_3_half = acc_3[2];
    wire signed [12:0] y_3_floor = acc_3[15:3];
    wire signed [12:0] y_3_rounded = y_3_floor + {12'd0, y_3_half};
    wire signed [11:0] y_3_kept = y_3_rounded[11:0];
    wire y_3_fits = (&y_3_rounded[12:11]) | ~(|y_3_rounded[12:11]);
    wire signed [11:0] y_3_end = y_3_rounded[12] ? 12'h800 : 12'h7ff;
    wire signed [11:0] y_3 = y_3_fits ? y_3_kept : y_3_end;
    wire y_4_half = acc_4[2];
    wire signed [11:0] y_4_floor = acc_4[14:3];
    wire signed [11:0] y_4_rounded = y_4_floor + {11'd0, y_4_half};
    wire signed [11:0] y_4 = y_4_rounded;
    wire y_5_half = acc_5[2];
    wire signed [11:0] y_5_floor = acc_5[14:3];
    wire signed [11:0] y_5_rounded = y_5_floor + {11'd0, y_5_half};
    wire signed [11:0] y_5 = y_5_rounded;

    // Output registers.

    assign y = {y_5_held, y_4_held, y_3_held, y_2_held, y_1_held, y_0_held};

    always @(posedge clk) begin
        case (step)
            2'd0: weights <= 70'h2b25998b4ff38fd76a;
            2'd1: weights <= 70'h1343e1d5161c02d3c9;
            2'd2: weights <= 70'h2ab1660159fea1d603;
            default: weights <= 70'h3da12db1649e0d2c39;
        endcase
    end

    always @(posedge clk) begin
        if (rst) begin
            step <= 2'd0;
            busy <= 1'b0;
        end else begin
            step <= step_next;
            busy <= busy_next;
        end
    end

    always @(posedge clk) begin
        held_0 <= held_0_next;
        held_1 <= held_1_next;
        held_2 <= held_2_next;
        held_3 <= held_3_next;
        held_4 <= held_4_next;
        held_5 <= held_5_next;
    end

    always @(posedge clk) begin
        if (in_valid) begin
            held_6 <= x_6;
            held_7 <= x_7;
        end
    end

    always @(posedge clk) begin
        lane_0_s1 <= held_0;
        lane_1_s1 <= held_1;
        product_0_0_s2 <= product_0_0;
        product_0_1_s2 <= product_0_1;
        product_1_0_s2 <= product_1_0;
        product_1_1_s2 <= product_1_1;
        product_2_0_s2 <= product_2_0;
        product_2_1_s2 <= product_2_1;
        product_3_0_s2 <= product_3_0;
        product_3_1_s2 <= product_3_1;
        product_4_0_s2 <= product_4_0;
        product_4_1_s2 <= product_4_1;
        product_5_0_s2 <= product_5_0;
        product_5_1_s2 <= product_5_1;
        first_chunk_s1 <= first_chunk;
        first_chunk_s2 <= first_chunk_s1;
        acc_0 <= acc_0_next;
        acc_1 <= acc_1_next;
        acc_2 <= acc_2_next;
        acc_3 <= total_3;
        acc_4 <= acc_4_next;
        acc_5 <= acc_5_next;
        y_0_held <= y_0;
        y_1_held <= y_1;
        y_2_held <= y_2;
        y_3_held <= y_3;
        y_4_held <= y_4;
        y_5_held <= y_5;
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
    wire unused = &{1'b0, product_0_0_2[9], product_0_1_2[9], product_1_0_2[9], product_1_1_2[9], product_2_0_2[9],
        product_2_1_2[12], product_3_0_2[9], product_3_1_2[9], product_4_0_2[9],
        product_4_1_2[9], product_5_1_2[9], total_0[15], total_1[15], total_2[15], total_4[15],
        total_5[15]};
endmodule
