//! Files of weights for the tests, in a folder that goes away with the test.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use npyz::WriterBuilder;
use rawzip::CompressionMethod;
use rtl4ml_spec::{Loaded, SpecError};
use tempfile::TempDir;

/// The bytes of an `.npy` file.
pub fn npy(extents: &[u64], numbers: &[f64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = npyz::WriteOptions::new()
        .default_dtype()
        .shape(extents)
        .writer(&mut bytes)
        .begin_nd()
        .unwrap();
    writer.extend(numbers.iter().copied()).unwrap();
    writer.finish().unwrap();
    bytes
}

/// The bytes of an `.npy` file with this header and this data.
pub fn raw_npy(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

/// The header that NumPy writes.
pub fn header(descr: &str, fortran_order: bool, shape: &str) -> String {
    let order = if fortran_order { "True" } else { "False" };
    format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n")
}

/// The bytes of an archive.
pub fn zip(entries: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut archive = rawzip::ZipArchiveWriter::new(&mut bytes);
    for (name, content) in entries {
        let (mut entry, config) =
            archive.new_file(name).compression_method(method).start().unwrap();
        let descriptor = if method == CompressionMethod::DEFLATE {
            let level = flate2::Compression::default();
            let mut writer = config.wrap(flate2::write::DeflateEncoder::new(&mut entry, level));
            writer.write_all(content).unwrap();
            let (encoder, descriptor) = writer.finish().unwrap();
            encoder.finish().unwrap();
            descriptor
        } else {
            let mut writer = config.wrap(&mut entry);
            writer.write_all(content).unwrap();
            writer.finish().unwrap().1
        };
        entry.finish(descriptor).unwrap();
    }
    archive.finish().unwrap();
    bytes
}

/// A matrix of numbers that `fixed<8,2>` holds.
pub fn matrix(n_in: usize, n_out: usize) -> Vec<u8> {
    let numbers: Vec<f64> = (0..n_in * n_out).map(|index| (index % 5) as f64 / 4.0 - 0.5).collect();
    npy(&[n_in as u64, n_out as u64], &numbers)
}

/// The folder that the specs of these tests read their weights from.
pub fn weights_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut with_nan = vec![0.0; 6];
    with_nan[5] = f64::NAN;
    let arrays: [(&str, Vec<u8>); 7] = [
        ("fc1.weight.npy", matrix(16, 64)),
        ("fc1.bias.npy", npy(&[64], &[0.25; 64])),
        ("fc2.weight.npy", matrix(64, 32)),
        ("fc3.weight.npy", matrix(32, 5)),
        ("fc3.bias.npy", npy(&[5], &[0.25; 5])),
        ("nan.npy", npy(&[2, 3], &with_nan)),
        ("text.npy", raw_npy(&header("<U3", false, "(1,)"), &[0; 12])),
    ];
    let entries: Vec<(&str, &[u8])> =
        arrays.iter().map(|(name, bytes)| (*name, &bytes[..])).collect();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("weights.npz", &zip(&entries, CompressionMethod::DEFLATE));
    write("weight.npy", &matrix(16, 64));
    write("truncated.npy", &matrix(16, 64)[..1000]);
    write("broken.npz", b"this is no archive");
    std::fs::create_dir(folder.path().join("folder.npz")).unwrap();
    folder
}

/// As many lines as one asks for.
pub fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for index in 0..count {
        writeln!(text, "{}", line(index)).unwrap();
    }
    text
}

/// Reads a spec from memory.
pub fn parse(text: &str, folder: &Path) -> Result<Loaded, SpecError> {
    rtl4ml_spec::parse(text, "network.yaml", folder)
}

/// The messages about a spec that is wrong, one a line; the folder is called `DIR` in them.
pub fn messages(text: &str, folder: &Path) -> String {
    let plain = parse(text, folder).expect_err("the spec is wrong").plain();
    match folder.to_str() {
        Some("") | None => plain,
        Some(folder) => plain.replace(folder, "DIR"),
    }
}
