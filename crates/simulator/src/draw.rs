//! Chance that can be repeated: every story has a stream of its own, so that it does not depend on how many others
//! there are.

use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha12Rng;

pub struct Draw(ChaCha12Rng);

impl Draw {
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    /// True in this share (0 to 1) of the cases.
    pub fn chance(&mut self, share: f64) -> bool {
        self.0.random_bool(share.clamp(0.0, 1.0))
    }

    /// 0 up to, but without, 1.
    pub fn share(&mut self) -> f64 {
        self.0.random()
    }

    /// Both ends included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0.random_range(low..=high)
    }

    pub fn pick<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        &items[self.0.random_range(0..items.len())]
    }

    pub fn maybe<T>(&mut self, share: f64, value: T) -> Option<T> {
        self.chance(share).then_some(value)
    }

    pub fn word<'w>(&mut self, words: &[&'w str]) -> &'w str {
        self.pick::<&'w str>(words)
    }

    /// One of the words, or in the other cases none.
    pub fn maybe_word(&mut self, share: f64, words: &[&str]) -> Option<String> {
        let word = self.word(words);
        self.maybe(share, word.to_owned())
    }

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
