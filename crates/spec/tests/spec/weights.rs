//! Files of weights: every kind that NumPy writes, and files that lie.

use std::fs;
use std::path::Path;
use std::time::Instant;

use rawzip::CompressionMethod;
use rtl4ml_ir::Op;

use crate::support::{header, matrix, messages, npy, parse, raw_npy, zip};

/// A spec whose only weights are `reference`.
fn spec(reference: &str) -> String {
    format!(
        "name: net\ninputs: [{{name: x, shape: [2], precision: \"fixed<8,3>\"}}]\n\
         layers: [{{name: fc, type: dense, weight: \"{reference}\", precision: {{weight: \"fixed<16,8>\"}}}}]\n"
    )
}

/// The weights that `w.npy` with these bytes stands for.
fn read(bytes: &[u8]) -> Result<Vec<f64>, String> {
    read_file("w.npy", bytes, "w.npy")
}

fn read_file(name: &str, bytes: &[u8], reference: &str) -> Result<Vec<f64>, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), bytes).unwrap();
    let text = spec(reference);
    match parse(&text, folder.path()) {
        Ok(loaded) => match &loaded.network.network().layers[0].op {
            Op::Dense(dense) => Ok((0..dense.kernel.weight.len())
                .map(|i| dense.kernel.weight.get(i).to_f64())
                .collect()),
            _ => panic!("a dense layer"),
        },
        Err(_) => Err(messages(&text, folder.path())),
    }
}

/// The message about `w.npy` with these bytes, without its place.
fn complaint(bytes: &[u8]) -> String {
    let message = read(bytes).unwrap_err();
    message.split_once("error: `weight`: ").map(|(_, text)| text.to_owned()).unwrap_or(message)
}

#[test]
fn every_type_is_read_in_both_byte_orders() {
    fn bytes<const N: usize>(values: [[u8; N]; 6]) -> (Vec<u8>, Vec<u8>) {
        let little = values.concat();
        let big = values.iter().flat_map(|value| value.iter().rev().copied()).collect();
        (little, big)
    }
    let floats = [1.0, -2.0, 0.5, 3.0, 0.0, -0.25];
    let integers = [1.0, -2.0, 5.0, 3.0, 0.0, -7.0];
    let naturals = [1.0, 2.0, 5.0, 3.0, 0.0, 7.0];
    let cases = [
        ("f2", bytes(floats.map(|x| half::f16::from_f64(x).to_le_bytes())), floats),
        ("f4", bytes(floats.map(|x| (x as f32).to_le_bytes())), floats),
        ("f8", bytes(floats.map(f64::to_le_bytes)), floats),
        ("i1", bytes(integers.map(|x| (x as i8).to_le_bytes())), integers),
        ("i2", bytes(integers.map(|x| (x as i16).to_le_bytes())), integers),
        ("i4", bytes(integers.map(|x| (x as i32).to_le_bytes())), integers),
        ("i8", bytes(integers.map(|x| (x as i64).to_le_bytes())), integers),
        ("u1", bytes(naturals.map(|x| (x as u8).to_le_bytes())), naturals),
        ("u2", bytes(naturals.map(|x| (x as u16).to_le_bytes())), naturals),
        ("u4", bytes(naturals.map(|x| (x as u32).to_le_bytes())), naturals),
        ("u8", bytes(naturals.map(|x| (x as u64).to_le_bytes())), naturals),
    ];
    for (ty, (little, big), expected) in cases {
        let order = |order: char| if ty.ends_with('1') { '|' } else { order };
        for (order, data) in [(order('<'), little), (order('>'), big)] {
            let header = header(&format!("{order}{ty}"), false, "(2, 3)");
            assert_eq!(read(&raw_npy(&header, &data)), Ok(expected.to_vec()), "{order}{ty}");
        }
    }
    let bools = raw_npy(&header("|b1", false, "(2, 2)"), &[1, 0, 0, 1]);
    assert_eq!(read(&bools), Ok(vec![1.0, 0.0, 0.0, 1.0]));
}

