//! The FPGA part and its clock: the data of what can be targeted.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::fabric::Fabric;

/// A family of FPGAs that share one fabric, and so one delay model per speed grade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
pub enum Family {
    /// 20 nm UltraScale (Kintex and Virtex).
    #[serde(rename = "ultrascale")]
    UltraScale,
    /// 16 nm UltraScale+ (Kintex, Virtex, Zynq, Alveo).
    #[serde(rename = "ultrascale_plus")]
    UltraScalePlus,
}

/// What one device offers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// The vendor's name without package and speed grade, in lower case.
    pub name: String,
    /// Its fabric.
    pub family: Family,
    /// Six-input look-up tables.
    pub luts: u32,
    /// Flip-flops.
    pub flip_flops: u32,
    /// DSP48E2 slices.
    pub dsps: u32,
    /// Block RAMs of 36 kilobit.
    pub block_rams: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceFile {
    device: Vec<Device>,
}

/// The devices that are known: those of `data/devices.toml`, in the order of their names.
pub static DEVICES: LazyLock<Vec<Device>> = LazyLock::new(|| {
    let file: Result<DeviceFile, _> = toml::from_str(include_str!("../data/devices.toml"));
    file.expect("a test reads this file").device
});

/// How fast the silicon was sorted to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SpeedGrade {
    /// Grade -1, the slowest.
    One,
    /// Grade -2.
    Two,
    /// Grade -3, the fastest.
    Three,
}

impl SpeedGrade {
    /// The grade as it is written, without the dash.
    pub fn number(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Three => 3,
        }
    }
}

/// A part number as it is ordered: device, package, speed grade and temperature range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The part number as written, which is what Vivado is given.
    pub name: String,
    /// The device in it.
    pub device: &'static Device,
    /// The speed grade in it.
    pub speed_grade: SpeedGrade,
}

/// Why a text is no part number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParsePartError {
    /// The device is not in [`DEVICES`].
    #[error("the device `{found}` is not known; known: {known}")]
    Device {
        /// The device as written.
        found: String,
        /// The known devices, comma separated.
        known: String,
    },
    /// No speed grade -1, -2 or -3 in the third field.
    #[error(
        "`{found}` has no speed grade; write DEVICE-PACKAGE-GRADE-RANGE, e.g. xcvu9p-flga2104-2-i"
    )]
    SpeedGrade {
        /// The text as written.
        found: String,
    },
}

impl FromStr for Part {
    type Err = ParsePartError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let lower = text.trim().to_ascii_lowercase();
        let mut fields = lower.split('-');
        let name = fields.next().unwrap_or_default();
        let device = DEVICES.iter().find(|device| device.name == name).ok_or_else(|| {
            let known: Vec<&str> = DEVICES.iter().map(|device| device.name.as_str()).collect();
            let known = known.join(", ");
            ParsePartError::Device { found: name.to_owned(), known }
        })?;
        let grade = fields.nth(1).unwrap_or_default();
        let speed_grade = match grade.as_bytes().first() {
            Some(b'1') => SpeedGrade::One,
            Some(b'2') => SpeedGrade::Two,
            Some(b'3') => SpeedGrade::Three,
            _ => {
                return Err(ParsePartError::SpeedGrade { found: text.to_owned() });
            }
        };
        Ok(Self { name: lower.clone(), device, speed_grade })
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The clock of the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Clock {
    /// The period in picoseconds, rounded down, so that no constraint is looser than asked.
    pub period_ps: u64,
}

/// Why a text is no clock.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{found}` is not a clock; write a frequency or a period, e.g. `360 MHz` or `2.5 ns`, from 1 MHz to 2000 MHz"
)]
pub struct ParseClockError {
    /// The text as written.
    pub found: String,
}

impl Clock {
    /// A clock of the given frequency.
    pub fn from_mhz(mhz: f64) -> Option<Self> {
        let period_ps = (1e6 / mhz + 1e-6).floor();
        (500.0..=1e6).contains(&period_ps).then_some(Self { period_ps: period_ps as u64 })
    }

