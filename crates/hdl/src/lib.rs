//! Rust-HDL modules whose shape and widths are known only at run time.
//!
//! Rust-HDL's own signals fix their width at compile time, but its simulation kernel, its checks
//! and its VCD writer ask a signal only for run-time values. This crate implements Rust-HDL's
//! `Atom`, `Logic` and `Block` once, for a [`Module`] that is built at run time out of typed
//! statements, each of which has its own exactly sized signal.
//!
//! What this crate guarantees:
//! - a [`Design`] that passes [`Design::check`] has one driver a signal, no combinational cycle
//!   inside a module, and widths that agree along every connection;
//! - a statement means the same in simulation ([`block`]) and in Verilog ([`verilog`]): both
//!   compute the exact integer result modulo two to the width of the statement's signal.
//!
//! Architecture invariant: this crate knows nothing of neural networks.

pub mod block;
mod check;
mod compress;
mod design;
mod evaluate;
pub mod names;
pub mod verilog;

pub use block::ModuleBlock;
pub use check::{DesignError, reads};
pub use compress::{Addend, Compression, Counter, MaskedBits};
pub use design::{
    BitOf, Bus, BusDriver, BusId, BusRegister, Connection, Design, Direction, Expr, Instance, Item,
    MemoryStyle, Module, ModuleId, MultiplierHint, Operand, Port, PortBinding, Ram, Register, Rom,
    Signal, SignalId, Statement, Type,
};
