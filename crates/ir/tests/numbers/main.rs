//! Properties of the numbers: casts, ranges, type names, constants and the types that a dense
//! layer infers.
//!
//! What is compared with: [`oracle`], plain rational arithmetic written from the definition of
//! each mode, and the `fixed` crate, fixed-point arithmetic that nobody here wrote. Neither
//! shares a line with the code under test. Corners (ends of a range, one beyond, halves, zero,
//! one bit) are put in by force, because random numbers of 64 bits never meet them.

#![allow(clippy::unwrap_used, reason = "a panic is how a test says that something is wrong")]

mod cast;
mod constant;
mod dense;
mod elementwise;
mod fixed_crate;
mod oracle;
mod range;
mod strategies;
mod tables;
mod text;
