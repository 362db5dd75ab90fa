//! The delays of FPGA fabrics, which are data: `data/delays.toml` holds those that are known, and
//! a user's own file has the same keys.
//!
//! What this module guarantees: a [`Fabric`] has delays with which a delay model can compute: none
//! is so long that sums of them overflow, and a carry chain has blocks of at least a bit.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::target::{Family, SpeedGrade};

/// The delays of one fabric at one speed grade, in picoseconds.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fabric {
    /// What it is called.
    pub name: String,
    /// Which devices it serves; `None` where it is no part's.
    family: Option<Family>,
    /// At which speed grade it serves them.
    speed_grade: Option<u8>,
    /// The share of the clock period that is kept free for what the model does not see.
    pub margin_percent: f64,
    /// Clock to output of a register, and its set-up.
    #[serde(rename = "register")]
    pub register_ps: u32,
    /// A net between two neighbours, at low fan-out.
    #[serde(rename = "net")]
    pub net_ps: u32,
    /// A look-up table.
    #[serde(rename = "lut")]
    pub lut_ps: u32,
    /// Into and out of a carry chain.
    #[serde(rename = "carry")]
    pub carry_ps: u32,
    /// The bits of a block of a carry chain.
    pub carry_bits: u32,
    /// Through each block of a carry chain.
    #[serde(rename = "carry_block")]
    pub carry_block_ps: u32,
    /// What a table of six inputs in front of a carry chain takes longer than one of two.
    #[serde(rename = "counter")]
    pub counter_ps: u32,
    /// A multiplication in a DSP block without registers inside.
    #[serde(rename = "dsp_multiply")]
    pub dsp_multiply_ps: u32,
    /// Each further DSP block of a wider multiplication.
    #[serde(rename = "dsp_cascade")]
    pub dsp_cascade_ps: u32,
    /// Clock to output of a block RAM without output register, beyond that of a register.
    #[serde(rename = "block_ram")]
    pub block_ram_ps: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DelayFile {
    fabric: Vec<Fabric>,
}

/// Why a text holds no delays.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DelayFileError {
    /// It is no TOML, or has other keys.
    #[error("{message}")]
    Syntax {
        /// What is wrong.
        message: String,
        /// Where, in bytes from the start.
        at: usize,
    },
    /// A number is beyond what a delay can be.
    #[error("fabric `{fabric}`: `{key}` is {found}; legal is {least} to {most}")]
    OutOfRange {
        /// The fabric's name.
        fabric: String,
        /// The number's key.
        key: &'static str,
        /// The number.
        found: f64,
        /// The least legal one.
        least: f64,
        /// The greatest.
        most: f64,
    },
    /// A user's file holds other than one fabric.
    #[error("a file of delays has one [[fabric]], found {found}")]
    Count {
        /// How many.
        found: usize,
    },
}

/// The longest delay of one step that is taken for meant, in picoseconds.
const LONGEST_PS: u32 = 1_000_000;

impl Fabric {
    fn check(&self) -> Result<(), DelayFileError> {
        let longest = f64::from(LONGEST_PS);
        let numbers = [
            ("margin_percent", self.margin_percent, 0.0, 90.0),
            ("register", f64::from(self.register_ps), 0.0, longest),
            ("net", f64::from(self.net_ps), 0.0, longest),
            ("lut", f64::from(self.lut_ps), 0.0, longest),
            ("carry", f64::from(self.carry_ps), 0.0, longest),
            ("carry_bits", f64::from(self.carry_bits), 1.0, 64.0),
            ("carry_block", f64::from(self.carry_block_ps), 0.0, longest),
            ("counter", f64::from(self.counter_ps), 0.0, longest),
            ("dsp_multiply", f64::from(self.dsp_multiply_ps), 1.0, longest),
            ("dsp_cascade", f64::from(self.dsp_cascade_ps), 0.0, longest),
            ("block_ram", f64::from(self.block_ram_ps), 0.0, longest),
        ];
        match numbers.into_iter().find(|(_, found, least, most)| !(least..=most).contains(&found)) {
            None => Ok(()),
            Some((key, found, least, most)) => {
                let fabric = self.name.clone();
                Err(DelayFileError::OutOfRange { fabric, key, found, least, most })
            }
        }
    }

