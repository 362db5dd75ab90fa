//! QKeras' quantisers.

use std::rc::Rc;

use rtl4ml_ir::{Format, Rounding};
use serde_json::{Map, Value};

use super::config::class_name;
use super::powers;
use super::scales::{Integers, Scaled};
use crate::builder::{Builder, Curve, Quantizer, RoundingMode, Signal};
use crate::error::{Lowered, refuse};
use crate::tensor::Tensor;
use crate::types::{exp2, is_power_of_two};

/// The widest integers of a quantiser.
const MAX_BITS: f64 = 32.0;

/// A function with its parameters, as a configuration or a text has it.
pub struct Function {
    /// Its name.
    pub name: String,
    parameters: Map<String, Value>,
}

/// The parameters of the quantisers that may be given by their place, in this order.
const PLACES: &[(&str, &[&str])] = &[
    ("quantized_bits", &["bits", "integer", "symmetric", "keep_negative", "alpha"]),
    ("quantized_relu", &["bits", "integer", "use_sigmoid", "negative_slope"]),
    ("quantized_tanh", &["bits", "use_stochastic_rounding", "symmetric", "use_real_tanh"]),
    ("quantized_sigmoid", &["bits", "symmetric", "use_real_sigmoid"]),
    ("binary", &["use_01", "alpha"]),
    ("ternary", &["alpha", "threshold"]),
    ("quantized_po2", &["bits", "max_value"]),
];

impl Function {
    /// Reads a function: a word, a word with arguments, or a class with its configuration.
    pub fn read(value: &Value) -> Lowered<Self> {
        if let Some(text) = value.as_str() {
            return Self::parse(text);
        }
        let parameters =
            value.get("config").and_then(Value::as_object).cloned().unwrap_or_default();
        match class_name(value) {
            // A function of Keras itself, wrapped.
            Some("function") => match value.get("config").and_then(Value::as_str) {
                Some(name) => Self::parse(name),
                None => refuse("a function without a name"),
            },
            Some(name) => Ok(Self { name: name.to_owned(), parameters }),
            None => refuse(format!("`{value}` is no function")),
        }
    }

    /// A parameter that is a number.
    pub fn parameter(&self, key: &str) -> Option<f64> {
        self.parameters.get(key).and_then(Value::as_f64)
    }

    /// Reads `name` or `name(4, 2, alpha=1)`.
    fn parse(text: &str) -> Lowered<Self> {
        let (name, rest) = text.split_once('(').unwrap_or((text, ")"));
        let Some(arguments) = rest.trim().strip_suffix(')') else {
            return refuse(format!("`{text}` is no function"));
        };
        let places = PLACES.iter().find(|(known, _)| *known == name).map_or(&[][..], |(_, p)| *p);
        let mut parameters = Map::new();
        for (index, argument) in arguments.split(',').filter(|a| !a.trim().is_empty()).enumerate() {
            let (key, value) = match argument.split_once('=') {
                Some((key, value)) => (key.trim().to_owned(), value),
                None => match places.get(index) {
                    Some(key) => ((*key).to_owned(), argument),
                    None => return refuse(format!("`{text}` has more arguments than are known")),
                },
            };
            let value = match value.trim() {
                "True" => Value::from(1),
                "False" => Value::from(0),
                "None" => Value::Null,
                number => match number.parse::<f64>() {
                    Ok(number) => Value::from(number),
                    Err(_) => Value::from(number.trim_matches(['\'', '"'])),
                },
            };
            parameters.insert(key, value);
        }
        Ok(Self { name: name.trim().to_owned(), parameters })
    }

    /// A number; what is true is 1.
    pub fn number(&self, key: &str, default: f64) -> f64 {
        match self.parameters.get(key) {
            Some(Value::Bool(value)) => f64::from(u8::from(*value)),
            Some(value) => value.as_f64().unwrap_or(default),
            None => default,
        }
    }

