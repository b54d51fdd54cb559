//! The plot: time against plain CPython as bars on a logarithmic scale, an SVG without scripts.
//!
//! Its colours follow the reader's: dark on light, or light on dark.

use std::fmt::Write;

use super::figures::{Figure, Row, geomean};
use super::table::number;
use super::ways::Way;

/// From the slowest to the fastest.
const BARS: [(Way, &str, &str); 6] = [
    (Way::Reference, "the blog's approach", "other"),
    (Way::Text, "text trace", "ours"),
    (Way::Compressed, "flow, compressed", "ours"),
    (Way::Flow, "flow recording", "ours"),
    (Way::Untraced, "built, not tracing", "ours"),
    (Way::Unpatched, "plain CPython 2.7.18", "plain"),
];

const WIDTH: f64 = 760.0;
/// Where the bars begin and end.
const LEFT: f64 = 170.0;
const RIGHT: f64 = 690.0;
const TOP: f64 = 58.0;
const STEP: f64 = 30.0;
const THICK: f64 = 20.0;

/// A bar begins here: a logarithmic scale has no zero.
const LOWEST: f64 = 0.5;

/// The plot of what was measured; nothing where there is no time to compare.
pub fn svg(rows: &[Row]) -> Option<String> {
    let bars: Vec<(&str, &str, f64)> = BARS
        .iter()
        .filter_map(|&(way, name, class)| {
            let medians: Vec<f64> = rows
                .iter()
                .filter_map(|row| Some(row.spread(Figure::Slowdown(way))?.median))
                .collect();
            Some((name, class, geomean(&medians)?))
        })
        .collect();
    let highest = bars.iter().map(|bar| bar.2).max_by(f64::total_cmp)?;
    let scale = Scale::up_to(highest);
    let bottom = TOP + STEP * bars.len() as f64;
    let mut text = head(bottom + 34.0);
    let programs = rows.iter().filter(|row| row.of(Way::Unpatched).is_some()).count();
    let plural = if programs == 1 { "one program" } else { "programs" };
    let of = if programs == 1 { plural.to_owned() } else { format!("{programs} {plural}") };
    let _ = writeln!(
        text,
        r#"<text class="title" x="12" y="24">Time against plain CPython 2.7.18</text>"#
    );
    let _ = writeln!(
        text,
        r#"<text class="note" x="12" y="43">geometric mean of {of}; logarithmic scale; shorter is better</text>"#
    );
    for tick in scale.ticks() {
        let x = scale.at(tick as f64);
        let _ = writeln!(text, r#"<path class="grid" d="M{x:.1} {:.1}V{bottom:.1}"/>"#, TOP - 4.0);
        let _ = writeln!(
            text,
            r#"<text class="note" x="{x:.1}" y="{:.1}" text-anchor="middle">{tick}x</text>"#,
            bottom + 18.0
        );
    }
    for (at, (name, class, value)) in bars.iter().enumerate() {
        let y = TOP + STEP * at as f64;
        let end = scale.at(*value);
        let middle = y + THICK / 2.0 + 4.5;
        let _ = writeln!(
            text,
            r#"<text class="name" x="{:.1}" y="{middle:.1}" text-anchor="end">{name}</text>"#,
            LEFT - 10.0
        );
        let _ = writeln!(
            text,
            r#"<rect class="{class}" x="{LEFT:.1}" y="{y:.1}" width="{:.1}" height="{THICK:.1}" rx="2"/>"#,
            (end - LEFT).max(1.0)
        );
        let _ = writeln!(
            text,
            r#"<text class="value" x="{:.1}" y="{middle:.1}">{}x</text>"#,
            end + 7.0,
            label(class, *value)
        );
    }
    text.push_str("</svg>\n");
    Some(text)
}

fn label(class: &str, value: f64) -> String {
    match value {
        _ if class == "plain" => "1".to_owned(),
        small if small < 9.995 => format!("{small:.2}"),
        _ => number(value),
    }
}

fn head(height: f64) -> String {
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" aria-label="Time against plain CPython 2.7.18">
<style>
text {{ font: 13px system-ui, sans-serif; fill: #1f2328; }}
.title {{ font-size: 16px; font-weight: 600; }}
.note {{ font-size: 12px; fill: #59636e; }}
.value {{ font-weight: 600; }}
.grid {{ stroke: #d1d9e0; fill: none; }}
.ours {{ fill: #0969da; }}
.other {{ fill: #bc4c00; }}
.plain {{ fill: #818b98; }}
@media (prefers-color-scheme: dark) {{
text {{ fill: #f0f6fc; }}
.note {{ fill: #9198a1; }}
.grid {{ stroke: #3d444d; }}
.ours {{ fill: #4493f8; }}
.other {{ fill: #db6d28; }}
.plain {{ fill: #767e88; }}
}}
</style>
"#
    )
}

/// From ratios to places.
struct Scale {
    highest: f64,
}

impl Scale {
    fn up_to(value: f64) -> Scale {
        // Never so short that one bar alone fills it.
        Scale { highest: value.max(2.0) }
    }

    fn at(&self, value: f64) -> f64 {
        let part = (value.max(LOWEST) / LOWEST).ln() / (self.highest / LOWEST).ln();
        LEFT + part * (RIGHT - LEFT)
    }

    /// 1, 2, 5, 10 and so on; fewer of them where the scale is long.
    fn ticks(&self) -> Vec<u64> {
        let steps: &[u64] = if self.highest > 300.0 { &[1] } else { &[1, 2, 5] };
        (0..)
            .map(|power| 10_u64.pow(power))
            .take_while(|unit| *unit as f64 <= self.highest)
            .flat_map(|unit| steps.iter().map(move |step| step * unit))
            .filter(|tick| *tick as f64 <= self.highest)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::figures::tests::row;
    use super::*;

    #[test]
    fn a_bar_for_each_way() {
        let svg = svg(&[row("loops", &[10.0]), row("calls", &[10.0])]).unwrap();
        assert_eq!(svg.matches("<rect ").count(), 6, "{svg}");
        for value in [">250x<", ">4.00x<", ">1.20x<", ">1.05x<", ">1.00x<", ">1x<"] {
            assert!(svg.contains(value), "{value}: {svg}");
        }
        assert!(svg.contains("geometric mean of 2 programs"));
        assert!(svg.contains("prefers-color-scheme: dark"));
        for never in ["<script", "<image", "href", "onload", "foreignObject"] {
            assert!(!svg.contains(never), "{never}");
        }
    }

    #[test]
    fn its_elements_close() {
        let svg = svg(&[row("loops", &[10.0])]).unwrap();
        for name in ["svg", "style", "text"] {
            let opened = svg.matches(&format!("<{name}")).count();
            assert_eq!(opened, svg.matches(&format!("</{name}>")).count(), "{name}");
        }
        assert!(svg.contains("geometric mean of one program;"));
    }

    #[test]
    fn nothing_measured_is_no_plot() {
        assert_eq!(svg(&[]), None);
        let mut lone = row("loops", &[10.0]);
        lone.series.retain(|series| series.way != Way::Unpatched);
        assert_eq!(svg(&[lone]), None);
    }

    #[test]
    fn the_scale_is_logarithmic() {
        let scale = Scale::up_to(200.0);
        assert_eq!(scale.at(LOWEST), LEFT);
        assert_eq!(scale.at(200.0), RIGHT);
        let even = (scale.at(10.0) - scale.at(1.0)) - (scale.at(100.0) - scale.at(10.0));
        assert!(even.abs() < 1e-9);
        assert_eq!(scale.ticks(), [1, 2, 5, 10, 20, 50, 100, 200]);
        assert_eq!(Scale::up_to(1_120.0).ticks(), [1, 10, 100, 1000]);
    }
}
