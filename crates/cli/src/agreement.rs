//! How an imported network's outputs agree with those of its model.
//!
//! Guarantees: samples and expected outputs are in the model's own layout, whatever the spec's.

use rtl4ml_import::{Imported, Port};
use rtl4ml_ir::fixed::{NotFinite, from_f64_exact};
use rtl4ml_ir::{Input, Value, VerifiedNetwork};
use rtl4ml_sim::reference::{Mantissas, evaluate};
use serde::Serialize;

use crate::failure::Failure;
use crate::numbers::numbers;
use crate::page::{Page, samples_text};
use crate::tensor_files::{EXPECTED, Role, read};
use crate::tensors::{Tensor, TensorError};
use crate::terminal;

/// The samples of `--check`.
const CHECKED: Role = Role { option: "--check", what: "input" };

/// A run of a network on samples of its model.
#[derive(Debug, Serialize)]
pub struct Checked {
    /// How many samples there were.
    pub samples: usize,
    /// How many of their numbers the types of the inputs changed.
    pub changed: usize,
    /// How each output agrees, where something was expected.
    pub outputs: Vec<Agreement>,
}

/// How an output agrees with what was expected.
#[derive(Debug, Serialize)]
pub struct Agreement {
    /// The output.
    pub output: String,
    /// How many numbers were compared.
    pub compared: usize,
    /// How many of them are not equal in every bit.
    pub differ: usize,
    /// The largest difference.
    pub largest_error: f64,
    /// The mean difference.
    pub mean_error: f64,
    /// In how many samples the largest element is the same.
    pub same_argmax: usize,
    /// How many samples there were.
    pub samples: usize,
    /// The first number that is further away than allowed.
    #[serde(skip)]
    first: Option<String>,
}

/// The tensors of a model, as the command line names them.
fn tensors(ports: &[Port], names: &[String]) -> Vec<Tensor> {
    let tensor = |(port, name): (&Port, &String)| {
        let shape = if port.extents.is_empty() { vec![1] } else { port.extents.clone() };
        Tensor { name: name.clone(), shape }
    };
    ports.iter().zip(names).map(tensor).collect()
}

/// A sample of a model, in the order of the spec: an exact number an element, a list an input.
pub struct Placed(Vec<Vec<Value>>);

impl Placed {
    /// The sample in the types of the network's inputs.
    pub fn cast(&self, network: &VerifiedNetwork) -> Vec<Mantissas> {
        let inputs = self.0.iter().zip(&network.network().inputs);
        let cast = |(numbers, input): (&Vec<Value>, &Input)| {
            numbers.iter().enumerate().map(|(index, n)| input.types.get(index).cast(*n)).collect()
        };
        inputs.map(cast).collect()
    }

    /// How many of its numbers these types change.
    fn changed(&self, network: &VerifiedNetwork) -> usize {
        let inputs = self.0.iter().zip(&network.network().inputs);
        let changed = |(numbers, input): (&Vec<Value>, &Input)| {
            let changes = |(index, number): &(usize, &Value)| {
                let ty = input.types.get(*index);
                ty.overflows(**number) || !ty.is_on_grid(**number)
            };
            numbers.iter().enumerate().filter(changes).count()
        };
        inputs.map(changed).sum()
    }
}

/// Samples in the model's own layout, in the order of the spec.
///
/// # Errors
/// What of the files is not as it should be.
pub fn model_samples(
    network: &VerifiedNetwork,
    imported: &Imported,
    files: &[String],
) -> Result<Vec<Placed>, Failure> {
    let names: Vec<String> = network.network().inputs.iter().map(|i| i.name.clone()).collect();
    let rows = read(files, &tensors(&imported.inputs, &names), CHECKED)?;
    let count = rows.first().map_or(0, |rows| rows.count);
    let mut samples = Vec::new();
    for sample in 0..count {
        let mut placed = Vec::new();
        for (rows, port) in rows.iter().zip(&imported.inputs) {
            let size = port.order.len();
            let numbers = port.to_spec(&rows.numbers[sample * size..][..size]);
            let exact: Result<Vec<Value>, NotFinite> =
                numbers.iter().map(|number| from_f64_exact(*number)).collect();
            let failed = |error: NotFinite| Failure::Tensor {
                file: rows.file.clone(),
                source: error.into(),
            };
            placed.push(exact.map_err(failed)?);
        }
        samples.push(Placed(placed));
    }
    Ok(samples)
}

