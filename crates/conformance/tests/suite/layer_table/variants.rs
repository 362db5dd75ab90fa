//! Small networks of one layer: for each layer type one for each way in which it streams.

use std::fmt::Write as _;

use rtl4ml_sim::vectors::Random;

/// A layer with what it reads.
#[derive(Clone, Debug)]
pub struct Variant {
    /// The extents of each input.
    pub inputs: Vec<Vec<usize>>,
    /// The layer's keys, but for its type and how it is built.
    pub keys: String,
    /// Its multipliers, if it has any.
    pub kernel: Option<KernelVariant>,
}

/// How the multipliers of a layer can be shared.
#[derive(Clone, Copy, Debug)]
pub struct KernelVariant {
    /// A legal reuse factor above 1.
    pub reuse_factor: u64,
    /// Where a position is computed by itself: how many there are, and how many go at once.
    pub positions: Option<(u64, u64)>,
    /// Whether the first of two layers has a reuse factor of its own.
    pub is_separable: bool,
}

/// The ways in which a layer of a type streams, in the order in which the page tells them.
///
/// # Panics
/// For a type that is not known here: every type needs its line.
pub fn variants(ty: &str) -> Vec<Variant> {
    let image: &[usize] = if ty.ends_with("1d") { &[4, 2] } else { &[3, 3, 2] };
    let one = |keys: &str| vec![Variant::new([image], keys)];
    match ty {
        "dense" => vec![dense()],
        "conv1d" => vec![conv(image, &[3], "weight"), conv(image, &[1], "weight")],
        "conv2d" => vec![conv(image, &[2, 3], "weight"), conv(image, &[1, 1], "weight")],
        "depthwise_conv1d" => vec![depthwise(image, &[2]), depthwise(image, &[1])],
        "depthwise_conv2d" => vec![depthwise(image, &[2, 2]), depthwise(image, &[1, 1])],
        "separable_conv1d" => vec![separable(image, &[2])],
        "separable_conv2d" => vec![separable(image, &[2, 2])],
        "max_pool1d" | "max_pool2d" => one("pool_size: 2, strides: 1, padding: same"),
        "average_pool1d" | "average_pool2d" => vec![
            Variant::new([image], "pool_size: 2, strides: 1"),
            Variant::new([image], "pool_size: 2, strides: 1, padding: same"),
        ],
        "global_max_pool1d"
        | "global_max_pool2d"
        | "global_average_pool1d"
        | "global_average_pool2d" => one(""),
        "batch_norm" => {
            one(&format!("scale: {}, shift: {}", array(&[2], "weight"), array(&[2], "bias")))
        }
        "add" | "subtract" | "multiply" | "average" | "maximum" | "minimum" => {
            vec![Variant::new([[2, 2], [2, 2]], ""), Variant::new([&[2, 2][..], &[2]], "")]
        }
        "concatenate" => vec![
            Variant::new([[2, 2], [2, 2]], "precision: auto"),
            Variant::new([[2, 2], [1, 2]], "axis: 1"),
        ],
        "dot" => vec![Variant::new([[3], [3]], "")],
        "leaky_relu" => one("alpha: 0.25"),
        "prelu" => {
            let alpha = |extents: &[usize]| format!("alpha: {}", array(extents, "alpha"));
            vec![Variant::new([[2, 2]], &alpha(&[2])), Variant::new([[2, 2]], &alpha(&[2, 2]))]
        }
        "relu" | "hard_sigmoid" | "hard_tanh" | "binary_tanh" | "ternary_tanh" | "sigmoid"
        | "tanh" | "softplus" | "softsign" | "elu" | "selu" | "softmax" | "argmax" => {
            vec![Variant::new([[3, 2]], "")]
        }
        "table" => {
            vec![Variant::new([[3, 2]], "values: [-1, 0.5, 0.25, 1.5], range: [-2, 2]")]
        }
        "quantize" => vec![Variant::new([[3, 2]], "precision: \"fixed<4,3,RND,SAT>\"")],
        "flatten" => vec![Variant::new([[2, 2]], ""), Variant::new([[4]], "")],
        "reshape" => vec![
            Variant::new([[2, 3]], "shape: [3, 2]"),
            Variant::new([[2, 2, 3]], "shape: [4, 3]"),
        ],
        "permute" => vec![Variant::new([[2, 3]], "dims: [2, 1]")],
        "zero_padding1d" | "zero_padding2d" => one("padding: 1"),
        "cropping1d" | "cropping2d" => one("cropping: 1"),
        "up_sampling1d" | "up_sampling2d" => one("size: 2"),
        unknown => panic!("layer type {unknown} needs a variant"),
    }
}

