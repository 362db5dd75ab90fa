//! The strings of the field: `fixed<16,6>`, `ap_ufixed<8,4,AP_RND,AP_SAT>`, `int<8>`, ...

use std::fmt;
use std::str::FromStr;

use super::{FixedType, Format, MAX_INTEGER_BITS, MAX_WIDTH, Overflow, Rounding};

/// Why a string is not a fixed-point type, and what would be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseTypeError {
    /// The text has not the form NAME<...>.
    #[error(
        "`{found}` is not a fixed-point type; write fixed<W,I>, ufixed<W,I>, int<W> or uint<W>, each with optional rounding and overflow modes, e.g. fixed<16,6,RND,SAT>"
    )]
    Form {
        /// The text as written.
        found: String,
    },
    /// A width or a number of integer bits is missing, not a number or out of its limits.
    #[error("`{found}` is not a legal {what} in `{text}`; legal: {low} to {high}")]
    Number {
        /// Which number it is.
        what: &'static str,
        /// The number as written.
        found: String,
        /// The whole text.
        text: String,
        /// The lowest legal number.
        low: i64,
        /// The highest legal number.
        high: i64,
    },
    /// A mode is unknown or in the wrong place.
    #[error("`{found}` is not a legal {what} mode in `{text}`; legal: {legal}")]
    Mode {
        /// `rounding` or `overflow`.
        what: &'static str,
        /// The mode as written.
        found: String,
        /// The whole text.
        text: String,
        /// The legal modes, comma separated.
        legal: String,
    },
    /// More parameters than the type has.
    #[error("`{text}` has {found} parameters; {name} takes at most {most}")]
    TooMany {
        /// The whole text.
        text: String,
        /// The kind of type.
        name: String,
        /// The number of parameters written.
        found: usize,
        /// The number of parameters that exist.
        most: usize,
    },
}

impl Rounding {
    /// The mode's name without the prefix `AP_`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trn => "TRN",
            Self::TrnZero => "TRN_ZERO",
            Self::Rnd => "RND",
            Self::RndZero => "RND_ZERO",
            Self::RndInf => "RND_INF",
            Self::RndMinInf => "RND_MIN_INF",
            Self::RndConv => "RND_CONV",
        }
    }
}

impl Overflow {
    /// The mode's name without the prefix `AP_`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wrap => "WRAP",
            Self::Sat => "SAT",
            Self::SatZero => "SAT_ZERO",
            Self::SatSym => "SAT_SYM",
        }
    }
}

impl fmt::Display for Format {
    /// Always the full form `fixed<W,I>` or `ufixed<W,I>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = if self.signed { "" } else { "u" };
        write!(f, "{prefix}fixed<{},{}>", self.width, self.integer_bits)
    }
}

impl fmt::Display for FixedType {
    /// The shortest form that parses back to the same type, but for `int` and `uint`, which
    /// print as `fixed` and `ufixed`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = if self.format.signed { "" } else { "u" };
        write!(f, "{prefix}fixed<{},{}", self.format.width, self.format.integer_bits)?;
        match (self.rounding, self.overflow) {
            (Rounding::Trn, Overflow::Wrap) => write!(f, ">"),
            (rounding, Overflow::Wrap) => write!(f, ",{}>", rounding.name()),
            (rounding, overflow) => write!(f, ",{},{}>", rounding.name(), overflow.name()),
        }
    }
}

