//! Formats for a float model from data: what each layer's values are, and how many bits the
//! outputs need.
//!
//! Guarantees: no value of the samples saturates in a type that is chosen; the error that is told
//! is that of the spec on the samples, against the same network with [`WIDE_BITS`] bits after the
//! point.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rtl4ml_import::{Imported, Options, WEIGHTS_FILE, import};
use rtl4ml_ir::{Source, VerifiedNetwork};
use rtl4ml_sim::reference::evaluate;

use crate::agreement::{Placed, model_samples};
use crate::failure::Failure;
use crate::numbers::numbers;
use crate::terminal;

/// The bits after the point of the network that all others are compared with.
const WIDE_BITS: u32 = 24;

/// The fewest bits that are tried.
const FEWEST_BITS: u32 = 2;

/// How many samples are run for each number of bits that is tried; the one that is taken is run on
/// all of them.
const TRIAL_SAMPLES: usize = 200;

/// What is asked of the formats.
#[derive(Clone, Copy, Debug)]
pub enum Aim {
    /// Results of so many bits.
    Bits(u32),
    /// Outputs that are off by at most so much.
    Error(f64),
    /// The fraction bits of the options.
    Given,
}

/// The values that a tensor had.
#[derive(Clone, Debug)]
struct Profile {
    lo: f64,
    hi: f64,
    /// How many values have which exponent: 2^e <= |x| < 2^(e + 1).
    exponents: BTreeMap<i32, usize>,
}

/// A model with formats from data.
pub struct Calibrated {
    /// The model.
    pub imported: Imported,
    /// The values of each layer against its format, a line each.
    pub plot: String,
}

/// The network of an import, with its weights from memory.
pub fn load(imported: &Imported) -> Result<VerifiedNetwork, Failure> {
    let failed = |source| Failure::Write { path: std::env::temp_dir(), source };
    let folder = tempfile::tempdir().map_err(failed)?;
    std::fs::write(folder.path().join(WEIGHTS_FILE), &imported.weights).map_err(failed)?;
    Ok(rtl4ml_spec::parse(&imported.spec, "network.yaml", folder.path())?.network)
}

/// The outputs of samples, and the values of every layer.
fn run(
    network: &VerifiedNetwork,
    samples: &[Placed],
    mut look: impl FnMut(&str, &[f64]),
) -> Vec<Vec<f64>> {
    let graph = network.network();
    let mut outputs = Vec::new();
    for sample in samples {
        let evaluation = evaluate(network, &sample.cast(network));
        for (id, layer) in graph.layers_with_ids() {
            let source = Source::Layer(id);
            look(&layer.name, &numbers(network.tensor_type(source), evaluation.tensor(source)));
        }
        let of =
            |source: &Source| numbers(network.tensor_type(*source), evaluation.tensor(*source));
        outputs.push(graph.outputs.iter().flat_map(of).collect());
    }
    outputs
}

fn largest_error(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
    let pairs = a.iter().flatten().zip(b.iter().flatten());
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// Chooses formats for a model on samples.
///
/// # Errors
/// When the model is not imported, the samples are not its inputs, or no formats do.
pub fn calibrate(
    model: &std::path::Path,
    options: &Options,
    files: &[String],
    aim: Aim,
) -> Result<Calibrated, Failure> {
    let wide = Options { fraction_bits: WIDE_BITS, ..options.clone() };
    let imported = import(model, &wide)?;
    let network = load(&imported)?;
    let samples = model_samples(&network, &imported, files)?;
    let bar = terminal::spinner("calibrating");
    let mut profiles: BTreeMap<String, Profile> = BTreeMap::new();
    let exact = run(&network, &samples, |name, values| {
        let empty = || Profile { lo: f64::MAX, hi: f64::MIN, exponents: BTreeMap::new() };
        profiles.entry(name.to_owned()).or_insert_with(empty).add(values);
    });
    let measured = profiles.iter().map(|(name, p)| (name.clone(), (p.lo, p.hi))).collect();
    let mut chosen = Options { measured, ..options.clone() };
    let trial = samples.len().min(TRIAL_SAMPLES);
    let error_of = |options: &Options, count: usize| -> Result<f64, Failure> {
        let network = load(&import(model, options)?)?;
        let found = run(&network, &samples[..count], |_, _| {});
        Ok(largest_error(&found, &exact[..count]))
    };
    match aim {
        Aim::Given => {}
        Aim::Bits(bits) => {
            chosen.result_bits = Some(bits);
            chosen.fraction_bits = bits.saturating_sub(1).max(1);
        }
        Aim::Error(most) => {
            let mut found = None;
            for bits in FEWEST_BITS..=WIDE_BITS {
                chosen.fraction_bits = bits;
                if error_of(&chosen, trial)? <= most && error_of(&chosen, samples.len())? <= most {
                    found = Some(bits);
                    break;
                }
            }
            if found.is_none() {
                return Err(Failure::Calibration { most, bits: WIDE_BITS });
            }
        }
    }
    let error = error_of(&chosen, samples.len())?;
    chosen.remarks = vec![format!(
        "Calibrated on {} samples: outputs are off by at most {error:.3e} from those of the same network with {WIDE_BITS} bits after the point.",
        samples.len()
    )];
    let imported = import(model, &chosen)?;
    let plot = plot(&load(&imported)?, &profiles);
    bar.finish_and_clear();
    Ok(Calibrated { imported, plot })
}

impl Profile {
    fn add(&mut self, values: &[f64]) {
        for value in values {
            self.lo = self.lo.min(*value);
            self.hi = self.hi.max(*value);
            if *value != 0.0 {
                let exponent = value.abs().log2().floor() as i32;
                *self.exponents.entry(exponent).or_default() += 1;
            }
        }
    }
}

/// The values of each layer against its format: a column a bit, from the most significant on.
fn plot(network: &VerifiedNetwork, profiles: &BTreeMap<String, Profile>) -> String {
    const MOST: i32 = 16;
    const LEAST: i32 = -24;
    let mut text = format!(
        "values of each layer, a column a bit from 2^{} to 2^{LEAST}: # where most are, - where some are, . none; [ ] the layer's format\n",
        MOST - 1
    );
    let width = network.network().layers.iter().map(|layer| layer.name.len()).max().unwrap_or(0);
    for (id, layer) in network.network().layers_with_ids() {
        let tensor = network.tensor_type(Source::Layer(id));
        let (Some(profile), Some(format)) = (profiles.get(&layer.name), tensor.common_format())
        else {
            continue;
        };
        // A format beyond the columns ends with them.
        let top = format.integer_bits - i32::from(format.signed) - 1;
        let total: usize = profile.exponents.values().sum();
        let mut line = String::new();
        for bit in (LEAST..MOST).rev() {
            if bit == top.clamp(LEAST, MOST - 1) {
                line.push('[');
            }
            let count = profile.exponents.get(&bit).copied().unwrap_or(0);
            line.push(match count {
                0 => '.',
                count if count * 20 >= total => '#',
                _ => '-',
            });
            if bit == (-format.fraction_bits()).clamp(LEAST, MOST - 1) {
                line.push(']');
            }
        }
        let _ = writeln!(text, "{:<width$} {line}  {format}", layer.name);
    }
    text.truncate(text.trim_end().len());
    text
}
