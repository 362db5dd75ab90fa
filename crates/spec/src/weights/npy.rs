//! Arrays in NumPy's `.npy` format.
//!
//! Guarantees: the header is checked before it is interpreted and before anything is allocated by
//! it, so that a lying one costs an error; as many elements as its shape says are there, and no
//! byte more; the numbers come out row-major, whatever the order in the file.
//!
//! The checks come first because the header parser is a general one for Python literals: its time
//! doubles with each level of nesting, and it multiplies the extents without looking for overflow.

use std::io::{self, Read};

use npyz::{DType, Deserialize, NpyFile, NpyHeader, Order, TypeChar};

use super::Array;

/// The longest header that NumPy itself reads.
const MAX_HEADER: usize = 10_000;

/// A header is a dictionary that holds a tuple; a record type, which is refused later, is a list
/// of tuples in it.
const MAX_NESTING: usize = 3;

/// Why a file is no array of numbers.
#[derive(Debug, thiserror::Error)]
pub(super) enum NpyError {
    #[error("this is no .npy array ({0})")]
    Header(String),
    #[error(
        "the shape {shape} has too many elements; all weights of a network together have at most {}, of which {left} are left",
        super::MAX_WEIGHTS
    )]
    TooLarge { shape: String, left: usize },
    #[error("the shape {0} has an empty axis")]
    Empty(String),
    #[error(
        "the elements are of the type {0}; legal: float16, float32, float64, int8 to int64, uint8 to uint64, bool"
    )]
    Type(String),
    #[error(
        "the header promises {expected} elements of shape {shape}, but the data ends after {found}"
    )]
    Truncated { shape: String, expected: usize, found: usize },
    #[error("there is data after the {0} elements that the header promises")]
    TrailingData(usize),
    #[error("the data cannot be read: {0}")]
    Io(#[from] io::Error),
}

impl NpyError {
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Type(_) => Some("convert it in Python: `array.astype(numpy.float64)`".to_owned()),
            Self::Truncated { .. } | Self::TrailingData(_) => {
                Some("the file is damaged; write it again".to_owned())
            }
            _ => None,
        }
    }
}

/// Reads an array of at most `most` elements.
pub(super) fn read(file: impl Read, most: usize) -> Result<Array, NpyError> {
    let (mut extents, mut numbers) = (Vec::new(), Vec::new());
    let limits = Limits { most: most as u64, most_of_other_order: most as u64 };
    stream(
        file,
        limits,
        |found| extents = found.to_vec(),
        |number| {
            numbers.push(number);
            true
        },
    )?;
    Ok(Array { extents, numbers })
}

/// How many elements an array may have.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// In any case.
    pub most: u64,
    /// Where they do not come row-major and have to be kept.
    pub most_of_other_order: u64,
}

/// Reads an array number by number, row-major: `begin` hears the extents, `take` each number and
/// says whether to go on. No memory is taken for the numbers, unless their order is another.
pub(super) fn stream(
    mut file: impl Read,
    limits: Limits,
    begin: impl FnOnce(&[usize]),
    mut take: impl FnMut(f64) -> bool,
) -> Result<(), NpyError> {
    let header = read_header(&mut file)?;
    let shape: Vec<String> = header.shape().iter().map(ToString::to_string).collect();
    let shape = format!("[{}]", shape.join(", "));
    let order = header.order();
    let most = match order {
        Order::C => limits.most,
        Order::Fortran => limits.most.min(limits.most_of_other_order),
    };
    let count = header
        .shape()
        .iter()
        .try_fold(1u64, |product, extent| product.checked_mul(*extent))
        .filter(|count| *count <= most)
        .ok_or_else(|| NpyError::TooLarge { shape: shape.clone(), left: most as usize })?
        as usize;
    if count == 0 {
        return Err(NpyError::Empty(shape));
    }
    let extents: Vec<usize> = header.shape().iter().map(|extent| *extent as usize).collect();
    number_type(&header)?;
    begin(&extents);
    let mut kept = Vec::new();
    let mut stopped = false;
    let found = read_numbers(header, &mut file, count, &mut |number| {
        if order == Order::Fortran {
            kept.push(number);
            return true;
        }
        stopped = !take(number);
        !stopped
    })?;
    if stopped {
        return Ok(());
    }
    if found < count {
        return Err(NpyError::Truncated { shape, expected: count, found });
    }
    // This read also makes an archive verify its checksum.
    if file.read(&mut [0])? > 0 {
        return Err(NpyError::TrailingData(count));
    }
    if order == Order::Fortran {
        row_major(&kept, &extents).into_iter().all(take);
    }
    Ok(())
}

/// Reads the header and interprets it once it is known to be harmless.
fn read_header(file: &mut impl Read) -> Result<NpyHeader, NpyError> {
    let not_npy = |why: &str| NpyError::Header(why.to_owned());
    let mut start = [0; 8];
    file.read_exact(&mut start).map_err(|_| not_npy("it is shorter than a header"))?;
    if !start.starts_with(b"\x93NUMPY") {
        return Err(not_npy("it does not begin as one"));
    }
    let mut length = [0; 4];
    let length_bytes = if start[6] == 1 { 2 } else { 4 };
    file.read_exact(&mut length[..length_bytes]).map_err(|_| not_npy("its header is cut off"))?;
    let text_length = u32::from_le_bytes(length) as usize;
    if text_length > MAX_HEADER {
        return Err(not_npy("its header is too long"));
    }
    let mut text = vec![0; text_length];
    file.read_exact(&mut text).map_err(|_| not_npy("its header is cut off"))?;
    if !is_harmless(&text) {
        return Err(not_npy("its header is not one that NumPy writes"));
    }
    let header = [&start[..], &length[..length_bytes], &text].concat();
    NpyHeader::from_reader(&header[..]).map_err(|error| NpyError::Header(error.to_string()))
}

