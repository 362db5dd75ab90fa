//! The wire format of protocol buffers, walked once before a file is decoded.
//!
//! Guarantees: a file whose messages would take much more memory than the file has bytes is
//! refused before anything is allocated for them.

/// How many messages and texts a model may hold: an empty one takes two bytes of the file and
/// some hundred of memory.
const MAX_MESSAGES: usize = 1 << 20;

/// How deep messages may be nested; ONNX needs eight levels.
const MAX_DEPTH: usize = 16;

/// Which fields of a message are messages, and of which kind; kinds are indices of this table.
/// Lists of packed numbers and texts are not walked.
const MESSAGES: &[&[(u64, usize)]] = &[
    // 0, a model: its graph, operator sets and properties.
    &[(7, 1), (8, 5), (14, 5)],
    // 1, a graph: nodes, initializers, inputs, outputs.
    &[(1, 2), (5, 4), (11, 6), (12, 6)],
    // 2, a node: its attributes.
    &[(5, 3)],
    // 3, an attribute: its tensor.
    &[(5, 4)],
    // 4, a tensor: where its external data is.
    &[(13, 5)],
    // 5, a message without messages.
    &[],
    // 6, a value's name and type.
    &[(2, 7)],
    // 7, a type: that of a tensor.
    &[(1, 8)],
    // 8, a tensor's type: its shape.
    &[(2, 9)],
    // 9, a shape: its extents.
    &[(1, 5)],
];

/// Checks a model's bytes.
///
/// # Errors
/// What is wrong with them.
pub fn check(bytes: &[u8]) -> Result<(), String> {
    let mut count = 0;
    walk(bytes, 0, 0, &mut count)
}

fn walk(mut bytes: &[u8], kind: usize, depth: usize, count: &mut usize) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err("its messages are nested too deep".to_owned());
    }
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let skipped = match key & 7 {
            0 => {
                varint(&mut bytes)?;
                0
            }
            1 => 8,
            2 => varint(&mut bytes)?,
            5 => 4,
            other => return Err(format!("it has a field of the wire type {other}")),
        };
        let cut = usize::try_from(skipped).ok().filter(|cut| *cut <= bytes.len());
        let Some(cut) = cut else {
            return Err("it ends within a field".to_owned());
        };
        let (content, rest) = bytes.split_at(cut);
        bytes = rest;
        if key & 7 != 2 {
            continue;
        }
        *count += 1;
        if *count > MAX_MESSAGES {
            return Err(format!("it has more than {MAX_MESSAGES} messages and texts"));
        }
        if let Some((_, inner)) = MESSAGES[kind].iter().find(|(field, _)| *field == key >> 3) {
            walk(content, *inner, depth + 1, count)?;
        }
    }
    Ok(())
}

fn varint(bytes: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let Some((byte, rest)) = bytes.split_first() else {
            return Err("it ends within a number".to_owned());
        };
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err("it has a number of more than 64 bits".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_empty_messages_are_refused_before_they_are_decoded() {
        let nodes = [0x0a, 0x00].repeat(MAX_MESSAGES + 1);
        let mut model = vec![0x3a];
        let mut length = nodes.len() as u64;
        while length >= 0x80 {
            model.push(length as u8 | 0x80);
            length >>= 7;
        }
        model.push(length as u8);
        model.extend(nodes);
        assert!(check(&model).unwrap_err().contains("more than"));
        assert_eq!(check(&[0x3a, 0x02, 0x0a, 0x00]), Ok(()));
        assert!(check(&[0x3a, 0x05, 0x0a]).unwrap_err().contains("ends within"));
        assert!(check(&[0x07]).is_err());
    }
}
