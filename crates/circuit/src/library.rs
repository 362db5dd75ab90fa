//! The modules of a design on their way into it: named, and equal ones once.

use std::collections::HashMap;

use rtl4ml_hdl::names::Namer;
use rtl4ml_hdl::{Design, Module, ModuleId};

use crate::layer::CORE;

/// A design that grows.
#[derive(Debug)]
pub(crate) struct Library {
    /// The modules so far.
    pub design: Design,
    namer: Namer,
    /// Modules by what they are but for their names.
    known: HashMap<String, ModuleId>,
}

impl Library {
    /// An empty library, in which the name of the top module is taken.
    pub fn new(top: &str) -> (Self, String) {
        let mut namer = Namer::default();
        let top = namer.name(top);
        (Self { design: Design::default(), namer, known: HashMap::new() }, top)
    }

    /// Adds a module, unless one that differs in its name and its words alone is there.
    pub fn add(&mut self, mut module: Module) -> ModuleId {
        let name = std::mem::take(&mut module.name);
        let doc = std::mem::take(&mut module.doc);
        let key = rtl4ml_hdl::verilog::module_text(&self.design, &module);
        if let Some(id) = self.known.get(&key) {
            let same = &mut self.design.modules[id.0 as usize];
            same.doc.push(String::new());
            same.doc.push("The same module serves:".to_owned());
            same.doc.extend(doc);
            return *id;
        }
        module.name = self.namer.name(&name);
        module.doc = doc;
        let id = self.design.add(module);
        self.known.insert(key, id);
        id
    }

    /// Adds a layer's module, and the core that it instantiates, if it has one.
    pub fn add_layer(&mut self, mut module: Module, core: Option<Module>) -> ModuleId {
        if let Some(core) = core {
            let core = self.add(core);
            let inside = module.instances.iter_mut().filter(|inside| inside.module == CORE);
            inside.for_each(|inside| inside.module = core);
        }
        self.add(module)
    }

    /// The name of a module.
    pub fn name(&self, id: ModuleId) -> String {
        self.design.module(id).name.clone()
    }
}