/// Whether parsing the header takes little time, and no product of its integers leaves 64 bits.
fn is_harmless(text: &[u8]) -> bool {
    let mut depth = 0;
    for byte in text {
        match byte {
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' => depth -= depth.min(1),
            _ => {}
        }
        if depth > MAX_NESTING {
            return false;
        }
    }
    // Each run of digits may be an integer, in whatever base; four bits bound a digit of any.
    // Zeros are counted as well, because a product overflows before it reaches one.
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let bits: u32 = text
        .split(|byte| !is_part(byte))
        .filter(|word| word.first().is_some_and(u8::is_ascii_digit))
        .map(|word| {
            let decimal = std::str::from_utf8(word).ok().and_then(|word| word.parse::<u64>().ok());
            match decimal {
                Some(value) => u64::BITS - value.leading_zeros(),
                None => 4 * word.len() as u32,
            }
        })
        .sum();
    bits <= u64::BITS
}

/// The type of the elements, which is one of numbers: what it is, and its bytes.
fn number_type(header: &NpyHeader) -> Result<(DType, (TypeChar, u64)), NpyError> {
    let dtype = header.dtype();
    let kind = match &dtype {
        DType::Plain(ty) => (ty.type_char(), ty.size_field()),
        _ => return Err(NpyError::Type(dtype.descr())),
    };
    let legal = match kind.0 {
        TypeChar::Float => matches!(kind.1, 2 | 4 | 8),
        TypeChar::Int | TypeChar::Uint => matches!(kind.1, 1 | 2 | 4 | 8),
        TypeChar::Bool => kind.1 == 1,
        _ => false,
    };
    if legal { Ok((dtype, kind)) } else { Err(NpyError::Type(dtype.descr())) }
}

/// What takes numbers, and says whether to go on.
type Take<'t> = &'t mut dyn FnMut(f64) -> bool;

/// Reads `count` numbers, or as many as there are; returns how many.
fn read_numbers(
    header: NpyHeader,
    file: &mut impl Read,
    count: usize,
    take: Take,
) -> Result<usize, NpyError> {
    let (dtype, kind) = number_type(&header)?;
    let npy = NpyFile::with_header(header, file);
    match kind {
        (TypeChar::Float, 2) => gather(npy, count, take, |value: half::f16| value.to_f64()),
        (TypeChar::Float, 4) => gather::<f32>(npy, count, take, f64::from),
        (TypeChar::Float, 8) => gather::<f64>(npy, count, take, f64::from),
        (TypeChar::Int, 1) => gather::<i8>(npy, count, take, f64::from),
        (TypeChar::Int, 2) => gather::<i16>(npy, count, take, f64::from),
        (TypeChar::Int, 4) => gather::<i32>(npy, count, take, f64::from),
        (TypeChar::Int, 8) => gather(npy, count, take, |value: i64| value as f64),
        (TypeChar::Uint, 1) => gather::<u8>(npy, count, take, f64::from),
        (TypeChar::Uint, 2) => gather::<u16>(npy, count, take, f64::from),
        (TypeChar::Uint, 4) => gather::<u32>(npy, count, take, f64::from),
        (TypeChar::Uint, 8) => gather(npy, count, take, |value: u64| value as f64),
        (TypeChar::Bool, 1) => gather(npy, count, take, |value: bool| f64::from(u8::from(value))),
        _ => Err(NpyError::Type(dtype.descr())),
    }
}

/// Reads elements of one type as they come: memory follows the data, not the header.
fn gather<T: Deserialize>(
    npy: NpyFile<impl Read>,
    count: usize,
    take: Take,
    to_f64: fn(T) -> f64,
) -> Result<usize, NpyError> {
    let dtype = npy.dtype();
    let elements = npy.data::<T>().map_err(|_| NpyError::Type(dtype.descr()))?;
    let mut found = 0;
    for element in elements.take(count) {
        match element {
            Ok(element) => {
                found += 1;
                if !take(to_f64(element)) {
                    break;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

/// Column-major numbers in row-major order.
fn row_major(numbers: &[f64], extents: &[usize]) -> Vec<f64> {
    let strides: Vec<usize> = extents
        .iter()
        .scan(1, |product, extent| {
            let stride = *product;
            *product *= extent;
            Some(stride)
        })
        .collect();
    let mut index = vec![0; extents.len()];
    let mut at = 0;
    (0..numbers.len())
        .map(|_| {
            let number = numbers[at];
            // The index counts up with the last axis the fastest; `at` follows it.
            for axis in (0..extents.len()).rev() {
                index[axis] += 1;
                at += strides[axis];
                if index[axis] < extents[axis] {
                    break;
                }
                index[axis] = 0;
                at -= strides[axis] * extents[axis];
            }
            number
        })
        .collect()
}
