//! Where the numbers of a layer lie in their format, as a picture.
//!
//! A bar for each number of significant bits: the place of its highest bit, counted in powers of
//! two. The places that the format has are shaded; numbers to the right of them wrap or saturate.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use rtl4ml_ir::{LayerId, Source, VerifiedNetwork};
use rtl4ml_sim::emulator::Counters;

const BAR: usize = 18;
const HEIGHT: usize = 160;
const LEFT: usize = 24;
const TOP: usize = 48;
const BOTTOM: usize = 44;

/// The picture of a layer, and the name of its file in `folder`.
pub fn of_layer(
    network: &VerifiedNetwork,
    layer: usize,
    counters: &Counters,
    folder: &Path,
) -> (PathBuf, String) {
    let name = &network.network().layers[layer].name;
    let tensor = network.tensor_type(Source::Layer(LayerId(layer as u32)));
    let width = (0..tensor.element_count()).map(|i| tensor.format(i).width).max().unwrap_or(0);
    let title = format!("{name}: {}", tensor.format_text());
    let format = tensor.common_format();
    let magnitude_bits =
        format.map_or(width, |format| format.width - u32::from(format.signed)) as usize;
    let fraction_bits = format.map(rtl4ml_ir::Format::fraction_bits);
    let path = folder.join(format!("{name}.svg"));
    (path, picture(&title, &counters.significant_bits, magnitude_bits, fraction_bits))
}

/// The bars; without `fraction_bits` the places are counted from each number's last bit.
fn picture(title: &str, bars: &[u64], held: usize, fraction_bits: Option<i32>) -> String {
    let last = bars.iter().rposition(|count| *count > 0).unwrap_or(0).max(held);
    let total: u64 = bars.iter().sum();
    let most = bars.iter().copied().max().unwrap_or(0).max(1);
    let (wide, high) = (2 * LEFT + (last + 1) * BAR, TOP + HEIGHT + BOTTOM);
    let wide = wide.max(360);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide}\" height=\"{high}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"{wide}\" height=\"{high}\" fill=\"white\"/>\n"
    );
    // Writing to a string cannot fail.
    let mut line = |text: std::fmt::Arguments| {
        let _ = writeln!(svg, "{text}");
    };
    line(format_args!("<text x=\"{LEFT}\" y=\"18\" font-size=\"13\">{title}</text>"));
    line(format_args!(
        "<text x=\"{LEFT}\" y=\"34\" fill=\"#555\">{total} numbers, {} of them 0, {} beyond the format</text>",
        bars.first().copied().unwrap_or(0),
        bars[(held + 1).min(bars.len())..].iter().sum::<u64>()
    ));
    let axis = TOP + HEIGHT;
    line(format_args!(
        "<rect x=\"{}\" y=\"{TOP}\" width=\"{}\" height=\"{HEIGHT}\" fill=\"#e8eef7\"/>",
        LEFT + BAR,
        held * BAR
    ));
    for (bits, count) in bars.iter().enumerate().take(last + 1) {
        let x = LEFT + bits * BAR;
        // A bar that is there can be seen.
        let bar = ((*count as u128 * HEIGHT as u128 / u128::from(most)) as usize)
            .max(usize::from(*count > 0));
        let color = if bits > held { "#c0392b" } else { "#2f5d9b" };
        line(format_args!(
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{bar}\" fill=\"{color}\"><title>{count}</title></rect>",
            x + 1,
            axis - bar,
            BAR - 2
        ));
        let label = match (bits, fraction_bits) {
            (0, _) => "0".to_owned(),
            (bits, Some(fraction)) => (bits as i32 - 1 - fraction).to_string(),
            (bits, None) => (bits - 1).to_string(),
        };
        line(format_args!(
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
            x + BAR / 2,
            axis + 14
        ));
    }
    let unit = if fraction_bits.is_some() { "" } else { ", in units of the last bit" };
    line(format_args!(
        "<text x=\"{LEFT}\" y=\"{}\" fill=\"#555\">highest bit: the power of two{unit}; shaded: the format</text>",
        axis + 34
    ));
    svg.push_str("</svg>\n");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_beyond_the_format_are_told_apart() {
        let svg = picture("fc: fixed<4,2>", &[5, 1, 2, 3, 4, 0], 3, Some(2));
        assert!(svg.contains("15 numbers, 5 of them 0, 4 beyond the format"));
        assert_eq!(svg.matches("#c0392b").count(), 1);
        assert_eq!(svg.matches("#2f5d9b").count(), 4);
        // The lowest bit is a quarter.
        assert!(svg.contains(">-2</text>") && svg.contains(">1</text>"));
    }
}
