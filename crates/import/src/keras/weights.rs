//! The numbers of a model: the datasets of an HDF5 file, by their paths.

use std::rc::Rc;

use hdf5_reader::group::Group;
use hdf5_reader::messages::datatype::Datatype;
use hdf5_reader::{Dataset, Hdf5File, OpenOptions};

use crate::tensor::{MAX_NUMBERS, Tensor, element_count};

/// How many datasets and groups a file may have.
const MAX_OBJECTS: usize = 1 << 14;

/// How deep groups may be nested.
const MAX_DEPTH: usize = 16;

/// The numbers of a model.
pub struct Weights {
    /// The path and the numbers of each dataset, in the order of the paths.
    datasets: Vec<(String, Tensor)>,
    /// The architecture, where the file holds a whole model.
    config: Option<String>,
    /// The version of Keras that wrote a whole model.
    version: Option<String>,
}

impl Weights {
    /// Reads a file.
    ///
    /// # Errors
    /// When the bytes are no intact HDF5 file.
    pub fn read(bytes: Vec<u8>) -> Result<Self, String> {
        let broken =
            |error: hdf5_reader::error::Error| format!("this is no intact HDF5 file: {error}");
        let most = MAX_NUMBERS * 8;
        let options = OpenOptions::default().with_max_read_bytes(most).with_max_chunk_bytes(most);
        let file = Hdf5File::from_vec_with_options(bytes, options).map_err(broken)?;
        let root = file.root_group().map_err(broken)?;
        let text = |name: &str| root.attribute(name).ok()?.read_string().ok();
        let (config, version) = (text("model_config"), text("keras_version"));
        let mut found = Self { datasets: Vec::new(), config, version };
        let mut budget = Budget { objects: 0, numbers: 0 };
        found.collect(&root, "", 0, &mut budget)?;
        found.datasets.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(found)
    }

    fn collect(
        &mut self,
        group: &Group,
        path: &str,
        depth: usize,
        budget: &mut Budget,
    ) -> Result<(), String> {
        let broken = |error: hdf5_reader::error::Error| format!("`{path}` is not intact: {error}");
        if depth > MAX_DEPTH {
            return Err("its groups are nested too deep".to_owned());
        }
        let (groups, datasets) = group.members().map_err(broken)?;
        budget.objects += groups.len() + datasets.len();
        if budget.objects > MAX_OBJECTS {
            return Err(format!("it has more than {MAX_OBJECTS} groups and datasets"));
        }
        for dataset in &datasets {
            let full = format!("{path}/{}", dataset.name());
            if let Some(tensor) =
                tensor(dataset, budget).map_err(|error| format!("`{full}`: {error}"))?
            {
                self.datasets.push((full, tensor));
            }
        }
        for inner in &groups {
            let full = format!("{path}/{}", inner.name());
            self.collect(inner, &full, depth + 1, budget)?;
        }
        Ok(())
    }

    /// The architecture of a whole model.
    pub fn model_config(&self) -> Option<String> {
        self.config.clone()
    }

    /// The version of Keras that wrote a whole model.
    pub fn keras_version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// The datasets below a group, by what their paths are there.
    pub fn below<'w>(&'w self, group: &str) -> Vec<(&'w str, &'w Tensor)> {
        let inside = |(path, tensor): &'w (String, Tensor)| {
            let rest = path.strip_prefix('/')?.strip_prefix(group)?.strip_prefix('/')?;
            Some((rest, tensor))
        };
        self.datasets.iter().filter_map(inside).collect()
    }

    /// Whether the groups are those of version 3, `layers/...`.
    pub fn is_version_3(&self) -> bool {
        !self.below("layers").is_empty() || !self.below("_layer_checkpoint_dependencies").is_empty()
    }
}

/// What of a file has been read.
struct Budget {
    objects: usize,
    numbers: usize,
}

/// The numbers of a dataset; `None` where it holds none.
fn tensor(dataset: &Dataset, budget: &mut Budget) -> Result<Option<Tensor>, String> {
    let extents: Option<Vec<usize>> =
        dataset.shape().iter().map(|extent| usize::try_from(*extent).ok()).collect();
    let Some((extents, count)) = extents.and_then(|e| element_count(&e).map(|count| (e, count)))
    else {
        return Err(format!("its extents are {:?}", dataset.shape()));
    };
    budget.numbers += count;
    if budget.numbers > MAX_NUMBERS {
        return Err(format!("the file has more than {MAX_NUMBERS} numbers"));
    }
    let broken = |error: hdf5_reader::error::Error| error.to_string();
    let numbers: Vec<f64> = match dataset.dtype() {
        Datatype::FloatingPoint { size: 4, .. } => {
            dataset.read_array::<f32>().map_err(broken)?.iter().map(|n| f64::from(*n)).collect()
        }
        Datatype::FloatingPoint { size: 8, .. } => {
            dataset.read_array::<f64>().map_err(broken)?.iter().copied().collect()
        }
        Datatype::FloatingPoint { size, .. } => {
            return Err(format!("floating-point numbers of {size} bytes are not read"));
        }
        // The signs of HGQ2's quantisers, and all that HGQ's are.
        Datatype::FixedPoint { size: 1, signed: false, .. } => {
            dataset.read_array::<u8>().map_err(broken)?.iter().map(|n| f64::from(*n)).collect()
        }
        Datatype::FixedPoint { size: 1, signed: true, .. } => {
            dataset.read_array::<i8>().map_err(broken)?.iter().map(|n| f64::from(*n)).collect()
        }
        // Counters of an optimiser and the like.
        _ => return Ok(None),
    };
    match Tensor::new(extents, numbers) {
        Some(tensor) => Ok(Some(Tensor { numbers: Rc::clone(&tensor.numbers), ..tensor })),
        None => Err("it holds another number of elements than its extents say".to_owned()),
    }
}
