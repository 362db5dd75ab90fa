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
    reg [6:0] x_0_s1;
    reg [6:0] x_1_s1;
    reg [6:0] x_3_s1;
    reg [6:0] x_2_s1;
    reg [6:0] x_5_s1;
    reg [6:0] x_4_s1;
    reg signed [13:0] sum_2_3_s2;
    reg signed [13:0] sum_2_4_s2;
    reg signed [12:0] sum_4_3_s2;
    reg signed [12:0] sum_4_4_s2;
    reg signed [14:0] sum_0_s2;
    reg signed [14:0] sum_1_s2;
    reg signed [13:0] sum_3_s2;
    reg signed [13:0] sum_5_s2;

    wire [6:0] x_0 = x[6:0];
    wire [6:0] x_1 = x[13:7];
    wire [6:0] x_2 = x[20:14];
    wire [6:0] x_3 = x[27:21];
    wire [6:0] x_4 = x[34:28];
    wire [6:0] x_5 = x[41:35];
    wire signed [12:0] x_0_times_31 = {1'b0, x_0_s1, 5'd0} - {6'd0, x_0_s1};
    wire signed [9:0] x_1_times_13_0 = {3'd0, x_1_s1} - {1'b0, x_1_s1, 2'd0};
    wire signed [12:0] x_1_times_13 = {2'd0, x_1_s1, 4'd0} + {{3{x_1_times_13_0[9]}}, x_1_times_13_0};
    wire signed [11:0] x_3_times_15 = {1'b0, x_3_s1, 4'd0} - {5'd0, x_3_s1};
    wire [8:0] sum_0_0 = {1'b0, x_2_s1, 1'b0} + 9'h19;
    wire signed [7:0] sum_0_1 = {1'b0, x_5_s1} - {1'b0, x_4_s1};
    wire signed [12:0] sum_0_2 = {{5{sum_0_1[7]}}, sum_0_1} - {1'b0, sum_0_0, 3'd0};
    wire signed [13:0] sum_0_3 = {x_0_times_31[12], x_0_times_31} + {x_3_times_15[11], x_3_times_15, 1'b0};
    wire signed [13:0] sum_0_4 = {x_1_times_13, 1'b0} + {sum_0_2[12], sum_0_2};
    wire signed [14:0] sum_0 = {sum_0_3[13], sum_0_3} + {sum_0_4[13], sum_0_4};
    wire [10:0] x_0_times_9 = {4'd0, x_0_s1} + {1'b0, x_0_s1, 3'd0};
    wire [10:0] x_1_times_9 = {4'd0, x_1_s1} + {1'b0, x_1_s1, 3'd0};
    wire signed [9:0] x_3_times_3 = {1'b0, x_3_s1, 2'd0} - {3'd0, x_3_s1};
    wire signed [11:0] x_4_times_15 = {1'b0, x_4_s1, 4'd0} - {5'd0, x_4_s1};
    wire signed [12:0] x_5_times_31 = {1'b0, x_5_s1, 5'd0} - {6'd0, x_5_s1};
    wire signed [7:0] sum_1_0 = 8'd8 - {1'b0, x_2_s1};
    wire signed [11:0] sum_1_1 = {{4{sum_1_0[7]}}, sum_1_0} - {x_3_times_3[9], x_3_times_3, 1'b0};
    wire signed [12:0] sum_1_2 = {2'd0, x_0_times_9} - {1'b0, x_1_times_9, 1'b0};
    wire signed [13:0] sum_1_3 = {x_4_times_15[11], x_4_times_15, 1'b0} + {x_5_times_31[12], x_5_times_31};
    wire signed [13:0] sum_1_4 = {sum_1_1, 2'd0} + {sum_1_2[12], sum_1_2};
    wire signed [14:0] sum_1 = {sum_1_3[13], sum_1_3} + {sum_1_4[13], sum_1_4};
    wire signed [9:0] x_0_times_13_0 = {3'd0, x_0_s1} - {1'b0, x_0_s1, 2'd0};
    wire signed [12:0] x_0_times_13 = {2'd0, x_0_s1, 4'd0} + {{3{x_0_times_13_0[9]}}, x_0_times_13_0};
    wire [9:0] x_1_times_27_0 = {3'd0, x_1_s1} + {1'b0, x_1_s1, 2'd0};
    wire signed [12:0] x_1_times_27 = {1'b0, x_1_s1, 5'd0} - {3'd0, x_1_times_27_0};
    wire [9:0] x_2_times_11_0 = {3'd0, x_2_s1} + {1'b0, x_2_s1, 2'd0};
    wire signed [11:0] x_2_times_11 = {1'b0, x_2_s1, 4'd0} - {2'd0, x_2_times_11_0};
    wire signed [10:0] x_3_times_7 = {1'b0, x_3_s1, 3'd0} - {4'd0, x_3_s1};
    wire signed [9:0] x_4_times_3 = {1'b0, x_4_s1, 2'd0} - {3'd0, x_4_s1};
    wire [7:0] sum_2_0 = {1'b0, x_5_s1} + 8'h20;
    wire signed [12:0] sum_2_1 = {5'd0, sum_2_0} - {x_4_times_3, 3'd0};
    wire signed [12:0] sum_2_2 = {{2{x_3_times_7[10]}}, x_3_times_7} - {x_2_times_11[11], x_2_times_11};
    wire signed [13:0] sum_2_3 = {x_1_times_27[12], x_1_times_27} - {x_0_times_13[12], x_0_times_13};
    wire signed [13:0] sum_2_4 = {sum_2_1[12], sum_2_1} + {sum_2_2[12], sum_2_2};
    wire signed [14:0] sum_2 = {sum_2_3_s2[13], sum_2_3_s2} + {sum_2_4_s2[13], sum_2_4_s2};
    wire signed [12:0] x_2_times_31 = {1'b0, x_2_s1, 5'd0} - {6'd0, x_2_s1};
    wire signed [10:0] x_4_times_7 = {1'b0, x_4_s1, 3'd0} - {4'd0, x_4_s1};
    wire [8:0] sum_3_0 = {2'd0, x_0_s1} + 9'he8;
    wire [9:0] sum_3_1 = {1'b0, x_1_s1, 2'd0} + {3'd0, x_5_s1};
    wire signed [9:0] sum_3_2 = sum_3_1 - {1'b0, sum_3_0};
    wire signed [12:0] sum_3_3 = {x_3_times_7[10], x_3_times_7, 1'b0} + {{2{x_4_times_7[10]}}, x_4_times_7};
    wire signed [13:0] sum_3_4 = {{4{sum_3_2[9]}}, sum_3_2} - {x_2_times_31[12], x_2_times_31};
    wire signed [13:0] sum_3 = {sum_3_3[12], sum_3_3} + sum_3_4;
    wire [9:0] x_0_times_21_0 = {3'd0, x_0_s1} + {1'b0, x_0_s1, 2'd0};
    wire [11:0] x_0_times_21 = {1'b0, x_0_s1, 4'd0} + {2'd0, x_0_times_21_0};
    wire signed [9:0] x_2_times_13_0 = {3'd0, x_2_s1} - {1'b0, x_2_s1, 2'd0};
    wire signed [12:0] x_2_times_13 = {2'd0, x_2_s1, 4'd0} + {{3{x_2_times_13_0[9]}}, x_2_times_13_0};
    wire [9:0] x_4_times_11_0 = {3'd0, x_4_s1} + {1'b0, x_4_s1, 2'd0};
    wire signed [11:0] x_4_times_11 = {1'b0, x_4_s1, 4'd0} - {2'd0, x_4_times_11_0};
    wire signed [10:0] x_5_times_7 = {1'b0, x_5_s1, 3'd0} - {4'd0, x_5_s1};
    wire [7:0] sum_4_0 = {1'b0, x_1_s1} + 8'h1a;
    wire [9:0] sum_4_1 = {3'd0, x_3_s1} + {sum_4_0, 2'd0};
    wire signed [10:0] sum_4_2 = {1'b0, sum_4_1} - x_5_times_7;
    wire signed [12:0] sum_4_3 = {x_4_times_11, 1'b0} - {1'b0, x_0_times_21};
    wire signed [12:0] sum_4_4 = {{2{sum_4_2[10]}}, sum_4_2} - x_2_times_13;
    wire signed [14:0] sum_4 = {{2{sum_4_3_s2[12]}}, sum_4_3_s2} + {sum_4_4_s2[12], sum_4_4_s2, 1'b0};
    wire signed [9:0] x_0_times_19_0 = {1'b0, x_0_s1, 2'd0} - {3'd0, x_0_s1};
    wire signed [12:0] x_0_times_19 = {2'd0, x_0_s1, 4'd0} + {{3{x_0_times_19_0[9]}}, x_0_times_19_0};
    wire [10:0] x_4_times_9 = {4'd0, x_4_s1} + {1'b0, x_4_s1, 3'd0};
    wire [9:0] x_5_times_5 = {3'd0, x_5_s1} + {1'b0, x_5_s1, 2'd0};
    wire [8:0] sum_5_0 = {1'b0, x_2_s1, 1'b0} + 9'h11;
    wire signed [12:0] sum_5_1 = {{3{x_3_times_3[9]}}, x_3_times_3} - {1'b0, sum_5_0, 3'd0};
    wire [10:0] sum_5_2 = x_1_times_9 + {1'b0, x_5_times_5};
    wire signed [11:0] sum_5_3 = {1'b0, x_4_times_9} - {1'b0, sum_5_2};
    wire signed [12:0] sum_5_4 = x_0_times_19 + sum_5_1;
    wire signed [13:0] sum_5 = {sum_5_3[11], sum_5_3, 1'b0} + {sum_5_4[12], sum_5_4};

    assign y = {sum_5_s2, sum_4[13:0], sum_3_s2, sum_2[13:0], sum_1_s2, sum_0_s2};

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
        x_0_s1 <= x_0;
        x_1_s1 <= x_1;
        x_3_s1 <= x_3;
        x_2_s1 <= x_2;
        x_5_s1 <= x_5;
        x_4_s1 <= x_4;
        sum_2_3_s2 <= sum_2_3;
        sum_2_4_s2 <= sum_2_4;
        sum_4_3_s2 <= sum_4_3;
        sum_4_4_s2 <= sum_4_4;
        sum_0_s2 <= sum_0;
        sum_1_s2 <= sum_1;
        sum_3_s2 <= sum_3;
        sum_5_s2 <= sum_5;
    end

    // Bits that are dropped on purpose: by rounding, by wrap-around, by zero weights.
    wire unused = &{1'b0, sum_2[14], sum_4[14]};
endmodule
