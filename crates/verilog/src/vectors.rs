//! Test vectors as files that `$readmemh` reads: one line a transfer.

use std::fmt::Write as _;

use rtl4ml_circuit::protocol::{Mantissas, Stimulus};
use rtl4ml_circuit::{Interface, Port};
use rtl4ml_ir::Io;

use crate::TextFile;

/// The files under `vectors/`:
/// - `schedule.hex`, unless there are streams: the idle cycles before a transaction (16 bits), and
///   above them the cycles from taking it to a reset (16 bits, 0 for none);
/// - `<input>.hex` and `<output>.hex`: the packed bits of each port, a line a transfer.
pub fn vector_files(
    interface: &Interface,
    stimulus: &Stimulus,
    expected: &[Vec<Mantissas>],
) -> Vec<TextFile> {
    let mut schedule = String::new();
    for transaction in &stimulus.transactions {
        let (reset, idle) = (transaction.reset_after_cycles, transaction.idle_cycles);
        // Writing to a string cannot fail.
        let _ = writeln!(schedule, "{reset:04x}{idle:04x}");
    }
    let mut files = match interface.io {
        Io::Parallel => vec![TextFile::new("vectors/schedule.hex", schedule)],
        Io::Stream => Vec::new(),
    };
    let inputs = interface.inputs.iter().enumerate().map(|(index, port)| {
        let rows = stimulus.transactions.iter().map(move |t| &t.inputs[index]);
        port_file(port, rows)
    });
    files.extend(inputs);
    let outputs =
        interface.outputs.iter().enumerate().map(|(index, port)| {
            port_file(port, expected.iter().map(move |outputs| &outputs[index]))
        });
    files.extend(outputs);
    files
}

/// The file of one port.
fn port_file<'a>(port: &Port, rows: impl Iterator<Item = &'a Mantissas>) -> TextFile {
    let mut text = String::new();
    for transfer in rows.flat_map(|row| row.chunks(port.elements.len())) {
        text.push_str(&packed_hex(port, transfer));
        text.push('\n');
    }
    TextFile::new(format!("vectors/{}.hex", port.name), text)
}

/// The elements of a port as one hexadecimal number, element 0 in the low bits.
fn packed_hex(port: &Port, mantissas: &[i128]) -> String {
    let mut digits = vec![0u8; port.width.div_ceil(4).max(1) as usize];
    let mut position = 0usize;
    for (element, mantissa) in port.elements.iter().zip(mantissas) {
        for bit in 0..element.width {
            let set = (mantissa >> bit) & 1 == 1;
            digits[position / 4] |= u8::from(set) << (position % 4);
            position += 1;
        }
    }
    let digit = |digit: &u8| char::from_digit(u32::from(*digit), 16).unwrap_or('0');
    digits.iter().rev().map(digit).collect()
}
