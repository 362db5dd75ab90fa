//! The figures of `rtl4ml report`.

use rtl4ml_circuit::estimate::{Estimated, Resources, Shares};
use rtl4ml_verilog::{Report, ResourceOf};

use crate::scan::Point;
use crate::svg::{Anchor, Canvas, FAINT, INK, PALETTE, round_step};

/// One of the shares.
type ShareOf = fn(&Shares) -> f64;

/// The kinds of resources, each in a colour of its own: their name, number and share.
const KINDS: [(&str, ResourceOf, ShareOf); 4] = [
    ("LUT", Resources::all_luts, |s| s.lut),
    ("FF", |r| r.ff, |s| s.ff),
    ("DSP", |r| r.dsp, |s| s.dsp),
    ("BRAM (18 Kbit)", |r| r.half_bram, |s| s.bram),
];

/// Sizes of letters.
const TITLE: u32 = 18;
const LABEL: u32 = 13;
const SMALL: u32 = 11;

/// What each layer is expected to take: a panel of bars for each kind of resource.
pub fn cost_by_layer(report: &Report) -> String {
    const ROW: f64 = 28.0;
    const PANEL: f64 = 220.0;
    const GAP: f64 = 34.0;
    const TOP: f64 = 96.0;
    let mut rows: Vec<(&str, &Resources)> =
        report.layers.iter().map(|layer| (layer.name.as_str(), &layer.estimate)).collect();
    rows.push(("between layers", &report.estimate.between_layers));
    // Layers that are only wires cost nothing, and have no bar.
    rows.retain(|(_, resources)| KINDS.iter().any(|(_, of, _)| of(resources).value > 0));
    let total = &report.estimate.total;
    let kinds: Vec<usize> =
        (0..KINDS.len()).filter(|kind| KINDS[*kind].1(total).value > 0).collect();
    let longest = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let left = 30.0 + 7.5 * longest as f64;
    let height = TOP + ROW * rows.len() as f64 + 74.0;
    let width = left + (PANEL + GAP) * kinds.len().max(2) as f64 + 10.0;
    let mut canvas = Canvas::new(width, height);
    let title = format!("{}: expected cost by layer", report.name);
    canvas.text((20.0, 30.0), TITLE, Anchor::Start, false, &title);
    let subtitle = format!(
        "{}, {:.3} ns a cycle, latency {} cycles ({:.1} ns), interval {}",
        report.part,
        report.clock_period_ns,
        report.latency_cycles,
        report.latency_ns,
        report.initiation_interval_cycles
    );
    canvas.text((20.0, 50.0), LABEL, Anchor::Start, false, &subtitle);
    let row_y = |row: usize| TOP + ROW * row as f64;
    for (row, (name, _)) in rows.iter().enumerate() {
        let at = (left - 10.0, row_y(row) + ROW / 2.0 + 4.0);
        canvas.text(at, LABEL, Anchor::End, false, name);
    }
    let bottom = row_y(rows.len());
    for (panel, kind) in kinds.into_iter().enumerate() {
        let (name, of, _) = KINDS[kind];
        let x = left + (PANEL + GAP) * panel as f64;
        let most = rows.iter().map(|(_, r)| of(r).high).max().unwrap_or(0).max(1) as f64;
        let step = round_step(most, 4.0).max(1.0);
        let scale = |value: f64| x + PANEL * value / most;
        let heading = format!("{name}: {} in all", of(total));
        canvas.text((x, TOP - 12.0), LABEL, Anchor::Start, false, &heading);
        let ticks = (0..).map(|tick| f64::from(tick) * step).take_while(|value| *value <= most);
        for value in ticks {
            canvas.line((scale(value), TOP), (scale(value), bottom), FAINT, 1.0);
            let label = (scale(value), bottom + 16.0);
            canvas.text(label, SMALL, Anchor::Middle, false, &format!("{value:.0}"));
        }
        for (row, (_, resources)) in rows.iter().enumerate() {
            let Estimated { value, low, high } = of(resources);
            let y = row_y(row) + 5.0;
            let bar = (scale(value as f64) - x, ROW - 10.0);
            canvas.rectangle((x, y), bar, PALETTE[kind]);
            if low < high {
                let middle = row_y(row) + ROW / 2.0;
                let (from, to) = (scale(low as f64), scale(high as f64));
                canvas.line((from, middle), (to, middle), INK, 1.5);
                for end in [from, to] {
                    canvas.line((end, middle - 4.0), (end, middle + 4.0), INK, 1.5);
                }
            }
        }
        canvas.line((x, TOP), (x, bottom), INK, 1.0);
        let unit = (x + PANEL / 2.0, bottom + 34.0);
        canvas.text(unit, SMALL, Anchor::Middle, false, &format!("number of {name}"));
    }
    let note =
        "Lines across the ends of bars: 10th to 90th percentile of the calibration's designs.";
    canvas.text((20.0, height - 14.0), SMALL, Anchor::Start, false, note);
    canvas.into_text()
}

