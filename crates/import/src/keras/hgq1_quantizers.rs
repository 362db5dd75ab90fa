//! Quantisers of HGQ's first version.
//!
//! Those of a model say how many bits after the point each element keeps, and whether it is
//! rounded or cut; how many there are before the point is found by running the model on data, and
//! stands in no file. Those of a proxy model are whole types.

use rtl4ml_ir::range::Range;
use rtl4ml_ir::tensor::{broadcast_indices, broadcasts};
use rtl4ml_ir::{FixedType, Format, Overflow, Rounding};
use serde_json::Value;

use super::hgq::{exact, round};
use crate::builder::{Builder, Signal};
use crate::error::{Lowered, refuse};
use crate::tensor::Tensor;
use crate::types::exp2;

/// The most bits after the point, or before it where there are fewer than none after it.
const MAX_BITS: f64 = 64.0;

/// How many bits after the point the places of a tensor keep.
#[derive(Clone, Debug, PartialEq)]
pub struct Fractions {
    extents: Vec<usize>,
    bits: Vec<i32>,
    rounding: Rounding,
}

impl Fractions {
    /// Reads a quantiser from its configuration and its numbers. `can_round` says whether one that
    /// is to choose (`auto`) rounds.
    pub fn read(config: Option<&Value>, numbers: &Tensor, can_round: bool) -> Lowered<Self> {
        let get = |key: &str| config.and_then(|config| config.get(key));
        let cuts = match get("rnd_strategy") {
            Some(Value::String(word)) => word == "floor" || (word == "auto" && !can_round),
            // What is random in training rounds when the model is used.
            Some(number) => number.as_i64() == Some(3),
            None => return refuse("the configuration of its quantiser is missing"),
        };
        let ends = get("bw_clip").and_then(Value::as_array).map(Vec::as_slice);
        let (least, most) = match ends {
            Some([least, most]) => (least.as_f64(), most.as_f64()),
            _ => (None, None),
        };
        let clipped = |bits: &f64| {
            libm::rint(bits.max(least.unwrap_or(f64::MIN)).min(most.unwrap_or(f64::MAX)))
        };
        let bits: Vec<f64> = numbers.numbers.iter().map(clipped).collect();
        if let Some(bits) = bits.iter().find(|bits| bits.is_nan() || bits.abs() > MAX_BITS) {
            return refuse(format!("its quantiser keeps {bits} bits after the point"));
        }
        Ok(Self {
            extents: numbers.extents.clone(),
            bits: bits.into_iter().map(|bits| bits as i32).collect(),
            rounding: if cuts { Rounding::Trn } else { Rounding::Rnd },
        })
    }

    /// Those of a bias, one for each channel: the most of all that are added to it.
    pub fn of_channels(&self) -> Self {
        let channels = self.extents.last().copied().unwrap_or(1);
        let most = |channel| self.bits.iter().skip(channel).step_by(channels).copied().max();
        let bits = (0..channels).filter_map(most).collect();
        Self { extents: vec![channels], bits, rounding: self.rounding }
    }

    /// The bits of each element of a tensor, row-major; the quantiser's extents may have a batch of
    /// 1 in front.
    fn over(&self, extents: &[usize]) -> Lowered<Vec<i32>> {
        let own = match self.extents.split_first() {
            Some((1, rest)) if self.extents.len() == extents.len() + 1 => rest,
            _ => &self.extents,
        };
        if !broadcasts(own, extents) {
            return refuse(format!("its quantiser is for {own:?}, not for {extents:?}"));
        }
        Ok(broadcast_indices(own, extents).into_iter().map(|place| self.bits[place]).collect())
    }

    /// What it makes of trained numbers, which are in single precision.
    pub fn apply(&self, numbers: &Tensor) -> Lowered<Tensor> {
        let bits = self.over(&numbers.extents)?;
        let quantised = |(number, bits): (&f64, i32)| {
            let step = exp2(-bits);
            f64::from(round(self.rounding, (number / step) as f32)) * step
        };
        let quantised = numbers.numbers.iter().zip(bits).map(quantised).collect();
        Ok(exact(numbers.extents.clone(), quantised))
    }

    /// A signal, rounded, in types that hold all that it can be; of an input, all that the type of
    /// inputs holds; of what was measured, that with some room.
    pub fn lower(&self, builder: &mut Builder, x: &Signal) -> Lowered<Signal> {
        let x = builder.materialized(x.clone())?;
        let bits = self.over(&x.extents)?;
        let measured = builder.measured_range(&x);
        let is_input = builder.has_chosen_input_type(&x);
        let channels = x.channels();
        let format = |(element, bits): (usize, i32)| {
            let (lo, hi) = x.bounds[element % channels];
            let (least, most) = measured.unwrap_or((lo, hi));
            let (lo, hi) = (lo.max(least), hi.min(most));
            // An input gets no bit for what rounds up to beyond the type of inputs.
            let hi = if is_input { (hi * exp2(bits)).floor() * exp2(-bits) } else { hi };
            self.holding(lo.min(hi), hi.max(lo), bits)
        };
        let formats: Option<Vec<Format>> = bits.into_iter().enumerate().map(format).collect();
        let is_limited = is_input || measured.is_some();
        let overflow = if is_limited { Overflow::Sat } else { Overflow::Wrap };
        let Some(formats) = formats else {
            return refuse("its values need types of more than 64 bits");
        };
        let of = |format| FixedType::from(format).with_modes(self.rounding, overflow);
        let types: Vec<FixedType> = formats.into_iter().map(of).collect();
        builder.cast_elements(&x, &types)
    }

