//! The modules as files: one each, named after the module.

use rtl4ml_circuit::Circuit;
use rtl4ml_hdl::verilog::module_text;

use crate::TextFile;

/// The files of a circuit under `rtl/`, each after those of the modules that it instantiates.
pub fn rtl_files(circuit: &Circuit) -> Vec<TextFile> {
    let design = &circuit.design;
    let file = |module: &rtl4ml_hdl::Module| {
        TextFile::new(format!("rtl/{}.v", module.name), module_text(design, module))
    };
    design.modules.iter().map(file).collect()
}
