//! Numbers, times and foreign text as users read them. Pure.

use std::time::Duration;

/// A number with thousands separators: `1,034`.
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number with its noun, in the singular or the plural: `1 record`, `1,034 records`.
pub fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(n), if n == 1 { one } else { many })
}

/// A length of time in its two largest units: `0.4 s`, `56 s`, `1 min 43 s`, `2 h 5 min`, `3 d 4 h`.
pub fn time(duration: Duration) -> String {
    let total_s = duration.as_secs();
    if total_s < 10 {
        return tenths(duration.as_secs_f64(), "s");
    }
    let (days, hours) = (total_s / 86_400, total_s / 3_600 % 24);
    let (minutes, seconds) = (total_s / 60 % 60, total_s % 60);
    let parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")];
    let largest = parts.iter().position(|(n, _)| *n > 0).unwrap_or(parts.len());
    let shown = parts.iter().skip(largest).take(2).filter(|(n, _)| *n > 0);
    shown.map(|(n, unit)| format!("{} {unit}", number(*n))).collect::<Vec<_>>().join(" ")
}

/// A number per second, or per minute where there is less than one a second: `9.7/s`, `1,034/s`, `30/min`.
pub fn rate(per_s: f64) -> String {
    if per_s >= 10.0 {
        return format!("{}/s", number(per_s.round() as u64));
    }
    if per_s >= 1.0 {
        return tenths(per_s, "/s").replace(" /", "/");
    }
    tenths(per_s * 60.0, "/min").replace(" /", "/")
}

fn tenths(value: f64, unit: &str) -> String {
    let text = format!("{value:.1}");
    format!("{} {unit}", text.strip_suffix(".0").unwrap_or(&text))
}

/// A number of bytes: `512 B`, `1.4 MiB`.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut value = n as f64;
    let mut unit = "B";
    for larger in UNITS {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    tenths(value, unit)
}

/// No line that [`wrap`] makes is longer, except one that is a single word.
const WIDTH: usize = 100;

/// A text in lines of `WIDTH` at most, all but the first with `indent` blanks before it.
pub fn wrap(text: &str, indent: usize) -> String {
    let (mut out, mut len) = (String::new(), indent);
    for word in text.split_inclusive(' ') {
        let word_len = word.trim_end().chars().count();
        if len + word_len > WIDTH && len > indent {
            out.truncate(out.trim_end().len());
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            len = indent;
        }
        out.push_str(word);
        len += word.chars().count();
    }
    out
}

/// A word as a shell takes it: quoted where it must be.
pub fn shell(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,~".contains(c);
    if !word.is_empty() && word.chars().all(plain) && !word.starts_with('~') {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
