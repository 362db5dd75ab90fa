//! Tables over the range of the input: every input's entry is as near as the bound says.

use rtl4ml_ir::{
    Curve, FixedType, Format, Function, Op, Range, ResultType, Shape, TableChoice, TensorType,
    Value,
};

fn tensor(format: Format, range: Range) -> TensorType {
    TensorType::uniform(Shape::new([1]).unwrap(), format, vec![range])
}

/// The function by the standard library, for the whole of its domain.
fn exact(curve: &Curve, x: f64) -> f64 {
    match curve {
        Curve::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Curve::Tanh => x.tanh(),
        Curve::Softplus if x > 30.0 => x,
        Curve::Softplus => x.exp().ln_1p(),
        Curve::Softsign => x / (1.0 + x.abs()),
        Curve::Elu { .. } | Curve::Selu if x >= 0.0 => f64::NAN,
        Curve::Elu { alpha } => alpha.to_f64() * x.exp_m1(),
        Curve::Selu => 1.050_700_987_355_480_5 * 1.673_263_242_354_377_2 * x.exp_m1(),
        Curve::Given { .. } => unreachable!(),
    }
}

fn curves() -> Vec<Curve> {
    let alpha = Value { mantissa: 5, fraction_bits: 2 };
    vec![
        Curve::Sigmoid,
        Curve::Tanh,
        Curve::Softplus,
        Curve::Softsign,
        Curve::Elu { alpha },
        Curve::Selu,
    ]
}

/// Over all inputs: the largest error, what is promised, and the number of entries.
fn errors(
    curve: Curve,
    input: &TensorType,
    max_size: usize,
    ty: Option<&str>,
) -> (f64, f64, usize) {
    let ty: Option<FixedType> = ty.map(|ty| ty.parse().unwrap());
    let table = TableChoice::Ranged { max_size, ty };
    let function = Function { curve, table, result: ResultType::Auto };
    let tables = function.tables(input).unwrap();
    let fraction_bits = input.format(0).fraction_bits();
    let range = input.ranges[0];
    let hi = if function.curve.is_line_from_zero() { range.hi.min(-1) } else { range.hi };
    let table = tables.of(0).unwrap();
    let error = |mantissa| {
        let x = Value { mantissa, fraction_bits };
        (table.lookup(x).to_f64() - exact(&function.curve, x.to_f64())).abs()
    };
    let worst = (range.lo..=hi).map(error).fold(0.0, f64::max);
    (worst, tables.error_bound(), table.entries.len())
}

#[test]
fn the_bound_holds_for_every_input() {
    let formats = [
        Format::signed(8, 4),
        Format::signed(12, 5),
        Format::signed(13, 1),
        Format::signed(6, 7),
        Format::signed(1, 1),
        Format::signed(9, -1),
    ];
    for curve in curves() {
        for format in formats {
            for max_size in [4096, 256, 20] {
                for ty in [None, Some("fixed<14,6,RND,SAT>"), Some("fixed<8,6>")] {
                    let input = tensor(format, format.range());
                    let (worst, bound, entries) = errors(curve.clone(), &input, max_size, ty);
                    let what = format!("{} {format} {max_size} {ty:?}", curve.word());
                    assert!(worst <= bound + 1e-12, "{what}: {worst} > {bound}");
                    assert!(entries <= max_size, "{what}: {entries} entries");
                }
            }
        }
    }
}

/// One entry for each value: rounding to nearest is all that is lost.
#[test]
fn a_table_of_every_value_errs_by_half_a_step() {
    for curve in curves() {
        let format = Format::signed(10, 4);
        let (_, bound, entries) =
            errors(curve.clone(), &tensor(format, format.range()), 4096, None);
        assert!(bound <= 0.5 / 1024.0, "{}: {bound}", curve.word());
        assert_eq!(entries, if curve.is_line_from_zero() { 512 } else { 1024 });
    }
}

/// The range of the input, not its format, decides what is tabulated.
#[test]
fn a_narrow_range_in_a_wide_format_needs_few_entries() {
    let input = tensor(Format::signed(32, 8), Range::new(-40, 87));
    let (_, _, entries) = errors(Curve::Tanh, &input, 4096, Some("fixed<30,1,RND,SAT>"));
    assert_eq!(entries, 128);
}

/// Without any type the result has 10 bits after the point, and no more before it than needed.
#[test]
fn automatic_results_have_the_range_of_the_function() {
    let infer = |curve| {
        let table = TableChoice::Ranged { max_size: 4096, ty: None };
        let op = Op::from(Function { curve, table, result: ResultType::Auto });
        let format = Format::signed(10, 5);
        op.infer(&[&tensor(format, format.range())]).unwrap()
    };
    let sigmoid = infer(Curve::Sigmoid);
    assert_eq!(sigmoid.common_format(), Some(Format::unsigned(11, 1)));
    assert_eq!(sigmoid.ranges, [Range::new(0, 1024)]);
    assert_eq!(infer(Curve::Tanh).common_format(), Some(Format::signed(12, 2)));
}
