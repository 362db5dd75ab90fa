//! Layers of HGQ's first version, which is for Keras 2: those of its models, and those of the
//! proxy models that it makes of them for hls4ml.
//!
//! A proxy has Keras' own layers with whole types between them, so that nothing is left to find. A
//! model rounds each element to bits after the point of its own, and has no limits; so the types
//! that it becomes hold whatever can come, and give what the model itself gives.

use rtl4ml_ir::{FixedType, Format, Overflow, Rounding};
use serde_json::Value;

use super::config::{Call, Layer};
use super::hgq::{Quantizer, exact, overflow, rounding};
use super::hgq1_quantizers::Fractions;
use super::layers::Lowering;
use crate::builder::Signal;
use crate::error::{Lowered, refuse};
use crate::tensor::Tensor;
use crate::types::{common_fraction_bits, exp2};

/// Layers with quantisers, and what they are without them.
const QUANTIZED: [(&str, &str); 8] = [
    ("HDense", "Dense"),
    ("HDenseBatchNorm", "Dense"),
    ("HConv1D", "Conv1D"),
    ("HConv1DBatchNorm", "Conv1D"),
    ("HConv2D", "Conv2D"),
    ("HConv2DBatchNorm", "Conv2D"),
    ("HActivation", "Activation"),
    ("HAdd", "Add"),
];

/// Layers that leave numbers as they are, without the P before them.
const PASSIVE: [&str; 8] = [
    "Reshape",
    "Flatten",
    "Concatenate",
    "MaxPooling1D",
    "MaxPooling2D",
    "AveragePooling1D",
    "AveragePooling2D",
    "Permute",
];

/// Whether a layer rounds to bits after the point alone, as those of a model do and those of a
/// proxy do not.
pub fn has_no_range(layer: &Layer) -> bool {
    layer.class == "HQuantize" || QUANTIZED.iter().any(|(class, _)| *class == layer.class)
}

/// The names of a layer's numbers in the order in which a `.keras` file numbers them, those that
/// are trained first, without those that are single.
pub fn order(layer: &Layer) -> Vec<&'static str> {
    match layer.class.as_str() {
        "FixedPointQuantizer" => return vec!["keep_negative", "bits", "integers"],
        "UnaryLUT" => return vec!["table"],
        _ => {}
    }
    let is_trained = |key: &str| {
        let own = layer.get(key).and_then(|config| config.get("trainable"));
        layer.flag("trainable", true) && own.and_then(Value::as_bool).unwrap_or(true)
    };
    let has_kernel = layer.get("kernel_initializer").is_some();
    let has_bias = has_kernel && layer.flag("use_bias", true);
    let is_normalised = layer.class.ends_with("BatchNorm");
    let kernel_is_trained = is_trained("kq_conf");
    let result_is_trained = is_trained("paq_conf");
    let names = [
        ("kernel", has_kernel),
        ("bias", has_bias),
        ("kernel_bw", has_kernel && kernel_is_trained),
        ("activation_bw", result_is_trained),
        ("bn_beta", is_normalised && has_bias),
        ("bn_gamma", is_normalised),
        ("kernel_bw", has_kernel && !kernel_is_trained),
        ("activation_bw", !result_is_trained),
        ("moving_mean", is_normalised && has_bias),
        ("moving_variance", is_normalised),
    ];
    names.into_iter().filter_map(|(name, is_there)| is_there.then_some(name)).collect()
}

