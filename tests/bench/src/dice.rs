//! Randomness from one seed (SplitMix64): small, fast, the same everywhere.

/// A source of random decisions.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Dice that always fall the same way for a seed and a number.
    #[must_use]
    pub const fn of(seed: u64, number: u64) -> Self {
        Self(mix(seed ^ mix(number)))
    }

    /// The next number.
    pub const fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `end`, which must not be 0.
    pub const fn below(&mut self, end: u64) -> u64 {
        self.draw() % end
    }

    /// True so many times in a hundred.
    pub const fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of these; an empty list gives an empty text.
    pub fn pick<'a>(&mut self, items: &[&'a str]) -> &'a str {
        let end = items.len().max(1) as u64;
        let at = usize::try_from(self.below(end)).unwrap_or(0);
        items.get(at).copied().unwrap_or_default()
    }
}

/// Spreads the bits of a number (the finaliser of SplitMix64).
#[must_use]
pub const fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let a = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let b = (a ^ (a >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    b ^ (b >> 31)
}
