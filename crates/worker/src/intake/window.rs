//! How many deliveries a worker may have unacknowledged. The broker counts messages and no bytes, so the count follows their
//! size: a notice may be a thousand times as large as the one before.

/// Deliveries that may come while their size is not known.
const NARROW: u16 = 32;
/// Bytes of a full window. The broker keeps what a worker does not read.
const FULL: f64 = 16.0 * 1024.0 * 1024.0;
/// Weight of a new size in the average.
const NEW: f64 = 1.0 / 32.0;

#[derive(Debug)]
pub(super) struct Window {
    /// `worker.prefetch`
    most: u16,
    is_wide: bool,
    /// Bytes of a delivery, over the last dozens; 0 before the first.
    average: f64,
    seen: u16,
}

impl Window {
    pub fn new(most: u16) -> Self {
        Self {
            most,
            is_wide: false,
            average: 0.0,
            seen: 0,
        }
    }

    /// The number of deliveries that the broker may send.
    pub fn size(&self) -> u16 {
        match self.is_wide {
            true => self.most,
            false => self.most.min(NARROW),
        }
    }

    /// Notes the size of a delivery. Returns `true` if the window has changed.
    pub fn note(&mut self, bytes: usize) -> bool {
        let before = self.size();
        let bytes = bytes as f64;
        self.average = match self.seen {
            0 => bytes,
            _ => self.average + (bytes - self.average) * NEW,
        };
        self.seen = self.seen.saturating_add(1);
        let full = self.average * f64::from(self.most);
        if self.is_wide && full > FULL {
            self.is_wide = false;
        } else if !self.is_wide && self.seen >= NARROW && full < FULL / 2.0 {
            self.is_wide = true;
        }
        self.size() != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(window: &mut Window, sizes: impl IntoIterator<Item = usize>) -> usize {
        sizes.into_iter().filter(|bytes| window.note(*bytes)).count()
    }

    #[test]
    fn it_is_wide_once_the_deliveries_are_known_to_be_small() {
        let mut window = Window::new(2_000);
        assert_eq!(window.size(), NARROW);
        assert_eq!(changes(&mut window, [500; 31]), 0);
        assert!(window.note(500));
        assert_eq!(window.size(), 2_000);
        assert_eq!(changes(&mut window, [500; 5_000]), 0);
    }

    #[test]
    fn one_large_delivery_makes_it_narrow_until_small_ones_have_followed() {
        let mut window = Window::new(2_000);
        changes(&mut window, [500; 100]);
        assert!(window.note(1 << 20));
        assert_eq!(window.size(), NARROW);
        assert_eq!(changes(&mut window, [500; 10]), 0);
        assert_eq!(changes(&mut window, [500; 200]), 1);
        assert_eq!(window.size(), 2_000);
    }

    #[test]
    fn it_never_exceeds_the_setting() {
        let mut window = Window::new(6);
        assert_eq!(changes(&mut window, [500; 100]), 0);
        assert_eq!(window.size(), 6);
    }
}