impl Lowering<'_> {
    /// A layer of HGQ.
    pub fn of_hgq(&mut self, call: &Call, inputs: &[Signal]) -> Lowered<Signal> {
        let class = self.layer.class.as_str();
        match (class, inputs) {
            ("FixedPointQuantizer", [x]) => self.fixed_point()?.lower(self.builder, x),
            ("Signature", [x]) => self.signature()?.lower(self.builder, x),
            ("UnaryLUT", [x]) => self.lookup(x),
            ("HQuantize", [x]) => self.fractions()?.lower(self.builder, x),
            ("PDropout", [x]) => Ok(x.clone()),
            _ => {
                let passive = class.strip_prefix('P').filter(|plain| PASSIVE.contains(plain));
                if let Some(plain) = passive {
                    return self.operation(plain, call, inputs);
                }
                let Some((_, plain)) = QUANTIZED.iter().find(|(quantized, _)| *quantized == class)
                else {
                    return refuse(format!(
                        "HGQ's {class} is not imported; dense layers, convolutions, their fused normalisations, activations, sums, pooling and what moves elements are: save what HGQ's to_proxy_model makes of the model, if it takes it"
                    ));
                };
                let y = self.without_activation(plain, call, inputs)?;
                let y = self.fractions()?.lower(self.builder, &y)?;
                if *plain == "Activation" { Ok(y) } else { self.activated(&y) }
            }
        }
    }

    /// A kernel or a bias as it is when the model is used: with the normalisation that comes after
    /// it, quantised.
    pub fn deployed(&self, name: &str) -> Lowered<Tensor> {
        let Some(tensor) = self.weights.get(name) else {
            return refuse(format!("its {name} is missing in the weights"));
        };
        let channels = tensor.extents.last().copied().unwrap_or(1);
        let (scale, shift) = self.normalisation(channels)?;
        if name == "kernel" {
            let scaled = |(index, number): (usize, &f64)| match &scale {
                Some(scale) => f64::from(*number as f32 * scale[index % channels]),
                None => *number,
            };
            let numbers = tensor.numbers.iter().enumerate().map(scaled).collect();
            let Some(bits) = self.weights.get("kernel_bw") else {
                return refuse("the bits of its kernel are missing in the weights");
            };
            let fractions = Fractions::read(self.layer.get("kq_conf"), bits, true)?;
            return fractions.apply(&exact(tensor.extents.clone(), numbers));
        }
        let shifted = |(index, number): (usize, &f64)| match &shift {
            Some((mean, beta)) => {
                let channel = index % channels;
                let scale = scale.as_ref().map_or(1.0, |scale| scale[channel]);
                f64::from(*number as f32 - mean[channel] * scale + beta[channel])
            }
            None => *number,
        };
        let numbers = tensor.numbers.iter().enumerate().map(shifted).collect();
        self.fractions()?.of_channels().apply(&exact(tensor.extents.clone(), numbers))
    }

    /// What a fused normalisation multiplies each channel by, and the means that it takes away and
    /// the numbers that it adds. All as HGQ computes it, in single precision.
    fn normalisation(&self, channels: usize) -> Lowered<(Option<Vec<f32>>, Option<Shift>)> {
        let numbers = |name: &str| {
            let tensor = self.weights.get(name)?;
            Some(tensor.numbers.iter().map(|number| *number as f32).collect::<Vec<f32>>())
        };
        if !self.layer.class.ends_with("BatchNorm") {
            return Ok((None, None));
        }
        // HGQ does not write it, and has the default when it reads its own files.
        let epsilon = self.layer.number("epsilon", 1e-3) as f32;
        let scale = numbers("bn_gamma").zip(numbers("moving_variance"));
        let shift = numbers("moving_mean").zip(numbers("bn_beta"));
        let pairs = [&scale, &shift].into_iter().flatten();
        if pairs.into_iter().any(|(a, b)| a.len() != channels || b.len() != channels) {
            return refuse("its statistics are not one for each channel");
        }
        let scale = scale.map(|(gamma, variance)| {
            let pairs = gamma.into_iter().zip(variance);
            pairs.map(|(gamma, variance)| gamma * (1.0 / (variance + epsilon).sqrt())).collect()
        });
        Ok((scale, shift))
    }

    /// How its results are rounded.
    fn fractions(&self) -> Lowered<Fractions> {
        let Some(bits) = self.weights.get("activation_bw") else {
            return refuse("the bits of its results are missing in the weights");
        };
        let can_round = match self.weights.get("bias") {
            // Rounding is cutting what a half was added to, which a bias can do.
            Some(bias) => {
                let (last, others) = bits.extents.split_last().unwrap_or((&1, &[]));
                bits.numbers.len() == 1
                    || (others.iter().all(|extent| *extent == 1) && bias.extents == [*last])
            }
            None => self.layer.class == "HActivation",
        };
        Fractions::read(self.layer.get("paq_conf"), bits, can_round)
    }

    /// The types of a proxy's quantiser.
    fn fixed_point(&self) -> Lowered<Quantizer> {
        let part = |name: &str| match self.weights.get(name) {
            Some(tensor) => Ok(tensor),
            None => refuse("the numbers of its quantiser are missing in the file"),
        };
        let modes = (
            rounding(self.layer.text("RND").unwrap_or_default())?,
            overflow(self.layer.text("SAT").unwrap_or_default())?,
        );
        whole_types([part("keep_negative")?, part("bits")?, part("integers")?], modes)
    }

    /// The types that a model says its inputs have.
    fn signature(&self) -> Lowered<Quantizer> {
        let part = |name: &str| match self.layer.get(name).and_then(numbers_of) {
            Some(tensor) => Ok(tensor),
            None => refuse(format!("its {name} are no numbers")),
        };
        let parts = [part("keep_negative")?, part("bits")?, part("int_bits")?];
        whole_types(parts.each_ref(), (Rounding::Trn, Overflow::Wrap))
    }

    /// A function by the entries of a proxy: those of numbers that are not negative first.
    fn lookup(&mut self, x: &Signal) -> Lowered<Signal> {
        let kif = self.layer.get("kif_in").and_then(numbers_of);
        let kif = kif.and_then(|kif| kif.as_integers());
        let (Some([signed, integer, fraction]), Some(table)) =
            (kif.as_deref(), self.weights.get("table"))
        else {
            return refuse("its table, or what reads it, is missing");
        };
        let [signed, integer, fraction] = [*signed, *integer, *fraction].map(|n| n.clamp(-99, 99));
        let format = Format {
            signed: signed == 1,
            width: u32::try_from(signed + integer + fraction).unwrap_or(0),
            integer_bits: (signed + integer) as i32,
        };
        let count = table.numbers.len();
        if !format.is_legal() || !count.is_power_of_two() || count.ilog2() != format.width {
            return refuse(format!("its table of {count} entries is for {} bits", format.width));
        }
        let mut x = self.builder.materialized(x.clone())?;
        let step = exp2(-format.fraction_bits());
        let range = format.range();
        let (low, high) = (range.lo as f64 * step, range.hi as f64 * step);
        let (lo, hi) = x.extremes();
        if lo < low || hi > high || x.fraction > format.fraction_bits() {
            let ty = FixedType::from(format).with_modes(Rounding::RndConv, Overflow::Wrap);
            x = self.builder.cast(&x, ty);
        }
        let mut values = table.numbers.to_vec();
        values.rotate_right(if format.signed { count / 2 } else { 0 });
        self.builder.lookup(&x, low, step, values)
    }
}