    /// A word.
    pub fn word(&self, key: &str) -> Option<&str> {
        self.parameters.get(key).and_then(Value::as_str)
    }

    fn flag(&self, key: &str, default: bool) -> bool {
        self.number(key, f64::from(u8::from(default))) != 0.0
    }

    /// The factor of the quantised values, which must be a number.
    fn alpha(&self) -> Lowered<f64> {
        match self.parameters.get("alpha") {
            None | Some(Value::Null) => Ok(1.0),
            Some(Value::String(word)) => refuse(format!(
                "the scale `{word}` of {} follows from the numbers, which only weights have before they are used: give alpha=1, or export to QONNX",
                self.name
            )),
            Some(Value::Array(_)) => {
                refuse("a scale for each channel is not imported: export to QONNX")
            }
            Some(Value::Object(_)) => {
                refuse("the scale of a quantiser is no number: export to QONNX")
            }
            Some(value) => Ok(value.as_f64().unwrap_or(1.0)),
        }
    }

    /// The magnitude from which `ternary` is not 0, in single precision.
    fn threshold(&self) -> f64 {
        f64::from(self.number("threshold", 0.33) as f32)
    }

    /// The quantiser of weights whose scale follows from them, if it is one.
    fn scaled(&self) -> Lowered<Option<Scaled>> {
        let is_po2 = match self.parameters.get("alpha").and_then(Value::as_str) {
            Some("auto_po2") => true,
            Some("auto") => false,
            _ => return Ok(None),
        };
        let integers = match self.name.as_str() {
            "quantized_bits" => {
                let plain = Self { name: self.name.clone(), parameters: self.parameters.clone() };
                let plain = plain.with("alpha", 1.0).quantizer()?;
                let integer = self.number("integer", 0.0) as i32;
                Integers::Bits { bits: plain.integers.width, integer }
            }
            "ternary" => {
                let rounds = self.number("number_of_unrolls", 5.0);
                if rounds.fract() != 0.0 || !(1.0..=100.0).contains(&rounds) {
                    return refuse(format!("ternary with {rounds} rounds is not imported"));
                }
                Integers::Ternary { rounds: rounds as usize }
            }
            "binary" if !self.flag("use_01", false) => Integers::Binary,
            _ => return Ok(None),
        };
        Ok(Some(Scaled { integers, is_po2 }))
    }

    /// The same with another number for a parameter.
    fn with(mut self, key: &str, number: f64) -> Self {
        self.parameters.insert(key.to_owned(), Value::from(number));
        self
    }

    /// The quantiser of weights and of linear activations.
    pub fn quantizer(&self) -> Lowered<Quantizer> {
        let bits = self.number("bits", 8.0);
        let integer = self.number("integer", 0.0);
        let is_legal = bits.fract() == 0.0 && (1.0..=MAX_BITS).contains(&bits);
        if !is_legal || integer.fract() != 0.0 || integer.abs() > 64.0 {
            return refuse(format!(
                "{} of {bits} bits, {integer} of them integer, is not imported",
                self.name
            ));
        }
        let (bits, integer) = (bits as u32, integer as i32);
        let (signed, narrow, fraction) = match self.name.as_str() {
            "quantized_bits" => {
                let signed = self.flag("keep_negative", true);
                (signed, self.flag("symmetric", false), bits as i32 - i32::from(signed) - integer)
            }
            "quantized_relu" => (false, false, bits as i32 - integer),
            "binary" => {
                if self.flag("use_01", false) {
                    return refuse("binary with 0 and 1 is not imported: use quantized_relu(1)");
                }
                return Ok(sign(self.alpha()?));
            }
            other => {
                return refuse(format!(
                    "the quantiser `{other}` is not imported; quantized_bits is"
                ));
            }
        };
        if signed && bits == 1 {
            return Ok(sign(self.alpha()?));
        }
        let scale = exp2(-fraction) * self.alpha()?;
        Ok(Quantizer {
            scale: single(scale),
            zero_point: 0.0,
            integers: Format { signed, width: bits, integer_bits: bits as i32 },
            widths: None,
            is_narrow: narrow && signed,
            rounding: RoundingMode::Cast(Rounding::RndConv),
        })
    }

