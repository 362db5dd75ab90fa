//! Arrays that need not fit into memory: read piece by piece, ahead of whoever takes them.
//!
//! Guarantees: at most some pieces are in memory, whatever the array's size, unless its elements
//! are stored column-major, when it may have [`MAX_ARRAY`] of them; all numbers are finite.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::npy::{self, Limits};
use super::{ArrayError, MAX_ARRAY, WeightError, WeightFiles, index_of, quoted};

/// How many numbers a piece has.
const PIECE: usize = 1 << 16;

/// How many pieces are read ahead.
const AHEAD: usize = 4;

/// What the reader tells.
enum Message {
    Extents(Vec<usize>),
    Numbers(Vec<f64>),
    Failed(ArrayError),
}

/// An array that is being read, by a thread of its own.
#[derive(Debug)]
pub struct ArrayPieces {
    /// The extents.
    pub extents: Vec<usize>,
    messages: Receiver<Message>,
    /// What came and was not taken yet.
    rest: Vec<f64>,
}

impl ArrayPieces {
    /// Opens an array of finite numbers: `FILE.npy`, or `FILE.npz:KEY`.
    ///
    /// # Errors
    /// When there is no such array, or it is not one of numbers.
    pub fn open(reference: &str) -> Result<Self, ArrayError> {
        let (sender, messages) = sync_channel(AHEAD);
        let name = reference.to_owned();
        thread::spawn(move || read(&name, &sender));
        match messages.recv() {
            Ok(Message::Extents(extents)) => Ok(Self { extents, messages, rest: Vec::new() }),
            Ok(Message::Failed(error)) => Err(error),
            Ok(Message::Numbers(_)) | Err(_) => Err(ended(reference)),
        }
    }

    /// The next `count` numbers, row-major; fewer where the array ends.
    ///
    /// # Errors
    /// When the file is not as its header says, or a number is not finite. A mistake behind the
    /// last number of an intact array is told with that number.
    pub fn take(&mut self, count: usize) -> Result<Vec<f64>, ArrayError> {
        // One number more: it, or the end, comes after all checks of those before it.
        while self.rest.len() <= count {
            match self.messages.recv() {
                Ok(Message::Numbers(numbers)) => self.rest.extend(numbers),
                Ok(Message::Failed(error)) => return Err(error),
                Ok(Message::Extents(_)) | Err(_) => break,
            }
        }
        let rest = self.rest.split_off(count.min(self.rest.len()));
        Ok(std::mem::replace(&mut self.rest, rest))
    }
}

/// Reads an array to its end, or until nobody takes it any more.
fn read(reference: &str, sender: &SyncSender<Message>) {
    let mut files = WeightFiles::new(Path::new(""));
    let mut extents = Vec::new();
    let mut piece = Vec::with_capacity(PIECE);
    let (mut count, mut not_finite) = (0usize, None);
    let limits = Limits { most: u64::MAX, most_of_other_order: MAX_ARRAY as u64 };
    let begin = |found: &[usize]| {
        extents = found.to_vec();
        // Whether anybody listens shows with the numbers.
        let _ = sender.send(Message::Extents(found.to_vec()));
    };
    let take = |number: f64| {
        if !number.is_finite() {
            not_finite = Some((number, count));
            return false;
        }
        count += 1;
        piece.push(number);
        if piece.len() < PIECE {
            return true;
        }
        let full = std::mem::replace(&mut piece, Vec::with_capacity(PIECE));
        sender.send(Message::Numbers(full)).is_ok()
    };
    let result = files.with_bytes(reference, |bytes| npy::stream(bytes, limits, begin, take));
    let result = result.and(match not_finite {
        None => Ok(()),
        Some((number, at)) => {
            let (reference, index) = (quoted(reference), index_of(at, &extents));
            Err(WeightError::NotFinite { reference, number, index })
        }
    });
    let last = match result {
        Ok(()) => Message::Numbers(piece),
        Err(error) => Message::Failed(ArrayError(error)),
    };
    let _ = sender.send(last);
}

/// The reader has ended without a word, which only a panic of it can do.
fn ended(reference: &str) -> ArrayError {
    let source = std::io::Error::other("the reader has ended");
    ArrayError(WeightError::Io { path: reference.into(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load_array;
    use npyz::WriterBuilder;

    fn write(path: &Path, order: npyz::Order, shape: &[u64], numbers: &[f32]) {
        let mut writer = npyz::WriteOptions::new()
            .default_dtype()
            .order(order)
            .shape(shape)
            .writer(std::fs::File::create(path).unwrap())
            .begin_nd()
            .unwrap();
        writer.extend(numbers.iter().copied()).unwrap();
        writer.finish().unwrap();
    }

    /// Several pieces, taken in parts that end elsewhere.
    #[test]
    fn pieces_are_the_array_in_either_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        let rows = (3 * PIECE / 5) as u64;
        let numbers: Vec<f32> = (0..rows * 5).map(|i| i as f32 / 8.0).collect();
        for order in [npyz::Order::C, npyz::Order::Fortran] {
            write(&path, order, &[rows, 5], &numbers);
            let name = path.to_str().unwrap();
            let whole = load_array(name).unwrap();
            let mut pieces = ArrayPieces::open(name).unwrap();
            assert_eq!(pieces.extents, whole.extents);
            let mut found = Vec::new();
            loop {
                let piece = pieces.take(1013 * 5).unwrap();
                if piece.is_empty() {
                    break;
                }
                found.extend(piece);
            }
            assert!(found == whole.numbers, "{order:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_before_the_numbers_that_it_spoils_are_given() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        let name = path.to_str().unwrap();
        write(&path, npyz::Order::C, &[2, 2], &[1.0, 2.0, f32::NAN, 4.0]);
        let mut pieces = ArrayPieces::open(name).unwrap();
        assert!(pieces.take(4).unwrap_err().to_string().contains("[1, 0] is NaN"));
        write(&path, npyz::Order::C, &[4], &[1.0, 2.0, 3.0, 4.0]);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
        let mut pieces = ArrayPieces::open(name).unwrap();
        assert!(pieces.take(4).unwrap_err().to_string().contains("ends after 3"));
        std::fs::write(&path, [&bytes[..], &[0]].concat()).unwrap();
        let mut pieces = ArrayPieces::open(name).unwrap();
        assert!(pieces.take(4).unwrap_err().to_string().contains("data after the 4 elements"));
        assert!(ArrayPieces::open("nowhere.npy").is_err());
    }
}
