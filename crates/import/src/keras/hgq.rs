//! HGQ2's quantisers: fixed-point types of which each element of a tensor may have its own.
//!
//! A quantiser is trained with its layer, so that what it is stands among the numbers: k says
//! whether there is a sign, i the bits before the point without it, and f or b - i those after
//! it, each rounded to an integer. An element whose k + i + f is not above 0 is the constant 0.
//! Weights become the numbers that their quantiser makes of them; signals are cast.

use std::rc::Rc;

use rtl4ml_ir::fixed::{MAX_INTEGER_BITS, MAX_WIDTH, from_f64_exact};
use rtl4ml_ir::{FixedType, Format, Overflow, Rounding};
use serde_json::{Map, Value};

use super::config::class_name;
use crate::builder::{Builder, Signal};
use crate::error::{Lowered, refuse};
use crate::tensor::{Grid, Tensor};
use crate::types::{common_fraction_bits, exp2, extremes, format_holding};

/// The layers that are imported, without the Q before them.
const LAYERS: [&str; 21] = [
    "Dense",
    "EinsumDense",
    "BatchNormDense",
    "Conv1D",
    "Conv2D",
    "BatchNormalization",
    "Add",
    "Subtract",
    "Multiply",
    "Maximum",
    "Minimum",
    "MaxPooling1D",
    "MaxPooling2D",
    "AveragePooling1D",
    "AveragePooling2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "UnaryFunctionLUT",
    "Softmax",
];

/// What a layer of HGQ2 is without its quantisers.
pub fn plain_class(class: &str) -> Lowered<&str> {
    let plain = class.strip_prefix('Q').filter(|plain| LAYERS.contains(plain));
    match plain {
        Some("UnaryFunctionLUT") => Ok("Activation"),
        Some(plain) => Ok(plain),
        None if class == "Quantizer" => Ok(class),
        None => refuse(format!(
            "HGQ2's {class} is not imported; dense layers, convolutions, normalisations, pooling, sums, products, functions and softmax are: use those, or export to QONNX"
        )),
    }
}

/// A quantiser: its types, with extents that broadcast to those of a tensor without the batch.
#[derive(Debug)]
pub struct Quantizer {
    extents: Vec<usize>,
    types: Vec<FixedType>,
    /// The bits after the point, also of elements that are 0.
    fractions: Vec<i32>,
    /// Whether it leaves the range to the integers that the weights have: a wrapping type whose
    /// range is found by looking at them.
    is_open: bool,
}

impl Quantizer {
    /// Reads a quantiser from its configuration and its numbers.
    pub fn read(config: &Value, numbers: &[Tensor]) -> Lowered<Self> {
        if class_name(config) != Some("QuantizerConfig") {
            return refuse("its quantiser has no QuantizerConfig");
        }
        let empty = Map::new();
        let config = config.get("config").and_then(Value::as_object).unwrap_or(&empty);
        let word = |key: &str| config.get(key).and_then(Value::as_str).unwrap_or_default();
        let flag = |key: &str, default| config.get(key).and_then(Value::as_bool).unwrap_or(default);
        for key in ["scaler", "affine"] {
            if config.get(key).is_some_and(|value| !value.is_null()) {
                return refuse(format!("a quantiser with `{key}` is not imported"));
            }
        }
        let (rounding, overflow) =
            (rounding(word("round_mode"))?, overflow(word("overflow_mode"))?);
        let is_trained = flag("trainable", true);
        let wraps = overflow == Overflow::Wrap;
        // Numbers that are trained come first; a range that wraps is found, not trained.
        let places = match (word("q_type"), wraps) {
            ("kif", true) => ["f", "k", "i"],
            ("kif", false) => ["i", "f", "k"],
            ("kbi", true) => ["b", "k", "i"],
            ("kbi", false) => ["b", "i", "k"],
            (other, _) => {
                return refuse(format!(
                    "a quantiser of the type `{other}` is not imported; kif and kbi are"
                ));
            }
        };
        let places = match (is_trained, word("q_type")) {
            (true, _) => places,
            (false, "kif") => ["k", "i", "f"],
            (false, _) => ["k", "b", "i"],
        };
        let part = |name: &str| {
            places.iter().position(|place| *place == name).and_then(|at| numbers.get(at))
        };
        let bits = |name: &str| part(name).map(|tensor| tensor.map(libm::rint));
        let (Some(k), Some(i)) = (bits("k"), bits("i")) else {
            return refuse("the numbers of its quantiser are missing in the file");
        };
        let Some(f) = bits("f").or_else(|| {
            let b = bits("b").filter(|b| b.extents == i.extents)?;
            let pairs = b.numbers.iter().zip(i.numbers.iter());
            Tensor::new(b.extents.clone(), pairs.map(|(b, i)| b - i).collect())
        }) else {
            return refuse("the numbers of its quantiser are missing in the file");
        };
        if k.extents != i.extents || k.extents != f.extents {
            return refuse("the numbers of its quantiser have other extents than each other");
        }
        let of_place = k.numbers.iter().zip(i.numbers.iter()).zip(f.numbers.iter());
        let types: Lowered<Vec<FixedType>> = of_place
            .map(|((k, i), f)| {
                Ok(FixedType::from(format(*k, *i, *f)?).with_modes(rounding, overflow))
            })
            .collect();
        let cuts = rounding != Rounding::Rnd;
        let is_open = wraps && is_trained && flag("is_weight", false);
        let is_open = is_open && !(word("q_type") == "kbi" && cuts);
        let types = types?;
        let fractions = f.numbers.iter().map(|f| *f as i32).collect();
        Ok(Self { extents: k.extents, types, fractions, is_open })
    }