/// Means, and what is added in their place.
type Shift = (Vec<f32>, Vec<f32>);

/// Types by their signs, widths and integer bits, which have the sign among them.
fn whole_types(
    [signs, widths, integers]: [&Tensor; 3],
    (rounding, overflow): (Rounding, Overflow),
) -> Lowered<Quantizer> {
    if signs.extents != widths.extents || signs.extents != integers.extents {
        return refuse("the numbers of its quantiser have other extents than each other");
    }
    let parts = signs.numbers.iter().zip(widths.numbers.iter()).zip(integers.numbers.iter());
    let ty = |((sign, width), integer): ((&f64, &f64), &f64)| {
        let format = Format {
            signed: *sign == 1.0,
            // None at all where it is below 0, as in HGQ.
            width: *width as u32,
            integer_bits: *integer as i32,
        };
        let is_legal = (*sign == 0.0 || *sign == 1.0) && format.is_legal();
        is_legal.then(|| FixedType::from(format).with_modes(rounding, overflow))
    };
    let types: Option<Vec<FixedType>> = parts.map(ty).collect();
    match types {
        Some(types) => Ok(Quantizer::of_types(signs.extents.clone(), types)),
        None => refuse(
            "its quantiser has widths of more than 64 bits, or none at all: run HGQ's trace_minmax on data before to_proxy_model",
        ),
    }
}

