//! Authentic notices by the text that was signed, by partner and by key. Each partner and key of the keys file has its
//! counters ready, so that a notice costs no lock and no allocation; what the file no longer names is no longer told.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use xiebao_core::id::PartnerId;
use xiebao_core::signature::{Form, Keys};

/// The counters of a partner's key, by form.
type OfKey = [Counter; Form::ALL.len()];
/// By partner, and by the place of the key in its list.
type Table = BTreeMap<PartnerId, Vec<OfKey>>;

#[derive(Debug)]
pub(crate) struct Signatures(ArcSwap<Table>);

impl Signatures {
    pub fn under(keys: &Keys) -> Self {
        Self(ArcSwap::from_pointee(table(&Table::new(), keys)))
    }

    /// Takes up other keys. Those in the same place go on counting.
    pub fn follow(&self, keys: &Keys) {
        self.0.rcu(|current| table(current, keys));
    }

    /// `key`: its place in the partner's list, from 0.
    pub fn note(&self, partner: PartnerId, key: usize, form: Form) {
        let noted = |table: &Table| {
            let counter = table.get(&partner)?.get(key)?.get(form as usize)?;
            Some(counter.inc())
        };
        if noted(&self.0.load()).is_none() {
            // The keys have just been replaced, and `follow` is about to be called.
            self.0.rcu(|current| {
                let mut table = Table::clone(current);
                resize(table.entry(partner).or_default(), key + 1);
                table
            });
            noted(&self.0.load());
        }
    }
}

fn table(current: &Table, keys: &Keys) -> Table {
    let of_partner = |(partner, keys): (&PartnerId, &Vec<_>)| {
        let mut counters = current.get(partner).cloned().unwrap_or_default();
        resize(&mut counters, keys.len());
        (*partner, counters)
    };
    keys.0.iter().map(of_partner).collect()
}

/// Not by cloning one: the clones of a counter count together.
fn resize(counters: &mut Vec<OfKey>, keys: usize) {
    counters.resize_with(keys, OfKey::default);
}

impl Collector for Signatures {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let help = "Authentic notices by the text that was signed, by partner, and by the place of the key in its list";
        let mut family = encoder.encode_descriptor("signatures", help, None, MetricType::Counter)?;
        let table: Arc<Table> = self.0.load_full();
        for (partner, keys) in table.iter() {
            for (counters, place) in keys.iter().zip(1_u64..) {
                for (form, counter) in Form::ALL.into_iter().zip(counters) {
                    // A key that was never used is told of, too.
                    if counter.get() > 0 || form == Form::Raw {
                        let (partner, place) = (partner.to_string(), place.to_string());
                        let labels = [("form", form.name()), ("partner", &partner), ("key", &place)];
                        family
                            .encode_family(&labels)?
                            .encode_counter::<NoLabelSet, _, u64>(&counter.get(), None)?;
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;
    use xiebao_core::signature::Key;

    use super::*;

    const ONE: PartnerId = PartnerId(1);
    const TWO: PartnerId = PartnerId(2);

    fn keys(counts: &[(PartnerId, usize)]) -> Keys {
        let key = |nth| Key::new(format!("key {nth}")).expect("not blank");
        let of_partner = |(partner, count): &(PartnerId, usize)| (*partner, (0..*count).map(key).collect());
        Keys(counts.iter().map(of_partner).collect())
    }

    fn told(signatures: &Arc<Signatures>) -> Vec<String> {
        let (mut registry, mut text) = (Registry::default(), String::new());
        registry.register_collector(Box::new(Arc::clone(signatures)));
        encode(&mut text, &registry).expect("a string takes everything");
        let series = text.lines().filter(|line| !line.starts_with('#'));
        series
            .map(|line| line.replace("signatures_total", "").replace('"', ""))
            .collect()
    }

    #[test]
    fn every_key_has_a_counter_from_the_start_and_other_forms_once_they_come() {
        let signatures = Arc::new(Signatures::under(&keys(&[(ONE, 2)])));
        signatures.note(ONE, 1, Form::Raw);
        signatures.note(ONE, 1, Form::Sorted);
        let wanted = [
            "{form=raw,partner=1,key=1} 0",
            "{form=raw,partner=1,key=2} 1",
            "{form=sorted,partner=1,key=2} 1",
        ];
        assert_eq!(told(&signatures), wanted);
    }

    #[test]
    fn what_the_keys_file_no_longer_names_goes_and_what_it_still_names_goes_on_counting() {
        let signatures = Arc::new(Signatures::under(&keys(&[(ONE, 2), (TWO, 1)])));
        signatures.note(ONE, 0, Form::Raw);
        signatures.note(TWO, 0, Form::Raw);
        signatures.follow(&keys(&[(ONE, 1)]));
        signatures.note(ONE, 0, Form::Raw);
        assert_eq!(told(&signatures), ["{form=raw,partner=1,key=1} 2"]);
    }

    #[test]
    fn a_notice_under_a_key_that_is_newer_than_the_counters_is_counted() {
        let signatures = Arc::new(Signatures::under(&keys(&[(ONE, 1)])));
        signatures.note(TWO, 0, Form::Raw);
        let wanted = ["{form=raw,partner=1,key=1} 0", "{form=raw,partner=2,key=1} 1"];
        assert_eq!(told(&signatures), wanted);
    }
}
