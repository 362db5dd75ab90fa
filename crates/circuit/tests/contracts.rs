//! Stages of whole networks, and contracts about them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use rtl4ml_circuit::{Circuit, CircuitError, build};
use rtl4ml_ir::layers::{Merge, MergeKind};
use rtl4ml_ir::{
    Constant, Contract, Dense, FixedType, Implementation, Io, LatencyBound, MultiplierStyle,
    Network, Relu, ResultType, Types, verify,
};

fn weights(n_in: usize, n_out: usize) -> Constant {
    let numbers: Vec<f64> =
        (0..n_in * n_out).map(|index| ((index * 37) % 61) as f64 - 30.0).collect();
    Constant::quantize([n_in, n_out], &numbers, "int<7>".parse::<FixedType>().unwrap()).unwrap()
}

/// Two dense layers with an activation in between, and a sum over a skip connection.
fn network(clock: &str, reuse_factor: u64, contract: Contract) -> Network {
    let mut network = Network::new("net");
    network.target.clock = clock.parse().unwrap();
    network.contract = contract;
    let lut = Implementation { multiplier: MultiplierStyle::Lut, ..Implementation::default() };
    let x = network.input("x", [12], "fixed<8,4>".parse::<FixedType>().unwrap());
    let first = network.layer_with("first", Dense::new(weights(12, 12), None), [x], lut);
    let narrow: FixedType = "ufixed<8,6,RND,SAT>".parse().unwrap();
    let relu = Relu { result: ResultType::Cast(Types::PerTensor(narrow)) };
    let relu = network.layer("relu", relu, [first]);
    let second = Implementation { reuse_factor, ..lut };
    let second = network.layer_with("second", Dense::new(weights(12, 12), None), [relu], second);
    let add = Merge { kind: MergeKind::Add, result: ResultType::Auto };
    network.outputs = vec![network.layer("skip", add, [second, x])];
    network
}

fn built(network: Network) -> Result<Circuit, CircuitError> {
    build(&verify(network).unwrap())
}

fn message(clock: &str, reuse_factor: u64, contract: Contract) -> String {
    built(network(clock, reuse_factor, contract)).unwrap_err().to_string()
}

/// The least latency: a contract of fewer cycles makes sums by distributed arithmetic shallower,
/// until it is refused.
fn least(mut network: Network) -> u64 {
    let mut cycles = built(network.clone()).unwrap().interface.latency_cycles;
    loop {
        network.contract.latency = Some(LatencyBound::Cycles(cycles - 1));
        match built(network.clone()) {
            Ok(circuit) => cycles = circuit.interface.latency_cycles,
            Err(_) => return cycles,
        }
    }
}

fn latency(clock: &str, reuse_factor: u64) -> u64 {
    least(network(clock, reuse_factor, Contract::default()))
}

#[test]
fn registers_of_data_have_no_reset_so_that_they_can_become_shift_registers() {
    let circuit = built(network("500 MHz", 1, Contract::default())).unwrap();
    let mut bits = 0;
    for module in &circuit.design.modules {
        for register in &module.registers {
            let signal = module.signal(register.q);
            assert_eq!(register.reset, signal.ty.width == 1 && signal.name.contains("valid"));
            bits += signal.ty.width;
        }
    }
    assert!(bits > 100 && circuit.interface.latency_cycles > 5);
}

#[test]
fn a_latency_that_cannot_be_kept_is_refused_with_a_clock_that_keeps_it() {
    let found = latency("400 MHz", 1);
    for asked in 2..found {
        let bound = Some(LatencyBound::Cycles(asked));
        let contract = Contract { latency: bound, ..Contract::default() };
        let text = message("400 MHz", 1, contract);
        let start = format!(
            "contract: a latency of {asked} cycles cannot be kept at 400.0 MHz (2.500 ns): \
             {found} cycles are the least (`first` "
        );
        assert!(text.starts_with(&start), "{text}");
        let (_, clock) = text.split_once("it can be kept at ").unwrap_or_else(|| panic!("{text}"));
        let (mhz, cycles) = clock.split_once(" MHz, with ").unwrap();
        let mhz: u64 = mhz.parse().unwrap();
        assert!(mhz < 400);
        assert!(latency(&format!("{} MHz", mhz + 1), 1) > asked);
        assert_eq!(format!("{} cycles", latency(&format!("{mhz} MHz"), 1)), cycles);
        assert!(built(network(&format!("{mhz} MHz"), 1, contract)).is_ok());
    }
    let bound = Some(LatencyBound::Cycles(8));
    let text = message("400 MHz", 12, Contract { latency: bound, ..Contract::default() });
    assert!(text.contains("`second` ") && text.contains(" with reuse_factor 12"), "{text}");
    assert!(text.ends_with("no clock keeps it; choose smaller reuse factors"), "{text}");
}

