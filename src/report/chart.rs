//! Charts as SVG, to stand in a page. Pure text from plain numbers: colours and fonts are the page's style sheet, no
//! script, nothing to load. Each has a title and a description for screen readers; the page puts a table with
//! the same numbers under it.

use super::throughput::Rate;
use super::words::number;
use crate::shown::escape;
use std::fmt::Write;

/// All charts are as wide: the page scales them.
const WIDTH: f64 = 720.0;
/// A part that is not nothing is seen.
const PART_MIN: f64 = 3.0;
/// From one bar to the next.
const BAR_STEP: f64 = 26.0;
/// The room for names before bars, and how many characters that is.
const NAMES_WIDTH: f64 = 250.0;
const NAME_LEN_MAX: usize = 34;
/// The room for numbers behind bars.
const NUMBERS_WIDTH: f64 = 90.0;
/// The plot of lines: room at its sides for the axes.
const PLOT: [f64; 4] = [52.0, 12.0, 708.0, 172.0];
const PLOT_HEIGHT: f64 = 204.0;

/// Text from anywhere, harmless in a page: what controls a reader or the direction of text is shown by its name, and what
/// is markup is spelled out; good for contents and for attributes between double quotes.
pub fn text(text: &str) -> String {
    let text = escape(text);
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// The same of a name, cut to so many characters.
pub fn name(name: &str, len_max: usize) -> String {
    let shown = escape(name);
    match shown.char_indices().nth(len_max.saturating_sub(1)) {
        Some((at, _)) if shown.chars().count() > len_max => text(&format!("{}…", shown.get(..at).unwrap_or_default())),
        _ => text(name),
    }
}

/// Title and description of a chart.
pub struct About<'a> {
    /// Unique in the page.
    pub id: &'a str,
    /// What it shows.
    pub title: &'a str,
    /// The same in numbers, for screen readers.
    pub description: String,
}

impl About<'_> {
    fn open(&self, height: f64) -> String {
        let (id, title, description) = (self.id, text(self.title), text(&self.description));
        format!(
            "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\n\
             <title id=\"{id}-t\">{title}</title>\n<desc id=\"{id}-d\">{description}</desc>\n"
        )
    }
}

/// One bar of parts that make up a whole: the class of each and its number.
pub fn stacked(about: &About<'_>, parts: &[(&str, u64)]) -> String {
    let mut out = about.open(40.0);
    let parts: Vec<_> = parts.iter().filter(|(_, count)| *count > 0).collect();
    let whole = parts.iter().map(|(_, count)| *count).sum::<u64>().max(1);
    let widths: Vec<f64> = parts.iter().map(|(_, n)| (*n as f64 / whole as f64 * WIDTH).max(PART_MIN)).collect();
    let scale = WIDTH / widths.iter().sum::<f64>().max(WIDTH);
    let mut x = 0.0;
    for ((class, _), width) in parts.iter().zip(&widths) {
        let width = width * scale;
        let _ = writeln!(out, "<rect class=\"{class}\" x=\"{x:.1}\" y=\"4\" width=\"{width:.1}\" height=\"32\"/>");
        x += width;
    }
    out + "</svg>\n"
}

/// Bars below each other, the longest for the largest number.
pub fn bars(about: &About<'_>, rows: &[(&str, u64)], class: &str) -> String {
    let mut out = about.open(BAR_STEP * rows.len() as f64 + 4.0);
    let most = rows.iter().map(|(_, count)| *count).max().unwrap_or_default().max(1);
    let room = WIDTH - NAMES_WIDTH - NUMBERS_WIDTH;
    for (no, (label, count)) in rows.iter().enumerate() {
        let y = BAR_STEP * no as f64 + 4.0;
        let width = (*count as f64 / most as f64 * room).max(PART_MIN);
        let (label, baseline, behind) = (name(label, NAME_LEN_MAX), y + 14.5, NAMES_WIDTH + width + 8.0);
        let _ = writeln!(
            out,
            "<text x=\"0\" y=\"{baseline}\">{label}</text>\
             <rect class=\"{class}\" x=\"{NAMES_WIDTH}\" y=\"{y}\" width=\"{width:.1}\" height=\"20\" rx=\"2\"/>\
             <text class=\"number\" x=\"{behind:.1}\" y=\"{baseline}\">{}</text>",
            number(*count)
        );
    }
    out + "</svg>\n"
}

/// What a line shows: its class, its value in a stretch, and the rate that was allowed then, where that belongs to it.
pub struct Series {
    /// Of the style sheet.
    pub class: &'static str,
    /// A second.
    pub value: fn(&Rate) -> f64,
    /// A second; `None`: any.
    pub allowed: fn(&Rate) -> Option<f64>,
}

