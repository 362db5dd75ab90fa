//! The emulator of a network as C++17, for the software of an experiment: a header that needs no
//! other, with a test, a CMake file and a C interface for a shared library.
//!
//! What this crate guarantees: the header computes the integers of the network's definition, from
//! the same verified graph as the reference and the circuit; it has no state that changes; each of its
//! symbols is in a namespace of the model's name and version, and of what is in the header; the same
//! network gives the same bytes.
//!
//! Which integers hold the steps of a layer follows from exact ranges. Like `sim`'s emulator it
//! shares `ir`'s tables with the reference and nothing else.

#![allow(
    clippy::format_push_string,
    reason = "text is made once: a string more a line costs nothing"
)]

mod cast;
mod folder;
mod header;
mod layers;
mod number;

use rtl4ml_ir::VerifiedNetwork;
use sha2::{Digest, Sha256};

pub use folder::{File, Vectors};

/// Why there is no emulator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmitError {
    /// The grids of a layer are too far apart.
    #[error(
        "layer `{layer}`: its numbers lie on grids so far apart that 128 bits do not hold a step"
    )]
    TooWide {
        /// The layer.
        layer: String,
    },
}

/// Why a version is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a version has 1 to 32 letters, digits and points")]
pub struct VersionError;

/// The version of a model, as its users count them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelVersion(String);

impl std::str::FromStr for ModelVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let legal = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
        let fits = (1..=32).contains(&text.len());
        if legal && fits { Ok(Self(text.to_owned())) } else { Err(VersionError) }
    }
}

/// A network as C++.
#[derive(Clone, Debug)]
pub struct Emulator {
    /// The model's name and version as one identifier: the namespace, the names of the files, and
    /// what the C symbols begin with.
    pub name: String,
    /// The header.
    pub header: String,
    model: String,
    version: String,
    ports: folder::Ports,
}

impl Emulator {
    /// The emulator of a network.
    ///
    /// # Errors
    /// When a layer's grids are so far apart that 128 bits do not hold its steps.
    pub fn new(network: &VerifiedNetwork, version: &ModelVersion) -> Result<Self, EmitError> {
        let model = network.network().name.clone();
        let name = format!("{model}_v{}", version.0.replace('.', "_"));
        let text = header::header(network, &name, &version.0)?;
        // Two contents of one name and version are two namespaces: they never meet, even where
        // somebody forgot to count.
        let digest = Sha256::digest(text.as_bytes());
        let id: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let header = text.replace(header::ID, &id);
        let ports = folder::Ports::of(network);
        Ok(Self { name, header, model, version: version.0.clone(), ports })
    }

    /// The name of the header's file.
    pub fn header_name(&self) -> String {
        format!("{}.hpp", self.name)
    }
}