impl Checked {
    /// Runs the samples, and compares where something is expected.
    ///
    /// # Errors
    /// What of the files is not as it should be.
    pub fn run(
        network: &VerifiedNetwork,
        imported: &Imported,
        inputs: &[String],
        expected: &[String],
        tolerance: f64,
    ) -> Result<Self, Failure> {
        let graph = network.network();
        let output_names: Vec<String> =
            graph.outputs.iter().map(|source| graph.source_name(*source).to_owned()).collect();
        let x = model_samples(network, imported, inputs)?;
        let samples = x.len();
        let outputs = tensors(&imported.outputs, &output_names);
        let y = if expected.is_empty() { Vec::new() } else { read(expected, &outputs, EXPECTED)? };
        if let Some(rows) = y.iter().find(|rows| rows.count != samples) {
            let (name, found) = (output_names[0].clone(), rows.count);
            let other = "the input".to_owned();
            let source = TensorError::Samples { name, found, expected: samples, other };
            return Err(Failure::Tensor { file: rows.file.clone(), source });
        }
        let mut agreements: Vec<Agreement> =
            outputs.iter().take(y.len()).map(|t| Agreement::new(&t.name, samples)).collect();
        let mut changed = 0;
        let bar = terminal::progress_bar("checking", samples);
        for (sample, placed) in x.iter().enumerate() {
            changed += placed.changed(network);
            let evaluation = evaluate(network, &placed.cast(network));
            for (index, agreement) in agreements.iter_mut().enumerate() {
                let (source, port) = (graph.outputs[index], &imported.outputs[index]);
                let found = numbers(network.tensor_type(source), evaluation.tensor(source));
                let count = port.order.len();
                let expected = &y[index].numbers[sample * count..][..count];
                agreement.compare(sample, &port.to_model(&found), expected, tolerance);
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(Self { samples, changed, outputs: agreements })
    }

    /// What was found, in a few lines.
    pub fn describe(&self, page: &mut Page) {
        let changed = match self.changed {
            0 => "all on the grids of the inputs".to_owned(),
            changed => format!("{changed} numbers rounded to the types of the inputs"),
        };
        page.entry("checked", format!("{}, {changed}", samples_text(self.samples)));
        for agreement in &self.outputs {
            page.entry("", agreement.text());
        }
    }
}

impl Agreement {
    fn new(output: &str, samples: usize) -> Self {
        Self {
            output: output.to_owned(),
            compared: 0,
            differ: 0,
            largest_error: 0.0,
            mean_error: 0.0,
            same_argmax: 0,
            samples,
            first: None,
        }
    }

    #[allow(clippy::float_cmp, reason = "bit-equal means equal")]
    fn compare(&mut self, sample: usize, found: &[f64], expected: &[f64], tolerance: f64) {
        for (element, (found, expected)) in found.iter().zip(expected).enumerate() {
            let error = (found - expected).abs();
            self.differ += usize::from(found != expected);
            self.largest_error = self.largest_error.max(error);
            let total = self.mean_error * self.compared as f64 + error;
            self.compared += 1;
            self.mean_error = total / self.compared as f64;
            if error > tolerance {
                self.first.get_or_insert_with(|| {
                    format!("sample {sample}, output `{}`, element {element}: found {found}, expected {expected}", self.output)
                });
            }
        }
        self.same_argmax += usize::from(argmax(found) == argmax(expected));
    }

    fn text(&self) -> String {
        let Self { output, compared, differ, largest_error, mean_error, .. } = self;
        if *differ == 0 {
            return format!("{output}: all {compared} outputs are equal, bit for bit");
        }
        format!(
            "{output}: {differ} of {compared} outputs differ, by at most {largest_error:.3e} and {mean_error:.3e} on average; the largest element is the same in {} of {}",
            self.same_argmax,
            samples_text(self.samples)
        )
    }

    /// The failure, if an output is further away than allowed.
    pub fn failure(&self) -> Option<Failure> {
        let first = self.first.clone()?;
        Some(Failure::Differ { differ: self.differ, count: self.compared, first })
    }
}

/// The index of the first maximum.
fn argmax(numbers: &[f64]) -> usize {
    let after =
        |best: usize, index: usize| if numbers[index] > numbers[best] { index } else { best };
    (0..numbers.len()).fold(0, after)
}
