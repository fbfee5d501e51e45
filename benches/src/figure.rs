//! How figures are written, and which of several counts.

use std::time::Duration;

use crate::Result;

/// The median; of an even number, the higher of the two in the middle.
pub(crate) fn middle<T: Ord + Copy>(values: impl IntoIterator<Item = T>) -> Result<T> {
    let mut values: Vec<T> = values.into_iter().collect();
    values.sort_unstable();
    let middle = values.get(values.len() / 2).copied();
    middle.ok_or_else(|| "nothing was measured".into())
}

/// The same of what has no order of its own.
pub(crate) fn middle_of(values: impl IntoIterator<Item = f64>) -> Result<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.get(values.len() / 2).copied();
    middle.ok_or_else(|| "nothing was measured".into())
}

/// `49,500`; tenths below ten.
pub(crate) fn number(value: f64) -> String {
    if value.abs() < 9.95 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Milliseconds or seconds, in three digits or so.
pub(crate) fn time(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1e3;
    match milliseconds {
        0.0..1.0 => format!("{milliseconds:.2} ms"),
        1.0..10.0 => format!("{milliseconds:.1} ms"),
        10.0..1000.0 => format!("{milliseconds:.0} ms"),
        _ => format!("{:.1} s", milliseconds / 1e3),
    }
}

/// MiB, in tenths.
pub(crate) fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// KB of a thousand bytes, or bytes below that.
pub(crate) fn kilobytes(bytes: u64) -> String {
    if bytes < 1_000 {
        return format!("{bytes} bytes");
    }
    format!("{} KB", number(bytes as f64 / 1e3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        assert_eq!(number(49_512.3), "49,512");
        assert_eq!(number(1_234_567.0), "1,234,567");
        assert_eq!(number(999.6), "1,000");
        assert_eq!(number(-100.0), "-100");
        assert_eq!(number(4.36), "4.4");
        assert_eq!(number(9.96), "10");
        assert_eq!(time(Duration::from_micros(340)), "0.34 ms");
        assert_eq!(time(Duration::from_micros(9_940)), "9.9 ms");
        assert_eq!(time(Duration::from_millis(87)), "87 ms");
        assert_eq!(time(Duration::from_millis(4_321)), "4.3 s");
        assert_eq!(mebibytes(3 << 19), "1.5 MiB");
        assert_eq!(kilobytes(1_491_112), "1,491 KB");
        assert_eq!(kilobytes(15), "15 bytes");
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(middle([3, 1, 2]).unwrap(), 2);
        assert!((middle_of([3.0, 1.0, 2.0]).unwrap() - 2.0).abs() < f64::EPSILON);
        assert!(middle::<u64>([]).is_err());
    }
}
