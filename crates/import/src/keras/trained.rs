//! Which of a file's numbers belong to a layer, and what each is called.

use std::collections::HashMap;

use super::config::{Architecture, Layer, Package};
use super::hgq1;
use super::weights::Weights;
use crate::tensor::Tensor;

/// The group of each layer in a file of version 3: its class in small letters, numbered.
pub fn groups(architecture: &Architecture) -> Vec<String> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    let group = |layer: &Layer| {
        let name = snake_case(&layer.class);
        let count = counts.entry(name.clone()).or_default();
        *count += 1;
        if *count == 1 { name } else { format!("{name}_{}", *count - 1) }
    };
    architecture.layers.iter().map(group).collect()
}

/// A class name as Keras turns it into the name of a variable.
fn snake_case(class: &str) -> String {
    let letters: Vec<char> = class.chars().collect();
    let mut name = String::new();
    for (index, letter) in letters.iter().enumerate() {
        let after_small = index > 0 && letters[index - 1].is_lowercase();
        let before_small = index > 0 && letters.get(index + 1).is_some_and(|l| l.is_lowercase());
        if letter.is_uppercase() && (after_small || before_small) {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

/// The names of a layer's numbers in the order in which version 3 numbers them.
fn order(layer: &Layer) -> Vec<&'static str> {
    if layer.package == Package::Hgq {
        return hgq1::order(layer);
    }
    let class = layer.class.trim_start_matches('Q');
    match class {
        "BatchNormalization" => {
            let mut names = Vec::new();
            if layer.flag("scale", true) {
                names.push("gamma");
            }
            if layer.flag("center", true) {
                names.push("beta");
            }
            names.extend(["moving_mean", "moving_variance"]);
            names
        }
        "SeparableConv1D" | "SeparableConv2D" => {
            vec!["depthwise_kernel", "pointwise_kernel", "bias"]
        }
        "DepthwiseConv1D" | "DepthwiseConv2D" => vec!["depthwise_kernel", "bias"],
        // The scale and the mean are those of the inputs.
        "BatchNormDense" => {
            let names = ["kernel", "bias", "gamma", "moving_mean", "moving_variance"];
            let has_scale = layer.flag("scale", true);
            names.into_iter().filter(|name| has_scale || *name != "gamma").collect()
        }
        "PReLU" => vec!["alpha"],
        _ => vec!["kernel", "bias"],
    }
}

/// A layer's numbers by their names.
pub fn trained(weights: &Weights, layer: &Layer, group: &str) -> HashMap<String, Tensor> {
    let mut found = HashMap::new();
    if weights.is_version_3() {
        let mut tensors = numbered(weights, layer, group, "vars");
        let counts_bits = match layer.package {
            Package::Keras => false,
            Package::Hgq => layer.class.starts_with('H'),
            Package::Hgq2 => true,
        };
        if counts_bits {
            // What it counts of its own bits stands between the others.
            tensors.retain(|(_, tensor)| !tensor.extents.is_empty());
            tensors.iter_mut().enumerate().for_each(|(place, (number, _))| *number = place);
        }
        for (number, tensor) in tensors {
            if let Some(name) = order(layer).get(number) {
                found.insert((*name).to_owned(), tensor.clone());
            }
        }
        return found;
    }
    for root in ["model_weights/", ""] {
        for (path, tensor) in weights.below(&format!("{root}{}", layer.name)) {
            let name = path.rsplit('/').next().unwrap_or(path);
            let name = name.split(':').next().unwrap_or(name);
            found.insert(name.to_owned(), tensor.clone());
        }
    }
    found
}

/// What a file of version 3 has below a layer's group, by its numbers in their order.
pub fn numbered<'w>(
    weights: &'w Weights,
    layer: &Layer,
    group: &str,
    inner: &str,
) -> Vec<(usize, &'w Tensor)> {
    let roots = ["layers", "_layer_checkpoint_dependencies"];
    // Newer files have the layers' own names.
    let names = [group, &layer.name];
    let places = roots.iter().flat_map(|root| names.map(|name| format!("{root}/{name}/{inner}")));
    let found = places.map(|place| weights.below(&place)).find(|found| !found.is_empty());
    let with_number = |(number, tensor): (&str, &'w Tensor)| Some((number.parse().ok()?, tensor));
    let mut tensors: Vec<(usize, &Tensor)> =
        found.unwrap_or_default().into_iter().filter_map(with_number).collect();
    tensors.sort_by_key(|(number, _)| *number);
    tensors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_named_as_keras_names_them() {
        let classes = ["Conv2D", "ReLU", "PReLU", "QDense", "UpSampling2D", "SeparableConv1D"];
        let expected =
            ["conv2d", "re_lu", "p_re_lu", "q_dense", "up_sampling2d", "separable_conv1d"];
        assert_eq!(classes.map(snake_case), expected);
    }
}
