//! How fast a run went, from its beginning to its end, in a bounded number of points. Pure: the caller passes the time.

use serde::{Deserialize, Serialize};

/// So many points are kept; when they are full, two become one.
pub const POINTS_MAX: usize = 600;
/// The length of a point at first.
const INTERVAL_MS: u64 = 500;
/// No run takes longer than the points of this length, some three thousand years.
const INTERVAL_MS_MAX: u64 = INTERVAL_MS << 28;
/// More cannot have been counted in one point.
const COUNT_MAX: u64 = 1 << 48;
/// A chart shows so many stretches.
const STRETCHES_MAX: usize = 60;
/// A shorter stretch would show single requests.
const STRETCH_MS_MIN: u64 = 1_000;
/// So many beginnings of later processes are kept.
const RESUMED_MAX: usize = 100;

/// What was done over time. The time is that of work alone: between two processes of a run it stands still.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Throughput {
    interval_ms: u64,
    points: Vec<Point>,
    elapsed_ms: u64,
    resumed_ms: Vec<u64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Point {
    requests: u64,
    records: u64,
    allowed_per_s: Option<f64>,
}

/// The means of one stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rate {
    /// Where it begins, in seconds of work.
    pub from_s: f64,
    /// Where it ends.
    pub to_s: f64,
    /// Requests sent a second.
    pub requests_per_s: f64,
    /// Records settled a second.
    pub records_per_s: f64,
    /// The rate that was allowed, requests a second; `None`: any.
    pub allowed_per_s: Option<f64>,
}

impl Default for Throughput {
    fn default() -> Throughput {
        Throughput { interval_ms: INTERVAL_MS, points: Vec::new(), elapsed_ms: 0, resumed_ms: Vec::new() }
    }
}

impl Point {
    fn with(self, other: Point) -> Point {
        Point {
            requests: self.requests + other.requests,
            records: self.records + other.records,
            allowed_per_s: match (self.allowed_per_s, other.allowed_per_s) {
                (Some(one), Some(other)) => Some(one.max(other)),
                (one, other) => one.or(other),
            },
        }
    }
}

impl Throughput {
    /// Whether it can have come from here: what is read back from a disk may be anything.
    pub fn is_sound(&self) -> bool {
        let is_counted = |count: u64| count <= COUNT_MAX;
        (INTERVAL_MS..=INTERVAL_MS_MAX).contains(&self.interval_ms)
            && self.points.len() <= POINTS_MAX
            && self.elapsed_ms <= self.interval_ms * POINTS_MAX as u64
            && self.points.iter().all(|point| is_counted(point.requests) && is_counted(point.records))
    }

    /// How long the work took so far, in milliseconds.
    pub fn elapsed_ms(&self) -> u64 {
        self.elapsed_ms
    }

    /// Records settled so far.
    pub fn records(&self) -> u64 {
        self.points.iter().map(|point| point.records).sum()
    }

    /// Requests sent so far.
    pub fn requests(&self) -> u64 {
        self.points.iter().map(|point| point.requests).sum()
    }

    /// How many points there are, and how long each is in milliseconds.
    pub fn points(&self) -> (usize, u64) {
        (self.points.len(), self.interval_ms)
    }

    /// When later processes took the work up, in milliseconds of work.
    pub fn resumed_ms(&self) -> &[u64] {
        &self.resumed_ms
    }

    /// Another process goes on.
    pub fn resume(&mut self) {
        if self.elapsed_ms > 0 && self.resumed_ms.len() < RESUMED_MAX {
            self.resumed_ms.push(self.elapsed_ms);
        }
    }

    /// Adds what was done since the last time, up to `until_ms` of work: evenly, since no more is known.
    pub fn add(&mut self, until_ms: u64, requests: u64, records: u64, allowed_per_s: Option<f64>) {
        let until_ms = until_ms.max(self.elapsed_ms).min(INTERVAL_MS_MAX);
        while until_ms.div_ceil(self.interval_ms) > POINTS_MAX as u64 {
            self.widen();
        }
        let (from_ms, interval_ms) = (self.elapsed_ms, self.interval_ms);
        let length_ms = until_ms.saturating_sub(from_ms);
        let (mut at_ms, mut had) = (from_ms, (0, 0));
        loop {
            // The last moment of a point belongs to it.
            let index = if at_ms == until_ms { at_ms.saturating_sub(1) } else { at_ms } / interval_ms;
            let end_ms = ((index + 1) * interval_ms).min(until_ms);
            let upto = |all: u64| match length_ms {
                0 => all,
                _ => scaled(all, end_ms.saturating_sub(from_ms), length_ms),
            };
            let sums = (upto(requests), upto(records));
            let here = Point { requests: sums.0 - had.0, records: sums.1 - had.1, allowed_per_s };
            self.put(usize::try_from(index).unwrap_or(usize::MAX), here);
            (at_ms, had) = (end_ms, sums);
            if at_ms >= until_ms {
                break;
            }
        }
        self.elapsed_ms = until_ms;
    }

    fn put(&mut self, index: usize, point: Point) {
        let index = index.min(POINTS_MAX - 1);
        if self.points.len() <= index {
            self.points.resize(index + 1, Point::default());
        }
        if let Some(there) = self.points.get_mut(index) {
            *there = there.with(point);
        }
    }

    fn widen(&mut self) {
        self.points = merged(&self.points, 2);
        self.interval_ms = self.interval_ms.saturating_mul(2);
    }

    /// The means of equal stretches, few enough for a chart. A rest that is shorter than half a stretch belongs to the one
    /// before it.
    pub fn rates(&self) -> Vec<Rate> {
        if self.elapsed_ms == 0 {
            return Vec::new();
        }
        let least = usize::try_from(STRETCH_MS_MIN.div_ceil(self.interval_ms)).unwrap_or(1);
        let each = self.points.len().div_ceil(STRETCHES_MAX).max(least);
        let mut stretches = merged(&self.points, each);
        let length_ms = self.interval_ms.saturating_mul(each as u64);
        let rest_ms = self.elapsed_ms.saturating_sub(length_ms.saturating_mul(stretches.len() as u64 - 1));
        if stretches.len() > 1
            && rest_ms < length_ms / 2
            && let (Some(rest), Some(last)) = (stretches.pop(), stretches.last_mut())
        {
            *last = last.with(rest);
        }
        let count = stretches.len();
        let rate = |(no, point): (usize, Point)| {
            let from_ms = length_ms.saturating_mul(no as u64);
            let to_ms = if no + 1 == count { self.elapsed_ms } else { from_ms + length_ms };
            let (from_s, to_s) = (from_ms as f64 / 1e3, to_ms as f64 / 1e3);
            let per_s = |count: u64| count as f64 / (to_s - from_s).max(1e-3);
            let (requests_per_s, records_per_s) = (per_s(point.requests), per_s(point.records));
            Rate { from_s, to_s, requests_per_s, records_per_s, allowed_per_s: point.allowed_per_s }
        };
        stretches.into_iter().enumerate().map(rate).collect()
    }
}

fn merged(points: &[Point], each: usize) -> Vec<Point> {
    let sum = |points: &[Point]| points.iter().fold(Point::default(), |sum, point| sum.with(*point));
    points.chunks(each.max(1)).map(sum).collect()
}

/// `all * part / whole`, without going over.
fn scaled(all: u64, part: u64, whole: u64) -> u64 {
    let scaled = u128::from(all) * u128::from(part) / u128::from(whole.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}