    /// The numbers that the quantiser makes of weights.
    pub fn apply(&self, x: &Tensor) -> Lowered<Tensor> {
        if let Some(scaled) = self.scaled()? {
            return scaled.apply(x);
        }
        if self.name == "quantized_po2" {
            return powers::apply(self, x);
        }
        let alpha = self.alpha()?;
        if self.name == "ternary" {
            let threshold = self.threshold();
            return Ok(x.map(|w| if w.abs() < threshold { 0.0 } else { alpha * w.signum() }));
        }
        let quantizer = self.quantizer()?;
        if alpha == 1.0 {
            return quantizer.apply(x);
        }
        // The factor comes after the rounding, which is on the grid without it.
        let plain = Quantizer { scale: quantizer.scale.map(|scale| scale / alpha), ..quantizer };
        Ok(plain.apply(x)?.map(|w| w * alpha))
    }

    /// The function on a signal, if it is one of QKeras'.
    pub fn lower(&self, builder: &mut Builder, x: &Signal) -> Option<Lowered<Signal>> {
        match self.name.as_str() {
            "quantized_bits" | "binary" => Some(self.lower_linear(builder, x)),
            "quantized_relu" => Some(self.lower_relu(builder, x)),
            "quantized_tanh" => Some(self.lower_tanh(builder, x)),
            "quantized_sigmoid" => Some(self.lower_sigmoid(builder, x)),
            "ternary" => Some(self.lower_ternary(builder, x)),
            "stochastic_ternary" | "stochastic_binary" | "bernoulli" | "quantized_po2"
            | "quantized_relu_po2" | "quantized_ulaw" | "quantized_hswish" | "quantized_linear" => {
                Some(refuse(format!("the quantiser `{}` is not imported", self.name)))
            }
            _ => None,
        }
    }

    fn lower_linear(&self, builder: &mut Builder, x: &Signal) -> Lowered<Signal> {
        let quantizer = self.quantizer()?;
        builder.comment(self.text());
        builder.quantize(x, &quantizer, &[quantizer.scale.numbers[0]])
    }

    fn lower_relu(&self, builder: &mut Builder, x: &Signal) -> Lowered<Signal> {
        if self.flag("use_sigmoid", false) {
            return refuse("quantized_relu with use_sigmoid is not imported");
        }
        builder.comment(self.text());
        let slope = self.number("negative_slope", 0.0);
        let quantized = if slope == 0.0 {
            let quantizer = self.quantizer()?;
            let positive = builder.relu(x, None)?;
            builder.quantize(&positive, &quantizer, &[quantizer.scale.numbers[0]])?
        } else {
            // A bit is the sign's, and a negative number is at least -slope * 2^integer.
            let parameters = self.parameters.clone();
            let signed = Self { name: "quantized_bits".to_owned(), parameters };
            let quantizer = signed.with("symmetric", 0.0).quantizer()?;
            let step = quantizer.scale.numbers[0];
            let least = -slope * exp2(self.number("integer", 0.0) as i32);
            if !is_power_of_two(slope) || slope > 1.0 || -least < step {
                return refuse(format!(
                    "quantized_relu with a negative_slope of {slope} is not imported"
                ));
            }
            let leaky = builder.leaky_relu(x, slope)?;
            let rounded = builder.quantize(&leaky, &quantizer, &[step])?;
            if slope == 1.0 { rounded } else { builder.clip(&rounded, Some(least), None)? }
        };
        // The bound of the rectifier counts only where the type does not already give one.
        match self.parameters.get("relu_upper_bound").and_then(Value::as_f64) {
            Some(most) if !self.flag("is_quantized_clip", true) => {
                builder.clip(&quantized, None, Some(most))
            }
            _ => Ok(quantized),
        }
    }

