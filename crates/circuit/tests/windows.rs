//! What convolutions cost and how long they take.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use rtl4ml_circuit::{Circuit, build};
use rtl4ml_ir::layers::{Conv, Merge, MergeKind};
use rtl4ml_ir::window::{Padding, Window, WindowAxis};
use rtl4ml_ir::{Constant, FixedType, Implementation, Kernel, Network, ResultType, verify};

/// A convolution of an image of 6 x 5 x 2 with a window of 3 x 3 and 4 filters.
fn conv(weight: impl Fn(usize) -> f64, padding: Padding) -> Conv {
    let axis = WindowAxis { kernel: 3, stride: 1, dilation: 1 };
    let numbers: Vec<f64> = (0..72).map(weight).collect();
    let ty: FixedType = "fixed<6,4>".parse().unwrap();
    let weight = Constant::quantize([18, 4], &numbers, ty).unwrap();
    Conv::new(Window::new([axis, axis], padding), Kernel::new(weight, None))
}

fn built(conv: Conv, implementation: Implementation) -> Circuit {
    let mut network = Network::new("net");
    let x = network.input("x", [6, 5, 2], "fixed<8,4>".parse::<FixedType>().unwrap());
    network.outputs = vec![network.layer_with("conv", conv, [x], implementation)];
    build(&verify(network).unwrap()).unwrap()
}

fn implementation(reuse_factor: u64, at_once: u64) -> Implementation {
    let parallelization_factor = Some(at_once);
    Implementation { reuse_factor, parallelization_factor, ..Implementation::default() }
}

#[test]
fn ternary_weights_need_no_multiplier() {
    let ternary = || conv(|index| [0.0, 1.0, -1.0][index * 7 % 3], Padding::Valid);
    for reuse_factor in [1, 6, 8] {
        let circuit = built(ternary(), implementation(reuse_factor, 12));
        let statistics = circuit.layers[0].statistics;
        assert_eq!((statistics.multipliers, statistics.dsp_multipliers), (0, 0));
    }
}

#[test]
fn the_interval_is_the_reuse_factor_times_the_passes() {
    for (reuse_factor, at_once) in [(1, 12), (6, 12), (1, 4), (6, 3), (72, 1), (1, 1)] {
        let weights = |index: usize| 0.25 * (5 + 2 * (index % 7)) as f64;
        let valid = conv(weights, Padding::Valid);
        let circuit = built(valid, implementation(reuse_factor, at_once));
        let layer = &circuit.layers[0];
        let passes = 12 / at_once;
        assert_eq!(circuit.interface.initiation_interval_cycles, reuse_factor * passes);
        assert_eq!(layer.initiation_interval_cycles, reuse_factor * passes);
        // With a multiplier for each product, some weights are powers of two and need none.
        if reuse_factor > 1 {
            assert_eq!(layer.statistics.multipliers, 72 * at_once / reuse_factor);
        }
        // One position at a time is a core in a sequencer, all at once a core alone.
        let modules = if passes > 1 { 3 } else { 2 };
        assert_eq!(circuit.design.modules.len(), modules);
    }
}

#[test]
fn a_window_of_an_image_of_its_own_size_is_a_core_alone() {
    let axis = WindowAxis { kernel: 3, stride: 1, dilation: 1 };
    let weight =
        Constant::quantize([9, 2], &[0.75; 18], "fixed<6,4>".parse::<FixedType>().unwrap());
    let kernel = Kernel::new(weight.unwrap(), None);
    let conv = Conv::new(Window::new([axis, axis], Padding::Valid), kernel);
    let mut network = Network::new("net");
    let x = network.input("x", [3, 3, 1], "fixed<8,4>".parse::<FixedType>().unwrap());
    network.outputs = vec![network.layer_with("conv", conv, [x], implementation(9, 1))];
    let circuit = build(&verify(network).unwrap()).unwrap();
    assert_eq!(circuit.design.modules.len(), 2);
    assert!(circuit.design.modules[0].instances.is_empty());
    assert_eq!(circuit.interface.initiation_interval_cycles, 9);
}

#[test]
fn a_window_bank_holds_the_rows_that_windows_share_once() {
    let weights = |index: usize| index as f64 * 0.25;
    let circuit = built(conv(weights, Padding::Valid), implementation(1, 1));
    let layer = circuit.design.modules.iter().find(|module| module.name == "net_conv").unwrap();
    let names = layer.registers.iter().map(|r| &layer.signal(r.q).name);
    let registers = names.filter(|name| name.starts_with("bank_")).count();
    // Of 12 windows of 18 elements, each of the 6 rows is held for the three columns of a window.
    assert!((1..=6 * 3 * 3 * 2).contains(&registers), "{registers} registers");
}

#[test]
fn a_skip_connection_waits_for_the_longer_way() {
    let mut network = Network::new("net");
    let x = network.input("x", [6, 5, 4], "fixed<8,4>".parse::<FixedType>().unwrap());
    let axis = WindowAxis { kernel: 3, stride: 1, dilation: 1 };
    let numbers: Vec<f64> = (0..144).map(|index| f64::from(index % 9) * 0.25 - 1.0).collect();
    let weight = Constant::quantize([36, 4], &numbers, "fixed<6,4>".parse::<FixedType>().unwrap());
    let kernel = Kernel::new(weight.unwrap(), None);
    let conv = Conv::new(Window::new([axis, axis], Padding::Same), kernel);
    let long = network.layer_with("conv", conv, [x], implementation(12, 6));
    let add = Merge { kind: MergeKind::Add, result: ResultType::Auto };
    network.outputs = vec![network.layer("skip", add, [x, long])];
    let circuit = build(&verify(network).unwrap()).unwrap();
    let waits = circuit.design.top().bus_registers.len() as u64;
    assert!(waits >= u64::from(circuit.layers[0].latency_cycles));
    assert_eq!(circuit.interface.initiation_interval_cycles, 12 * 5);
}