    /// The frequency in megahertz.
    pub fn mhz(self) -> f64 {
        1e6 / self.period_ps as f64
    }

    /// The period in nanoseconds.
    pub fn period_ns(self) -> f64 {
        self.period_ps as f64 / 1000.0
    }
}

impl FromStr for Clock {
    type Err = ParseClockError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseClockError { found: text.to_owned() };
        let (number, unit) = split_unit(text).ok_or_else(error)?;
        let mhz = match unit.to_ascii_lowercase().as_str() {
            "mhz" => number,
            "ghz" => number * 1e3,
            "khz" => number / 1e3,
            "ns" => 1e3 / number,
            "ps" => 1e6 / number,
            _ => return Err(error()),
        };
        Self::from_mhz(mhz).ok_or_else(error)
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} MHz ({:.3} ns)", self.mhz(), self.period_ns())
    }
}

/// Splits `2.5 ns` into the number and the unit; `None` unless the number is finite and positive.
pub fn split_unit(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let number: f64 = text[..end].trim().parse().ok()?;
    (number.is_finite() && number > 0.0).then_some((number, text[end..].trim()))
}

/// Where the design is to run, and how fast.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The FPGA.
    pub part: Part,
    /// Its clock.
    pub clock: Clock,
    /// The delays to plan with, where they are not those of the part.
    pub delays: Option<Fabric>,
}

impl Target {
    /// The delays to plan with.
    pub fn fabric(&self) -> &Fabric {
        let part = &self.part;
        let of_part = || Fabric::of_part(part.device.family, part.speed_grade);
        self.delays.as_ref().unwrap_or_else(of_part)
    }
}

impl Default for Target {
    /// A VU9P at 200 MHz.
    fn default() -> Self {
        let part = "xcvu9p-flga2104-2-i".parse().expect("a test parses it");
        Self { part, clock: Clock { period_ps: 5_000 }, delays: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_parse_in_both_spellings_and_round_towards_the_tighter_constraint() {
        let period = |text: &str| text.parse::<Clock>().map(|clock| clock.period_ps);
        assert_eq!(period("360 MHz"), Ok(2777));
        assert_eq!(period("2.5ns"), Ok(2500));
        assert_eq!(period("5 ns"), Ok(5000));
        assert_eq!(period("200MHz"), Ok(5000));
        assert_eq!(period("0.2 GHz"), Ok(5000));
        for wrong in ["", "fast", "200", "-3 ns", "NaN ns", "inf MHz", "1e9 MHz", "1 Hz", "0 ns"] {
            assert!(period(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_devices_of_trigger_and_accelerator_boards_are_known_at_every_grade() {
        let luts = |name: &str| {
            let parts = ["1", "2", "3"].map(|grade| format!("{name}-package-{grade}-e"));
            let devices = parts.map(|part| part.parse::<Part>().unwrap().device);
            assert!(devices.iter().all(|device| *device == devices[0]));
            devices[0].luts
        };
        let names = ["xcvu9p", "xcvu13p", "xcku115", "xczu9eg", "xcu250"];
        assert_eq!(names.map(luts), [1_182_240, 1_728_000, 663_360, 274_080, 1_728_000]);
        assert!(DEVICES.is_sorted_by_key(|device| &device.name));
    }

    #[test]
    fn parts_carry_device_and_speed_grade() {
        let part: Part = "xcvu13p-flga2577-2-e".parse().unwrap();
        assert_eq!((part.device.name.as_str(), part.speed_grade), ("xcvu13p", SpeedGrade::Two));
        let part: Part = "xcu250-figd2104-2L-e".parse().unwrap();
        assert_eq!((part.device.name.as_str(), part.speed_grade), ("xcu250", SpeedGrade::Two));
        assert!("xc7a35t-cpg236-1".parse::<Part>().unwrap_err().to_string().contains("xcvu9p"));
        assert!("xcvu9p".parse::<Part>().is_err());
    }
}
