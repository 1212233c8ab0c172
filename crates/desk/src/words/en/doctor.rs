use super::English;
use crate::finding::concern::{Concern, KeyDoubt};
use crate::words::DoctorWords;

impl DoctorWords for English {
    fn concern(&self, concern: &Concern) -> String {
        match concern {
            Concern::ShutdownTooShort { is_ms, needed_ms } => {
                format!(
                    "settings: receiver.shutdown_timeout_ms is {is_ms}; requests in flight may need {needed_ms}"
                )
            }
            Concern::AnyoneMayPost => {
                "settings: anyone may post: receiver.allow is empty and receiver.path the default".to_owned()
            }
            Concern::PoolTooSmall { is, needed } => {
                format!("settings: database.pool_size is {is}; lanes and other tasks need {needed}")
            }
            Concern::NotEncrypted { key, address } => format!("settings: {key}: {address} is not encrypted"),
            Concern::KeysReadableByAll { path, mode } => {
                format!("keys file: {path} has mode {mode}: every user of this machine can read it")
            }
            Concern::KeySuspicious { partner, number, why } => {
                let why = match why {
                    KeyDoubt::Short => "is very short",
                    KeyDoubt::Framed => "begins or ends with a blank or a quote",
                    KeyDoubt::Placeholder => "reads like an example",
                    KeyDoubt::Repeated => "appears twice",
                };
                format!("keys file: key {number} of partner {partner} {why}")
            }
            Concern::DatabaseTooOld { version, needed } => {
                format!("database: {version} is too old; {needed} or later is needed")
            }
            Concern::DatabaseSetting { name, is, wanted } => {
                format!("database: {name} is {is}, should be {wanted}")
            }
            Concern::ConnectionsScarce { free, needed } => {
                format!("database: {free} connections are free; one worker takes up to {needed}")
            }
            Concern::SchemaDrifted { missing, unexpected } => {
                let list = |title: &str, lines: &[String]| match lines {
                    [] => String::new(),
                    lines => format!("; {title}: {}", lines.join(", ")),
                };
                format!(
                    "database: the tables are not as the migrations made them{}{}",
                    list("missing", missing),
                    list("additional or changed", unexpected)
                )
            }
            Concern::SchemaAsMigrated => "database: the tables are as the migrations made them".to_owned(),
            Concern::PoliciesUnknown { problem } => format!("broker: policies are unknown: {problem}"),
            Concern::PoliciesSafe => "broker: no policy loses notices".to_owned(),
            Concern::PolicyLoses { queue, key, value } => {
                format!("broker: a policy sets {key} of queue {queue} to {value}")
            }
            Concern::RecordMissing { object } => {
                format!(
                    "broker: {object} is missing; the record of refused requests goes through it, and no notice does"
                )
            }
            Concern::RecordDiffers { object, difference } => {
                format!("broker: {object} is not as wanted: {difference}; notices are not affected")
            }
            Concern::ServiceReady { url } => format!("service: {url} is ready"),
            Concern::ServiceNotReady { url, why } => format!("service: {url}: {why}"),
            Concern::ServiceNotReached { url, problem } => {
                format!("service: {url} cannot be reached from here: {problem}")
            }
        }
    }

    fn remedy(&self, concern: &Concern) -> Option<&'static str> {
        Some(match concern {
            Concern::ShutdownTooShort { .. } => {
                "raise it, and the grace period with which the receiver is stopped: requests are cut off otherwise"
            }
            Concern::AnyoneMayPost => {
                "name the platform's networks, or choose a path that nobody can guess; see docs/security.md"
            }
            Concern::PoolTooSmall { .. } => {
                "raise it to worker.lanes plus 4 or more: tasks wait for each other otherwise"
            }
            Concern::NotEncrypted { .. } => {
                "use amqps:// or ?require_ssl=true, unless the network is your own"
            }
            Concern::KeysReadableByAll { .. } => "chmod 0600, and the receiver's user as owner",
            Concern::KeySuspicious { .. } => {
                "compare it with the key of the platform; xiebao verify FILE shows which key fits"
            }
            Concern::DatabaseTooOld { .. } => "upgrade the server",
            Concern::DatabaseSetting { .. } => {
                "change it in the configuration of the server: otherwise confirmed data may be lost, or notices are refused"
            }
            Concern::ConnectionsScarce { .. } => "raise max_connections, or lower database.pool_size",
            Concern::SchemaDrifted { .. } => {
                "somebody changed the tables by hand: restore the missing parts as the migrations have them; keep additional \
                 ones if you want them"
            }
            Concern::PoliciesUnknown { .. } => {
                "set amqp.management_url, or make sure that no policy sets message-ttl, expires or delivery-limit"
            }
            Concern::PolicyLoses { .. } => "take the queue out of the policy: it loses notices",
            Concern::RecordMissing { .. } => "a receiver or worker declares it when it starts, if it may",
            Concern::RecordDiffers { .. } => {
                "until it is repaired, refused requests are only in the logs of the receivers: let the user of the services declare \
                 it, or delete it and let a service declare it"
            }
            Concern::ServiceNotReady { .. } => "its log says more; xiebao status shows the reason",
            Concern::ServiceNotReached { .. } => {
                "start it, or ask where it runs: xiebao status --service URL"
            }
            Concern::SchemaAsMigrated | Concern::PoliciesSafe | Concern::ServiceReady { .. } => return None,
        })
    }
}
