//! The heart of rtl4ml: fixed-point numbers, exact value ranges and the network graph.
//!
//! What this crate guarantees:
//! - all arithmetic is on integers ([`fixed`], [`range`]); floating point appears only where a
//!   weight or a user's input is read into a type ([`FixedType::from_f64`]);
//! - a [`VerifiedNetwork`] obeys every invariant listed in [`verify`](mod@verify), and is the
//!   only thing that the other crates accept.
//!
//! Architecture invariant: this crate does no I/O and knows neither YAML nor hardware.

pub mod budget;
pub mod constant;
pub mod error;
pub mod exact;
pub mod fabric;
pub mod fixed;
pub mod layers;
pub mod network;
pub mod range;
pub mod target;
pub mod tensor;
pub mod verify;
pub mod window;

pub use budget::{Allowance, Amount, Budget};
pub use constant::{Constant, QuantizationReport};
pub use error::{Problem, Site, VerifyError};
pub use fabric::Fabric;
pub use fixed::{FixedType, Format, Overflow, Rounding, Value};
pub use layers::{
    Argmax, BatchNorm, Clamp, ClampKind, Concatenate, Conv, Curve, Dense, Dot, Function, Kernel,
    LeakyRelu, Merge, MergeKind, Op, Pool, PoolKind, Quantize, Rearrange, Relu, Reshape,
    ResultType, Softmax, SoftmaxImplementation, SoftmaxTables, Step, StepKind, TableChoice,
};
pub use network::{
    Contract, Implementation, Input, InputId, Io, LatencyBound, Layer, LayerId, MultiplierStyle,
    Network, Source, Strategy,
};
pub use range::Range;
pub use target::{Clock, Part, Target};
pub use tensor::{BroadcastTypes, Shape, TensorType, Types};
pub use verify::{VerifiedNetwork, verify};
pub use window::{Padding, Sliding, Window, WindowAxis};