    /// A quantiser of these types.
    pub fn of_types(extents: Vec<usize>, types: Vec<FixedType>) -> Self {
        let fractions = types.iter().map(|ty| ty.fraction_bits()).collect();
        Self { extents, types, fractions, is_open: false }
    }

    /// The place of each element of a tensor, row-major; the extents of the quantiser may have a
    /// batch of 1 in front.
    fn over(&self, extents: &[usize]) -> Lowered<Vec<usize>> {
        let own = match self.extents.split_first() {
            Some((1, rest)) if self.extents.len() == extents.len() + 1 => rest,
            _ => &self.extents,
        };
        if !rtl4ml_ir::tensor::broadcasts(own, extents) {
            return refuse(format!("its quantiser is for {own:?}, not for {extents:?}"));
        }
        Ok(rtl4ml_ir::tensor::broadcast_indices(own, extents))
    }

    /// What it makes of trained numbers, which are in single precision.
    pub fn apply(&self, numbers: &Tensor) -> Lowered<Tensor> {
        let places = self.over(&numbers.extents)?;
        let quantised = |(number, place): (&f64, usize)| {
            let ty = self.types[place];
            let step = exp2(-self.fractions[place]);
            let rounded = || f64::from(round(ty.rounding, (number / step) as f32)) * step;
            match from_f64_exact(rounded()) {
                _ if self.is_open => rounded(),
                Ok(exact) if ty.format.width > 0 => ty.format.to_f64(ty.cast(exact)),
                _ => 0.0,
            }
        };
        let quantised: Vec<f64> = numbers.numbers.iter().zip(places).map(quantised).collect();
        Ok(exact(numbers.extents.clone(), quantised))
    }

    /// A signal, cast.
    pub fn lower(&self, builder: &mut Builder, x: &Signal) -> Lowered<Signal> {
        let x = builder.materialized(x.clone())?;
        let places = self.over(&x.extents)?;
        let types: Vec<FixedType> = places.into_iter().map(|place| self.types[place]).collect();
        builder.cast_elements(&x, &types)
    }
}

/// Numbers that a quantiser made, with a type that holds all of them exactly, so that nothing is
/// rounded once more.
pub fn exact(extents: Vec<usize>, numbers: Vec<f64>) -> Tensor {
    let fraction = common_fraction_bits(&numbers);
    let (lo, hi) = extremes(&numbers);
    let grid = format_holding(lo, hi, fraction, 32).map(|format| Grid {
        steps: Rc::new(vec![exp2(-fraction)]),
        integers: Format { integer_bits: format.width as i32, ..format },
    });
    Tensor { extents, numbers: Rc::new(numbers), grid, is_integer: false }
}

/// The format of k, i and f.
fn format(k: f64, i: f64, f: f64) -> Lowered<Format> {
    let width = k + i + f;
    let is_legal = (k == 0.0 || k == 1.0)
        && width <= f64::from(MAX_WIDTH)
        && i.abs().max(f.abs()) < f64::from(MAX_INTEGER_BITS);
    if !is_legal {
        return refuse(format!("its quantiser has k {k}, i {i} and f {f}, which is no type"));
    }
    let width = width.max(0.0) as u32;
    Ok(Format { signed: k == 1.0, width, integer_bits: (k + i) as i32 })
}

/// A rounding by HGQ's name; the stochastic ones are for training only.
pub fn rounding(name: &str) -> Lowered<Rounding> {
    let plain = name.strip_prefix("S_").unwrap_or(name);
    match Rounding::ALL.into_iter().find(|mode| mode.name() == plain) {
        Some(mode) => Ok(mode),
        None => refuse(format!("its quantiser rounds by `{name}`, which is unknown")),
    }
}

