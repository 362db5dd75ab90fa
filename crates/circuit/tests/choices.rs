//! What is chosen for layers with `strategy: auto`, and budgets that are kept or refused.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use rtl4ml_circuit::choose::budget_uses;
use rtl4ml_circuit::estimate::estimate;
use rtl4ml_circuit::{Circuit, CircuitError, build};
use rtl4ml_ir::layers::{Pool, PoolKind};
use rtl4ml_ir::{
    Amount, Budget, Constant, Contract, Conv, Dense, FixedType, Implementation, Io, Kernel,
    LatencyBound, Network, Padding, Relu, ResultType, Strategy, Types, Window, WindowAxis, verify,
};

const AUTO: Implementation = Implementation {
    strategy: Strategy::Auto,
    reuse_factor: 1,
    reuse_factor_is_fixed: false,
    multiplier: rtl4ml_ir::MultiplierStyle::Auto,
    parallelization_factor: None,
};

fn ty(text: &str) -> FixedType {
    text.parse().unwrap()
}

fn weights(n_in: usize, n_out: usize) -> Constant {
    let numbers: Vec<f64> =
        (0..n_in * n_out).map(|index| ((index * 37) % 251) as f64 - 125.0).collect();
    Constant::quantize([n_in, n_out], &numbers, ty("int<8>")).unwrap()
}

/// Two dense layers with an activation in between.
fn network(first: Implementation, second: Implementation) -> Network {
    let mut network = Network::new("net");
    let x = network.input("x", [12], ty("fixed<12,4>"));
    let y = network.layer_with("first", Dense::new(weights(12, 16), None), [x], first);
    let narrow = ResultType::Cast(Types::PerTensor(ty("ufixed<12,6,RND,SAT>")));
    let y = network.layer("relu", Relu { result: narrow }, [y]);
    let y = network.layer_with("second", Dense::new(weights(16, 8), None), [y], second);
    network.outputs = vec![y];
    network
}

fn free(budget: Budget, interval: Option<u64>) -> Network {
    let contract = Contract { initiation_interval_cycles: interval, latency: None };
    Network { budget, contract, ..network(AUTO, AUTO) }
}

fn built(network: Network) -> Result<Circuit, CircuitError> {
    build(&verify(network).unwrap())
}

fn lut(count: u64) -> Budget {
    Budget { lut: Some(Amount::Count(count)), ..Budget::default() }
}

fn dsp(count: u64) -> Budget {
    Budget { dsp: Some(Amount::Count(count)), ..Budget::default() }
}

fn ways(circuit: &Circuit) -> Vec<(Strategy, u64)> {
    let ways = circuit.layers.iter().filter(|layer| layer.name != "relu");
    ways.map(|layer| (layer.implementation.strategy, layer.implementation.reuse_factor)).collect()
}

#[test]
fn without_bounds_the_cheapest_is_built_as_if_it_were_said() {
    let circuit = built(free(Budget::default(), None)).unwrap();
    let adders = Implementation { strategy: Strategy::DistributedArithmetic, ..AUTO };
    assert_eq!(ways(&circuit), [(Strategy::DistributedArithmetic, 1); 2]);
    let said = built(network(adders, adders)).unwrap();
    assert_eq!(format!("{:?}", circuit.design), format!("{:?}", said.design));
    assert!(said.decisions.is_empty());
    let [first, second] = &circuit.decisions[..] else { panic!("two decisions") };
    assert_eq!((first.layer.as_str(), second.layer.as_str()), ("first", "second"));
    assert_eq!(
        first.reason,
        "distributed_arithmetic: interval 1, since neither contract nor budget asks for a longer \
         one; the cheapest of 2"
    );
    let prices: Vec<f64> = first.candidates.iter().map(|candidate| candidate.price).collect();
    assert!(prices.iter().all(|price| *price >= prices[first.taken]), "{prices:?}");
}

#[test]
fn a_factor_that_is_asked_for_stays() {
    let fixed = Implementation { reuse_factor: 6, reuse_factor_is_fixed: true, ..AUTO };
    let circuit = built(network(fixed, AUTO)).unwrap();
    assert_eq!(ways(&circuit)[0].1, 6);
    // The network takes an input every 6 cycles in any case, and the other layer may as well.
    assert_eq!(circuit.interface.initiation_interval_cycles, 6);
    assert!(circuit.decisions[1].reason.contains("other layers need 6 in any case"));
    assert!(circuit.decisions[1].candidates.iter().any(|candidate| candidate.reuse_factor == 4));
}

#[test]
fn a_contract_is_used_up_where_that_is_cheaper_for_the_budget() {
    let budget = Budget { dsp: Some(Amount::Count(60)), ..lut(4000) };
    let network = free(budget, Some(8));
    let device = network.target.part.device;
    let circuit = built(network).unwrap();
    assert!(circuit.interface.initiation_interval_cycles <= 8);
    let uses = budget_uses(&verify(free(budget, Some(8))).unwrap(), &estimate(&circuit).total);
    assert_eq!(uses.iter().map(|used| used.resource).collect::<Vec<_>>(), ["lut", "dsp"]);
    assert!(uses.iter().all(|used| used.taken <= used.most), "{uses:?}");
    assert!(ways(&circuit).iter().any(|(_, factor)| *factor == 8), "{:?}", ways(&circuit));
    let text = &circuit.decisions[0].reason;
    assert!(text.contains("interval 8 is what the contract allows"), "{text}");
    assert!(text.contains("; the network takes lut "), "{text}");
    assert!(device.dsps > 60);
}