    /// The fabric of a family of devices at a speed grade; the slowest one stands in for a grade
    /// that the data lacks.
    pub fn of_part(family: Family, grade: SpeedGrade) -> &'static Self {
        let is_grade = |fabric: &&Self| fabric.speed_grade == Some(grade.number());
        let mut of_family = FABRICS.iter().filter(|fabric| fabric.family == Some(family));
        let slowest = of_family.clone().min_by_key(|fabric| fabric.speed_grade);
        of_family.find(is_grade).or(slowest).unwrap_or(&FABRICS[0])
    }

    /// The fabric of this name that is no part's: it is had by naming it.
    pub fn named(name: &str) -> Option<&'static Self> {
        FABRICS.iter().find(|fabric| fabric.family.is_none() && fabric.name == name)
    }

    /// The names that [`Fabric::named`] knows.
    pub fn names() -> impl Iterator<Item = &'static str> {
        let named = FABRICS.iter().filter(|fabric| fabric.family.is_none());
        named.map(|fabric| fabric.name.as_str())
    }

    /// The fabric of a user's file.
    ///
    /// # Errors
    /// When it has other keys than `data/delays.toml`, numbers that cannot be meant, or not
    /// exactly one fabric.
    pub fn parse(text: &str) -> Result<Self, DelayFileError> {
        let fabrics = parse_all(text)?;
        let found = fabrics.len();
        match <[Self; 1]>::try_from(fabrics) {
            Ok([fabric]) => Ok(fabric),
            Err(_) => Err(DelayFileError::Count { found }),
        }
    }
}

fn parse_all(text: &str) -> Result<Vec<Fabric>, DelayFileError> {
    let file: DelayFile = toml::from_str(text).map_err(|error| DelayFileError::Syntax {
        message: error.message().to_owned(),
        at: error.span().map_or(0, |span| span.start),
    })?;
    file.fabric.iter().try_for_each(Fabric::check)?;
    Ok(file.fabric)
}

static FABRICS: LazyLock<Vec<Fabric>> = LazyLock::new(|| {
    parse_all(include_str!("../data/delays.toml")).expect("a test reads this file")
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_has_every_speed_grade_and_a_faster_grade_is_faster() {
        for family in [Family::UltraScale, Family::UltraScalePlus] {
            let grades = [SpeedGrade::One, SpeedGrade::Two, SpeedGrade::Three];
            let fabrics = grades.map(|grade| Fabric::of_part(family, grade));
            for (grade, fabric) in (1..).zip(fabrics) {
                assert_eq!((fabric.family, fabric.speed_grade), (Some(family), Some(grade)));
            }
            for pair in fabrics.windows(2) {
                assert!(pair[1].net_ps < pair[0].net_ps && pair[1].lut_ps < pair[0].lut_ps);
            }
        }
        assert_eq!(Fabric::names().collect::<Vec<_>>(), ["yosys"]);
        assert_eq!(Fabric::named("yosys").map(|fabric| fabric.carry_bits), Some(4));
        assert_eq!(Fabric::named("ultrascale -1"), None);
    }

    #[test]
    fn a_file_of_ones_own_is_told_what_is_wrong_with_it() {
        let good = "[[fabric]]\nname = \"mine\"\nmargin_percent = 5\nregister = 100\nnet = 300\n\
                    lut = 80\ncarry = 150\ncarry_bits = 8\ncarry_block = 20\n\
                     counter = 40\n\
                    dsp_multiply = 2000\ndsp_cascade = 500\nblock_ram = 800\n";
        let fabric = Fabric::parse(good).unwrap();
        assert_eq!((fabric.name.as_str(), fabric.net_ps), ("mine", 300));
        let message = |text: &str| Fabric::parse(text).unwrap_err().to_string();
        assert!(message(&good.replace("lut = 80\n", "")).contains("missing field `lut`"));
        assert!(message(&good.replace("lut", "lutt")).contains("unknown field `lutt`"));
        assert_eq!(
            message(&good.replace("carry_bits = 8", "carry_bits = 0")),
            "fabric `mine`: `carry_bits` is 0; legal is 1 to 64"
        );
        assert!(message(&good.replace("300", "4000000")).contains("`net` is 4000000"));
        assert!(message(&good.replace("300", "-1")).contains("-1"));
        assert!(message(&format!("{good}{good}")).contains("found 2"));
        let nothing = Fabric::parse("lut 80").unwrap_err();
        assert!(matches!(nothing, DelayFileError::Syntax { at: 4, .. }), "{nothing:?}");
    }
}
