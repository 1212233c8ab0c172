//! `subscribed` and `sequencing.*`: which step waits for which.

use xiebao_core::id::Step;
use xiebao_core::rules::{RuleSettings, Rules, StepSettings};

use super::reader::Reader;
use super::values;

/// The rules; the defaults if they are invalid, and then the reader has the faults.
pub(super) fn read(reader: &mut Reader) -> Rules {
    let mut settings = RuleSettings::default();
    if let Some(types) = reader.list("subscribed", values::documented_type) {
        if types.is_empty() {
            reader.fault("subscribed", "is empty: every notice would be ignored");
        }
        settings.subscribed = types.into_iter().collect();
    }
    settings.steps = Step::ALL
        .into_iter()
        .map(|step| (step, step_settings(reader, step)))
        .collect();
    if let Some(window) = reader.parsed("sequencing.repeat_window", values::duration) {
        settings.repeat_window = window;
    }
    Rules::new(settings).unwrap_or_else(|faults| {
        faults
            .into_iter()
            .for_each(|fault| reader.fault("sequencing", fault.to_string()));
        Rules::default()
    })
}

fn step_settings(reader: &mut Reader, step: Step) -> StepSettings {
    let key = |name: &str| format!("sequencing.{}.{name}", step.name());
    let default = StepSettings::default_of(step);
    StepSettings {
        after: reader.list(&key("after"), values::step).unwrap_or(default.after),
        max_wait: reader
            .parsed(&key("max_wait"), values::duration)
            .unwrap_or(default.max_wait),
        on_timeout: reader
            .parsed(&key("on_timeout"), values::on_timeout)
            .unwrap_or(default.on_timeout),
    }
}
