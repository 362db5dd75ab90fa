//! What the text of a plain scalar stands for: the core schema of YAML 1.2, and nothing else.
//!
//! `0o17` and `0x1f` are integers, `.inf` and `.nan` are floats; `1_000`, `yes` and `12:30` are
//! texts, as in every YAML 1.2 reader.

/// What a scalar stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Core {
    Null,
    Bool(bool),
    Integer,
    Float,
    Text,
}

/// What a plain scalar stands for.
pub(crate) fn core(text: &str) -> Core {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Core::Null,
        "true" | "True" | "TRUE" => Core::Bool(true),
        "false" | "False" | "FALSE" => Core::Bool(false),
        _ if is_integer(text) => Core::Integer,
        _ if is_float(text) => Core::Float,
        _ => Core::Text,
    }
}

/// The value of an integer; `None` when it is no integer or beyond 127 bits.
pub(crate) fn integer(text: &str) -> Option<i128> {
    if !is_integer(text) {
        None
    } else if let Some(digits) = text.strip_prefix("0o") {
        i128::from_str_radix(digits, 8).ok()
    } else if let Some(digits) = text.strip_prefix("0x") {
        i128::from_str_radix(digits, 16).ok()
    } else {
        text.parse().ok()
    }
}

/// The value of an integer or float, rounded to the nearest `f64`.
pub(crate) fn number(text: &str) -> Option<f64> {
    match core(text) {
        Core::Integer => match integer(text) {
            Some(value) => Some(value as f64),
            // Too long for an integer type, and a decimal number all the same.
            None => text.parse().ok(),
        },
        Core::Float => {
            let (negative, magnitude) = match text.strip_prefix('-') {
                Some(rest) => (true, rest),
                None => (false, text.strip_prefix('+').unwrap_or(text)),
            };
            let value = match magnitude {
                ".inf" | ".Inf" | ".INF" => Some(f64::INFINITY),
                ".nan" | ".NaN" | ".NAN" => Some(f64::NAN),
                _ => magnitude.parse().ok(),
            }?;
            Some(if negative { -value } else { value })
        }
        _ => None,
    }
}

fn all(text: &str, is_digit: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(is_digit)
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['-', '+']).unwrap_or(text)
}

fn is_integer(text: &str) -> bool {
    if let Some(digits) = text.strip_prefix("0o") {
        all(digits, |byte| (b'0'..=b'7').contains(&byte))
    } else if let Some(digits) = text.strip_prefix("0x") {
        all(digits, |byte| byte.is_ascii_hexdigit())
    } else {
        all(unsigned(text), |byte| byte.is_ascii_digit())
    }
}

/// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`, `[-+]?.inf` or `.nan`.
fn is_float(text: &str) -> bool {
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let magnitude = unsigned(text);
    if matches!(magnitude, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    let (mantissa, exponent) = match magnitude.find(['e', 'E']) {
        Some(at) => (&magnitude[..at], Some(&magnitude[at + 1..])),
        None => (magnitude, None),
    };
    let is_digit = |byte: u8| byte.is_ascii_digit();
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    let legal_mantissa = all(&digits, is_digit) && mantissa != ".";
    legal_mantissa && exponent.is_none_or(|exponent| all(unsigned(exponent), is_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_what_the_core_schema_says() {
        for (text, expected) in [
            ("", Core::Null),
            ("~", Core::Null),
            ("true", Core::Bool(true)),
            ("yes", Core::Text),
            ("12", Core::Integer),
            ("-12", Core::Integer),
            ("+12", Core::Integer),
            ("0o17", Core::Integer),
            ("0x1F", Core::Integer),
            ("0o18", Core::Text),
            ("1_000", Core::Text),
            ("12:30", Core::Text),
            ("1.", Core::Float),
            (".5", Core::Float),
            ("-1.5e-3", Core::Float),
            ("1e5", Core::Float),
            (".inf", Core::Float),
            ("-.INF", Core::Float),
            (".nan", Core::Float),
            ("-.nan", Core::Text),
            (".", Core::Text),
            ("-", Core::Text),
            ("inf", Core::Text),
            ("nan", Core::Text),
            ("1e", Core::Text),
            ("1.2.3", Core::Text),
            ("٣", Core::Text),
        ] {
            assert_eq!(core(text), expected, "{text}");
        }
    }

    #[test]
    fn values_are_exact_where_they_can_be() {
        assert_eq!(integer("0x10"), Some(16));
        assert_eq!(integer("-7"), Some(-7));
        assert_eq!(integer(&"9".repeat(60)), None);
        assert_eq!(number(&"9".repeat(60)), Some(1e60));
        assert_eq!(number("-.5"), Some(-0.5));
        assert_eq!(number("1."), Some(1.0));
        assert_eq!(number("-.inf"), Some(f64::NEG_INFINITY));
        assert!(number(".nan").is_some_and(f64::is_nan));
        assert_eq!(number("one"), None);
        assert_eq!(number(&format!("0x{}", "f".repeat(40))), None);
    }
}