#[test]
fn a_latency_in_time_is_refused_with_a_clock_near_by() {
    let cycles = least(network("400 MHz", 1, Contract::default()));
    // A little less than it takes.
    let bound = Some(LatencyBound::Picoseconds(cycles * 2500 - 100));
    let contract = Contract { latency: bound, ..Contract::default() };
    let text = message("400 MHz", 1, contract);
    assert!(
        text.contains(&format!("({} cycles) cannot be kept at 400.0 MHz", cycles - 1)),
        "{text}"
    );
    let (_, clock) = text.split_once("it can be kept at ").unwrap_or_else(|| panic!("{text}"));
    let (mhz, _) = clock.split_once(" MHz, with ").unwrap();
    assert!(built(network(&format!("{mhz} MHz"), 1, contract)).is_ok());
    let bound = Some(LatencyBound::Picoseconds(6000));
    let text = message("400 MHz", 1, Contract { latency: bound, ..Contract::default() });
    assert!(text.ends_with("no clock keeps it"), "{text}");
}

#[test]
fn an_interval_that_cannot_be_kept_is_refused_with_a_reuse_factor_that_keeps_it() {
    let contract = Contract { initiation_interval_cycles: Some(7), ..Contract::default() };
    assert_eq!(
        message("200 MHz", 12, contract),
        "contract: initiation_interval 7 cannot be kept: 12 cycles are the least (`second` 12 \
         with reuse_factor 12); choose reuse_factor 6 in `second`"
    );
    assert!(built(network("200 MHz", 6, contract)).is_ok());
}

#[test]
fn a_stream_keeps_the_contract_or_tells_of_a_clock_too() {
    let mut stream = network("400 MHz", 1, Contract::default());
    stream.io = Io::Stream;
    let found = least(stream.clone());
    stream.contract.latency = Some(LatencyBound::Cycles(found - 1));
    let text = built(stream.clone()).unwrap_err().to_string();
    let (_, clock) = text.split_once("it can be kept at ").unwrap_or_else(|| panic!("{text}"));
    let (mhz, _) = clock.split_once(" MHz, with ").unwrap();
    stream.target.clock = format!("{mhz} MHz").parse().unwrap();
    assert!(built(stream).is_ok());
}

#[test]
fn a_layer_starts_no_earlier_than_an_input_of_which_it_makes_nothing() {
    let mut network = Network::new("net");
    network.target.clock = "500 MHz".parse().unwrap();
    let x = network.input("x", [4], "ufixed<2,2>".parse::<FixedType>().unwrap());
    let ty: FixedType = "ufixed<10,10>".parse().unwrap();
    let bias = Constant::quantize([4], &[900.0; 4], ty).unwrap();
    let weight = Constant::quantize([4, 4], &[7.0; 16], ty).unwrap();
    let lut = Implementation { multiplier: MultiplierStyle::Lut, ..Implementation::default() };
    let late = network.layer_with("late", Dense::new(weight, Some(bias)), [x], lut);
    let least = Merge { kind: MergeKind::Minimum, result: ResultType::Auto };
    let least = network.layer("least", least, [x, late]);
    let add = Merge { kind: MergeKind::Add, result: ResultType::Auto };
    network.outputs = vec![network.layer("sum", add, [least, late])];
    let circuit = built(network).unwrap();
    let [late, least, _] = &circuit.layers[..] else { panic!("three layers") };
    // No x is above what the dense layer gives, so that the least is x.
    assert_eq!(least.latency_cycles, 0);
    assert!(late.latency_cycles > 0);
}
