//! Counts how large observed values are.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many of the observed values lie between which bounds. Observing one takes two atomic additions.
#[derive(Debug)]
pub struct Histogram {
    /// The greatest value of each bucket but the last.
    bounds: &'static [u64],
    /// One more than bounds.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// The values that a [`Histogram`] has observed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// The greatest value of each bucket, in ascending order. The last bucket has none.
    pub bounds: &'static [u64],
    /// How many values each bucket has; one more than bounds. Empty if nothing is observed.
    pub counts: Vec<u64>,
    /// The sum of all values.
    pub sum: u64,
}

impl Histogram {
    /// A histogram whose buckets end with these values, in ascending order, and one bucket for all that are greater.
    pub fn new(bounds: &'static [u64]) -> Self {
        Self { bounds, counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(), sum: AtomicU64::new(0) }
    }

    /// Adds a value.
    pub fn observe(&self, value: u64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// The values so far. One that is being added may be in the sum and not in its bucket, or the other way round.
    pub fn distribution(&self) -> Distribution {
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        Distribution { bounds: self.bounds, counts, sum: self.sum.load(Ordering::Relaxed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_in_the_first_bucket_whose_bound_it_does_not_exceed() {
        let histogram = Histogram::new(&[1, 10]);
        [0, 1, 2, 10, 11, 1000].into_iter().for_each(|value| histogram.observe(value));
        assert_eq!(histogram.distribution(), Distribution { bounds: &[1, 10], counts: vec![2, 2, 2], sum: 1024 });
    }
}