/// An overflow mode by HGQ's name.
pub fn overflow(name: &str) -> Lowered<Overflow> {
    match name {
        "WRAP" => Ok(Overflow::Wrap),
        "SAT" => Ok(Overflow::Sat),
        "SAT_SYM" => Ok(Overflow::SatSym),
        _ => refuse(format!(
            "its quantiser saturates by `{name}`; WRAP, SAT and SAT_SYM are imported"
        )),
    }
}

/// Rounds a number in units of its step as HGQ2 does, in single precision: the sum with a half is
/// rounded too.
pub fn round(mode: Rounding, x: f32) -> f32 {
    let sign = if x < 0.0 { -1.0 } else { 1.0 };
    match mode {
        Rounding::Trn => x.floor(),
        Rounding::TrnZero => x.trunc(),
        Rounding::Rnd => (x + 0.5).floor(),
        Rounding::RndMinInf => -(-x + 0.5).floor(),
        Rounding::RndInf => (x.abs() + 0.5).floor() * sign,
        Rounding::RndZero => -(-x.abs() + 0.5).floor() * sign,
        Rounding::RndConv => x.round_ties_even(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(numbers: &[f64]) -> Tensor {
        Tensor::new(vec![numbers.len()], numbers.to_vec()).unwrap()
    }

    fn config(q_type: &str, round: &str, overflow: &str, is_weight: bool) -> Value {
        serde_json::json!({"class_name": "QuantizerConfig", "config": {
            "q_type": q_type, "round_mode": round, "overflow_mode": overflow, "trainable": true,
            "is_weight": is_weight
        }})
    }

    #[test]
    fn numbers_come_in_the_order_in_which_they_are_trained() {
        let [one, two, zero] = [[1.0, 0.0], [2.0, 3.2], [0.0, -3.0]].map(|n| tensor(&n));
        let kif = |overflow, numbers: [&Tensor; 3]| {
            let numbers = numbers.map(Clone::clone);
            Quantizer::read(&config("kif", "RND", overflow, false), &numbers).unwrap().types
        };
        let expected = ["fixed<3,3,RND>", "ufixed<0,3,RND>"];
        let text =
            |types: Vec<FixedType>| types.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(text(kif("WRAP", [&zero, &one, &two])), expected);
        let expected = ["fixed<3,3,RND,SAT>", "ufixed<0,3,RND,SAT>"];
        assert_eq!(text(kif("SAT", [&two, &zero, &one])), expected);
        let kbi = config("kbi", "TRN", "SAT_SYM", true);
        let types = Quantizer::read(&kbi, &[tensor(&[5.0]), tensor(&[2.0]), tensor(&[1.0])]);
        assert_eq!(text(types.unwrap().types), ["fixed<6,3,TRN,SAT_SYM>"]);
    }

    #[test]
    fn weights_are_rounded_as_in_single_precision() {
        let numbers = [tensor(&[4.0, 4.0]), tensor(&[1.0, 1.0]), tensor(&[1.0, 1.0])];
        let of = |overflow, is_weight| {
            let config = config("kbi", "RND", overflow, is_weight);
            // kbi with WRAP has k before i, and both are 1 here.
            let quantizer = Quantizer::read(&config, &numbers).unwrap();
            quantizer.apply(&tensor(&[-0.3125, 5.0])).unwrap().numbers.to_vec()
        };
        assert_eq!(of("SAT", true), [-0.25, 1.875]);
        assert_eq!(of("WRAP", true), [-0.25, 5.0]);
        assert_eq!(of("WRAP", false), [-0.25, 1.0]);
    }

    #[test]
    fn what_is_no_fixed_point_type_is_refused_by_name() {
        let numbers = [tensor(&[1.0]), tensor(&[1.0]), tensor(&[1.0])];
        for (config, told) in [
            (config("float", "RND", "SAT", false), "type `float`"),
            (config("kif", "RND", "WRAP_SM", false), "`WRAP_SM`"),
            (config("kif", "NEAREST", "SAT", false), "`NEAREST`"),
        ] {
            let reason = Quantizer::read(&config, &numbers).unwrap_err().0;
            assert!(reason.contains(told), "{reason}");
        }
        let broken = [tensor(&[1.0]), tensor(&[99.0]), tensor(&[1.0])];
        assert!(Quantizer::read(&config("kif", "RND", "SAT", false), &broken).is_err());
        assert!(Quantizer::read(&config("kif", "RND", "SAT", false), &[]).is_err());
        assert!(plain_class("QGRU").is_err() && plain_class("QDense").is_ok());
    }
}
