//! Numbers at the inputs: the header casts them as the definition of the types says.

use std::fs;
use std::process::Command;

use rtl4ml_ir::{FixedType, Format, Network, Overflow, Reshape, Rounding, Types, verify};
use rtl4ml_sim::vectors::Random;

use super::{FLAGS, emulator, run};

#[test]
fn numbers_are_cast_to_the_types_of_the_inputs_in_cpp() {
    let mut types: Vec<FixedType> = Vec::new();
    for format in [
        Format::signed(8, 3),
        Format::unsigned(8, 3),
        Format::signed(64, 20),
        Format::unsigned(64, 64),
        Format::signed(12, 40),
        Format::unsigned(5, -30),
        Format::unsigned(0, 0),
        Format::signed(1, 1),
    ] {
        for rounding in Rounding::ALL {
            let modes = Overflow::ALL.map(|o| FixedType::new(format).with_modes(rounding, o));
            types.extend(modes);
        }
    }
    let mut network = Network::new("numbers");
    let x = network.input("x", [types.len()], Types::PerElement(types.clone()));
    let y = network.layer("y", Reshape::Flatten, [x]);
    network.outputs = vec![y];
    let emulator = emulator(&verify(network).unwrap(), "1");

    let mut random = Random::new(3);
    let mut numbers = vec![0.0, -0.0, 5e-324, -5e-324, 1.5e300, -1.5e300, 0.5, -0.5, 255.0, -256.0];
    // Halves and quarters of steps, and numbers of any size.
    numbers.extend((-40..40).map(|quarters| f64::from(quarters) / 128.0));
    numbers.extend((0..100).map(|_| {
        let exponent = random.below(160) as i32 - 90;
        (random.bits() as i64) as f64 * 2f64.powi(exponent)
    }));
    let bits = |number: f64| format!("{} ", number.to_bits());
    let mut text = String::new();
    for number in &numbers {
        text += &bits(*number).repeat(types.len());
        for ty in &types {
            // The sign of a zero is lost in a fixed-point type.
            let cast = ty.format.to_f64(ty.from_f64(*number).unwrap()) + 0.0;
            text += &bits(cast);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("numbers.txt"), text).unwrap();
    fs::write(folder.path().join("numbers_v1.hpp"), &emulator.header).unwrap();
    fs::write(folder.path().join("main.cpp"), include_str!("numbers.cpp")).unwrap();
    run(Command::new("g++").args(FLAGS).args(["main.cpp", "-o", "main"]).current_dir(&folder));
    let printed = run(Command::new("./main").current_dir(&folder));
    assert_eq!(printed.trim(), (numbers.len() * types.len()).to_string());
}
