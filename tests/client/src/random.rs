//! Random numbers that a printed seed repeats.

use std::time::{SystemTime, UNIX_EPOCH};

/// SplitMix64: a few lines, any seed will do.
#[derive(Clone)]
pub struct Random(u64);

impl Random {
    /// From the environment's SEED, or from the clock. It is printed either way.
    pub fn seeded() -> Random {
        let seed = std::env::var("SEED")
            .ok()
            .and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            now.map_or(0, |now| now.as_nanos() as u64 % 1_000_000_000)
        });
        println!("SEED={seed}");
        Random(seed)
    }

    /// Another sequence, for another thread.
    pub fn fork(&mut self) -> Random {
        Random(self.draw())
    }

    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to `n` - 1.
    pub fn below(&mut self, n: u64) -> u64 {
        self.draw() % n
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// Whether the full size was asked for, which takes minutes: RELIABILITY=full.
pub fn full() -> bool {
    std::env::var("RELIABILITY").is_ok_and(|size| size == "full")
}
