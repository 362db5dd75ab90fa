use super::*;
use crate::{Constant, Dense, FixedType, Relu};

fn ty(text: &str) -> FixedType {
    text.parse().unwrap()
}

fn dense(n_in: usize, n_out: usize) -> Dense {
    let weights = vec![0.5; n_in * n_out];
    Dense::new(Constant::quantize([n_in, n_out], &weights, ty("fixed<4,2>")).unwrap(), None)
}

fn messages(network: Network) -> Vec<String> {
    verify(network).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn a_small_network_is_verified_with_the_types_of_its_tensors() {
    let mut network = Network::new("mlp");
    let x = network.input("x", [3], ty("ufixed<2,2>"));
    let fc = network.layer("fc", dense(3, 2), [x]);
    let y = network.layer("act", Relu::default(), [fc]);
    network.outputs = vec![y];
    let verified = verify(network).unwrap();
    assert_eq!(verified.tensor_type(y).to_string(), "[2] of ufixed<5,3>");
}

#[test]
fn every_mistake_is_reported_once_and_none_that_follows_from_another() {
    let mut network = Network::new("2 bad");
    let x = network.input("x", [3], ty("fixed<4,2>"));
    let slow = Implementation { reuse_factor: 4, ..Implementation::default() };
    let first = network.layer_with("fc", dense(3, 2), [x], slow);
    let wrong = network.layer("fc", dense(5, 2), [first]);
    let after = network.layer("after", Relu::default(), [wrong]);
    network.layer("alone", Relu::default(), [x]);
    network.outputs = vec![after, after];
    let found = messages(network);
    assert_eq!(found.len(), 6, "{found:#?}");
    assert!(found[0].contains("`n2_bad`"));
    assert!(found[1].contains("`fc` is used twice"));
    assert!(found[2].contains("listed twice"));
    assert!(found[3].contains("reuse_factor 4 does not divide 3 x 2; legal near 4: 3, 6"));
    assert!(found[4].contains("[5, 2]"));
    assert!(found[5].contains("`alone` reaches no output"));
}

#[test]
fn layers_can_be_built_otherwise_where_that_is_legal() {
    let mut network = Network::new("mlp");
    let x = network.input("x", [3], ty("ufixed<2,2>"));
    let y = network.layer("fc", dense(3, 2), [x]);
    network.outputs = vec![y];
    let verified = verify(network).unwrap();
    let with = |reuse_factor| {
        verified.with_implementations(&[Implementation { reuse_factor, ..Default::default() }])
    };
    let changed = with(3).unwrap();
    assert_eq!(changed.network().layers[0].implementation.reuse_factor, 3);
    assert_eq!(changed.tensor_type(y), verified.tensor_type(y));
    assert!(with(4).unwrap_err()[0].to_string().contains("does not divide 3 x 2"));
}

#[test]
fn formats_that_cannot_be_declared_are_refused() {
    let mut network = Network::new("formats");
    let wide = FixedType::new(crate::Format::signed(100, 50));
    let x = network.input("x", [2], wide);
    let z = network.input("z", [2], ty("fixed<8,4>"));
    let act = network.layer("act", Relu { result: wide.into() }, [z]);
    network.outputs = vec![x, act];
    let found = messages(network);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found.iter().all(|message| message.contains("fixed<100,50>")));
}

#[test]
fn an_intermediate_beyond_64_bits_names_what_is_too_wide() {
    let mut network = Network::new("wide");
    let x = network.input("x", [2], ty("fixed<60,30>"));
    let weight = Constant::quantize([2, 1], &[1e3, 1e3], ty("fixed<20,20>")).unwrap();
    let y = network.layer("fc", Dense::new(weight, None), [x]);
    network.outputs = vec![y];
    assert!(messages(network)[0].contains("would need 70 bits; at most 64"));
}
