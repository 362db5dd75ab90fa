//! The header: what every layer needs, a function for each layer, and the class that calls them.

use rtl4ml_ir::{InputId, LayerId, Overflow, Source, TensorType, VerifiedNetwork};

use crate::EmitError;
use crate::cast::rounding_text;
use crate::layers::{function, function_name};
use crate::number::{Number, literal};

/// Stands for the digest of the header until it is known.
pub(crate) const ID: &str = "@ID@";

const RUNTIME: &str = include_str!("text/runtime.hpp");

const WIDE: &str = "\
// Integers of 128 bits, for the few steps that need them.
__extension__ typedef __int128 wide;
__extension__ typedef unsigned __int128 unsigned_wide;
template <> struct UnsignedOf<wide> { using type = unsigned_wide; };
constexpr wide wide_of(std::int64_t high, std::uint64_t low) {
  return static_cast<wide>((static_cast<unsigned_wide>(static_cast<std::uint64_t>(high)) << 64) | low);
}
";

/// The header of a network; [`ID`] stands where its digest is to be.
pub(crate) fn header(
    network: &VerifiedNetwork,
    name: &str,
    version: &str,
) -> Result<String, EmitError> {
    let graph = network.network();
    let mut layers = String::new();
    for (id, _) in graph.layers_with_ids() {
        layers += "\n";
        layers += &function(network, id)?;
    }
    let class = class(network);
    let ports = ports(network);
    let is_wide = [&layers, &class].iter().any(|text| text.contains("wide"));
    let runtime = RUNTIME.replace("@WIDE@", if is_wide { WIDE } else { "" });
    let model = &graph.name;
    let describe = |sources: &[Source]| {
        let line = |source: &Source| {
            let tensor = network.tensor_type(*source);
            format!("//   {}: {tensor}\n", graph.source_name(*source))
        };
        sources.iter().map(line).collect::<String>()
    };
    let inputs: Vec<Source> = inputs(network);
    let guard = format!("{}_{ID}_HPP", name.to_uppercase());
    Ok(format!(
        "\
// The network `{model}`, version {version}, bit for bit. Written by rtl4ml; changes are lost.
//
// inputs, row-major, channels last:
{inputs}\
// outputs:
{outputs}\
//
// C++17, and nothing but the standard library. No state changes: one emulator serves any number of
// threads.
//
//   const {name}::Emulator emulator;
//   emulator.predict(in, out);      // numbers, which are cast to the types of the inputs
//   emulator.predict_raw(in, out);  // integers: a number is its integer * 2^-fraction_bits
//
// All names are in a namespace of the model, its version and a digest of this file.

#ifndef {guard}
#define {guard}

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>

namespace {name} {{
inline namespace id_{ID} {{
namespace detail {{

{runtime}
{ports}{layers}
}}  // namespace detail

constexpr const char* model_name = \"{model}\";
constexpr const char* model_version = \"{version}\";

{class}
}}  // namespace id_{ID}
}}  // namespace {name}

#endif
",
        inputs = describe(&inputs),
        outputs = describe(&graph.outputs),
    ))
}

/// The inputs of a network.
pub(crate) fn inputs(network: &VerifiedNetwork) -> Vec<Source> {
    (0..network.network().inputs.len() as u32).map(|index| Source::Input(InputId(index))).collect()
}

/// The name of a tensor in the workspace.
fn tensor_name(network: &VerifiedNetwork, source: Source) -> String {
    let name = network.network().source_name(source);
    match source {
        Source::Input(_) => format!("input_{name}"),
        Source::Layer(_) => format!("layer_{name}"),
    }
}

/// Constants of each element, or one for all where they are equal.
fn constants(ty: &str, name: &str, mut elements: Vec<String>) -> (String, &'static str) {
    if elements.iter().all(|element| *element == elements[0]) {
        let text = format!("inline constexpr {ty} {name} = {};\n", elements[0]);
        return (text, "");
    }
    for element in &mut elements {
        *element = format!("  {element},\n");
    }
    let text = format!(
        "inline constexpr {ty} {name}[{}] = {{\n{}}};\n",
        elements.len(),
        elements.concat()
    );
    (text, "[i]")
}

/// The range and the grid of the elements of a tensor.
fn element_constants(network: &VerifiedNetwork, source: Source) -> (String, &'static str) {
    let tensor = network.tensor_type(source);
    let element = |(range, grid): rtl4ml_ir::layers::ExactRange| {
        format!("{{{}, UINT64_C({}), {grid}}}", literal(range.lo), range.hi.max(0))
    };
    let name = format!("elements_of_{}", tensor_name(network, source));
    constants("Element", &name, tensor.exact_ranges().map(element).collect())
}

/// The expression of the range and the grid of element i.
pub(crate) fn elements_of(network: &VerifiedNetwork, source: Source) -> String {
    let index = element_constants(network, source).1;
    format!("detail::elements_of_{}{index}", tensor_name(network, source))
}

/// The types that the numbers of an input are cast to.
fn type_constants(network: &VerifiedNetwork, index: usize) -> (String, &'static str) {
    let input = &network.network().inputs[index];
    let source = Source::Input(InputId(index as u32));
    let ty = |element: usize| {
        let ty = input.types.get(element);
        let range = ty.overflow.range_of(ty.format);
        let overflow = match ty.overflow {
            Overflow::Wrap => "WRAP",
            Overflow::Sat | Overflow::SatSym => "SAT",
            Overflow::SatZero => "SAT_ZERO",
        };
        format!(
            "{{{}, {}, {}, Rounding::{}, Overflow::{overflow}, {}, UINT64_C({})}}",
            ty.format.width,
            ty.fraction_bits(),
            ty.format.signed,
            rounding_text(ty.rounding),
            literal(range.lo),
            range.hi
        )
    };
    let count = network.tensor_type(source).element_count();
    let name = format!("types_of_{}", tensor_name(network, source));
    constants("InputType", &name, (0..count).map(ty).collect())
}

