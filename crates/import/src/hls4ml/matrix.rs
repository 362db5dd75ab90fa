//! Layers with weights as hls4ml makes them: their types, numbers, and how they share multipliers.

use rtl4ml_ir::{Format, Overflow};

use super::config::{Declared, parse_type};
use super::functions::{natural, text_of};
use super::infer;
use super::lower::{Known, Lowering};
use super::normalization::fuse;
use super::numbers::{as_multiplied, nearest_divisor, trained};
use crate::draft::{DraftLayer, Setting};
use crate::error::{Lowered, Refusal, refuse};
use crate::tensor::Tensor;

/// A layer with weights.
pub struct Matrix<'n> {
    /// Its name, by which the configuration knows it.
    pub name: &'n str,
    /// hls4ml's class of it.
    pub class: &'static str,
    /// The layer without its numbers and types.
    pub layer: DraftLayer,
    /// The kernel.
    pub weight: Tensor,
    /// The bias.
    pub bias: Option<Tensor>,
    /// The extents of the result.
    pub extents: Vec<usize>,
    /// What its multipliers have to do.
    pub sharing: Sharing,
}

/// What multipliers have to do.
#[derive(Clone, Copy)]
pub struct Sharing {
    /// The products of a sum.
    pub sum_of: usize,
    /// The products that may share multipliers.
    pub products: usize,
    /// The number of windows, of a convolution.
    pub positions: Option<usize>,
}

impl Lowering<'_> {
    /// The kernel and the bias of a layer.
    pub fn kernel(&self, index: usize, key: &str) -> Lowered<(Tensor, Option<Tensor>)> {
        let numbers = self.numbers_of(index);
        let found = |name: &str| {
            let other = name.trim_start_matches("depthwise_");
            let tensor = numbers.get(name).or_else(|| numbers.get(other)).cloned();
            tensor.ok_or_else(|| Refusal::new(format!("its {name} is missing in the weights")))
        };
        let uses_bias = self.called(index).flag("use_bias", true);
        Ok((found(key)?, if uses_bias { Some(found("bias")?) } else { None }))
    }

    /// A layer with weights; a batch normalisation behind it may become part of it.
    pub fn matrix(&mut self, index: usize, matrix: Matrix, x: &Known) -> Lowered<Known> {
        let Matrix { name, class, mut layer, mut weight, mut bias, extents, sharing } = matrix;
        let declared = |tensor| self.declared(name, class, tensor);
        let is_open = declared("result") == Declared::Auto;
        let fused = if is_open && index != usize::MAX { self.fusible(index) } else { None };
        if let Some(normalization) = fused {
            if layer.kind.starts_with("depthwise") {
                return refuse(
                    "hls4ml would make the batch normalization behind it a part of it: give its result a type",
                );
            }
            let (scale, shift) = self.scale_and_shift(normalization, &extents)?;
            (weight, bias) = fuse(&weight, bias.as_ref(), &scale, &shift);
            self.fused.insert(normalization);
        }
        let weight_type = self.type_of(name, class, "weight");
        let bias_type = match &bias {
            Some(_) => self.type_of(name, class, "bias"),
            None => Format::unsigned(1, 1).into(),
        };
        let is_decimal = self.builder.options.decimal_weights;
        let numbers = trained("weight", weight.extents, &weight.numbers, weight_type, is_decimal)?;
        layer.numbers.push(as_multiplied(numbers, self.declared(name, class, "weight")));
        if let Some(bias) = bias {
            let numbers = trained("bias", bias.extents, &bias.numbers, bias_type, is_decimal)?;
            layer.numbers.push(numbers);
        }
        let most = self.project.widest_type();
        let whole = || infer::sum(x.seen, weight_type, bias_type, sharing.sum_of, most);
        let accum = match self.accumulator(name, class)? {
            Declared::Type { ty, .. } => Some(ty),
            // What the inputs allow is never wider: the sum is exact.
            Declared::Auto if most.is_none() => None,
            Declared::Auto => Some(whole()?),
        };
        layer.types.extend(accum.map(|accum| ("accum", accum)));
        let ty = match self.declared(name, class, "result") {
            Declared::Type { ty, .. } => ty,
            Declared::Auto => whole()?,
        };
        let saturates = accum.is_some_and(|ty| ty.overflow != Overflow::Wrap);
        self.share(name, class, &mut layer, sharing, saturates)?;
        self.push(name, layer, extents, ty, is_open)
    }

    fn accumulator(&self, name: &str, class: &str) -> Lowered<Declared> {
        match self.project.attribute(name, class, "accumt") {
            Some(other) => parse_type(text_of(other)?).map_err(|reason| {
                Refusal::new(format!("line {}: `{}`: {reason}", other.line, other.key))
            }),
            None => Ok(self.declared(name, class, "accum")),
        }
    }

    /// How a layer shares its multipliers.
    fn share(
        &mut self,
        name: &str,
        class: &str,
        layer: &mut DraftLayer,
        Sharing { sum_of, products, positions }: Sharing,
        saturates: bool,
    ) -> Lowered<()> {
        self.builder.begin(name);
        let strategy = match self.project.value(name, class, "strategy") {
            None => "latency",
            Some(other) => match text_of(other)?.to_lowercase().replace('_', "").as_str() {
                "latency" => "latency",
                "resource" | "unrolled" | "resourceunrolled" => "resource",
                "distributedarithmetic" | "da" => "distributed_arithmetic",
                word => {
                    return refuse(format!(
                        "line {}: `{}`: the strategy `{word}` is not imported; Latency, Resource and distributed_arithmetic are",
                        other.line, other.key
                    ));
                }
            },
        };
        let reuse = self.project.value(name, class, "reusefactor").map_or(Ok(1), natural)?;
        let legal = nearest_divisor(products, reuse);
        if strategy != "latency" {
            layer.settings.push(("strategy", Setting::Word(strategy)));
        }
        if strategy != "distributed_arithmetic" && legal > 1 {
            if legal != reuse {
                self.builder.note(&format!(
                    "the reuse factor is {legal}, the nearest to {reuse} that divides {products}"
                ));
            }
            layer.settings.push(("reuse_factor", Setting::Integer(legal as i64)));
        }
        if strategy == "resource" && saturates && reuse > 1 && reuse <= sum_of {
            self.builder.note(
                "hls4ml adds in another order with this strategy and reuse factor: where the accumulator saturates, outputs may differ",
            );
        }
        if let Some(positions) = positions.filter(|_| !self.project.is_stream)
            && let Some(other) = self.project.attribute(name, class, "parallelizationfactor")
        {
            let factor = nearest_divisor(positions, natural(other)?);
            layer.settings.push(("parallelization_factor", Setting::Integer(factor as i64)));
        }
        Ok(())
    }
}
