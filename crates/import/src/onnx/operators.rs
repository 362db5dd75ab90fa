//! The operators that are known, in one table.

use super::lower::{Call, Value};
use super::{activations, arithmetic, images, quantizers, resize, shapes, slices};
use crate::error::Lowered;

/// What an operator becomes.
pub type Operation = fn(&mut Call) -> Lowered<Vec<Value>>;

/// Which set an operator is of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// ONNX itself.
    Onnx,
    /// QONNX, by whichever of its names.
    Qonnx,
    /// ONNX's operators on images whose channels come last, as QONNX has them.
    ChannelsLast,
}

/// The operators that become layers. Those that a constant depends on alone are folded instead.
pub const OPERATORS: &[(Set, &str, Operation)] = &[
    (Set::Qonnx, "Quant", quantizers::quant),
    (Set::Qonnx, "IntQuant", quantizers::quant),
    (Set::Qonnx, "BipolarQuant", quantizers::bipolar_quant),
    (Set::Qonnx, "Trunc", quantizers::trunc),
    (Set::Onnx, "QuantizeLinear", quantizers::quantize_linear),
    (Set::Onnx, "DequantizeLinear", quantizers::dequantize_linear),
    (Set::Onnx, "Gemm", arithmetic::gemm),
    (Set::Onnx, "MatMul", arithmetic::mat_mul),
    (Set::Onnx, "Add", arithmetic::add),
    (Set::Onnx, "Sub", arithmetic::sub),
    (Set::Onnx, "Mul", arithmetic::mul),
    (Set::Onnx, "Div", arithmetic::div),
    (Set::Onnx, "Max", arithmetic::max),
    (Set::Onnx, "Min", arithmetic::min),
    (Set::Onnx, "Sum", arithmetic::sum),
    (Set::Onnx, "Mean", arithmetic::mean),
    (Set::Onnx, "Neg", arithmetic::neg),
    (Set::Onnx, "BatchNormalization", arithmetic::batch_normalization),
    (Set::ChannelsLast, "Conv", images::conv),
    (Set::ChannelsLast, "MaxPool", images::max_pool),
    (Set::ChannelsLast, "AveragePool", images::average_pool),
    (Set::ChannelsLast, "GlobalAveragePool", images::global_average_pool),
    (Set::ChannelsLast, "BatchNormalization", arithmetic::batch_normalization),
    (Set::Onnx, "Conv", images::conv),
    (Set::Onnx, "MaxPool", images::max_pool),
    (Set::Onnx, "AveragePool", images::average_pool),
    (Set::Onnx, "GlobalMaxPool", images::global_max_pool),
    (Set::Onnx, "GlobalAveragePool", images::global_average_pool),
    (Set::Onnx, "ReduceMean", images::reduce_mean),
    (Set::Onnx, "ReduceMax", images::reduce_max),
    (Set::Onnx, "ReduceSum", images::reduce_sum),
    (Set::Onnx, "Pad", resize::pad),
    (Set::Onnx, "Resize", resize::resize),
    (Set::Onnx, "Upsample", resize::resize),
    (Set::Onnx, "Relu", activations::relu),
    (Set::Onnx, "LeakyRelu", activations::leaky_relu),
    (Set::Onnx, "PRelu", activations::prelu),
    (Set::Onnx, "Clip", activations::clip),
    (Set::Onnx, "HardSigmoid", activations::hard_sigmoid),
    (Set::Onnx, "Abs", activations::abs),
    (Set::Onnx, "Elu", activations::elu),
    (Set::Onnx, "Selu", activations::selu),
    (Set::Onnx, "Sigmoid", activations::sigmoid),
    (Set::Onnx, "Tanh", activations::tanh),
    (Set::Onnx, "Softplus", activations::softplus),
    (Set::Onnx, "Softsign", activations::softsign),
    (Set::Onnx, "Exp", activations::exp),
    (Set::Onnx, "Erf", activations::erf),
    (Set::Onnx, "Gelu", activations::gelu),
    (Set::Onnx, "HardSwish", activations::hard_swish),
    (Set::Onnx, "Mish", activations::mish),
    (Set::Onnx, "Softmax", activations::softmax),
    (Set::Onnx, "ArgMax", activations::arg_max),
    (Set::Onnx, "Concat", shapes::concat),
    (Set::Onnx, "Reshape", shapes::reshape),
    (Set::Onnx, "Flatten", shapes::flatten),
    (Set::Onnx, "Transpose", shapes::transpose),
    (Set::Onnx, "Squeeze", shapes::squeeze),
    (Set::Onnx, "Unsqueeze", shapes::unsqueeze),
    (Set::Onnx, "Slice", slices::slice),
    (Set::Onnx, "Split", slices::split),
    (Set::Onnx, "Gather", slices::gather),
    (Set::Onnx, "Shape", shapes::shape),
    (Set::Onnx, "Identity", shapes::identity),
    (Set::Onnx, "Dropout", shapes::identity),
    (Set::Onnx, "Cast", shapes::cast),
];

/// Operators that are not ours but often asked for, and what could be done instead.
pub const ADVICE: &[(&str, &str)] = &[
    ("MultiThreshold", "export with Quant nodes, before FINN's streamlining"),
    ("ConvTranspose", "use Resize and Conv"),
    ("LSTM", "recurrent layers have no layer in a spec"),
    ("GRU", "recurrent layers have no layer in a spec"),
    ("RNN", "recurrent layers have no layer in a spec"),
    ("LayerNormalization", "use BatchNormalization"),
    ("InstanceNormalization", "use BatchNormalization"),
    ("If", "export for inference, without control flow"),
    ("Loop", "export for inference, without control flow"),
    ("Scan", "export for inference, without control flow"),
    ("LogSoftmax", "leave it out: the order of the classes is that of its input"),
];

/// The set that a domain is, if it is one that is read.
pub fn set_of(domain: &str) -> Option<Set> {
    match domain {
        "" => Some(Set::Onnx),
        "qonnx.custom_op.channels_last" => Some(Set::ChannelsLast),
        "qonnx.custom_op.general" | "finn.custom_op.general" | "onnx.brevitas" => Some(Set::Qonnx),
        _ => None,
    }
}
