// Layer relu1 of mixed_reuse: relu.
//   x: [6] of fixed<12,6>
//   y: [6] of ufixed<7,4>, cast to ufixed<7,4,RND,SAT>
// Element 0 is in the low bits; an element is as wide as its exact range needs.
// Combinational.
module mixed_reuse_relu1 (
    input  wire [71:0] x,
    output wire [41:0] y
);

    wire signed [11:0] x_0 = x[11:0];
    wire signed [11:0] x_1 = x[23:12];
    wire signed [11:0] x_2 = x[35:24];
    wire signed [11:0] x_3 = x[47:36];
    wire signed [11:0] x_4 = x[59:48];
    wire signed [11:0] x_5 = x[71:60];
    wire [10:0] x_0_rectified = x_0[11] ? 11'd0 : x_0[10:0];
    wire y_0_half = x_0_rectified[2];
    wire [7:0] y_0_floor = x_0_rectified[10:3];
    wire [7:0] y_0_rounded = y_0_floor + {7'd0, y_0_half};
    wire [6:0] y_0_kept = y_0_rounded[6:0];
    wire y_0_fits = ~(|y_0_rounded[7]);
    wire [6:0] y_0 = y_0_fits ? y_0_kept : 7'h7f;
    wire [10:0] x_1_rectified = x_1[11] ? 11'd0 : x_1[10:0];
    wire y_1_half = x_1_rectified[2];
    wire [7:0] y_1_floor = x_1_rectified[10:3];
    wire [7:0] y_1_rounded = y_1_floor + {7'd0, y_1_half};
    wire [6:0] y_1_kept = y_1_rounded[6:0];
    wire y_1_fits = ~(|y_1_rounded[7]);
    wire [6:0] y_1 = y_1_fits ? y_1_kept : 7'h7f;
    wire [10:0] x_2_rectified = x_2[11] ? 11'd0 : x_2[10:0];
    wire y_2_half = x_2_rectified[2];
    wire [7:0] y_2_floor = x_2_rectified[10:3];
    wire [7:0] y_2_rounded = y_2_floor + {7'd0, y_2_half};
    wire [6:0] y_2_kept = y_2_rounded[6:0];
    wire y_2_fits = ~(|y_2_rounded[7]);
    wire [6:0] y_2 = y_2_fits ? y_2_kept : 7'h7f;
    wire [10:0] x_3_rectified = x_3[11] ? 11'd0 : x_3[10:0];
    wire y_3_half = x_3_rectified[2];
    wire [8:0] y_3_floor = {1'b0, x_3_rectified[10:3]};
    wire [8:0] y_3_rounded = y_3_floor + {8'd0, y_3_half};
    wire [6:0] y_3_kept = y_3_rounded[6:0];
    wire y_3_fits = ~(|y_3_rounded[8:7]);
    wire [6:0] y_3 = y_3_fits ? y_3_kept : 7'h7f;
    wire [10:0] x_4_rectified = x_4[11] ? 11'd0 : x_4[10:0];
    wire y_4_half = x_4_rectified[2];
    wire [7:0] y_4_floor = x_4_rectified[10:3];
    wire [7:0] y_4_rounded = y_4_floor + {7'd0, y_4_half};
    wire [6:0] y_4_kept = y_4_rounded[6:0];
    wire y_4_fits = ~(|y_4_rounded[7]);
    wire [6:0] y_4 = y_4_fits ? y_4_kept : 7'h7f;
    wire [10:0] x_5_rectified = x_5[11] ? 11'd0 : x_5[10:0];
    wire y_5_half = x_5_rectified[2];
    wire [7:0] y_5_floor = x_5_rectified[10:3];
    wire [7:0] y_5_rounded = y_5_floor + {7'd0, y_5_half};
    wire [6:0] y_5_kept = y_5_rounded[6:0];
    wire y_5_fits = ~(|y_5_rounded[7]);
    wire [6:0] y_5 = y_5_fits ? y_5_kept : 7'h7f;

    assign y = {y_5, y_4, y_3, y_2, y_1, y_0};

    // Bits that are dropped on purpose: by rounding, by wrap-around, by zero weights.
    wire unused = &{1'b0, x_0_rectified[1:0], x_1_rectified[1:0], x_2_rectified[1:0], x_3_rectified[1:0],
        x_4_rectified[1:0], x_5_rectified[1:0]};
endmodule