    fn lower_ternary(&self, builder: &mut Builder, x: &Signal) -> Lowered<Signal> {
        let alpha = self.alpha()?;
        let threshold = self.threshold();
        if threshold <= 0.0 {
            return refuse(format!("ternary with a threshold of {threshold} is not imported"));
        }
        builder.comment("ternary");
        let ternary = builder.ternary(x, threshold)?;
        builder.affine(&ternary, &[alpha], &[0.0])
    }

    fn lower_tanh(&self, builder: &mut Builder, x: &Signal) -> Lowered<Signal> {
        let bits = Map::from_iter([
            ("bits".to_owned(), Value::from(self.number("bits", 8.0))),
            ("symmetric".to_owned(), Value::from(self.number("symmetric", 0.0))),
        ]);
        let rounded = Self { name: "quantized_bits".to_owned(), parameters: bits };
        let quantizer = rounded.quantizer()?;
        builder.comment(self.text());
        let bounded = if self.flag("use_real_tanh", false) {
            builder.curve(x, Curve::Tanh)?
        } else {
            builder.clip(x, Some(-1.0), Some(1.0))?
        };
        builder.quantize(&bounded, &quantizer, &[quantizer.scale.numbers[0]])
    }

    fn lower_sigmoid(&self, builder: &mut Builder, x: &Signal) -> Lowered<Signal> {
        if self.flag("symmetric", false) {
            return refuse("a symmetric quantized_sigmoid is not imported");
        }
        let bits = Map::from_iter([("bits".to_owned(), Value::from(self.number("bits", 8.0)))]);
        let rounded = Self { name: "quantized_relu".to_owned(), parameters: bits };
        let quantizer = rounded.quantizer()?;
        builder.comment(self.text());
        let bounded = if self.flag("use_real_sigmoid", false) {
            builder.curve(x, Curve::Sigmoid)?
        } else {
            builder.hard_sigmoid(x, 0.5, 0.5)?
        };
        builder.quantize(&bounded, &quantizer, &[quantizer.scale.numbers[0]])
    }

    /// The function as a person writes it.
    fn text(&self) -> String {
        let bits = self.number("bits", 8.0);
        match self.name.as_str() {
            "quantized_bits" | "quantized_relu" => {
                format!("{}({bits}, {})", self.name, self.number("integer", 0.0))
            }
            "binary" => "binary".to_owned(),
            name => format!("{name}({bits})"),
        }
    }
}

fn single(number: f64) -> Tensor {
    Tensor { extents: Vec::new(), numbers: Rc::new(vec![number]), grid: None, is_integer: false }
}

/// The sign, times a scale.
fn sign(scale: f64) -> Quantizer {
    Quantizer {
        scale: single(scale),
        zero_point: 0.0,
        integers: Format::signed(1, 1),
        widths: None,
        is_narrow: false,
        rounding: RoundingMode::Cast(Rounding::RndConv),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantisers_are_read_from_texts_and_configurations() {
        let text = Function::read(&Value::from("quantized_bits(6, 2, 1, alpha=1)")).unwrap();
        let quantizer = text.quantizer().unwrap();
        assert_eq!(quantizer.scale.single(), Some(0.125));
        assert!(quantizer.is_narrow && quantizer.integers.signed);
        let config = serde_json::json!({"class_name": "qkeras>quantized_relu", "config": {"bits": 4, "integer": 1}});
        let quantizer = Function::read(&config).unwrap().quantizer().unwrap();
        assert_eq!((quantizer.scale.single(), quantizer.integers.signed), (Some(0.125), false));
        let auto = Function::read(&Value::from("quantized_bits(6,0,alpha='auto_po2')")).unwrap();
        assert!(auto.quantizer().is_err());
        assert!(Function::read(&Value::from("quantized_bits(6")).is_err());
    }
}
