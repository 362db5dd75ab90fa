//! `io: stream`: one pixel (all channels) a transfer, with valid and ready on both sides.
//!
//! A tensor [.., channels] travels as the product of its other extents transfers, row-major, each
//! with all channels; a tensor of one axis is one transfer. A network becomes a graph of stages,
//! each made of
//! - a front that decides when a result is started: a [`gate`] takes one transfer of each input,
//!   a [`scan`] moves a window over an image, [`collect`] takes all transfers of a tensor;
//! - arithmetic: the same modules as with `io: parallel`, on one pixel or one window;
//! - a [`fifo`], which gives the front credits, so that the arithmetic never has to stall.
//!
//! [`emit`] cuts a result into transfers, [`fork`] serves several readers. [`plan`](mod@plan)
//! decides which stages a network has, [`model`] and [`pace`] run them without data to find latency,
//! interval and the depths of the buffers, and `top` writes and wires the modules.

pub mod collect;
pub mod depths;
pub mod emit;
pub mod fifo;
pub mod fork;
pub mod form;
pub mod gate;
pub mod model;
pub mod pace;
pub mod plan;
pub mod scan;
pub(crate) mod top;