#[test]
fn column_major_files_come_out_row_major() {
    let data: Vec<u8> = [1u8, 4, 2, 5, 3, 6].to_vec();
    let bytes = raw_npy(&header("|u1", true, "(2, 3)"), &data);
    assert_eq!(read(&bytes), Ok(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
}

#[test]
fn archives_are_read_stored_and_deflated() {
    let array = matrix(2, 3);
    for method in [CompressionMethod::STORE, CompressionMethod::DEFLATE] {
        let bytes = zip(&[("a.npy", &array), ("readme", b"no array")], method);
        assert_eq!(read_file("w.npz", &bytes, "w.npz:a").map(|weights| weights.len()), Ok(6));
        let message = read_file("w.npz", &bytes, "w.npz:readme").unwrap_err();
        assert!(message.contains("has no array `readme`; it holds a"), "{message}");
    }
}

#[test]
fn lying_arrays_are_errors() {
    let lie = |shape: &str| complaint(&raw_npy(&header("<f8", false, shape), &[0; 48]));
    for (shape, expected) in [
        ("(2, 4)", "the header promises 8 elements of shape [2, 4], but the data ends after 6"),
        ("(2, 2)", "there is data after the 4 elements that the header promises"),
        ("(0, 4)", "the shape [0, 4] has an empty axis"),
        ("(2, 16777216)", "the shape [2, 16777216] has too many elements"),
        ("(4294967296, 4294967296)", "its header is not one that NumPy writes"),
        ("(18446744073709551615, 0, 18446744073709551615)", "its header is not one"),
        ("(0xffffffff_ffffffff, 0xffff)", "its header is not one that NumPy writes"),
        ("(99999999999999999999999,)", "its header is not one that NumPy writes"),
        ("(-2, 3)", "dimension cannot be negative"),
        ("(2.5, 3)", "dimension must be an integer"),
        ("[[[[2]]]]", "its header is not one that NumPy writes"),
        ("None", "shape must be list or tuple"),
        ("(2,", "could not parse Python expression"),
    ] {
        let found = lie(shape);
        assert!(found.contains(expected), "{shape}: {found}");
    }
    let of_type = |descr: &str| complaint(&raw_npy(&header(descr, false, "(2, 3)"), &[0; 48]));
    for descr in ["<c16", "<f16", "|O", "|S8", "<M8[ns]", "|V8"] {
        let found = of_type(descr);
        assert!(found.contains("the elements are of the type"), "{descr}: {found}");
        assert!(found.contains("numpy.float64"), "{descr}: {found}");
    }
    let record = "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (2, 3), }";
    assert!(complaint(&raw_npy(record, &[0; 48])).contains("the elements are of the type"));
}

#[test]
fn damaged_arrays_are_errors() {
    let whole = matrix(2, 3);
    for length in 0..whole.len() {
        assert!(read(&whole[..length]).is_err(), "{length} bytes");
    }
    let mut huge_header = b"\x93NUMPY\x02\x00".to_vec();
    huge_header.extend(u32::MAX.to_le_bytes());
    assert!(complaint(&huge_header).contains("its header is too long"));
    let mut deep = b"\x93NUMPY\x01\x00".to_vec();
    deep.extend(9_000u16.to_le_bytes());
    deep.extend([b'['; 9_000]);
    assert!(complaint(&deep).contains("its header is not one that NumPy writes"));
    assert!(complaint(b"PK\x03\x04 an archive").contains("it does not begin as one"));
    let with_infinity = npy(&[2, 2], &[0.0, 1.0, f64::NEG_INFINITY, 2.0]);
    assert!(complaint(&with_infinity).contains("`w.npy` holds -inf at index [1, 0]"));
}

#[test]
fn damaged_archives_are_errors() {
    let array = npy(&[20, 30], &[0.5; 600]);
    for method in [CompressionMethod::STORE, CompressionMethod::DEFLATE] {
        let whole = zip(&[("a.npy", &array)], method);
        for cut in (0..whole.len()).step_by(7) {
            assert!(read_file("w.npz", &whole[..cut], "w.npz:a").is_err(), "{cut} bytes");
        }
        for flip in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[flip] ^= 0x55;
            // Most damage is found; whatever is not must not change a weight.
            if let Ok(weights) = read_file("w.npz", &damaged, "w.npz:a") {
                assert!(
                    weights.iter().all(|weight| weight.to_bits() == 0.5f64.to_bits()),
                    "byte {flip}"
                );
            }
        }
    }
    let twice = zip(&[("a.npy", &array), ("a.npy", &array)], CompressionMethod::STORE);
    let message = read_file("w.npz", &twice, "w.npz:a").unwrap_err();
    assert!(message.contains("the archive holds `a` twice"), "{message}");
}

/// An archive of a kilobyte that claims to hold many millions of weights, and does.
#[test]
fn bombs_are_refused_before_they_are_inflated() {
    let start = Instant::now();
    let mut bomb = raw_npy(&header("|u1", false, "(20000000, 1)"), &[]);
    bomb.resize(bomb.len() + 20_000_000, 0);
    let bytes = zip(&[("a.npy", &bomb)], CompressionMethod::DEFLATE);
    let message = read_file("w.npz", &bytes, "w.npz:a").unwrap_err();
    assert!(message.contains("has too many elements"), "{message}");

    let mut trailing = matrix(2, 3);
    trailing.resize(20_000_000, 0);
    let bytes = zip(&[("a.npy", &trailing)], CompressionMethod::DEFLATE);
    let message = read_file("w.npz", &bytes, "w.npz:a").unwrap_err();
    assert!(message.contains("there is data after the 6 elements"), "{message}");
    assert!(start.elapsed().as_secs() < 120);
}

#[test]
fn all_weights_of_a_network_together_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = raw_npy(&header("|u1", false, "(4096, 3000)"), &[]);
    bytes.resize(bytes.len() + 4096 * 3000, 0);
    fs::write(folder.path().join("w.npy"), &bytes).unwrap();
    // Neither array is too large alone.
    let text = "name: net\ndefaults: {precision: \"fixed<8,3>\"}\n\
                inputs: [{name: x, shape: [4]}]\nlayers:\n\
                \x20 - {name: a, type: dense, inputs: x, weight: w.npy}\n\
                \x20 - {name: b, type: dense, inputs: x, weight: w.npy}\n\
                outputs: [a, b]\n";
    let found = messages(text, folder.path());
    let expected = ":6:47: error: `weight`: `w.npy`: the shape [4096, 3000] has too many elements";
    assert!(found.contains(expected), "{found}");
}

#[test]
fn only_regular_files_are_opened() {
    let found = messages(&spec("/dev/null/w.npy"), Path::new(""));
    assert!(found.contains("/dev/null/w.npy cannot be read"), "{found}");
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("w.npy")).unwrap();
    let found = messages(&spec("w.npy"), folder.path());
    assert!(found.contains("w.npy is not a regular file"), "{found}");
}
