//! The emulator on every case in a folder: ours, the examples', and those of other people's
//! emulators. [`Case::load`] compares every element of every layer with the reference, and every
//! output with the file; random networks do the same wherever they are run.

use std::path::PathBuf;

use rtl4ml_conformance::{Case, root};
use rtl4ml_ir::{Constant, Dense, FixedType, Format, Network, Types, verify};
use rtl4ml_sim::emulator::Emulator;
use rtl4ml_sim::vectors::{Random, corners_and_random};

fn specs(folder: &str) -> Vec<PathBuf> {
    let Ok(folders) = std::fs::read_dir(root().join(folder)) else { return Vec::new() };
    let spec = folders.map(|folder| folder.unwrap().path().join("network.yaml"));
    let mut specs: Vec<PathBuf> = spec.filter(|spec| spec.exists()).collect();
    specs.sort();
    specs
}

/// Only layers with steps beyond 64 bits are left to the reference.
#[test]
fn every_case_is_equal_on_the_emulator() {
    let mut left = Vec::new();
    let specs = [specs("testbenches"), specs("../shared/cases")].concat();
    assert!(specs.len() >= 140, "only {} cases were found", specs.len());
    for spec in &specs {
        if rtl4ml_spec::load(spec).is_err() {
            // Of a later version; the suite of the reference says so.
            continue;
        }
        let case = Case::load(spec);
        let emulator = Emulator::new(&case.network);
        left.extend(emulator.on_reference().into_iter().map(|l| format!("{}: {l}", case.name)));
    }
    assert!(left.len() <= 4, "layers on the reference: {left:#?}");
    println!("{} cases; on the reference: {left:?}", specs.len());
}

/// Weights on grids so far apart that no integer of 64 bits has both are computed where what
/// they multiply is always 0, up to the limit of `ir::exact`; beyond it the reference does it.
#[test]
fn weights_far_apart_times_zero_are_equal_on_the_emulator() {
    for (bits_apart, left) in [(119, 0), (120, 0), (125, 0), (126, 1), (200, 1)] {
        let ty = FixedType::new(Format::signed(4, 4));
        let fine = FixedType::new(Format::signed(4, 4 - bits_apart));
        let step = 2f64.powi(-bits_apart);
        let types = Types::PerElement(vec![ty, fine]);
        let weights = Constant::quantize([1, 2], &[3.0, step], types).unwrap();
        let bias = Constant::quantize([2], &[5.0 * step, -7.0 * step], fine).unwrap();
        let mut network = Network::new(format!("apart_{bits_apart}"));
        let never = network.input("x", [1], FixedType::new(Format::unsigned(0, 0)));
        network.outputs = vec![network.layer("fc", Dense::new(weights, Some(bias)), [never])];
        let network = verify(network).unwrap();
        let samples = corners_and_random(&network, 40, &mut Random::new(1));
        let case = Case::new(network.network().name.clone(), network, samples);
        assert_eq!(case.expected[0], [[5, -7]]);
        assert_eq!(Emulator::new(&case.network).on_reference().len(), left, "{}", case.name);
    }
}
