// Layer fc2 of mixed_reuse: dense.
//   x: [6] of ufixed<7,4>
//   weight: [6, 6] of fixed<6,1,RND,SAT>, bias: fixed<6,1,RND,SAT>
//   accumulator: exact
//   strategy latency, reuse factor 1: 25 multipliers
//   y: [6] of fixed<15,7>, exact
// Element 0 is in the low bits; an element is as wide as its exact range needs.
// Latency 2 cycles, initiation interval 1 cycles.
module mixed_reuse_fc2 (
    input  wire clk,
    input  wire rst,
    input  wire in_valid,
    input  wire [41:0] x,
    output reg  out_valid,
    output wire [85:0] y
);
    reg valid_s1;
    reg [6:0] x_3_s1;
    reg [6:0] x_0_s1;
    reg [6:0] x_4_s1;
    reg [6:0] x_5_s1;
    reg [6:0] x_1_s1;
    reg [6:0] x_2_s1;
    reg [6:0] sum_0_row_2_s2;
    reg [7:0] sum_0_row_3_s2;
    reg [7:0] x_shared_8_row_0_s2;
    reg [7:0] x_shared_10_row_0_s2;
    reg [9:0] sum_0_row_1_s2;
    reg [8:0] x_shared_11_row_0_s2;
    reg [6:0] x_2_s2;
    reg [9:0] sum_2_row_2_s2;
    reg [8:0] sum_2_row_3_s2;
    reg [9:0] x_shared_14_row_0_s2;
    reg [8:0] sum_2_row_1_s2;
    reg [13:0] sum_3_row_2_s2;
    reg [6:0] sum_3_row_3_s2;
    reg [7:0] x_shared_16_row_0_s2;
    reg [9:0] sum_4_row_2_s2;
    reg [8:0] x_shared_13_row_0_s2;
    reg [7:0] x_shared_9_row_0_s2;
    reg [13:0] sum_4_row_0_s2;
    reg [10:0] sum_4_row_1_s2;
    reg [7:0] x_shared_7_row_0_s2;
    reg signed [14:0] sum_1_s2;
    reg signed [13:0] sum_5_s2;

    // How many of the low 2 bits are 1, plus twice as many of the others.
    function [1:0] count2_2_to_2_bits;
        // verilator no_inline_task
        input [3:0] count2_2_to_2_bits_bits;
        reg count2_2_to_2_bits_carry_0;
        reg count2_2_to_2_bits_sum_0;
        reg count2_2_to_2_bits_sum_1;
        begin
            count2_2_to_2_bits_carry_0 = count2_2_to_2_bits_bits[0] & count2_2_to_2_bits_bits[1];
            count2_2_to_2_bits_sum_0 = count2_2_to_2_bits_bits[0] ^ count2_2_to_2_bits_bits[1];
            count2_2_to_2_bits[0] = count2_2_to_2_bits_sum_0;
            count2_2_to_2_bits_sum_1 = count2_2_to_2_bits_bits[2] ^ count2_2_to_2_bits_bits[3] ^ count2_2_to_2_bits_carry_0;
            count2_2_to_2_bits[1] = count2_2_to_2_bits_sum_1;
        end
    endfunction

    // How many of the low 2 bits are 1, plus twice as many of the others.
    function [2:0] count2_2;
        // verilator no_inline_task
        input [3:0] count2_2_bits;
        reg count2_2_carry_0;
        reg count2_2_sum_0;
        reg count2_2_carry_1;
        reg count2_2_sum_1;
        begin
            count2_2_carry_0 = count2_2_bits[0] & count2_2_bits[1];
            count2_2_sum_0 = count2_2_bits[0] ^ count2_2_bits[1];
            count2_2[0] = count2_2_sum_0;
            count2_2_carry_1 = (count2_2_bits[2] & count2_2_bits[3]) | (count2_2_bits[2] & count2_2_carry_0) | (count2_2_bits[3] & count2_2_carry_0);
            count2_2_sum_1 = count2_2_bits[2] ^ count2_2_bits[3] ^ count2_2_carry_0;
            count2_2[1] = count2_2_sum_1;
            count2_2[2] = count2_2_carry_1;
        end
    endfunction

    // How many of the bits are 1.
    function [1:0] count3;
        // verilator no_inline_task
        input [2:0] count3_bits;
        reg count3_carry_0;
        reg count3_sum_0;
        begin
            count3_carry_0 = (count3_bits[0] & count3_bits[1]) | (count3_bits[0] & count3_bits[2]) | (count3_bits[1] & count3_bits[2]);
            count3_sum_0 = count3_bits[0] ^ count3_bits[1] ^ count3_bits[2];
            count3[0] = count3_sum_0;
            count3[1] = count3_carry_0;
        end
    endfunction

    // How many of the low 3 bits are 1, plus twice as many of the others.
    function [2:0] count3_2;
        // verilator no_inline_task
        input [4:0] count3_2_bits;
        reg count3_2_carry_0;
        reg count3_2_sum_0;
        reg count3_2_carry_1;
        reg count3_2_sum_1;
        begin
            count3_2_carry_0 = (count3_2_bits[0] & count3_2_bits[1]) | (count3_2_bits[0] & count3_2_bits[2]) | (count3_2_bits[1] & count3_2_bits[2]);
            count3_2_sum_0 = count3_2_bits[0] ^ count3_2_bits[1] ^ count3_2_bits[2];
            count3_2[0] = count3_2_sum_0;
            count3_2_carry_1 = (count3_2_bits[3] & count3_2_bits[4]) | (count3_2_bits[3] & count3_2_carry_0) | (count3_2_bits[4] & count3_2_carry_0);
            count3_2_sum_1 = count3_2_bits[3] ^ count3_2_bits[4] ^ count3_2_carry_0;
            count3_2[1] = count3_2_sum_1;
            count3_2[2] = count3_2_carry_1;
        end
    endfunction

    // How many of the low 4 bits are 1, plus twice as many of the others.
    function [2:0] count4_1;
        // verilator no_inline_task
        input [4:0] count4_1_bits;
        reg count4_1_carry_0;
        reg count4_1_sum_0;
        reg count4_1_carry_1;
        reg count4_1_sum_1;
        reg count4_1_carry_2;
        reg count4_1_sum_2;
        begin
            count4_1_carry_0 = (count4_1_bits[0] & count4_1_bits[1]) | (count4_1_bits[0] & count4_1_bits[2]) | (count4_1_bits[1] & count4_1_bits[2]);
            count4_1_sum_0 = count4_1_bits[0] ^ count4_1_bits[1] ^ count4_1_bits[2];
            count4_1_carry_1 = count4_1_sum_0 & count4_1_bits[3];
            count4_1_sum_1 = count4_1_sum_0 ^ count4_1_bits[3];
            count4_1[0] = count4_1_sum_1;
            count4_1_carry_2 = (count4_1_bits[4] & count4_1_carry_0) | (count4_1_bits[4] & count4_1_carry_1) | (count4_1_carry_0 & count4_1_carry_1);
            count4_1_sum_2 = count4_1_bits[4] ^ count4_1_carry_0 ^ count4_1_carry_1;
            count4_1[1] = count4_1_sum_2;
            count4_1[2] = count4_1_carry_2;
        end
    endfunction

    // How many of the bits are 1.
    function [2:0] count5;
        // verilator no_inline_task
        input [4:0] count5_bits;
        reg count5_carry_0;
        reg count5_sum_0;
        reg count5_carry_1;
        reg count5_sum_1;
        reg count5_carry_2;
        reg count5_sum_2;
        begin
            count5_carry_0 = (count5_bits[0] & count5_bits[1]) | (count5_bits[0] & count5_bits[2]) | (count5_bits[1] & count5_bits[2]);
            count5_sum_0 = count5_bits[0] ^ count5_bits[1] ^ count5_bits[2];
            count5_carry_1 = (count5_sum_0 & count5_bits[3]) | (count5_sum_0 & count5_bits[4]) | (count5_bits[3] & count5_bits[4]);
            count5_sum_1 = count5_sum_0 ^ count5_bits[3] ^ count5_bits[4];
            count5[0] = count5_sum_1;
            count5_carry_2 = count5_carry_0 & count5_carry_1;
            count5_sum_2 = count5_carry_0 ^ count5_carry_1;
            count5[1] = count5_sum_2;
            count5[2] = count5_carry_2;
        end
    endfunction

    wire [6:0] x_0 = x[6:0];
    wire [6:0] x_1 = x[13:7];
    wire [6:0] x_2 = x[20:14];
    wire [6:0] x_3 = x[27:21];
    wire [6:0] x_4 = x[34:28];
    wire [6:0] x_5 = x[41:35];
    wire [7:0] x_shared_6_row_0 = {1'd0, x_3_s1}
        + {1'd0, x_0_s1[6], x_0_s1[5], x_0_s1[4], x_0_s1[3], x_0_s1[2], x_0_s1[1], x_0_s1[0]};
    wire [7:0] x_shared_7_row_0 = {1'd0, x_4_s1}
        + {1'd0, ~x_5_s1[6], ~x_5_s1[5], ~x_5_s1[4], ~x_5_s1[3], ~x_5_s1[2], ~x_5_s1[1], ~x_5_s1[0]};
    wire [7:0] x_shared_8_row_0 = {1'd0, ~x_1_s1[6], x_0_s1[6:1]}
        + {2'd0, ~x_1_s1[5], ~x_1_s1[4], ~x_1_s1[3], ~x_1_s1[2], ~x_1_s1[1], ~x_1_s1[0]};
    wire [7:0] x_shared_9_row_0 = {1'd0, x_2_s1}
        + {1'd0, ~x_4_s1[6], ~x_4_s1[5], ~x_4_s1[4], ~x_4_s1[3], ~x_4_s1[2], ~x_4_s1[1], ~x_4_s1[0]};
    wire [7:0] x_shared_10_row_0 = {1'd0, x_3_s1}
        + {1'd0, x_shared_7_row_0[7], x_shared_7_row_0[6], x_shared_7_row_0[5], x_shared_7_row_0[4], x_shared_7_row_0[3], x_shared_7_row_0[2], x_shared_7_row_0[1]};
    wire [8:0] x_shared_11_row_0 = {1'd0, x_shared_6_row_0}
        + {2'd0, x_1_s1[6], x_1_s1[5], x_1_s1[4], x_1_s1[3], x_1_s1[2], x_1_s1[1], x_1_s1[0]};
    wire [7:0] x_shared_12_row_0 = {1'd0, x_0_s1}
        + {1'd0, ~x_1_s1[6], ~x_1_s1[5], ~x_1_s1[4], ~x_1_s1[3], ~x_1_s1[2], ~x_1_s1[1], ~x_1_s1[0]};
    wire [8:0] x_shared_13_row_0 = {1'd0, x_shared_9_row_0}
        + {3'd0, x_5_s1[6], x_5_s1[5], x_5_s1[4], x_5_s1[3], x_5_s1[2], x_5_s1[1]};
    wire [9:0] x_shared_14_row_0 = {1'd0, ~x_shared_8_row_0[7:5], x_3_s1[6:1]}
        + {4'd0, ~x_shared_8_row_0[4], ~x_shared_8_row_0[3], ~x_shared_8_row_0[2], ~x_shared_8_row_0[1], ~x_shared_8_row_0[0], ~x_0_s1[0]};
    wire [7:0] x_shared_15_row_0 = {1'd0, x_4_s1}
        + {2'd0, x_2_s1[6], x_2_s1[5], x_2_s1[4], x_2_s1[3], x_2_s1[2], x_2_s1[1]};
    wire [7:0] x_shared_16_row_0 = {1'd0, x_1_s1}
        + {3'd0, x_2_s1[6], x_2_s1[5], x_2_s1[4], x_2_s1[3], x_2_s1[2]};
    wire [3:0] sum_0_row_0 = {1'd0, ~x_shared_8_row_0[7], {2{1'b1}}}
        + {1'd0, count3_2({~x_2_s1[3], ~x_1_s1[4], ~x_shared_8_row_0[5], ~x_2_s1[2], ~x_1_s1[3]})};
    wire [9:0] sum_0_row_1 = {1'd0, x_shared_11_row_0[8:7], 1'd0, x_shared_11_row_0[5], sum_0_row_0, x_shared_11_row_0[0]}
        + {{1{1'b1}}, 2'd0, x_shared_11_row_0[6], count3_2({~x_2_s1[5], ~x_1_s1[6], ~x_shared_10_row_0[7], ~x_2_s1[4], ~x_1_s1[5]}), count3_2({x_shared_11_row_0[1], ~x_shared_10_row_0[5], ~x_shared_8_row_0[4], ~x_2_s1[1], ~x_1_s1[2]})};
    wire [6:0] sum_0_row_2 = {1'd0, ~x_shared_10_row_0[4:3], {3{1'b1}}, 1'd0}
        + {1'd0, count3_2({~x_2_s1[0], ~x_1_s1[1], ~x_shared_10_row_0[2], ~x_shared_8_row_0[2], ~x_1_s1[0]}), count3_2({~x_shared_10_row_0[0], ~x_shared_8_row_0[0], {1{1'b1}}, ~x_shared_7_row_0[0], ~x_0_s1[0]})};
    wire [7:0] sum_0_row_3 = {1'd0, sum_0_row_1[8:7], 1'd0, sum_0_row_1[5:2]}
        + {sum_0_row_1[9], 2'd0, sum_0_row_1[6], 2'd0, count3({x_shared_11_row_0[2], ~x_shared_10_row_0[6], ~x_shared_8_row_0[6]})};
    wire signed [14:0] sum_0 = {{1'd0, sum_0_row_3_s2[6:5], 1'd0, sum_0_row_3_s2[3:1], 1'd0, sum_0_row_2_s2[6:3], 1'd0}
        + {sum_0_row_3_s2[7], {1{1'b1}}, {1{1'b1}}, sum_0_row_3_s2[4], ~x_2_s2[6], x_shared_11_row_0_s2[4], x_shared_11_row_0_s2[3], sum_0_row_3_s2[0], sum_0_row_1_s2[1], sum_0_row_1_s2[0], ~x_shared_8_row_0_s2[3], count3({sum_0_row_2_s2[2], ~x_shared_10_row_0_s2[1], ~x_shared_8_row_0_s2[1]})},
        sum_0_row_2_s2[1:0]};
    wire [8:0] sum_1_row_0 = {1'd0, {1{1'b1}}, x_5_s1}
        + {1'd0, count3({x_4_s1[6], {1{1'b1}}, ~x_3_s1[6]}), count3_2({x_4_s1[4], ~x_3_s1[4], x_4_s1[3], {1{1'b1}}, ~x_3_s1[3]}), count3_2({~x_4_s1[5], ~x_3_s1[1], ~x_5_s1[5], ~x_4_s1[4], ~x_3_s1[0]})};
    wire [6:0] sum_1_row_1 = {2'd0, x_4_s1[2:0], 1'd0, {1{1'b1}}}
        + {1'd0, count3({{1{1'b1}}, ~x_4_s1[6], ~x_3_s1[2]}), ~x_5_s1[6], count3_2({~x_5_s1[4], ~x_4_s1[3], ~x_2_s1[1], ~x_5_s1[3], ~x_4_s1[2]})};
    wire [12:0] sum_1_row_2 = {2'd0, sum_1_row_0[7:5], sum_1_row_1, x_shared_8_row_0[1]}
        + {{1{1'b1}}, sum_1_row_0[8], count4_1({~x_shared_16_row_0[7], x_4_s1[5], {1{1'b1}}, ~x_shared_16_row_0[6], ~x_3_s1[5]}), count3({x_shared_8_row_0[7], x_shared_6_row_0[5], ~x_shared_16_row_0[4]}), count3_2({{1{1'b1}}, ~x_shared_16_row_0[2], x_shared_8_row_0[4], x_shared_6_row_0[2], ~x_shared_16_row_0[1]}), count3_2({x_shared_8_row_0[2], x_shared_6_row_0[0], ~x_2_s1[0], ~x_5_s1[2], ~x_4_s1[1]})};
    wire [7:0] sum_1_row_3 = {1'd0, x_shared_6_row_0[7], 1'd0, sum_1_row_0[3:0], 1'd0}
        + {1'd0, count3({sum_1_row_0[4], x_shared_6_row_0[6], ~x_shared_16_row_0[5]}), count3({x_shared_8_row_0[6], x_shared_6_row_0[4], ~x_shared_16_row_0[3]}), x_shared_6_row_0[3], count3({x_shared_8_row_0[3], x_shared_6_row_0[1], ~x_shared_16_row_0[0]})};
    wire [14:0] sum_1_row_4 = {3'd0, sum_1_row_3[7:3], 1'd0, sum_1_row_3[1:0], 1'd0, sum_1_row_2[0], x_shared_8_row_0[0], 1'd0}
        + {sum_1_row_2[12], sum_1_row_2[11], sum_1_row_2[10], sum_1_row_2[9], sum_1_row_2[8], sum_1_row_2[7], sum_1_row_2[6], count3({sum_1_row_3[2], sum_1_row_2[4], x_shared_8_row_0[5]}), sum_1_row_2[3], sum_1_row_2[2], sum_1_row_2[1], count3_2({~x_5_s1[1], ~x_4_s1[0], x_0_s1[0], {1{1'b1}}, ~x_5_s1[0]})};
    wire signed [14:0] sum_1 = {sum_1_row_4[14:7]
        + {7'd0, sum_1_row_2[5]},
        sum_1_row_4[6:0]};
    wire [3:0] sum_2_row_0 = {1'd0, x_5_s1[4], x_3_s1[0], x_2_s1[0]}
        + {1'd0, count3_2({x_5_s1[3], x_2_s1[3], x_5_s1[2], x_2_s1[2], {1{1'b1}}})};
    wire [8:0] sum_2_row_1 = {1'd0, {1{1'b1}}, x_shared_15_row_0[7], 1'd0, x_shared_15_row_0[5:3], sum_2_row_0[3:2]}
        + {1'd0, count3_2({{1{1'b1}}, ~x_shared_15_row_0[5], x_shared_15_row_0[6], x_shared_12_row_0[7], ~x_shared_15_row_0[4]}), count3_2({x_shared_12_row_0[5], ~x_shared_15_row_0[2], x_5_s1[6], x_2_s1[6], ~x_shared_15_row_0[1]}), count3({x_shared_12_row_0[2], x_2_s1[4], ~x_2_s1[0]})};
    wire [9:0] sum_2_row_2 = {1'd0, x_shared_12_row_0[6], 1'd0, x_shared_12_row_0[4], x_shared_15_row_0[2:1], 1'd0, sum_2_row_0[0], x_5_s1[1], 1'd0}
        + {1'd0, ~x_shared_15_row_0[3], count5({x_shared_12_row_0[3], x_5_s1[5], x_2_s1[5], {1{1'b1}}, ~x_shared_15_row_0[0]}), count3({sum_2_row_0[1], x_shared_15_row_0[0], x_shared_12_row_0[1]}), x_shared_12_row_0[0], count3({x_5_s1[0], x_2_s1[0], {1{1'b1}}})};
    wire [8:0] sum_2_row_3 = {x_shared_14_row_0[9], sum_2_row_1[8], 1'd0, sum_2_row_1[6], sum_2_row_2[9:5]}
        + {count3_2({x_shared_14_row_0[8], ~x_shared_15_row_0[7], sum_2_row_1[7], x_shared_14_row_0[7], ~x_shared_15_row_0[6]}), count3_2({sum_2_row_1[5], x_shared_14_row_0[5], sum_2_row_1[4], x_shared_14_row_0[4], ~x_shared_11_row_0[8]}), count3_2({x_shared_14_row_0[2], ~x_shared_11_row_0[6], sum_2_row_1[1], x_shared_14_row_0[1], ~x_shared_11_row_0[5]})};
    wire [9:0] sum_2_row_4 = {3'd0, sum_2_row_3_s2[5], 1'd0, sum_2_row_3_s2[3:0], sum_2_row_2_s2[4]}
        + {sum_2_row_3_s2[8], sum_2_row_3_s2[7], sum_2_row_3_s2[6], 1'd0, sum_2_row_3_s2[4], count3({sum_2_row_1_s2[3], x_shared_14_row_0_s2[3], ~x_shared_11_row_0_s2[7]}), 1'd0, count3({sum_2_row_1_s2[0], x_shared_14_row_0_s2[0], ~x_shared_11_row_0_s2[4]})};
    wire [13:0] sum_2_row_5 = {3'd0, sum_2_row_4[6], 3'd0, sum_2_row_4[2], 2'd0, sum_2_row_2_s2[3:2], 1'd0, sum_2_row_2_s2[0]}
        + {sum_2_row_4[9], sum_2_row_4[8], sum_2_row_4[7], x_shared_14_row_0_s2[6], sum_2_row_4[5], sum_2_row_4[4], sum_2_row_4[3], sum_2_row_1_s2[2], sum_2_row_4[1], sum_2_row_4[0], ~x_shared_11_row_0_s2[3], count3({sum_2_row_2_s2[1], x_2_s2[1], ~x_shared_11_row_0_s2[1]}), ~x_shared_11_row_0_s2[0]};
    wire signed [13:0] sum_2 = {sum_2_row_5[13:2]
        + {11'd0, ~x_shared_11_row_0_s2[2]},
        sum_2_row_5[1:0]};
    wire [6:0] sum_3_row_0 = {1'd0, x_3_s1[6], x_4_s1[6:2]}
        + {1'd0, count3_2({x_3_s1[5], ~x_2_s1[4], x_3_s1[4], {1{1'b1}}, ~x_2_s1[3]}), count3_2({~x_2_s1[1], ~x_0_s1[6], {1{1'b1}}, ~x_2_s1[0], ~x_0_s1[5]})};
    wire [8:0] sum_3_row_1 = {1'd0, x_3_s1[3], 1'd0, x_3_s1[1], x_4_s1[1:0], 1'd0, x_2_s1[1], 1'd0}
        + {1'd0, ~x_2_s1[2], x_3_s1[2], count3({x_3_s1[0], {1{1'b1}}, ~x_0_s1[4]}), ~x_0_s1[3], ~x_0_s1[2], count3({x_2_s1[0], {1{1'b1}}, ~x_0_s1[0]})};
    wire [13:0] sum_3_row_2 = {2'd0, sum_3_row_0[6], 1'd0, sum_3_row_0[4], 1'd0, sum_3_row_1[7:6], 1'd0, sum_3_row_1[4:0]}
        + {{1{1'b1}}, count3_2({{1{1'b1}}, ~x_2_s1[6], sum_3_row_0[5], {1{1'b1}}, ~x_2_s1[5]}), count3({sum_3_row_1[8], sum_3_row_0[3], x_shared_16_row_0[6]}), count3_2({sum_3_row_0[1], x_shared_16_row_0[4], sum_3_row_1[5], sum_3_row_0[0], x_shared_16_row_0[3]}), x_shared_16_row_0[2], {1{1'b1}}, x_shared_16_row_0[0], ~x_0_s1[1], ~x_shared_7_row_0[0]};
    wire [6:0] sum_3_row_3 = {4'd0, sum_3_row_2[9:7]}
        + {sum_3_row_2[13], sum_3_row_2[12], sum_3_row_2[11], sum_3_row_2[10], 1'd0, count3({sum_3_row_0[2], x_shared_16_row_0[5], ~x_shared_10_row_0[6]})};
    wire [12:0] sum_3_row_4 = {4'd0, sum_3_row_3_s2[2:1], 1'd0, sum_3_row_2_s2[6:4], 1'd0, sum_3_row_2_s2[2:1]}
        + {sum_3_row_3_s2[6], sum_3_row_3_s2[5], sum_3_row_3_s2[4], sum_3_row_3_s2[3], x_shared_16_row_0_s2[7], ~x_shared_10_row_0_s2[7], sum_3_row_3_s2[0], ~x_shared_10_row_0_s2[5], ~x_shared_10_row_0_s2[4], count3({sum_3_row_2_s2[3], x_shared_16_row_0_s2[1], ~x_shared_10_row_0_s2[2]}), ~x_shared_10_row_0_s2[1], ~x_shared_10_row_0_s2[0]};
    wire signed [13:0] sum_3 = {sum_3_row_4[12:3]
        + {9'd0, ~x_shared_10_row_0_s2[3]},
        {sum_3_row_4[2:0], sum_3_row_2_s2[0]}};
    wire [13:0] sum_4_row_0 = {3'd0, {2{1'b1}}, ~x_0_s1[4], 1'd0, {1{1'b1}}, ~x_2_s1[4], {1{1'b1}}, ~x_2_s1[2], {1{1'b1}}, x_3_s1[0], {1{1'b1}}}
        + {{1{1'b1}}, {1{1'b1}}, {1{1'b1}}, ~x_0_s1[6], ~x_0_s1[5], count3_2({~x_2_s1[6], ~x_0_s1[3], ~x_2_s1[5], ~x_0_s1[2], ~x_0_s1[6]}), count3({~x_2_s1[3], ~x_0_s1[0], ~x_0_s1[4]}), count3_2({~x_2_s1[1], ~x_0_s1[2], {1{1'b1}}, ~x_2_s1[0], ~x_0_s1[1]}), ~x_0_s1[0]};
    wire [10:0] sum_4_row_1 = {3'd0, sum_4_row_0[10:3]}
        + {sum_4_row_0[13], sum_4_row_0[12], sum_4_row_0[11], 3'd0, count3_2({x_shared_9_row_0[3], ~x_shared_7_row_0[5:4], ~x_0_s1[1], ~x_0_s1[5]}), count3({x_shared_9_row_0[0], ~x_shared_7_row_0[2], ~x_0_s1[3]})};
    wire [9:0] sum_4_row_2 = sum_4_row_1[10:1]
        + {1'd0, count3_2({x_shared_14_row_0[9], ~x_shared_13_row_0[6], x_shared_14_row_0[8], x_shared_9_row_0[7], ~x_shared_13_row_0[5]}), count3_2({~x_shared_13_row_0[3], ~x_shared_7_row_0[7], x_shared_9_row_0[4], ~x_shared_13_row_0[2], ~x_shared_7_row_0[6]}), count3_2({x_shared_9_row_0[2], ~x_shared_13_row_0[0], x_shared_9_row_0[1], ~x_shared_7_row_0[3], ~x_5_s1[0]})};
    wire [4:0] sum_4_row_3 = {sum_4_row_2_s2[9:8], 1'd0, sum_4_row_2_s2[6:5]}
        + {2'd0, sum_4_row_2_s2[7], count3({x_shared_14_row_0_s2[7], x_shared_9_row_0_s2[6], ~x_shared_13_row_0_s2[4]})};
    wire [12:0] sum_4_row_4 = {4'd0, sum_4_row_3[0], 1'd0, sum_4_row_2_s2[3], 1'd0, sum_4_row_2_s2[1:0], sum_4_row_1_s2[0], 1'd0, sum_4_row_0_s2[1]}
        + {count2_2_to_2_bits({sum_4_row_3[4], ~x_shared_13_row_0_s2[8], sum_4_row_3[3], ~x_shared_13_row_0_s2[7]}), sum_4_row_3[2], sum_4_row_3[1], count3({sum_4_row_2_s2[4], x_shared_14_row_0_s2[6], x_shared_9_row_0_s2[5]}), count3({sum_4_row_2_s2[2], x_shared_14_row_0_s2[4], ~x_shared_13_row_0_s2[1]}), x_shared_14_row_0_s2[3], x_shared_14_row_0_s2[2], count3({sum_4_row_0_s2[2], x_shared_14_row_0_s2[0], ~x_shared_7_row_0_s2[1]}), ~x_shared_7_row_0_s2[0]};
    wire signed [13:0] sum_4 = {sum_4_row_4[12:2]
        + {6'd0, x_shared_14_row_0_s2[5], 3'd0, x_shared_14_row_0_s2[1]},
        {sum_4_row_4[1:0], sum_4_row_0_s2[0]}};
    wire [8:0] sum_5_row_0 = {1'd0, x_shared_12_row_0[5:0], x_shared_7_row_0[2:1]}
        + {1'd0, count3_2({x_shared_7_row_0[7], x_shared_6_row_0[6], {1{1'b1}}, ~x_shared_6_row_0[7], ~x_1_s1[6]}), count3({x_shared_6_row_0[3], ~x_shared_6_row_0[5], ~x_1_s1[4]}), count3_2({~x_shared_6_row_0[3], ~x_1_s1[2], {1{1'b1}}, ~x_shared_6_row_0[2], ~x_1_s1[1]})};
    wire [8:0] sum_5_row_1 = {1'd0, x_shared_7_row_0[6:3], x_shared_6_row_0[1:0], x_shared_7_row_0[0], 1'd0}
        + {1'd0, count3({x_shared_6_row_0[4], ~x_shared_6_row_0[6], ~x_1_s1[5]}), count3({x_shared_6_row_0[2], ~x_shared_6_row_0[4], ~x_1_s1[3]}), ~x_5_s1[0], count2_2({~x_shared_6_row_0[1], ~x_1_s1[0], {1{1'b1}}, ~x_shared_6_row_0[0]})};
    wire [9:0] sum_5_row_2 = {1'd0, {1{1'b1}}, x_shared_12_row_0[7], sum_5_row_0[8:7], sum_5_row_1[8:5], 1'd0}
        + {1'd0, count3_2({{1{1'b1}}, ~x_shared_13_row_0[7], x_shared_12_row_0[6], {1{1'b1}}, ~x_shared_13_row_0[6]}), count3_2({sum_5_row_0[6], ~x_shared_13_row_0[4], sum_5_row_0[5], x_shared_6_row_0[5], ~x_shared_13_row_0[3]}), count3_2({sum_5_row_0[3], ~x_shared_13_row_0[1], sum_5_row_1[4], sum_5_row_0[2], ~x_shared_13_row_0[0]})};
    wire signed [13:0] sum_5 = {{1'd0, sum_5_row_2[8], 1'd0, sum_5_row_2[6], 2'd0, sum_5_row_2[3], 3'd0, sum_5_row_1[3:2]}
        + {sum_5_row_2[9], ~x_shared_13_row_0[8], sum_5_row_2[7], count3({sum_5_row_2[5], x_shared_6_row_0[7], ~x_shared_13_row_0[5]}), sum_5_row_2[4], count3({sum_5_row_2[2], sum_5_row_0[4], ~x_shared_13_row_0[2]}), sum_5_row_2[1], sum_5_row_2[0], sum_5_row_0[1], sum_5_row_0[0]},
        sum_5_row_1[1:0]};

    assign y = {sum_5_s2, sum_4, sum_3, sum_2, sum_1_s2, sum_0};

    always @(posedge clk) begin
        if (rst) begin
            valid_s1 <= 1'b0;
            out_valid <= 1'b0;
        end else begin
            valid_s1 <= in_valid;
            out_valid <= valid_s1;
        end
    end

    always @(posedge clk) begin
        x_3_s1 <= x_3;
        x_0_s1 <= x_0;
        x_4_s1 <= x_4;
        x_5_s1 <= x_5;
        x_1_s1 <= x_1;
        x_2_s1 <= x_2;
        sum_0_row_2_s2 <= sum_0_row_2;
        sum_0_row_3_s2 <= sum_0_row_3;
        x_shared_8_row_0_s2 <= x_shared_8_row_0;
        x_shared_10_row_0_s2 <= x_shared_10_row_0;
        sum_0_row_1_s2 <= sum_0_row_1;
        x_shared_11_row_0_s2 <= x_shared_11_row_0;
        x_2_s2 <= x_2_s1;
        sum_2_row_2_s2 <= sum_2_row_2;
        sum_2_row_3_s2 <= sum_2_row_3;
        x_shared_14_row_0_s2 <= x_shared_14_row_0;
        sum_2_row_1_s2 <= sum_2_row_1;
        sum_3_row_2_s2 <= sum_3_row_2;
        sum_3_row_3_s2 <= sum_3_row_3;
        x_shared_16_row_0_s2 <= x_shared_16_row_0;
        sum_4_row_2_s2 <= sum_4_row_2;
        x_shared_13_row_0_s2 <= x_shared_13_row_0;
        x_shared_9_row_0_s2 <= x_shared_9_row_0;
        sum_4_row_0_s2 <= sum_4_row_0;
        sum_4_row_1_s2 <= sum_4_row_1;
        x_shared_7_row_0_s2 <= x_shared_7_row_0;
        sum_1_s2 <= sum_1;
        sum_5_s2 <= sum_5;
    end

    // Bits that are dropped on purpose: by rounding, by wrap-around, by zero weights.
    wire unused = &{1'b0, x_shared_8_row_0_s2[0], x_shared_8_row_0_s2[2], x_shared_8_row_0_s2[7:4],
        x_shared_10_row_0_s2[6], sum_0_row_1_s2[9:2], x_shared_11_row_0_s2[6:5],
        x_shared_11_row_0_s2[8], x_2_s2[0], x_2_s2[5:2], sum_2_row_2_s2[9:5],
        x_shared_14_row_0_s2[9:8], sum_2_row_1_s2[1], sum_2_row_1_s2[8:4], sum_3_row_2_s2[13:7],
        x_shared_16_row_0_s2[0], x_shared_16_row_0_s2[6:2], x_shared_13_row_0_s2[0],
        x_shared_13_row_0_s2[3:2], x_shared_13_row_0_s2[6:5], x_shared_9_row_0_s2[4:0],
        x_shared_9_row_0_s2[7], sum_4_row_0_s2[13:3], sum_4_row_1_s2[10:1],
        x_shared_7_row_0_s2[7:2]};
endmodule
