//! Activations as hls4ml computes them.

use rtl4ml_ir::FixedType;

use super::config::{Declared, Other, parse_type};
use super::infer;
use super::lower::{Known, Lowering};
use super::numbers::trained;
use crate::draft::{DraftLayer, Setting};
use crate::error::{Lowered, Refusal, refuse};
use crate::tensor::Tensor;

/// hls4ml's entries of a table, where nothing is said.
const TABLE_SIZE: usize = 1024;

/// Types of hls4ml's tables where nothing is said.
const TABLE: &str = "fixed<18,8>";
const SOFTMAX_TABLE: &str = "fixed<18,8,RND,SAT>";

impl Lowering<'_> {
    /// An activation by Keras' word for it; `parameter` is its slope or its alpha, where it has one.
    pub fn activation(
        &mut self,
        name: &str,
        word: &str,
        parameter: Option<f64>,
        x: &Known,
    ) -> Lowered<Known> {
        match word {
            "linear" => self.linear(name, x),
            "relu" => self.plain(name, "Activation", "relu", x),
            "leaky_relu" => self.leaky_relu(name, parameter.unwrap_or(0.2), x),
            "elu" => self.elu(name, parameter.unwrap_or(1.0), x),
            "selu" => self.tabulated(name, "selu", x),
            "sigmoid" => self.tabulated(name, "sigmoid", x),
            "tanh" => self.tabulated(name, "tanh", x),
            "softplus" => self.tabulated(name, "softplus", x),
            "softsign" => self.tabulated(name, "softsign", x),
            "hard_sigmoid" => self.plain(name, "HardActivation", "hard_sigmoid", x),
            "softmax" => self.softmax(name, x),
            other => refuse(format!("hls4ml's activation `{other}` is not imported")),
        }
    }

    /// Nothing but a cast, which hls4ml leaves out where it sees the same type on both sides, or
    /// where the one before was left open.
    pub fn linear(&mut self, name: &str, x: &Known) -> Lowered<Known> {
        let is_open = self.declared(name, "Activation", "result") == Declared::Auto;
        let ty = self.type_of(name, "Activation", "result");
        if x.is_open && (is_open || x.is_safe) || ty == x.seen {
            return Ok(x.clone());
        }
        let layer = DraftLayer::new("quantize", vec![x.source]);
        self.push(name, layer, x.extents.clone(), ty, is_open)
    }

    /// A function without parameters and tables.
    pub fn plain(
        &mut self,
        name: &str,
        class: &str,
        kind: &'static str,
        x: &Known,
    ) -> Lowered<Known> {
        self.function(name, class, DraftLayer::new(kind, vec![x.source]), x)
    }

    /// A function with the type of its result.
    fn function(
        &mut self,
        name: &str,
        class: &str,
        layer: DraftLayer,
        x: &Known,
    ) -> Lowered<Known> {
        let is_open = self.declared(name, class, "result") == Declared::Auto;
        let ty = self.type_of(name, class, "result");
        self.push(name, layer, x.extents.clone(), ty, is_open)
    }

    /// A leaky ReLU: alpha is cast to a type of its own, as the number that it is.
    pub fn leaky_relu(&mut self, name: &str, alpha: f64, x: &Known) -> Lowered<Known> {
        let class = "ParametrizedActivation";
        let mut layer = DraftLayer::new("leaky_relu", vec![x.source]);
        layer.settings.push(("alpha", Setting::Number(alpha)));
        layer.types.push(("alpha", self.parameter_type(name, alpha)?));
        self.function(name, class, layer, x)
    }

    fn parameter_type(&self, name: &str, number: f64) -> Lowered<FixedType> {
        match self.declared(name, "ParametrizedActivation", "param") {
            Declared::Type { ty, .. } => Ok(ty),
            Declared::Auto => infer::constant(number),
        }
    }

    /// One slope for each element.
    pub fn prelu(&mut self, name: &str, alpha: &Tensor, x: &Known) -> Lowered<Known> {
        if alpha.extents != x.extents {
            return refuse("hls4ml takes no shared axes: its slopes are one for each element");
        }
        let ty = match self.declared(name, "PReLU", "param") {
            Declared::Type { ty, .. } => ty,
            Declared::Auto => x.seen,
        };
        let mut layer = DraftLayer::new("prelu", vec![x.source]);
        let is_decimal = self.builder.options.decimal_weights;
        let extents = alpha.extents.clone();
        layer.numbers.push(trained("alpha", extents, &alpha.numbers, ty, is_decimal)?);
        self.function(name, "PReLU", layer, x)
    }

    /// An exponential linear unit.
    pub fn elu(&mut self, name: &str, alpha: f64, x: &Known) -> Lowered<Known> {
        let class = "ParametrizedActivation";
        let mut layer = DraftLayer::new("elu", vec![x.source]);
        layer.settings.push(("alpha", Setting::Number(alpha)));
        self.add_table(&mut layer, name, class)?;
        layer.types.push(("alpha", self.parameter_type(name, alpha)?));
        self.function(name, class, layer, x)
    }

    fn tabulated(&mut self, name: &str, kind: &'static str, x: &Known) -> Lowered<Known> {
        let mut layer = DraftLayer::new(kind, vec![x.source]);
        self.add_table(&mut layer, name, "Activation")?;
        self.function(name, "Activation", layer, x)
    }

    fn add_table(&self, layer: &mut DraftLayer, name: &str, class: &str) -> Lowered<()> {
        let size = self.count(name, class, "tablesize", TABLE_SIZE)?;
        layer.settings.push(("table_size", Setting::Integer(size as i64)));
        layer.types.push(("table", self.table_type(name, class, "tablet", TABLE)?));
        Ok(())
    }

    /// hls4ml takes these types from beside `Precision`, not from in there.
    fn table_type(
        &self,
        name: &str,
        class: &str,
        key: &str,
        otherwise: &str,
    ) -> Lowered<FixedType> {
        let (text, place) = match self.project.attribute(name, class, key) {
            Some(other) => (text_of(other)?, format!("line {}: `{}`: ", other.line, other.key)),
            None => (otherwise, String::new()),
        };
        match parse_type(text) {
            Ok(Declared::Type { ty, .. }) => Ok(ty),
            Ok(Declared::Auto) => refuse(format!("{place}`auto` is no type of a table")),
            Err(reason) => refuse(format!("{place}{reason}")),
        }
    }

    /// A natural number that is said of a layer, or else `otherwise`.
    pub fn count(&self, name: &str, class: &str, key: &str, otherwise: usize) -> Lowered<usize> {
        let Some(other) = self.project.attribute(name, class, key) else {
            return Ok(otherwise);
        };
        natural(other)
    }

    /// A softmax over the last axis.
    pub fn softmax(&mut self, name: &str, x: &Known) -> Lowered<Known> {
        let class = "Softmax";
        let implementation = match self.project.attribute(name, class, "implementation") {
            None => "stable",
            Some(other) => match text_of(other)? {
                "stable" => "stable",
                "latency" => "latency",
                "legacy" => "legacy",
                "argmax" => "argmax",
                word => {
                    return refuse(format!(
                        "line {}: `{}`: `{word}` is none of stable, latency, legacy, argmax",
                        other.line, other.key
                    ));
                }
            },
        };
        let mut layer = DraftLayer::new("softmax", vec![x.source])
            .with("implementation", Setting::Word(implementation));
        match implementation {
            "argmax" => {}
            "legacy" => self.add_table(&mut layer, name, class)?,
            _ => {
                let size = self.count(name, class, "tablesize", TABLE_SIZE)?;
                layer.settings.push(("table_size", Setting::Integer(size as i64)));
                let keys = [
                    ("exp_table", "exptablet"),
                    ("inv_table", "invtablet"),
                    ("inv_inp", "invinpt"),
                ];
                for (key, given) in keys {
                    layer.types.push((key, self.table_type(name, class, given, SOFTMAX_TABLE)?));
                }
                layer.types.push(("accum", self.type_of(name, class, "accum")));
            }
        }
        self.function(name, class, layer, x)
    }
}

/// The word of a value.
pub fn text_of(other: &Other) -> Lowered<&str> {
    other
        .text
        .as_deref()
        .ok_or_else(|| Refusal::new(format!("line {}: `{}` must be a word", other.line, other.key)))
}

/// The natural number of a value.
pub fn natural(other: &Other) -> Lowered<usize> {
    let number = text_of(other)?.parse::<usize>().ok().filter(|n| (1..=1 << 24).contains(n));
    number.ok_or_else(|| {
        Refusal::new(format!("line {}: `{}` must be a natural number", other.line, other.key))
    })
}