impl Variant {
    fn new(inputs: impl IntoIterator<Item = impl Into<Vec<usize>>>, keys: &str) -> Self {
        let inputs = inputs.into_iter().map(Into::into).collect();
        Self { inputs, keys: keys.to_owned(), kernel: None }
    }

    fn with(self, reuse_factor: u64, positions: Option<(u64, u64)>) -> Self {
        Self {
            kernel: Some(KernelVariant { reuse_factor, positions, is_separable: false }),
            ..self
        }
    }

    /// The spec of a network of this layer alone.
    pub fn spec(&self, name: &str, io: &str, ty: &str, more: &str) -> String {
        let mut text = format!("name: {name}\nio: {io}\ndefaults:\n  precision: ");
        text.push_str("{weight: \"fixed<4,2>\", bias: \"fixed<4,2>\", input: \"fixed<5,3>\", ");
        text.push_str("result: \"fixed<7,4,RND,SAT>\"}\ninputs:\n");
        let names: Vec<String> = (0..self.inputs.len()).map(|i| format!("x{i}")).collect();
        for (name, shape) in names.iter().zip(&self.inputs) {
            writeln!(text, "  - {{name: {name}, shape: {shape:?}}}").unwrap();
        }
        let inputs = names.join(", ");
        let keys = [&self.keys, more].into_iter().filter(|keys| !keys.is_empty());
        let keys: String = keys.map(|keys| format!(", {keys}")).collect();
        writeln!(text, "layers:\n  - {{name: y, type: {ty}, inputs: [{inputs}]{keys}}}").unwrap();
        text
    }
}

fn dense() -> Variant {
    let keys = format!("weight: {}, bias: {}", array(&[3, 2], "dense"), array(&[2], "bias"));
    Variant::new([[2, 3]], &keys).with(3, None)
}

/// How many positions `same` windows of an image have, and a divisor of that.
fn positions(image: &[usize]) -> (u64, u64) {
    let positions: usize = image[..image.len() - 1].iter().product();
    (positions as u64, if positions.is_multiple_of(2) { 2 } else { 3 })
}

fn conv(image: &[usize], cells: &[usize], seed: &str) -> Variant {
    let extents = [cells, &[2, 2]].concat();
    let bias = array(&[2], "bias");
    let keys = format!("weight: {}, bias: {bias}, padding: same", array(&extents, seed));
    Variant::new([image], &keys).with(4, Some(positions(image)))
}

fn depthwise(image: &[usize], cells: &[usize]) -> Variant {
    let extents = [cells, &[2, 2]].concat();
    let keys = format!("weight: {}, padding: same", array(&extents, "depthwise"));
    Variant::new([image], &keys).with(2, Some(positions(image)))
}

fn separable(image: &[usize], cells: &[usize]) -> Variant {
    let depthwise = array(&[cells, &[2, 1]].concat(), "depthwise");
    let pointwise = array(&[&vec![1; cells.len()][..], &[2, 2]].concat(), "pointwise");
    let keys = format!("depthwise: {depthwise}, pointwise: {pointwise}, padding: same");
    let variant = Variant::new([image], &keys);
    let kernel =
        KernelVariant { reuse_factor: 2, positions: Some(positions(image)), is_separable: true };
    Variant { kernel: Some(kernel), ..variant }
}

/// Numbers on the grid of `fixed<4,2>`, the same for the same seed.
fn array(extents: &[usize], seed: &str) -> String {
    let mut random = Random::new(seed.bytes().map(u64::from).sum());
    nested(extents, &mut random)
}

fn nested(extents: &[usize], random: &mut Random) -> String {
    match extents {
        [] => ((random.below(16) as f64 - 8.0) / 4.0).to_string(),
        [first, rest @ ..] => {
            let items: Vec<String> = (0..*first).map(|_| nested(rest, random)).collect();
            format!("[{}]", items.join(", "))
        }
    }
}