/// One series over time, with what was allowed as a dashed line, and a mark where a later process took the work up.
pub fn line(about: &About<'_>, series: &Series, rates: &[Rate], resumed_s: &[f64]) -> String {
    let Series { class, value, allowed } = *series;
    let end_s = rates.last().map_or(1.0, |rate| rate.to_s).max(1e-3);
    let values = rates.iter().flat_map(|rate| [Some(value(rate)), allowed(rate)]).flatten();
    let most = values.filter(|value| value.is_finite()).fold(0.0, f64::max).max(0.1) * 1.08;
    let [left, top, right, bottom] = PLOT;
    let x = |s: f64| left + s / end_s * (right - left);
    let y = |per_s: f64| bottom - per_s / most * (bottom - top);
    let mut out = about.open(PLOT_HEIGHT);
    axes(&mut out, end_s, most, &x, &y);
    for s in resumed_s {
        let x = x(*s);
        let _ = writeln!(out, "<line class=\"resumed\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top}\" y2=\"{bottom}\"/>");
    }
    let points: Vec<(f64, f64)> = points(rates, value).into_iter().map(|(s, per_s)| (x(s), y(per_s))).collect();
    curve(&mut out, class, &points);
    let (mut path, mut is_drawn) = (String::new(), false);
    for rate in rates {
        if let Some(per_s) = allowed(rate) {
            let go = if is_drawn { 'L' } else { 'M' };
            let _ = write!(path, "{go}{:.1} {:.1}H{:.1}", x(rate.from_s), y(per_s), x(rate.to_s));
        }
        is_drawn = allowed(rate).is_some();
    }
    if !path.is_empty() {
        let _ = writeln!(out, "<path class=\"allowed\" d=\"{path}\"/>");
    }
    out + "</svg>\n"
}

/// The points of a line through the middles of all stretches, level at both ends.
fn points(rates: &[Rate], value: impl Fn(&Rate) -> f64) -> Vec<(f64, f64)> {
    let (Some(first), Some(last)) = (rates.first(), rates.last()) else { return Vec::new() };
    let mut points = vec![(first.from_s, value(first))];
    points.extend(rates.iter().map(|rate| (f64::midpoint(rate.from_s, rate.to_s), value(rate))));
    points.push((last.to_s, value(last)));
    points
}

/// A line through these points of the plot, and the area below it.
fn curve(out: &mut String, class: &str, points: &[(f64, f64)]) {
    let (Some((left, _)), Some((right, _))) = (points.first(), points.last()) else { return };
    let shown: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
    let line = shown.join("L");
    let [.., bottom] = PLOT;
    let _ = writeln!(
        out,
        "<path class=\"area {class}\" d=\"M{left:.1} {bottom:.1}L{line}L{right:.1} {bottom:.1}Z\"/>\
         <path class=\"line {class}\" d=\"M{line}\"/>"
    );
}

fn axes(out: &mut String, end_s: f64, most: f64, x: &impl Fn(f64) -> f64, y: &impl Fn(f64) -> f64) {
    let [left, _, right, bottom] = PLOT;
    for per_s in ticks(most, 4.0) {
        let (y, shown) = (y(per_s), short(per_s));
        let _ = writeln!(
            out,
            "<line class=\"grid\" x1=\"{left}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text class=\"end\" x=\"{:.1}\" y=\"{:.1}\">{shown}</text>",
            left - 8.0,
            y + 4.0
        );
    }
    let (unit_s, unit) = match end_s {
        s if s >= 2.0 * 86_400.0 => (86_400.0, "d"),
        s if s >= 2.0 * 3_600.0 => (3_600.0, "h"),
        s if s >= 120.0 => (60.0, "min"),
        _ => (1.0, "s"),
    };
    for value in ticks(end_s / unit_s, 6.0) {
        let (x, shown) = (x(value * unit_s), short(value));
        let (anchor, below) = (if x > right - 20.0 { "end" } else { "middle" }, bottom + 20.0);
        let _ = writeln!(out, "<text class=\"{anchor}\" x=\"{x:.1}\" y=\"{below}\">{shown} {unit}</text>");
    }
}

/// Round numbers from 0 to `most`, about `count` of them.
fn ticks(most: f64, count: f64) -> Vec<f64> {
    let raw = (most / count).max(1e-9);
    let magnitude = 10_f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * magnitude).find(|step| *step >= raw).unwrap_or(raw);
    let last = (most / step).floor().min(50.0) as u32;
    (0..=last).map(|n| f64::from(n) * step).collect()
}

/// A number without what is not needed: `0.25`, `1.5`, `20`, `1,500`.
fn short(value: f64) -> String {
    if value >= 1_000.0 {
        return number(value.round() as u64);
    }
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_reach_almost_to_the_end() {
        let cases: [(f64, f64, &[f64]); 4] = [
            (10.8, 4.0, &[0.0, 5.0, 10.0]),
            (0.1, 4.0, &[0.0, 0.05, 0.1]),
            (61.0, 6.0, &[0.0, 20.0, 40.0, 60.0]),
            (1_700.0, 4.0, &[0.0, 500.0, 1_000.0, 1_500.0]),
        ];
        for (most, count, expected) in cases {
            assert_eq!(ticks(most, count), expected, "{most}");
        }
        assert_eq!([0.0, 0.25, 1.5, 20.0, 1_500.0].map(short), ["0", "0.25", "1.5", "20", "1,500"]);
    }

    #[test]
    fn a_long_name_is_cut_between_characters_and_a_short_one_is_not() {
        assert_eq!(name("añ<b>", 5), "añ&lt;b&gt;");
        assert_eq!(name("añ<b>c", 5), "añ&lt;b…");
        assert_eq!(name("", 5), "");
    }
}
