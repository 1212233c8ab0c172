use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use xiebao_core::id::Step;
use xiebao_core::rules::OnTimeout;

use super::English;
use crate::finding::Finding;
use crate::letter::NotRequeueable;
use crate::screen::{beijing, plain};
use crate::words::{DeskWords, DoctorWords, counts};

impl DeskWords for English {
    fn cut(&self, shown: usize) -> String {
        format!("Only the first {shown} are listed; there are more (--limit lists more)\n")
    }

    fn nothing_found(&self) -> &'static str {
        "Nothing found. Waiting notices and dead letters are not searched: xiebao held list, xiebao dead list.\n"
    }

    fn nothing_held(&self) -> &'static str {
        "No notice is waiting.\n"
    }

    fn log_level(&self, service: &str, level: &str, configured: &str, until: Option<&str>) -> String {
        match until {
            Some(until) => format!(
                "{service} logs at {level} until {until} (Beijing time), then at {configured} again\n"
            ),
            None if level == configured => format!("{service} logs at {level}, as configured\n"),
            None => format!("{service} logs at {level} until it stops; {configured} is configured\n"),
        }
    }

    fn no_log_level(&self, admin: &str, why: &str) -> String {
        format!("{admin}: {why}\n")
    }

    fn no_admin_listener(&self) -> &'static str {
        "no admin listener is configured (receiver.admin_listen, worker.admin_listen), and none is named by --admin"
    }

    fn waits_for(&self, steps: &[Step]) -> String {
        match steps {
            [] => "is about to be applied".to_owned(),
            steps => format!("waits for {}", self.steps(steps)),
        }
    }

    fn until(&self, until: DateTime<Utc>, at_timeout: OnTimeout) -> String {
        let then = match at_timeout {
            OnTimeout::Apply => "then applied anyway",
            OnTimeout::DeadLetter => "then a dead letter",
        };
        format!("until {}, {then}", beijing(until))
    }

    fn not_held(&self, what: &str) -> String {
        format!("No waiting notice: {}\n", plain(what))
    }

    fn ambiguous_digest(&self, beginning: &str, proposals: &[String]) -> String {
        let proposals = plain(&proposals.join(", "));
        format!("More than one digest begins with {beginning} (proposals {proposals}): give more digits\n")
    }

    fn released(&self, insure_num: &str, by_hand: usize, followed: usize) -> String {
        let notices = self.count(by_hand, "notice", "notices");
        let followed = if followed > 0 {
            format!("; {followed} more followed")
        } else {
            String::new()
        };
        format!("Proposal {}: released {notices}{followed}.\n", plain(insure_num))
    }

    fn would_release(&self, insure_num: &str, count: usize) -> String {
        format!("Would be released of proposal {}: {count}\n", plain(insure_num))
    }

    fn now_stands_at(&self, status: &str) -> String {
        format!("Now: {status}\n")
    }

    fn no_dead_letters(&self) -> &'static str {
        "No dead letters match.\n"
    }

    fn only_a_new_notice_helps(&self) -> &'static str {
        "incomplete, invalid_field: only a corrected notice helps, unless `dead show` says that this release can read it.\n"
    }

    fn group(&self, count: i64, first: &str, last: &str) -> String {
        format!("{count}, first {first}, last {last}")
    }

    fn no_such_letter(&self, id: i64) -> String {
        format!("There is no dead letter #{id}\n")
    }

    fn would_requeue(&self, count: i64) -> String {
        format!("Would be requeued: {count}\n")
    }

    fn requeued_all(&self, count: usize, by_reason: &BTreeMap<String, usize>) -> String {
        format!("Requeued: {count}{}\n", counts(by_reason))
    }

    fn more_not_requeueable(&self, count: usize) -> String {
        format!("{count} more cannot be requeued\n")
    }

    fn interrupted(&self, left: i64) -> String {
        format!("Interrupted with {left} left; run the same command again to continue\n")
    }

    fn would_discard(&self, count: i64) -> String {
        format!("Would be discarded: {count}\n")
    }

    fn discarded_all(&self, count: usize) -> String {
        format!("Discarded: {count}\n")
    }

    fn discarded_already(&self, id: i64) -> String {
        format!("#{id} was already discarded; its reason stays\n")
    }

    fn not_discardable(&self, id: i64) -> String {
        format!("#{id} was requeued; it can be discarded if it becomes a dead letter again\n")
    }

    fn no_operations(&self) -> &'static str {
        "No operations match.\n"
    }

    fn requeued(&self, id: i64) -> String {
        format!("#{id} is back on the queue\n")
    }

    fn not_requeueable(&self, id: i64, why: &NotRequeueable) -> String {
        match why {
            NotRequeueable::Pruned => {
                format!("#{id} cannot be requeued: its body was emptied because of its age (xiebao prune)\n")
            }
            NotRequeueable::NotANotice(why) => {
                format!(
                    "#{id} cannot be requeued, its body is not a notice: {}\n",
                    plain(why)
                )
            }
        }
    }

    fn discarded(&self, id: i64) -> String {
        format!("#{id} is discarded\n")
    }

    fn letter_hints(&self, id: i64) -> String {
        format!("xiebao dead requeue {id}    or    xiebao dead discard {id} --reason …\n")
    }

    fn finding(&self, finding: &Finding) -> String {
        match finding {
            Finding::Concerning(concern) => self.concern(concern),
            Finding::ConfigurationSound => "configuration: sound".to_owned(),
            Finding::ConfigurationFaulty { fault } => format!("configuration: {fault}"),
            Finding::KeysSound { partners, keys } => format!("keys file: partners: {partners}, keys: {keys}"),
            Finding::KeysNotSet => "keys file: keys_file is not set (only the receiver needs it)".to_owned(),
            Finding::KeysFaulty { problem } => format!("keys file: {problem}"),
            Finding::BrokerReached { address } => format!("broker: {address} answers"),
            Finding::BrokerNodeAway { address, problem } => {
                format!("broker: {address} cannot be reached, another node answers: {problem}")
            }
            Finding::BrokerUnreachable { address, problem } => {
                format!("broker: {address} cannot be reached: {problem}")
            }
            Finding::ObjectSound { object } => format!("broker: {object} is as wanted"),
            Finding::QueueSound {
                object,
                messages,
                consumers,
            } => {
                format!("broker: {object} is as wanted (messages: {messages}, consumers: {consumers})")
            }
            Finding::ObjectMissing { object } => format!("broker: {object} is missing"),
            Finding::ObjectDiffers { object, difference } => {
                format!("broker: {object} is not as wanted: {difference}")
            }
            Finding::DatabaseReached { address, version } => {
                format!("database: {address} answers ({version})")
            }
            Finding::DatabaseUnreachable { address, problem } => {
                format!("database: {address} cannot be reached: {problem}")
            }
            Finding::SchemaCurrent => "database: the schema is up to date".to_owned(),
            Finding::SchemaPending { names } => {
                format!("database: the schema is behind ({} pending)", names.join(", "))
            }
            Finding::SchemaNewer { versions } => {
                format!(
                    "database: the schema is newer than this program ({})",
                    versions.join(", ")
                )
            }
            Finding::ClocksAgree { difference_ms } => {
                format!("clocks: the clock of the database differs by {difference_ms} ms")
            }
            Finding::ClocksDiffer { difference_ms } => {
                format!("clocks: the clock of the database differs by {difference_ms} ms, which is too much")
            }
        }
    }

    fn advice(&self, finding: &Finding) -> Option<&'static str> {
        match finding {
            Finding::ConfigurationFaulty { .. } => {
                Some("correct the setting; the table in the README explains each")
            }
            Finding::KeysFaulty { .. } => {
                Some("correct the file; one partner a line: \"1048483\" = [\"current\", \"next\"]")
            }
            Finding::BrokerNodeAway { .. } => {
                Some("the services use the other nodes; check this one, amqp.url and the network")
            }
            Finding::BrokerUnreachable { .. } => {
                Some("check amqp.url, the network, and that RabbitMQ is running")
            }
            Finding::ObjectMissing { .. } => Some("a receiver or worker declares it when it starts"),
            Finding::ObjectDiffers { .. } => Some(
                "stop the services after the queue is empty, delete it and let a service declare it; \
                 see docs/operations.md",
            ),
            Finding::DatabaseUnreachable { .. } => {
                Some("check database.url, the network, and that the database is running")
            }
            Finding::SchemaPending { .. } => Some("run xiebao migrate"),
            Finding::SchemaNewer { .. } => {
                Some("this program is older than the schema of the database: upgrade it")
            }
            Finding::ClocksDiffer { .. } => {
                Some("synchronize both by NTP (chrony, for example): waits end by the clock of the workers")
            }
            Finding::ConfigurationSound
            | Finding::KeysSound { .. }
            | Finding::KeysNotSet
            | Finding::BrokerReached { .. }
            | Finding::ObjectSound { .. }
            | Finding::QueueSound { .. }
            | Finding::DatabaseReached { .. }
            | Finding::SchemaCurrent
            | Finding::ClocksAgree { .. } => None,
            Finding::Concerning(concern) => self.remedy(concern),
        }
    }
}