/// Numbers in lists of lists.
fn numbers_of(value: &Value) -> Option<Tensor> {
    fn collect(value: &Value, depth: usize, extents: &mut Vec<usize>, numbers: &mut Vec<f64>) {
        match value {
            Value::Array(items) if depth < 8 => {
                if extents.len() <= depth {
                    extents.push(items.len());
                }
                for item in items {
                    collect(item, depth + 1, extents, numbers);
                }
            }
            value => numbers.extend(value.as_f64()),
        }
    }
    let (mut extents, mut numbers) = (Vec::new(), Vec::new());
    collect(value, 0, &mut extents, &mut numbers);
    Tensor::new(extents, numbers)
}

/// The bits after the point of numbers of a model whose numbers are all fixed-point numbers, taken
/// as they are where a type holds them.
pub fn as_trained(tensor: &Tensor) -> Tensor {
    const MOST: i32 = 31;
    if common_fraction_bits(&tensor.numbers) > MOST {
        return tensor.clone();
    }
    exact(tensor.extents.clone(), tensor.numbers.to_vec())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::config::Package;
    use super::*;

    fn layer(class: &str, config: &Value) -> Layer {
        let config = config.as_object().cloned().unwrap_or_default();
        Layer { name: "a".to_owned(), class: class.to_owned(), package: Package::Hgq, config }
    }

    #[test]
    fn numbers_that_are_trained_come_first() {
        let kernel = json!({"kernel_initializer": {}, "kq_conf": {"trainable": false}});
        let names = ["kernel", "bias", "activation_bw", "bn_beta", "bn_gamma", "kernel_bw"];
        let expected = [&names[..], &["moving_mean", "moving_variance"]].concat();
        assert_eq!(order(&layer("HDenseBatchNorm", &kernel)), expected);
        assert_eq!(order(&layer("HQuantize", &json!({}))), ["activation_bw"]);
        let free = json!({"kernel_initializer": {}, "use_bias": false, "trainable": false});
        assert_eq!(order(&layer("HDense", &free)), ["kernel", "kernel_bw", "activation_bw"]);
    }

    #[test]
    fn types_are_read_and_those_that_were_never_found_are_told_of() {
        let tensor = |numbers: &[f64]| Tensor::new(vec![numbers.len()], numbers.to_vec()).unwrap();
        let modes = (Rounding::Rnd, Overflow::Sat);
        let of = |signs: &[f64], widths: &[f64], integers: &[f64]| {
            whole_types([&tensor(signs), &tensor(widths), &tensor(integers)], modes)
        };
        let quantizer = of(&[1.0, 0.0], &[4.0, 0.0], &[2.0, 0.0]).unwrap();
        let numbers = quantizer.apply(&tensor(&[0.3, 9.0])).unwrap();
        assert_eq!(numbers.numbers.to_vec(), [0.25, 0.0]);
        let reason = of(&[-128.0], &[-128.0], &[-128.0]).unwrap_err().0;
        assert!(reason.contains("trace_minmax"), "{reason}");
        assert!(of(&[1.0], &[4.0, 4.0], &[2.0, 2.0]).is_err());
    }

    #[test]
    fn numbers_in_lists_have_the_extents_of_the_lists() {
        let tensor = numbers_of(&json!([[1, 2, 3], [4, 5, 6]])).unwrap();
        assert_eq!((tensor.extents, tensor.numbers.len()), (vec![2, 3], 6));
        assert_eq!(numbers_of(&json!(7)).unwrap().single(), Some(7.0));
        assert!(numbers_of(&json!([[1, 2], [3]])).is_none());
    }
}
