//! Counts authentic notices by the text that was signed, by partner and by key. Every partner and key of the keys file has
//! its counters prepared, so that a notice costs no lock and no allocation; counters of removed keys disappear. All start
//! at 0, so that the first notice shows as an increase.

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
/// The counters by partner, and by the position of the key in its list.
type Table = BTreeMap<PartnerId, Vec<OfKey>>;

/// The counters of the keys in force.
#[derive(Debug)]
pub(crate) struct Signatures(ArcSwap<Table>);

impl Signatures {
    /// Counters for these keys.
    pub fn under(keys: &Keys) -> Self {
        Self(ArcSwap::from_pointee(table(&Table::new(), keys)))
    }

    /// Replaces the keys. Counters of keys in the same position go on.
    pub fn follow(&self, keys: &Keys) {
        self.0.rcu(|current| table(current, keys));
    }

    /// Counts a notice; `key` is the key's position in the partner's list, from 0. Between a change of keys and
    /// [`follow`](Self::follow), a key may be not yet or no longer known here: such a notice is not counted. Only `follow`
    /// changes the set of counters, because a notice cannot tell if its keys are older or newer.
    pub fn note(&self, partner: PartnerId, key: usize, form: Form) {
        let table = self.0.load();
        let counters = table.get(&partner).and_then(|keys| keys.get(key));
        if let Some(counter) = counters.and_then(|counters| counters.get(form as usize)) {
            counter.inc();
        }
    }
}

fn table(current: &Table, keys: &Keys) -> Table {
    let of_partner = |(partner, keys): (&PartnerId, &Vec<_>)| {
        let mut counters = current.get(partner).cloned().unwrap_or_default();
        // Not clones of one counter: clones share their count.
        counters.resize_with(keys.len(), OfKey::default);
        (*partner, counters)
    };
    keys.0.iter().map(of_partner).collect()
}

impl Collector for Signatures {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let help = "Authentic notices by the text that was signed, by partner, and by the position of the key in its list";
        let mut family = encoder.encode_descriptor("signatures", help, None, MetricType::Counter)?;
        let table: Arc<Table> = self.0.load_full();
        for (partner, keys) in table.iter() {
            for (counters, place) in keys.iter().zip(1_u64..) {
                let (partner, place) = (partner.to_string(), place.to_string());
                for (form, counter) in Form::ALL.into_iter().zip(counters) {
                    let labels = [("form", form.name()), ("partner", &partner), ("key", &place)];
                    family
                        .encode_family(&labels)?
                        .encode_counter::<NoLabelSet, _, u64>(&counter.get(), None)?;
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

    /// The counters by partner and key, as `partner/key: raw compact sorted string`.
    fn series(signatures: &Arc<Signatures>) -> Vec<String> {
        let (mut registry, mut text) = (Registry::default(), String::new());
        registry.register_collector(Box::new(Arc::clone(signatures)));
        encode(&mut text, &registry).expect("a string takes everything");
        let mut series: Vec<String> = Vec::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let line = line.replace('"', "");
            let labels = line.strip_prefix("signatures_total{form=").expect("a series");
            let (labels, count) = labels.split_once("} ").expect("a value");
            let (form, of) = labels.split_once(",partner=").expect("a partner");
            let of = of.replace(",key=", "/");
            match form {
                "raw" => series.push(format!("{of}: {count}")),
                _ => series
                    .last_mut()
                    .expect("raw comes first")
                    .push_str(&format!(" {count}")),
            }
        }
        series
    }

    #[test]
    fn every_key_has_a_counter_for_every_form_from_the_start() {
        let signatures = Arc::new(Signatures::under(&keys(&[(ONE, 2)])));
        assert_eq!(series(&signatures), ["1/1: 0 0 0 0", "1/2: 0 0 0 0"]);
        signatures.note(ONE, 1, Form::Raw);
        signatures.note(ONE, 1, Form::Compact);
        signatures.note(ONE, 1, Form::Compact);
        assert_eq!(series(&signatures), ["1/1: 0 0 0 0", "1/2: 1 2 0 0"]);
    }

    #[test]
    fn counters_of_removed_keys_disappear_and_those_of_remaining_keys_go_on() {
        let signatures = Arc::new(Signatures::under(&keys(&[(ONE, 2), (TWO, 1)])));
        signatures.note(ONE, 0, Form::Raw);
        signatures.note(TWO, 0, Form::Raw);
        signatures.follow(&keys(&[(ONE, 1)]));
        signatures.note(ONE, 0, Form::Raw);
        assert_eq!(series(&signatures), ["1/1: 2 0 0 0"]);
    }

    #[test]
    fn a_late_notice_does_not_bring_back_a_removed_key_or_partner() {
        let signatures = Arc::new(Signatures::under(&keys(&[(ONE, 2), (TWO, 1)])));
        signatures.follow(&keys(&[(ONE, 1)]));
        signatures.note(ONE, 1, Form::Raw);
        signatures.note(TWO, 0, Form::Raw);
        assert_eq!(series(&signatures), ["1/1: 0 0 0 0"]);
    }

    #[test]
    fn an_early_notice_under_a_new_key_is_not_counted_and_the_key_begins_at_zero() {
        let signatures = Arc::new(Signatures::under(&keys(&[(ONE, 1)])));
        signatures.note(TWO, 0, Form::Raw);
        signatures.note(ONE, 2, Form::Raw);
        assert_eq!(series(&signatures), ["1/1: 0 0 0 0"]);
        signatures.follow(&keys(&[(ONE, 4), (TWO, 1)]));
        signatures.note(ONE, 2, Form::Raw);
        let wanted =
            ["1/1: 0", "1/2: 0", "1/3: 1", "1/4: 0", "2/1: 0"].map(|counts| format!("{counts} 0 0 0"));
        assert_eq!(series(&signatures), wanted);
    }
}
