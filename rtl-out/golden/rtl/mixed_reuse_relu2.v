// Layer relu2 of mixed_reuse: relu.
//   x: [6] of fixed<15,7>
//   y: [6] of ufixed<8,5>, cast to ufixed<8,5,TRN,SAT>
// Element 0 is in the low bits; an element is as wide as its exact range needs.
// Latency 1 cycles, initiation interval 1 cycles.
module mixed_reuse_relu2 (
    input  wire clk,
    input  wire rst,
    input  wire in_valid,
    input  wire [85:0] x,
    output reg  out_valid,
    output wire [46:0] y
);
    reg [12:0] x_2_rectified_s1;
    reg [11:0] x_3_rectified_s1;
    reg [12:0] x_4_rectified_s1;
    reg [7:0] y_0_s1;
    reg [7:0] y_1_s1;
    reg [7:0] y_5_s1;

    wire signed [14:0] x_0 = x[14:0];
    wire signed [14:0] x_1 = x[29:15];
    wire signed [13:0] x_2 = x[43:30];
    wire signed [13:0] x_3 = x[57:44];
    wire signed [13:0] x_4 = x[71:58];
    wire signed [13:0] x_5 = x[85:72];
    wire [13:0] x_0_rectified = x_0[14] ? 14'd0 : x_0[13:0];
    wire [8:0] y_0_rounded = x_0_rectified[13:5];
    wire [7:0] y_0_kept = y_0_rounded[7:0];
    wire y_0_fits = ~(|y_0_rounded[8]);
    wire [7:0] y_0 = y_0_fits ? y_0_kept : 8'hff;
    wire [13:0] x_1_rectified = x_1[14] ? 14'd0 : x_1[13:0];
    wire [8:0] y_1_rounded = x_1_rectified[13:5];
    wire [7:0] y_1_kept = y_1_rounded[7:0];
    wire y_1_fits = ~(|y_1_rounded[8]);
    wire [7:0] y_1 = y_1_fits ? y_1_kept : 8'hff;
    wire [12:0] x_2_rectified = x_2[13] ? 13'd0 : x_2[12:0];
    wire [7:0] y_2_rounded = x_2_rectified_s1[12:5];
    wire [7:0] y_2 = y_2_rounded;
    wire [11:0] x_3_rectified = x_3[13] ? 12'd0 : x_3[11:0];
    wire [6:0] y_3_rounded = x_3_rectified_s1[11:5];
    wire [6:0] y_3 = y_3_rounded;
    wire [12:0] x_4_rectified = x_4[13] ? 13'd0 : x_4[12:0];
    wire [7:0] y_4_rounded = x_4_rectified_s1[12:5];
    wire [7:0] y_4 = y_4_rounded;
    wire [12:0] x_5_rectified = x_5[13] ? 13'd0 : x_5[12:0];
    wire [7:0] y_5_rounded = x_5_rectified[12:5];
    wire [7:0] y_5 = y_5_rounded;

    assign y = {y_5_s1, y_4, y_3, y_2, y_1_s1, y_0_s1};

    always @(posedge clk) begin
        if (rst) begin
            out_valid <= 1'b0;
        end else begin
            out_valid <= in_valid;
        end
    end

    always @(posedge clk) begin
        x_2_rectified_s1 <= x_2_rectified;
        x_3_rectified_s1 <= x_3_rectified;
        x_4_rectified_s1 <= x_4_rectified;
        y_0_s1 <= y_0;
        y_1_s1 <= y_1;
        y_5_s1 <= y_5;
    end

    // Bits that are dropped on purpose: by rounding, by wrap-around, by zero weights.
    wire unused = &{1'b0, x_3[12], x_0_rectified[4:0], x_1_rectified[4:0], x_2_rectified_s1[4:0],
        x_3_rectified_s1[4:0], x_4_rectified_s1[4:0], x_5_rectified[4:0]};
endmodule