    /// The format of all numbers from `lo` to `hi`, rounded; without bits where all become 0.
    fn holding(&self, lo: f64, hi: f64, bits: i32) -> Option<Format> {
        let half = if self.rounding == Rounding::Rnd { 0.5 } else { 0.0 };
        let rounded = |x: f64| (x * exp2(bits) + half).floor();
        let (lo, hi) = (rounded(lo), rounded(hi));
        if lo.abs().max(hi.abs()) > exp2(64) {
            return None;
        }
        let format = Format::holding(Range::new(lo as i128, hi as i128), bits);
        Some(format).filter(|format| format.is_legal())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::builder::Options;

    fn tensor(extents: &[usize], numbers: &[f64]) -> Tensor {
        Tensor::new(extents.to_vec(), numbers.to_vec()).unwrap()
    }

    #[test]
    fn bits_are_clipped_and_rounded_to_even() {
        let config = json!({"rnd_strategy": "standard_round", "bw_clip": [-2, 3]});
        let numbers = tensor(&[1, 4], &[0.5, 1.5, 9.0, -9.0]);
        let fractions = Fractions::read(Some(&config), &numbers, true).unwrap();
        assert_eq!((fractions.bits, fractions.rounding), (vec![0, 2, 3, -2], Rounding::Rnd));
        let infinite = tensor(&[1], &[f64::INFINITY]);
        let free = json!({"rnd_strategy": 0, "bw_clip": null});
        assert!(Fractions::read(Some(&free), &infinite, true).is_err());
        assert!(Fractions::read(None, &infinite, true).is_err());
    }

    #[test]
    fn strategies_round_or_cut() {
        let rounds = |strategy: Value, can_round| {
            let config = json!({"rnd_strategy": strategy});
            let read = Fractions::read(Some(&config), &tensor(&[1], &[0.0]), can_round);
            read.unwrap().rounding == Rounding::Rnd
        };
        assert!(rounds(json!("stochastic_round"), false) && rounds(json!(1), false));
        assert!(!rounds(json!("floor"), true) && !rounds(json!(3), true));
        assert!(rounds(json!("auto"), true) && !rounds(json!("auto"), false));
    }

    #[test]
    fn trained_numbers_and_biases_are_rounded() {
        let config = json!({"rnd_strategy": "standard_round"});
        let bits = tensor(&[1, 2, 2], &[1.0, 0.0, 2.0, -1.0]);
        let fractions = Fractions::read(Some(&config), &bits, true).unwrap();
        let numbers = fractions.apply(&tensor(&[2, 2], &[0.3, 0.5, -0.375, 2.9])).unwrap();
        assert_eq!(numbers.numbers.to_vec(), [0.5, 1.0, -0.25, 2.0]);
        assert_eq!(fractions.of_channels().bits, [2, 0]);
        assert!(fractions.apply(&tensor(&[3], &[0.0; 3])).is_err());
    }

    #[test]
    fn inputs_have_the_range_of_their_type_and_what_it_is_cut_to() {
        let config = json!({"rnd_strategy": "floor"});
        let fractions = Fractions::read(Some(&config), &tensor(&[1, 2], &[2.0, -8.0]), true);
        let mut builder = Builder::new(Options::default());
        let x = builder.input("x", vec![2]).unwrap();
        let y = fractions.unwrap().lower(&mut builder, &x).unwrap();
        let types = builder.draft.layers[0].result.clone().unwrap();
        let text: Vec<String> = types.all().iter().map(ToString::to_string).collect();
        // A number below 0 is cut to a whole step of 256.
        assert_eq!(text, ["fixed<8,6,TRN,SAT>", "fixed<1,9,TRN,SAT>"]);
        assert_eq!(y.bounds[1], (-256.0, 0.0));
    }

    #[test]
    fn formats_hold_what_rounding_gives_and_nothing_for_zeros() {
        let config = json!({"rnd_strategy": "standard_round"});
        let fractions = Fractions::read(Some(&config), &tensor(&[1], &[0.0]), true).unwrap();
        let text = |lo, hi, bits| {
            let format = fractions.holding(lo, hi, bits).unwrap();
            FixedType::from(format).to_string()
        };
        assert_eq!(text(-1.0, 0.9, 2), "fixed<4,2>");
        assert_eq!(text(0.0, 7.9, 1), "ufixed<5,4>");
        assert_eq!(fractions.holding(-0.25, 0.2, 1).unwrap().width, 0);
        assert!(fractions.holding(-1.0, exp2(60), 10).is_none());
    }
}