/// A logarithmic axis.
struct LogAxis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl LogAxis {
    /// An axis that shows all values, from and to these places.
    fn new(values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Self {
        let low = values.clone().fold(f64::INFINITY, f64::min) / 1.3;
        let high = values.fold(0.0, f64::max) * 1.3;
        let (low, high) = if low < high { (low, high) } else { (0.1, 10.0) };
        Self { low, high, from, to }
    }

    fn place(&self, value: f64) -> f64 {
        let share = (value / self.low).ln() / (self.high / self.low).ln();
        self.from + share * (self.to - self.from)
    }

    /// 1, 2 and 5 times powers of ten on the axis; the powers alone where it is long.
    fn ticks(&self) -> Vec<f64> {
        let decades = (self.high / self.low).log10();
        let factors: &[f64] = if decades > 3.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let first = self.low.log10().floor() as i32;
        let powers = (first..=first + decades.ceil() as i32 + 1).map(|power| 10_f64.powi(power));
        let all = powers.flat_map(|power| factors.iter().map(move |factor| factor * power));
        all.filter(|value| (self.low..=self.high).contains(value)).collect()
    }
}

/// A number of a tick without zeros at its end.
fn tick_text(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Latency against the share of the part, over the reuse factors.
pub fn latency_against_resources(report: &Report, points: &[Point]) -> String {
    const WIDTH: f64 = 860.0;
    const HEIGHT: f64 = 560.0;
    const LEFT: f64 = 90.0;
    const RIGHT: f64 = 690.0;
    const TOP: f64 = 100.0;
    const BOTTOM: f64 = 480.0;
    let mut canvas = Canvas::new(WIDTH, HEIGHT);
    let title = format!("{}: latency against resources over reuse factors", report.name);
    canvas.text((20.0, 30.0), TITLE, Anchor::Start, false, &title);
    let subtitle = format!("{}, {:.3} ns a cycle, estimates", report.part, report.clock_period_ns);
    canvas.text((20.0, 50.0), LABEL, Anchor::Start, false, &subtitle);
    let percents = points.iter().flat_map(|point| {
        KINDS.iter().map(|(_, _, share)| 100.0 * share(&point.share)).filter(|share| *share > 0.0)
    });
    let x = LogAxis::new(points.iter().map(|point| point.latency_ns), LEFT, RIGHT);
    let y = LogAxis::new(percents, BOTTOM, TOP);
    for value in x.ticks() {
        canvas.line((x.place(value), TOP), (x.place(value), BOTTOM), FAINT, 1.0);
        let at = (x.place(value), BOTTOM + 18.0);
        canvas.text(at, SMALL, Anchor::Middle, false, &tick_text(value));
    }
    for value in y.ticks() {
        canvas.line((LEFT, y.place(value)), (RIGHT, y.place(value)), FAINT, 1.0);
        let at = (LEFT - 8.0, y.place(value) + 4.0);
        canvas.text(at, SMALL, Anchor::End, false, &tick_text(value));
    }
    canvas.line((LEFT, BOTTOM), (RIGHT, BOTTOM), INK, 1.0);
    canvas.line((LEFT, TOP), (LEFT, BOTTOM), INK, 1.0);
    let middle = f64::midpoint(LEFT, RIGHT);
    canvas.text((middle, BOTTOM + 42.0), LABEL, Anchor::Middle, false, "latency [ns]");
    let label = format!("share of {} [%]", report.part);
    canvas.text((28.0, f64::midpoint(TOP, BOTTOM)), LABEL, Anchor::Middle, true, &label);
    let mut last_label = f64::NEG_INFINITY;
    for point in points {
        let at = x.place(point.latency_ns);
        canvas.line((at, TOP - 6.0), (at, TOP), INK, 1.0);
        if at - last_label > 20.0 {
            let label = format!("{}", point.reuse_factor);
            canvas.text((at, TOP - 10.0), SMALL, Anchor::Middle, false, &label);
            last_label = at;
        }
    }
    canvas.text((RIGHT + 20.0, TOP - 10.0), SMALL, Anchor::Start, false, "reuse factor");
    let mut legend = TOP + 20.0;
    for (kind, (name, of, share)) in KINDS.iter().enumerate() {
        // A logarithmic axis has no place for nothing.
        let used = points.iter().filter(|point| share(&point.share) > 0.0);
        let places: Vec<(f64, f64)> = used
            .map(|point| (x.place(point.latency_ns), y.place(100.0 * share(&point.share))))
            .collect();
        if places.is_empty() {
            continue;
        }
        canvas.path(&places, PALETTE[kind]);
        for place in &places {
            canvas.dot(*place, 4.0, PALETTE[kind]);
        }
        let numbers = || points.iter().map(|point| of(&point.estimate).value);
        let (least, most) = (numbers().min().unwrap_or(0), numbers().max().unwrap_or(0));
        canvas.line((RIGHT + 20.0, legend - 4.0), (RIGHT + 44.0, legend - 4.0), PALETTE[kind], 2.0);
        canvas.dot((RIGHT + 32.0, legend - 4.0), 4.0, PALETTE[kind]);
        canvas.text((RIGHT + 52.0, legend), LABEL, Anchor::Start, false, name);
        let range = format!("{least} to {most}");
        canvas.text((RIGHT + 52.0, legend + 15.0), SMALL, Anchor::Start, false, &range);
        legend += 40.0;
    }
    let note = "Each layer has its largest legal reuse factor up to that of the point.";
    canvas.text((20.0, HEIGHT - 14.0), SMALL, Anchor::Start, false, note);
    canvas.into_text()
}
