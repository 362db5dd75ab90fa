//! The software reference and the simulators.
//!
//! - [`reference`](mod@reference): the network layer by layer on integers, written for clarity.
//!   It is the oracle: it uses nothing of the circuit.
//! - [`emulator`]: the same integers, many samples at a time, without cycles.
//! - [`Cycle`]: the circuit, flattened to straight-line programs, cycle by cycle, with waves as VCD or FST;
//!   [`CycleStreams`] runs many streams at a time.
//! - [`RustHdl`]: the circuit on Rust-HDL's own kernel, cycle by cycle, with VCD.
//! - [`external`]: the emitted Verilog in Verilator and Icarus Verilog.
//!
//! What simulates a circuit cycle by cycle implements [`Engine`]; [`judge`] drives any of them
//! with a stimulus and holds every bit, the latency and the interval against the rules of
//! [`rtl4ml_circuit::protocol`].
//!
//! Architecture invariant: the reference uses neither `hdl` nor `circuit`, and this crate never
//! uses `verilog`: external simulators are given files.

mod cycle;
pub mod emulator;
mod engine;
pub mod external;
mod judge;
mod lanes;
pub mod reference;
mod rust_hdl_engine;
pub mod vectors;
mod wiring;

pub use cycle::{Cycle, CycleProgram, CycleStreams, Line, Shown, WaveFile};
pub use engine::{Engine, Pins, Sampled, StreamPins, StreamSampled};
pub use judge::{Judgement, Mismatch, judge, judge_side_by_side};
pub use rust_hdl_engine::{EngineError, RustHdl};
