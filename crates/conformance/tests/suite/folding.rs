//! A batch normalisation that the spec folds without being asked to changes no bit of any result.

use std::path::Path;

use rtl4ml_ir::VerifiedNetwork;
use rtl4ml_sim::reference::evaluate;

/// A layer with weights, a batch normalisation and what reads it.
fn network(before: &str, norm: &str) -> VerifiedNetwork {
    let text = format!(
        r#"
name: net
defaults: {{precision: {{weight: "fixed<8,4>", bias: "fixed<10,5>"}}}}
inputs: [{{name: x, shape: [3, 2], precision: "fixed<3,2>"}}]
layers:
  - {{name: before, {before}}}
  - {{name: norm, type: batch_norm, {norm}, precision: {{result: "fixed<6,4,RND,SAT>"}}}}
  - {{name: act, type: relu}}
"#
    );
    let loaded = rtl4ml_spec::parse(&text, "network.yaml", Path::new(""));
    loaded.unwrap_or_else(|error| panic!("{}", error.plain())).network
}

#[test]
fn folding_without_being_asked_changes_no_bit() {
    let layers = [
        (
            "type: dense, weight: [[1, 0.5, -2], [3, -0.25, 1]], bias: [1, -1, 0.5]",
            "scale: [0.5, -2, 1], shift: [0.25, 1, 0]",
        ),
        (
            "type: conv1d, padding: same, weight: [[[1, -2], [0, 1]], [[0.5, 1], [1, 1]]]",
            "scale: [2, -0.5], shift: [0.25, -3]",
        ),
        (
            "type: conv1d, weight: [[[1, -2], [3, 1]], [[0.5, 1], [0, 0.75]]], bias: [1, 1]",
            "scale: [2, -0.5], shift: [0.25, -3]",
        ),
        (
            "type: depthwise_conv1d, weight: [[[1, -2], [3, 1]], [[0.5, 1], [0, 0.75]]], bias: [1, 2, 3, -4]",
            "scale: [2, -0.5, 1, 4], shift: [0.25, -3, 0, 1]",
        ),
    ];
    for (before, norm) in layers {
        let folded = network(before, norm);
        let apart = network(before, &format!("{norm}, fold: false"));
        assert_eq!(folded.network().layers.len(), 2, "{before}");
        assert_eq!(apart.network().layers.len(), 3, "{before}");
        // Every fifth of all inputs of three bits an element.
        for code in (0..8i128.pow(6)).step_by(5) {
            let sample: Vec<i128> = (0..6).map(|digit| code / 8i128.pow(digit) % 8 - 4).collect();
            let outputs = [&folded, &apart]
                .map(|network| evaluate(network, std::slice::from_ref(&sample)).outputs(network));
            assert_eq!(outputs[0], outputs[1], "{before}: {sample:?}");
        }
    }
}