/// What is known of inputs and outputs.
fn ports(network: &VerifiedNetwork) -> String {
    let mut sources = inputs(network);
    sources.extend(network.network().outputs.iter().filter(|s| matches!(s, Source::Layer(_))));
    let mut text: String =
        sources.into_iter().map(|source| element_constants(network, source).0).collect();
    for index in 0..network.network().inputs.len() {
        text += &type_constants(network, index).0;
    }
    text
}

/// The class with its workspace and its functions.
fn class(network: &VerifiedNetwork) -> String {
    let graph = network.network();
    let inputs = inputs(network);
    let port = |source: &Source| {
        let count = network.tensor_type(*source).element_count();
        format!("{{\"{}\", {count}}}", graph.source_name(*source))
    };
    let list = |sources: &[Source]| sources.iter().map(port).collect::<Vec<_>>().join(", ");
    let mut tensors = String::new();
    let mut declare = |source: Source| {
        let tensor: &TensorType = network.tensor_type(source);
        let (ty, name) = (Number::of_tensor(tensor).name(), tensor_name(network, source));
        let ty = if ty == "wide" { "detail::wide" } else { ty };
        tensors += &format!("    {ty} {name}[{}];\n", tensor.element_count());
    };
    let mut run = String::new();
    for source in &inputs {
        declare(*source);
    }
    for (id, layer) in graph.layers_with_ids() {
        declare(Source::Layer(id));
        run += &call(network, id, layer);
    }
    let parameters = |ty: &str| {
        let ins = inputs.iter().map(|s| format!("const {ty}* in_{}", graph.source_name(*s)));
        let outs = graph.outputs.iter().map(|s| format!("{ty}* out_{}", graph.source_name(*s)));
        ins.chain(outs).collect::<Vec<_>>().join(", ")
    };
    let ins = inputs.iter().map(|s| format!("in_{}", graph.source_name(*s)));
    let outs = graph.outputs.iter().map(|s| format!("out_{}", graph.source_name(*s)));
    let arguments = ins.chain(outs).collect::<Vec<_>>().join(", ");
    let [mut take_raw, mut give_raw, mut take, mut give] = [const { String::new() }; 4];
    for (index, source) in inputs.iter().enumerate() {
        let (name, count) =
            (tensor_name(network, *source), network.tensor_type(*source).element_count());
        let given = format!("in_{}[i]", graph.source_name(*source));
        let element = elements_of(network, *source);
        let ty = format!("detail::types_of_{name}{}", type_constants(network, index).1);
        let each = format!("    for (int i = 0; i < {count}; ++i) ");
        take_raw += &format!("{each}detail::take({element}, {given}, workspace.{name}[i]);\n");
        take += &format!(
            "{each}detail::take({element}, detail::mantissa_of({ty}, {given}), workspace.{name}[i]);\n"
        );
    }
    for source in &graph.outputs {
        let (name, count) =
            (tensor_name(network, *source), network.tensor_type(*source).element_count());
        let given = format!("out_{}[i]", graph.source_name(*source));
        let element = elements_of(network, *source);
        let each = format!("    for (int i = 0; i < {count}; ++i) ");
        let raw = format!("static_cast<std::int64_t>(workspace.{name}[i])");
        give_raw += &format!("{each}{given} = {raw};\n");
        give += &format!("{each}{given} = detail::number_of({element}, {raw});\n");
    }
    format!(
        "\
/// The name of an input or an output, and how many numbers it has.
struct Port {{
  const char* name;
  std::size_t size;
}};

/// The network. It has no state: copies are the same, and functions may run in any thread.
class Emulator {{
 public:
  static constexpr Port inputs[] = {{{inputs}}};
  static constexpr Port outputs[] = {{{outputs}}};

  /// Room for one inference. Who has one for each thread saves an allocation an inference.
  struct Workspace {{
{tensors}  }};

  /// Computes numbers: each is cast to the type of its input, and results are exact up to 53 bits.
  /// Throws std::invalid_argument for a number that is not finite.
  void predict({of_numbers}) const {{
    const std::unique_ptr<Workspace> workspace(new Workspace);
    predict({arguments}, *workspace);
  }}

  void predict({of_numbers}, Workspace& workspace) const {{
{take}    run(workspace);
{give}  }}

  /// Computes integers, each that of its element's format; those of unsigned formats of 64 bits are
  /// the bits of one. Throws std::invalid_argument for one that the format does not have.
  void predict_raw({of_integers}) const {{
    const std::unique_ptr<Workspace> workspace(new Workspace);
    predict_raw({arguments}, *workspace);
  }}

  void predict_raw({of_integers}, Workspace& workspace) const {{
{take_raw}    run(workspace);
{give_raw}  }}

 private:
  static void run(Workspace& w) {{
{run}  }}
}};
",
        inputs = list(&inputs),
        outputs = list(&graph.outputs),
        of_numbers = parameters("double"),
        of_integers = parameters("std::int64_t"),
    )
}

/// The call of a layer's function.
fn call(network: &VerifiedNetwork, id: LayerId, layer: &rtl4ml_ir::Layer) -> String {
    let tensors = layer.inputs.iter().copied().chain([Source::Layer(id)]);
    let arguments: Vec<String> =
        tensors.map(|source| format!("w.{}", tensor_name(network, source))).collect();
    format!("    detail::{}({});\n", function_name(&layer.name), arguments.join(", "))
}
