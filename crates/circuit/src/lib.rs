//! The layers of a network as Rust-HDL circuits.
//!
//! What this crate guarantees: for every input that the network's input formats hold, the circuit
//! computes the integers that the reference computes, `latency_cycles` after it has taken the
//! input, and takes one every `initiation_interval_cycles`.
//!
//! Lowering goes through three representations, each of which can be printed:
//! 1. [`dataflow`]: a layer's arithmetic as pure operations on integers, without time;
//! 2. [`schedule`]: the stage and the arrival of each operation, by the [`delay`] model;
//! 3. the modules of [`rtl4ml_hdl`], made by [`lower`](mod@lower).
//!
//! A layer is added in [`layers`]; what multiplies by trained weights uses the [`kernel`].

pub mod bus;
pub mod choose;
mod circuit;
mod contract;
pub mod control;
pub mod dataflow;
pub mod delay;
pub mod distributed;
mod doc;
pub mod estimate;
pub mod kernel;
pub mod layer;
pub mod layers;
mod library;
pub mod lower;
mod pipeline;
mod plan;
pub mod protocol;
pub mod schedule;
pub mod stream;
mod top;

pub use circuit::{Circuit, CircuitError, Interface, LayerSummary, Port, PortElement, build};
