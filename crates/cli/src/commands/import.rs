//! `rtl4ml import`: a trained network of another tool as a spec with its weights.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::error::ErrorKind;
use rtl4ml_import::{Imported, Options, WEIGHTS_FILE, import, is_project};
use rtl4ml_ir::FixedType;
use serde::Serialize;

use crate::agreement::{Agreement, Checked};
use crate::answer::Answer;
use crate::calibration::{Aim, calibrate};
use crate::failure::Failure;
use crate::layer_table::{Columns, layer_rows, layer_table};
use crate::overview::describe_network;
use crate::page::Page;

/// The file that a spec is written to.
const SPEC_FILE: &str = "network.yaml";

/// How a spec that was imported begins, so that another import may replace it.
const MARK: &str = "# Imported from ";

/// The options of `rtl4ml import`.
#[derive(Debug, Args)]
pub struct Import {
    /// The model: ONNX or QONNX (.onnx), Keras (.keras, .h5, .json with its weights beside it), an hls4ml project (.yml)
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Write network.yaml and weights.npz into this folder
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// The weights of a Keras architecture (.json) [default: the .h5 file of its name]
    #[arg(long, value_name = "FILE.h5")]
    weights: Option<PathBuf>,
    /// The network's name [default: that of the file]
    #[arg(long)]
    name: Option<String>,
    /// The type of inputs that the model does not quantise
    #[arg(long, value_name = "TYPE", default_value = "fixed<16,6,RND_CONV,SAT>")]
    input_precision: FixedType,
    /// Significant bits of trained numbers that are on no coarse grid, and bits after the point of
    /// the results that they give
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=30))]
    fraction_bits: u32,
    /// The most entries of a function's table
    #[arg(long, value_name = "N", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(2..=1048576))]
    table_size: u32,
    /// Of an hls4ml project: round the trained numbers themselves, not the decimal text that hls4ml writes of them
    #[arg(long)]
    exact_weights: bool,
    /// Run the spec on samples in the model's own layout, [N, ...]; with several inputs NAME=FILE for each
    #[arg(long, value_name = "X.npy")]
    check: Vec<String>,
    /// Compare with these outputs in the model's own layout; with several outputs NAME=FILE for each
    #[arg(long, value_name = "Y.npy", requires = "check")]
    expect: Vec<String>,
    /// Choose the formats of a float model by its values on these samples; with several inputs NAME=FILE for each
    #[arg(long, value_name = "X.npy")]
    calibrate: Vec<String>,
    /// With --calibrate: results of so many bits, the binary point where the values need it
    #[arg(long, value_name = "N", requires = "calibrate", conflicts_with = "tolerance", value_parser = clap::value_parser!(u32).range(2..=40))]
    target_bits: Option<u32>,
    /// How far an output may be from the expected one; with --calibrate, how far formats may move it
    #[arg(long, value_name = "T")]
    tolerance: Option<f64>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What was imported, for scripts.
#[derive(Serialize)]
struct Found<'a> {
    name: &'a str,
    spec: String,
    weights: String,
    layers: usize,
    notes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    checked: Option<&'a Checked>,
}

impl Import {
    /// Imports the model, writes the spec, reads it again, and compares its outputs.
    pub fn run(&self) -> Result<Answer, Failure> {
        if is_project(&self.model) && !self.calibrate.is_empty() {
            let message =
                "`--calibrate` chooses formats, and an hls4ml project has formats of its own";
            let mut import = Self::augment_args(clap::Command::new("rtl4ml import"));
            return Err(Failure::Usage(import.error(ErrorKind::ArgumentConflict, message)));
        }
        let options = Options {
            name: self.name.clone(),
            weights: self.weights.clone(),
            input_type: self.input_precision,
            fraction_bits: self.fraction_bits,
            table_size: self.table_size as usize,
            decimal_weights: !self.exact_weights,
            ..Options::default()
        };
        let (imported, plot) = if self.calibrate.is_empty() {
            (import(&self.model, &options)?, None)
        } else {
            let aim = match (self.target_bits, self.tolerance) {
                (Some(bits), _) => Aim::Bits(bits),
                (None, Some(error)) => Aim::Error(error),
                (None, None) => Aim::Given,
            };
            let calibrated = calibrate(&self.model, &options, &self.calibrate, aim)?;
            (calibrated.imported, Some(calibrated.plot))
        };
        let spec = self.write(&imported)?;
        // What was written is what is described and run.
        let loaded = rtl4ml_spec::load(&spec)?;
        let network = &loaded.network;
        let checked = match self.check.as_slice() {
            [] => None,
            files => {
                let tolerance = self.tolerance.unwrap_or(0.0);
                Some(Checked::run(network, &imported, files, &self.expect, tolerance)?)
            }
        };

        let mut page = Page::default();
        describe_network(&mut page, network);
        page.entry("written", spec.display().to_string());
        page.entry("written", self.output.join(WEIGHTS_FILE).display().to_string());
        if let Some(checked) = &checked {
            checked.describe(&mut page);
        }
        let rows = layer_rows(network, None);
        page.block(layer_table(&rows, Columns::Network));
        if let Some(plot) = plot {
            page.block(plot);
        }
        page.remarks("note", &imported.notes);
        let found = Found {
            name: &imported.name,
            spec: spec.display().to_string(),
            weights: self.output.join(WEIGHTS_FILE).display().to_string(),
            layers: rows.len(),
            notes: &imported.notes,
            checked: checked.as_ref(),
        };
        let failures = checked.iter().flat_map(|checked| checked.outputs.iter());
        let failures = failures.filter_map(Agreement::failure).collect();
        Ok(Answer::new(page, &found, failures))
    }

    /// Writes the spec and its weights; returns the spec's path.
    fn write(&self, imported: &Imported) -> Result<PathBuf, Failure> {
        let folder = &self.output;
        let spec = folder.join(SPEC_FILE);
        if spec.exists() && !fs::read_to_string(&spec).is_ok_and(|text| text.starts_with(MARK)) {
            return Err(Failure::NotImported { spec });
        }
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source: io::Error| Failure::Write { path, source }
        };
        fs::create_dir_all(folder).map_err(failed(folder))?;
        let files = [
            (folder.join(WEIGHTS_FILE), imported.weights.as_slice()),
            (spec.clone(), imported.spec.as_bytes()),
        ];
        for (path, content) in files {
            // A file appears under its name only when it is complete.
            let write = || {
                let file = tempfile::Builder::new()
                    .prefix(".rtl4ml-")
                    .make_in(folder, |path| fs::File::create_new(path))?;
                fs::write(file.path(), content)?;
                file.persist(&path).map_err(|error| error.error)
            };
            write().map_err(failed(&path))?;
        }
        Ok(spec)
    }
}
