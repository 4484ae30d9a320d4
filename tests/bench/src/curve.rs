//! A picture of a load: throughput and memory over the rows read, as SVG.

use std::fmt::Write as _;

use crate::feed::Point;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 70.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 50.0;
const SPEED_COLOUR: &str = "#1f6f8b";
const MEMORY_COLOUR: &str = "#b5541c";
/// Lines across the picture.
const STEPS: u32 = 5;
/// Points of each line: the mean of a stretch tells more than each page.
const POINTS: usize = 120;

/// The picture of a load whose points are in order of rows; `title` stands
/// above it. Throughput is the mean between two points.
#[must_use]
pub fn svg(title: &str, points: &[Point]) -> String {
    let points = &thinned(points);
    let rows_max = points.last().map_or(1.0, |point| point.rows as f64).max(1.0);
    let speeds: Vec<(f64, f64)> = points.windows(2).filter_map(speed).collect();
    let memory: Vec<(f64, f64)> =
        points.iter().map(|p| (p.rows as f64, p.resident_bytes as f64 / 1e6)).collect();
    let speed_max = round_up(most(&speeds));
    let memory_max = round_up(most(&memory));

    let mut out = String::new();
    // Writing into a text cannot fail.
    let _ = write!(
        out,
        concat!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" role="img" "#,
            "font-family=\"sans-serif\" font-size=\"12\">\n<title>{}</title>\n",
            "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
            "<text x=\"{}\" y=\"22\" font-size=\"15\" text-anchor=\"middle\">{}</text>\n",
        ),
        WIDTH,
        HEIGHT,
        escape(title),
        WIDTH / 2.0,
        escape(title)
    );
    axes(&mut out, rows_max, speed_max, memory_max);
    line(&mut out, &speeds, rows_max, speed_max, SPEED_COLOUR);
    line(&mut out, &memory, rows_max, memory_max, MEMORY_COLOUR);
    out.push_str("</svg>\n");
    out
}

/// Points at about equal distances, the last one included.
fn thinned(points: &[Point]) -> Vec<Point> {
    let step = points.len().div_ceil(POINTS).max(1);
    let last = points.len().saturating_sub(1);
    let kept = points.iter().enumerate().filter(|(at, _)| at % step == 0 || *at == last);
    kept.map(|(_, point)| *point).collect()
}

fn speed(pair: &[Point]) -> Option<(f64, f64)> {
    let [before, after] = pair else { return None };
    let seconds = after.wall_seconds - before.wall_seconds;
    let rows = after.rows.saturating_sub(before.rows) as f64;
    (seconds > 0.0 && rows > 0.0).then(|| (after.rows as f64, rows / seconds))
}

fn most(points: &[(f64, f64)]) -> f64 {
    points.iter().map(|(_, value)| *value).fold(0.0, f64::max)
}

/// The next round number: 1, 2 or 5 times a power of ten.
fn round_up(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let factors = [1.0, 2.0, 5.0, 10.0];
    factors.iter().map(|f| f * power).find(|round| *round >= value).unwrap_or(value)
}

fn x(rows: f64, rows_max: f64) -> f64 {
    LEFT + rows / rows_max * (WIDTH - LEFT - RIGHT)
}

fn y(value: f64, value_max: f64) -> f64 {
    HEIGHT - BOTTOM - value / value_max * (HEIGHT - TOP - BOTTOM)
}

fn axes(out: &mut String, rows_max: f64, speed_max: f64, memory_max: f64) {
    for step in 0..=STEPS {
        let share = f64::from(step) / f64::from(STEPS);
        let level = y(share, 1.0);
        let _ = write!(
            out,
            concat!(
                "<line x1=\"{}\" x2=\"{}\" y1=\"{:.1}\" y2=\"{:.1}\" stroke=\"#ddd\"/>\n",
                "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"{}\">{}</text>\n",
                "<text x=\"{}\" y=\"{:.1}\" fill=\"{}\">{}</text>\n",
                "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n",
            ),
            LEFT,
            WIDTH - RIGHT,
            level,
            level,
            LEFT - 8.0,
            level + 4.0,
            SPEED_COLOUR,
            short(share * speed_max),
            WIDTH - RIGHT + 8.0,
            level + 4.0,
            MEMORY_COLOUR,
            short(share * memory_max),
            x(share, 1.0),
            HEIGHT - BOTTOM + 18.0,
            short(share * rows_max)
        );
    }
    let _ = write!(
        out,
        concat!(
            "<text x=\"{}\" y=\"{}\" fill=\"{}\">rows per second</text>\n",
            "<text x=\"{}\" y=\"{}\" fill=\"{}\" text-anchor=\"end\">resident MB</text>\n",
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">rows loaded</text>\n",
        ),
        LEFT,
        TOP - 10.0,
        SPEED_COLOUR,
        WIDTH - RIGHT,
        TOP - 10.0,
        MEMORY_COLOUR,
        WIDTH / 2.0,
        HEIGHT - 12.0
    );
}

fn line(out: &mut String, points: &[(f64, f64)], rows_max: f64, value_max: f64, colour: &str) {
    let places: Vec<String> = points
        .iter()
        .map(|(rows, value)| format!("{:.1},{:.1}", x(*rows, rows_max), y(*value, value_max)))
        .collect();
    let _ = writeln!(
        out,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
        places.join(" ")
    );
}

fn short(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{:.1} M", v / 1e6),
        v if v >= 1e4 => format!("{:.0} k", v / 1e3),
        v => format!("{v:.0}"),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::{round_up, svg};
    use crate::feed::Point;

    fn load() -> Vec<Point> {
        (0..=4_u32)
            .map(|n| Point {
                rows: u64::from(n) * 100_000,
                cpu_seconds: f64::from(n),
                wall_seconds: f64::from(n) * 2.0,
                resident_bytes: u64::from(n) * 30_000_000 + 40_000_000,
            })
            .collect()
    }

    #[test]
    fn both_curves_stay_inside_the_picture() {
        let picture = svg("a load <of> rows", &load());
        let curves: Vec<&str> =
            picture.lines().filter_map(|line| line.split("points=\"").nth(1)).collect();
        assert_eq!(curves.len(), 2, "{picture}");
        for (curve, count) in curves.iter().zip([4, 5]) {
            let places: Vec<&str> = curve.split('"').next().unwrap().split(' ').collect();
            assert_eq!(places.len(), count);
            for place in places {
                let (x, y) = place.split_once(',').unwrap();
                assert!((70.0..=690.0).contains(&x.parse::<f64>().unwrap()), "{place}");
                assert!((50.0..=350.0).contains(&y.parse::<f64>().unwrap()), "{place}");
            }
        }
        assert!(picture.contains("&lt;of&gt;") && picture.ends_with("</svg>\n"));
        assert!(svg("nothing", &[]).ends_with("</svg>\n"));
    }

    #[test]
    fn scales_end_at_round_numbers() {
        for (value, round) in
            [(0.0, 1.0), (1.0, 1.0), (3.0, 5.0), (51_000.0, 100_000.0), (199.0, 200.0)]
        {
            assert!((round_up(value) - round).abs() < 1e-6, "{value}");
        }
    }
}
