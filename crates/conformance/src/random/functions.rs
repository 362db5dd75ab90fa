//! Random activations, table functions, softmaxes and argmaxes: formats, modes, parameters.

use proptest::prelude::*;
use proptest::sample::select;
use rtl4ml_ir::{
    Argmax, Clamp, ClampKind, Constant, Curve, FixedType, Format, Function, LeakyRelu, Op,
    Overflow, ResultType, Rounding, Softmax, SoftmaxImplementation, SoftmaxTables, Step, StepKind,
    TableChoice, Value,
};

/// Formats with few bits and one, without a sign, and with all bits before or after the point.
fn format() -> impl Strategy<Value = Format> {
    let width = prop_oneof![4 => 2u32..10, 1 => Just(1u32), 1 => 10u32..16];
    (any::<bool>(), width, -3i32..5).prop_map(|(signed, width, offset)| Format {
        signed,
        width,
        integer_bits: (width as i32 / 2 + offset).clamp(-3, width as i32 + 2),
    })
}

/// A type of any modes.
pub fn fixed_type() -> impl Strategy<Value = FixedType> {
    let modes = (select(&Rounding::ALL[..]), select(&Overflow::ALL[..]));
    (format(), modes).prop_map(|(format, (rounding, overflow))| FixedType {
        format,
        rounding,
        overflow,
    })
}

fn result() -> impl Strategy<Value = ResultType> {
    proptest::option::weighted(0.7, fixed_type())
        .prop_map(|ty| ty.map_or(ResultType::Auto, ResultType::from))
}

fn leaky_relu() -> impl Strategy<Value = Op> {
    let alphas = proptest::collection::vec(-8i8..9, 4);
    (alphas, any::<bool>(), fixed_type(), result()).prop_map(|(alphas, one, ty, result)| {
        let numbers: Vec<f64> = alphas.iter().map(|alpha| f64::from(*alpha) / 8.0).collect();
        let alpha = if one {
            Constant::quantize([], &numbers[..1], ty).unwrap()
        } else {
            Constant::quantize([4], &numbers, ty).unwrap()
        };
        LeakyRelu { alpha, result }.into()
    })
}

fn clamp_or_step() -> impl Strategy<Value = Op> {
    let bound = (1i128..100, -1i32..6)
        .prop_map(|(mantissa, fraction_bits)| Value { mantissa, fraction_bits });
    let clamp = prop_oneof![
        bound.prop_map(ClampKind::BoundedRelu),
        Just(ClampKind::HardSigmoid),
        Just(ClampKind::HardTanh),
    ];
    let step = select(&[StepKind::BinaryTanh, StepKind::TernaryTanh][..]);
    prop_oneof![
        2 => (clamp, result()).prop_map(|(kind, result)| Clamp { kind, result }.into()),
        1 => (step, result()).prop_map(|(kind, result)| Step { kind, result }.into()),
    ]
}

fn curve() -> impl Strategy<Value = Curve> {
    let alpha = (-20i128..40, 0i32..5)
        .prop_map(|(mantissa, fraction_bits)| Value { mantissa, fraction_bits });
    let entries = proptest::collection::vec(-100i8..100, 1..40);
    let given = (entries, fixed_type(), -20i128..20, -1i32..4, -4i32..3).prop_map(
        |(entries, ty, low, fraction_bits, log2_step)| {
            let numbers: Vec<f64> = entries.iter().map(|entry| f64::from(*entry) / 16.0).collect();
            let entries = Constant::quantize([numbers.len()], &numbers, ty).unwrap();
            Curve::Given { entries, low: Value { mantissa: low, fraction_bits }, log2_step }
        },
    );
    prop_oneof![
        Just(Curve::Sigmoid),
        Just(Curve::Tanh),
        Just(Curve::Softplus),
        Just(Curve::Softsign),
        alpha.prop_map(|alpha| Curve::Elu { alpha }),
        Just(Curve::Selu),
        given,
    ]
}

fn function() -> impl Strategy<Value = Op> {
    let sizes = prop_oneof![1usize..100, select(&[1usize, 2, 64, 75, 256, 1024, 2000][..])];
    let fixed = (sizes, fixed_type()).prop_map(|(size, ty)| TableChoice::Fixed { size, ty });
    let ranged = (2usize..300, proptest::option::of(fixed_type()))
        .prop_map(|(max_size, ty)| TableChoice::Ranged { max_size, ty });
    (curve(), prop_oneof![fixed, ranged], result())
        .prop_map(|(curve, table, result)| Function { curve, table, result }.into())
}

fn softmax() -> impl Strategy<Value = Op> {
    let exact = (1u32..12, 1u32..9, 2usize..5000).prop_map(
        |(exp_bits, reciprocal_bits, max_table_size)| SoftmaxImplementation::Exact {
            exp_bits,
            reciprocal_bits,
            max_table_size,
        },
    );
    let tables = (0u32..9, fixed_type(), fixed_type(), fixed_type(), fixed_type()).prop_map(
        |(bits, exp_table, inv_table, inv_inp, accum)| SoftmaxTables {
            table_size: 1 << bits,
            exp_table,
            inv_table,
            inv_inp,
            accum,
        },
    );
    let legacy = (1usize..200, fixed_type())
        .prop_map(|(table_size, table)| SoftmaxImplementation::Legacy { table_size, table });
    let implementation = prop_oneof![
        4 => exact,
        5 => (tables, any::<bool>()).prop_map(|(tables, stable)| if stable {
            SoftmaxImplementation::Stable(tables)
        } else {
            SoftmaxImplementation::Latency(tables)
        }),
        1 => legacy,
        1 => Just(SoftmaxImplementation::Argmax),
    ];
    (implementation, result())
        .prop_map(|(implementation, result)| Softmax { implementation, result }.into())
}

/// An activation, a table function, a softmax or an argmax, for a last axis of four elements.
pub fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        2 => leaky_relu(),
        3 => clamp_or_step(),
        4 => function(),
        4 => softmax(),
        1 => Just(Op::from(Argmax)),
    ]
}
