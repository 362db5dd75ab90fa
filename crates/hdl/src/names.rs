//! Identifiers: unique in their scope, and none that Verilog reserves.

use std::collections::HashSet;

use crate::compress::is_counter;

/// Hands out names that are unique and not reserved.
#[derive(Clone, Debug, Default)]
pub struct Namer {
    taken: HashSet<String>,
}

impl Namer {
    /// A name as near to `wanted` as can be: with a number after it where it is taken, with an
    /// underscore where it is a keyword, with an article where a function that counts has it.
    pub fn name(&mut self, wanted: &str) -> String {
        self.name_with(wanted, &[])
    }

    /// A name that is free with each of the suffixes as well; all of them are then taken. With
    /// suffixes it may be a keyword, because it never stands alone.
    pub fn name_with(&mut self, wanted: &str, suffixes: &[&str]) -> String {
        let stands_alone = suffixes.is_empty();
        let all = |name: &str| -> Vec<String> {
            let suffixed = suffixes.iter().map(|suffix| format!("{name}{suffix}"));
            suffixed.chain([name.to_owned()]).collect()
        };
        let base = if all(wanted).iter().any(|name| is_counter(name)) {
            format!("a_{wanted}")
        } else if stands_alone && is_reserved(wanted) {
            format!("{wanted}_")
        } else {
            wanted.to_owned()
        };
        let mut free = base.clone();
        let mut number = 0;
        while all(&free).iter().any(|name| self.taken.contains(name)) {
            number += 1;
            free = format!("{base}_{number}");
        }
        self.taken.extend(all(&free));
        free
    }
}

/// Whether Verilog-2005, SystemVerilog-2017 or C++ reserves the word. C++ because Verilator
/// translates to it, and warns of its keywords.
pub fn is_reserved(word: &str) -> bool {
    RESERVED.binary_search(&word).is_ok() || RESERVED_IN_CPP.binary_search(&word).is_ok()
}

/// The keywords of C++20 that are none of Verilog's, sorted.
#[rustfmt::skip]
const RESERVED_IN_CPP: &[&str] = &[
    "alignas", "alignof", "and_eq", "asm", "atomic_cancel", "atomic_commit", "atomic_noexcept",
    "auto", "bitand", "bitor", "bool", "catch", "char", "char16_t", "char32_t", "char8_t",
    "co_await", "co_return", "co_yield", "compl", "concept", "const_cast", "consteval",
    "constexpr", "constinit", "decltype", "delete", "double", "dynamic_cast", "explicit",
    "false", "float", "friend", "goto", "inline", "long", "mutable", "namespace", "noexcept",
    "not_eq", "nullptr", "operator", "or_eq", "private", "public", "reflexpr", "register",
    "reinterpret_cast", "requires", "short", "sizeof", "static_assert", "static_cast", "switch",
    "synchronized", "template", "thread_local", "throw", "true", "try", "typeid", "typename",
    "using", "volatile", "wchar_t", "xor_eq",
];

/// The keywords of Verilog-2005 and SystemVerilog-2017, sorted.
#[rustfmt::skip]
const RESERVED: &[&str] = &[
    "accept_on", "alias", "always", "always_comb", "always_ff", "always_latch", "and", "assert",
    "assign", "assume", "automatic", "before", "begin", "bind", "bins", "binsof", "bit",
    "break", "buf", "bufif0", "bufif1", "byte", "case", "casex", "casez", "cell", "chandle",
    "checker", "class", "clocking", "cmos", "config", "const", "constraint", "context",
    "continue", "cover", "covergroup", "coverpoint", "cross", "deassign", "default", "defparam",
    "design", "disable", "dist", "do", "edge", "else", "end", "endcase", "endchecker",
    "endclass", "endclocking", "endconfig", "endfunction", "endgenerate", "endgroup",
    "endinterface", "endmodule", "endpackage", "endprimitive", "endprogram", "endproperty",
    "endsequence", "endspecify", "endtable", "endtask", "enum", "event", "eventually", "expect",
    "export", "extends", "extern", "final", "first_match", "for", "force", "foreach", "forever",
    "fork", "forkjoin", "function", "generate", "genvar", "global", "highz0", "highz1", "if",
    "iff", "ifnone", "ignore_bins", "illegal_bins", "implements", "implies", "import", "incdir",
    "include", "initial", "inout", "input", "inside", "instance", "int", "integer",
    "interconnect", "interface", "intersect", "join", "join_any", "join_none", "large", "let",
    "liblist", "library", "local", "localparam", "logic", "longint", "macromodule", "matches",
    "medium", "modport", "module", "nand", "negedge", "nettype", "new", "nexttime", "nmos",
    "nor", "noshowcancelled", "not", "notif0", "notif1", "null", "or", "output", "package",
    "packed", "parameter", "pmos", "posedge", "primitive", "priority", "program", "property",
    "protected", "pull0", "pull1", "pulldown", "pullup", "pulsestyle_ondetect",
    "pulsestyle_onevent", "pure", "rand", "randc", "randcase", "randsequence", "rcmos", "real",
    "realtime", "ref", "reg", "reject_on", "release", "repeat", "restrict", "return", "rnmos",
    "rpmos", "rtran", "rtranif0", "rtranif1", "s_always", "s_eventually", "s_nexttime",
    "s_until", "s_until_with", "scalared", "sequence", "shortint", "shortreal", "showcancelled",
    "signed", "small", "soft", "solve", "specify", "specparam", "static", "string", "strong",
    "strong0", "strong1", "struct", "super", "supply0", "supply1", "sync_accept_on",
    "sync_reject_on", "table", "tagged", "task", "this", "throughout", "time", "timeprecision",
    "timeunit", "tran", "tranif0", "tranif1", "tri", "tri0", "tri1", "triand", "trior",
    "trireg", "type", "typedef", "union", "unique", "unique0", "unsigned", "until",
    "until_with", "untyped", "use", "uwire", "var", "vectored", "virtual", "void", "wait",
    "wait_order", "wand", "weak", "weak0", "weak1", "while", "wildcard", "wire", "with",
    "within", "wor", "xnor", "xor",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_not_reserved() {
        let mut namer = Namer::default();
        assert_eq!(namer.name("fc1"), "fc1");
        assert_eq!(namer.name("fc1"), "fc1_1");
        assert_eq!(namer.name("output"), "output_");
        assert_eq!(namer.name("output"), "output__1");
        assert_eq!(namer.name("short"), "short_");
        assert_eq!(namer.name_with("input", &["_tdata", "_tvalid"]), "input");
        assert_eq!(namer.name("input_tdata"), "input_tdata_1");
        assert_eq!(
            ["count", "count", "count3"].map(|n| namer.name(n)),
            ["count", "count_1", "a_count3"]
        );
        assert!(RESERVED.is_sorted() && RESERVED_IN_CPP.is_sorted());
    }
}
