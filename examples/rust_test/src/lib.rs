//! How to test a network's circuit from your own Rust tests.
//!
//! Everything is in `tests/`: `trained_network.rs` takes a trained network from its YAML spec,
//! drives its circuit cycle by cycle and compares it with the reference; `layer_in_code.rs` does the
//! same with a layer that is built in code, without any file.
//!
//! This crate's `Cargo.toml` is the list of what to depend on.