impl FromStr for FixedType {
    type Err = ParseTypeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || ParseTypeError::Form { found: text.to_owned() };
        let trimmed = text.trim();
        let (name, rest) = trimmed.split_once('<').ok_or_else(form)?;
        let parameters = rest.strip_suffix('>').ok_or_else(form)?;
        let name = name.trim();
        let (signed, integer) = match name.strip_prefix("ap_").unwrap_or(name) {
            "fixed" => (true, false),
            "ufixed" => (false, false),
            "int" => (true, true),
            "uint" => (false, true),
            _ => return Err(form()),
        };
        let parameters: Vec<&str> = parameters.split(',').map(str::trim).collect();
        let most = if integer { 3 } else { 4 };
        if parameters.len() > most {
            let found = parameters.len();
            let name = name.to_owned();
            return Err(ParseTypeError::TooMany { text: text.to_owned(), name, found, most });
        }
        let number = |what, index: usize, low: i64, high: i64| {
            let found = parameters.get(index).copied().unwrap_or_default();
            found.parse::<i64>().ok().filter(|n| (low..=high).contains(n)).ok_or_else(|| {
                let (found, text) = (found.to_owned(), text.to_owned());
                ParseTypeError::Number { what, found, text, low, high }
            })
        };
        let width = number("width", 0, 1, MAX_WIDTH.into())? as u32;
        let limit = i64::from(MAX_INTEGER_BITS);
        let integer_bits = if integer {
            width as i32
        } else {
            number("number of integer bits", 1, -limit, limit)? as i32
        };
        let mut modes = parameters.iter().skip(if integer { 1 } else { 2 });
        let rounding = modes.next().map_or(Ok(Rounding::default()), |m| {
            mode("rounding", m, text, &Rounding::ALL, Rounding::name)
        })?;
        let overflow = modes.next().map_or(Ok(Overflow::default()), |m| {
            mode("overflow", m, text, &Overflow::ALL, Overflow::name)
        })?;
        Ok(Self { format: Format { signed, width, integer_bits }, rounding, overflow })
    }
}

/// Finds the mode that `found` names, with or without the prefix `AP_`.
fn mode<M: Copy>(
    what: &'static str,
    found: &str,
    text: &str,
    all: &[M],
    name: fn(M) -> &'static str,
) -> Result<M, ParseTypeError> {
    let bare = found.strip_prefix("AP_").unwrap_or(found);
    all.iter().copied().find(|m| name(*m) == bare).ok_or_else(|| ParseTypeError::Mode {
        what,
        found: found.to_owned(),
        text: text.to_owned(),
        legal: all.iter().map(|m| name(*m)).collect::<Vec<_>>().join(", "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, printed: &str) {
        let ty: FixedType = text.parse().unwrap();
        assert_eq!(ty.to_string(), printed);
        assert_eq!(printed.parse(), Ok(ty));
    }

    #[test]
    fn every_spelling_parses_and_prints_back() {
        check("fixed<16,6>", "fixed<16,6>");
        check("ap_fixed< 16 , 6 , AP_RND , AP_SAT >", "fixed<16,6,RND,SAT>");
        check("ufixed<8,4,TRN,SAT>", "ufixed<8,4,TRN,SAT>");
        check("ap_ufixed<8,-2,AP_RND_CONV>", "ufixed<8,-2,RND_CONV>");
        check("int<8>", "fixed<8,8>");
        check("ap_uint<3,RND,WRAP>", "ufixed<3,3,RND>");
        for rounding in Rounding::ALL {
            for overflow in Overflow::ALL {
                let ty = FixedType::new(Format::signed(9, 12)).with_modes(rounding, overflow);
                assert_eq!(ty.to_string().parse(), Ok(ty));
            }
        }
    }

    #[test]
    fn mistakes_name_what_is_legal() {
        let message = |text: &str| text.parse::<FixedType>().unwrap_err().to_string();
        assert!(message("float").contains("fixed<W,I>"));
        assert!(message("fixed<16,6").contains("fixed<W,I>"));
        assert!(message("fixed<65,6>").contains("legal: 1 to 64"));
        assert!(message("fixed<0,0>").contains("legal: 1 to 64"));
        assert!(message("fixed<16>").contains("number of integer bits"));
        assert!(message("fixed<16,6,SAT>").contains("RND_MIN_INF"));
        assert!(message("fixed<16,6,RND,RND>").contains("SAT_SYM"));
        assert!(message("int<8,RND,SAT,3>").contains("at most 3"));
        assert!(message("fixed<99999999999999999999,1>").contains("width"));
    }
}