#[test]
fn without_a_contract_the_interval_grows_only_for_the_budget() {
    let least = |budget| built(free(budget, None)).unwrap().interface.initiation_interval_cycles;
    let whole = estimate(&built(free(Budget::default(), None)).unwrap()).total.all_luts().value;
    assert_eq!(least(lut(whole)), 1);
    let interval = least(lut(whole / 3));
    assert!(interval > 1);
    // With less time it cannot be kept, and the message says what can be had.
    let refused = built(free(lut(whole / 3), Some(1))).unwrap_err().to_string();
    assert!(refused.starts_with(&format!("budget: lut {} cannot be kept", whole / 3)), "{refused}");
    let (_, advice) = refused.split_once("it can be kept with `initiation_interval: ").unwrap();
    let advised: u64 = advice.trim_end_matches('`').parse().unwrap();
    assert!(built(free(lut(whole / 3), Some(advised))).is_ok());
}

#[test]
fn no_dsp_block_is_taken_where_there_may_be_none() {
    let circuit = built(free(dsp(0), Some(16))).unwrap();
    assert_eq!(estimate(&circuit).total.dsp.value, 0);
    assert!(circuit.layers.iter().all(|layer| layer.statistics.dsp_blocks == 0));
}

#[test]
fn what_nothing_keeps_is_refused_with_the_nearest() {
    let text = built(free(lut(100), None)).unwrap_err().to_string();
    let needed = text.strip_prefix("budget: lut 100 cannot be kept: the nearest choice needs lut ");
    let (needed, rest) = needed.unwrap().split_once(' ').unwrap();
    assert!(
        rest.starts_with("at interval ") && rest.ends_with("that was tried keeps it"),
        "{text}"
    );
    let needed: u64 = needed.parse().unwrap();
    let whole = estimate(&built(free(Budget::default(), None)).unwrap()).total.all_luts().value;
    assert!((101..whole / 2).contains(&needed), "{text}");
}

#[test]
fn a_budget_holds_for_what_is_said_too() {
    let wasteful = Implementation {
        strategy: Strategy::Latency,
        multiplier: rtl4ml_ir::MultiplierStyle::Dsp,
        ..AUTO
    };
    let said = Network { budget: dsp(3), ..network(wasteful, wasteful) };
    let text = built(said).unwrap_err().to_string();
    assert!(text.starts_with("budget: dsp 3 cannot be kept: the network takes dsp "), "{text}");
    assert!(text.ends_with("; choose `strategy: auto` or larger reuse factors"), "{text}");
}

#[test]
fn a_latency_is_kept_by_the_layers_that_lose_least() {
    let with = |cycles| {
        let contract = Contract {
            initiation_interval_cycles: Some(16),
            latency: Some(LatencyBound::Cycles(cycles)),
        };
        built(Network { contract, ..free(lut(2500), None) })
    };
    let slow = with(1000).unwrap();
    let found = slow.interface.latency_cycles;
    let faster = with(found - 1).unwrap();
    assert!(faster.interface.latency_cycles < found);
    assert_ne!(ways(&slow), ways(&faster));
    let text = with(1).unwrap_err().to_string();
    assert!(text.contains("latency"), "{text}");
}

#[test]
fn a_layer_of_a_stream_takes_the_time_that_the_slowest_needs() {
    let axis = |kernel, stride| WindowAxis { kernel, stride, dilation: 1 };
    let mut network = Network::new("stream");
    network.io = Io::Stream;
    let x = network.input("x", [8, 8, 2], ty("fixed<8,4>"));
    let window = Window::new([axis(3, 1), axis(3, 1)], Padding::Same);
    let conv = Conv::new(window, Kernel::new(weights(18, 4), None));
    let conv = Conv { result: ty("fixed<8,8,RND,SAT>").into(), ..conv };
    let y = network.layer_with("conv", conv, [x], AUTO);
    let window = Some(Window::new([axis(8, 8), axis(8, 8)], Padding::Valid));
    let pool = Pool { kind: PoolKind::Max, window, accum: None, result: ResultType::Auto };
    let y = network.layer("pool", pool, [y]);
    let y = network.layer_with("fc", Dense::new(weights(4, 16), None), [y], AUTO);
    network.outputs = vec![y];
    let circuit = built(network).unwrap();
    let fc = circuit.decisions.iter().find(|decision| decision.layer == "fc").unwrap();
    // A vector comes once a frame, of at least 64 pixels.
    let most = fc.candidates.iter().map(|candidate| candidate.reuse_factor).max();
    assert_eq!(most, Some(64));
    assert!(fc.candidates[fc.taken].initiation_interval_cycles <= 100);
}
