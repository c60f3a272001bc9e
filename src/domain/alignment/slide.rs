//! Intervals of speech, slid over the speech that a channel has.

/// From which frame to before which frame.
pub(super) type Interval = (i64, i64);

/// A channel's speech, summed up so that any interval takes one subtraction.
pub(super) struct Speech {
    /// Of the frames before each.
    sums: Vec<u64>,
    mean: f64,
    deviation: f64,
}

impl Speech {
    /// `frames`: how much each is speech, from 0 to 255.
    pub(super) fn new(frames: &[u8]) -> Speech {
        let (mut sums, mut sum, mut squares) = (Vec::with_capacity(frames.len() + 1), 0_u64, 0_u64);
        sums.push(0);
        for frame in frames {
            sum += u64::from(*frame);
            squares += u64::from(*frame).pow(2);
            sums.push(sum);
        }
        let count = frames.len().max(1) as f64;
        let mean = sum as f64 / count;
        let deviation = (squares as f64 / count - mean.powi(2)).max(0.0).sqrt();
        Speech {
            sums,
            mean,
            deviation,
        }
    }

    /// How many frames it has.
    pub(super) fn frames(&self) -> i64 {
        self.sums.len() as i64 - 1
    }

    /// The correlation of speech and intervals that are `lag` frames later, from -1 to 1; 0 without any.
    pub(super) fn correlation(&self, intervals: &[Interval], lag: i64) -> f64 {
        let (mut inside, mut speech) = (0_i64, 0_u64);
        for (from, to) in intervals {
            let from = (from + lag).clamp(0, self.frames());
            let to = (to + lag).clamp(from, self.frames());
            inside += to - from;
            speech += self.sums[to as usize] - self.sums[from as usize];
        }
        let share = inside as f64 / self.frames().max(1) as f64;
        let deviation = (share * (1.0 - share)).sqrt() * self.deviation;
        if deviation <= 0.0 {
            return 0.0;
        }
        (speech as f64 / self.frames() as f64 - share * self.mean) / deviation
    }
}

/// The intervals by time, with those joined that overlap.
pub(super) fn joined(mut intervals: Vec<Interval>) -> Vec<Interval> {
    intervals.sort_unstable();
    let mut joined: Vec<Interval> = Vec::with_capacity(intervals.len());
    for (from, to) in intervals.into_iter().filter(|(from, to)| from < to) {
        match joined.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => joined.push((from, to)),
        }
    }
    joined
}
