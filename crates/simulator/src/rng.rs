//! Repeatable randomness: every story has its own stream, so it does not depend on the number of other stories.

use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha12Rng;

/// A stream of random values.
pub struct Rng(ChaCha12Rng);

impl Rng {
    /// A stream of this seed.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    /// True in this share (0 to 1) of the cases.
    pub fn chance(&mut self, share: f64) -> bool {
        self.0.random_bool(share.clamp(0.0, 1.0))
    }

    /// A number from 0 to 1, without 1.
    pub fn share(&mut self) -> f64 {
        self.0.random()
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0.random_range(low..=high)
    }

    /// One of the items.
    pub fn pick<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        &items[self.0.random_range(0..items.len())]
    }

    /// The value in this share (0 to 1) of the cases.
    pub fn maybe<T>(&mut self, share: f64, value: T) -> Option<T> {
        self.chance(share).then_some(value)
    }

    /// One of the words.
    pub fn word<'w>(&mut self, words: &[&'w str]) -> &'w str {
        self.pick::<&'w str>(words)
    }

    /// One of the words, in this share (0 to 1) of the cases.
    pub fn maybe_word(&mut self, share: f64, words: &[&str]) -> Option<String> {
        let word = self.word(words);
        self.maybe(share, word.to_owned())
    }

    /// Puts the items in a random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        items.shuffle(&mut self.0);
    }

    /// Some of the items, at least one, in their order.
    pub fn some_of<T: Clone>(&mut self, items: &[T]) -> Vec<T> {
        let mut chosen: Vec<T> = items.iter().filter(|_| self.chance(0.5)).cloned().collect();
        if chosen.is_empty() && !items.is_empty() {
            chosen.push(self.pick(items).clone());
        }
        chosen
    }
}
