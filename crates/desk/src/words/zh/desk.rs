use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use xiebao_core::id::Step;
use xiebao_core::rules::OnTimeout;

use super::Chinese;
use crate::finding::Finding;
use crate::letter::NotRequeueable;
use crate::screen::{beijing, plain};
use crate::words::{DeskWords, DoctorWords};

impl DeskWords for Chinese {
    fn cut(&self, shown: usize) -> String {
        format!("只列出前 {shown} 条，后面还有（--limit 可列出更多）\n")
    }

    fn nothing_found(&self) -> &'static str {
        "没有找到。等待中的通知和死信不在查找范围内：xiebao held list，xiebao dead list。\n"
    }

    fn nothing_held(&self) -> &'static str {
        "没有通知在等待。\n"
    }

    fn log_level(&self, service: &str, level: &str, configured: &str, until: Option<&str>) -> String {
        match until {
            Some(until) => format!("{service} 日志级别 {level}，到北京时间 {until} 恢复为 {configured}\n"),
            None if level == configured => format!("{service} 日志级别 {level}（与配置一致）\n"),
            None => format!("{service} 日志级别 {level}，直到进程结束；配置为 {configured}\n"),
        }
    }

    fn no_log_level(&self, admin: &str, why: &str) -> String {
        format!("{admin}：{why}\n")
    }

    fn no_admin_listener(&self) -> &'static str {
        "没有配置管理地址（receiver.admin_listen、worker.admin_listen），也没有用 --admin 指定"
    }

    fn waits_for(&self, steps: &[Step]) -> String {
        match steps {
            [] => "即将处理".to_owned(),
            steps => format!("在等{}", self.steps(steps)),
        }
    }

    fn until(&self, until: DateTime<Utc>, at_timeout: OnTimeout) -> String {
        let then = match at_timeout {
            OnTimeout::Apply => "到时照常处理",
            OnTimeout::DeadLetter => "到时转为死信",
        };
        format!("最迟 {}，{then}", beijing(until))
    }

    fn not_held(&self, what: &str) -> String {
        format!("没有等待中的通知：{}\n", plain(what))
    }

    fn ambiguous_digest(&self, beginning: &str, proposals: &[String]) -> String {
        format!(
            "以 {beginning} 开头的摘要不止一条（投保单 {}），请多输入几位\n",
            plain(&proposals.join("、"))
        )
    }

    fn released(&self, insure_num: &str, by_hand: usize, followed: usize) -> String {
        let followed = if followed > 0 {
            format!("，另有 {followed} 条随之处理")
        } else {
            String::new()
        };
        format!(
            "投保单 {}：放行了 {by_hand} 条通知{followed}。\n",
            plain(insure_num)
        )
    }

    fn would_release(&self, insure_num: &str, count: usize) -> String {
        format!("投保单 {} 将放行 {count} 条：\n", plain(insure_num))
    }

    fn now_stands_at(&self, status: &str) -> String {
        format!("现在的状态：{status}\n")
    }

    fn no_dead_letters(&self) -> &'static str {
        "没有这样的死信。\n"
    }

    fn only_a_new_notice_helps(&self) -> &'static str {
        "incomplete、invalid_field：须由携保推送改正后的新通知，除非 `dead show` 提示本版本已能读取。\n"
    }

    fn group(&self, count: i64, first: &str, last: &str) -> String {
        format!("{count} 封，最早 {first}，最近 {last}")
    }

    fn no_such_letter(&self, id: i64) -> String {
        format!("没有死信 #{id}\n")
    }

    fn would_requeue(&self, count: i64) -> String {
        format!("将重新入队：{count} 封\n")
    }

    fn requeued_all(&self, count: usize, by_reason: &BTreeMap<String, usize>) -> String {
        format!("已重新入队：{count} 封{}\n", counts(by_reason))
    }

    fn more_not_requeueable(&self, count: usize) -> String {
        format!("另有 {count} 封无法重新入队\n")
    }

    fn interrupted(&self, left: i64) -> String {
        format!("已中断，还剩 {left} 封；再执行同一命令即可继续\n")
    }

    fn would_discard(&self, count: i64) -> String {
        format!("将放弃：{count} 封\n")
    }

    fn discarded_all(&self, count: usize) -> String {
        format!("已放弃：{count} 封\n")
    }

    fn discarded_already(&self, id: i64) -> String {
        format!("#{id} 此前已放弃，原来的原因不变\n")
    }

    fn not_discardable(&self, id: i64) -> String {
        format!("#{id} 已重新入队；若再次成为死信才能放弃\n")
    }

    fn no_operations(&self) -> &'static str {
        "没有这样的操作记录。\n"
    }

    fn requeued(&self, id: i64) -> String {
        format!("#{id} 已重新入队\n")
    }

    fn not_requeueable(&self, id: i64, why: &NotRequeueable) -> String {
        match why {
            NotRequeueable::Pruned => format!("#{id} 无法重新入队：报文因时间久远已被清空（xiebao prune）\n"),
            NotRequeueable::NotANotice(why) => {
                format!("#{id} 无法重新入队，报文不是通知：{}\n", plain(why))
            }
        }
    }

    fn discarded(&self, id: i64) -> String {
        format!("#{id} 已放弃\n")
    }

    fn letter_hints(&self, id: i64) -> String {
        format!("xiebao dead requeue {id}    或    xiebao dead discard {id} --reason …\n")
    }

    fn finding(&self, finding: &Finding) -> String {
        match finding {
            Finding::Concerning(concern) => self.concern(concern),
            Finding::ConfigurationSound => "配置：没有问题".to_owned(),
            Finding::ConfigurationFaulty { fault } => format!("配置：{fault}"),
            Finding::KeysSound { partners, keys } => format!("密钥文件：{partners} 个渠道，{keys} 个密钥"),
            Finding::KeysNotSet => "密钥文件：未设置 keys_file（只有接收服务需要）".to_owned(),
            Finding::KeysFaulty { problem } => format!("密钥文件：{problem}"),
            Finding::BrokerReached { address } => format!("消息队列：可以连接 {address}"),
            Finding::BrokerNodeAway { address, problem } => {
                format!("消息队列：连不上 {address}（另有节点可用）：{problem}")
            }
            Finding::BrokerUnreachable { address, problem } => {
                format!("消息队列：连不上 {address}：{problem}")
            }
            Finding::ObjectSound { object } => format!("消息队列：{object} 符合要求"),
            Finding::QueueSound {
                object,
                messages,
                consumers,
            } => {
                format!("消息队列：{object} 符合要求（{messages} 条消息，{consumers} 个消费者）")
            }
            Finding::ObjectMissing { object } => format!("消息队列：没有 {object}"),
            Finding::ObjectDiffers { object, difference } => {
                format!("消息队列：{object} 与要求不同：{difference}")
            }
            Finding::DatabaseReached { address, version } => {
                format!("数据库：可以连接 {address}（{version}）")
            }
            Finding::DatabaseUnreachable { address, problem } => {
                format!("数据库：连不上 {address}：{problem}")
            }
            Finding::SchemaCurrent => "数据库：表结构已是最新".to_owned(),
            Finding::SchemaPending { names } => format!("数据库：表结构有待更新（{}）", names.join("、")),
            Finding::SchemaNewer { versions } => {
                format!("数据库：表结构比本程序新（{}）", versions.join("、"))
            }
            Finding::ClocksAgree { difference_ms } => format!("时钟：与数据库相差 {difference_ms} 毫秒"),
            Finding::ClocksDiffer { difference_ms } => {
                format!("时钟：与数据库相差 {difference_ms} 毫秒，相差过大")
            }
        }
    }

    fn advice(&self, finding: &Finding) -> Option<&'static str> {
        match finding {
            Finding::ConfigurationFaulty { .. } => Some("改正该项；每一项的含义见 README 的配置表"),
            Finding::KeysFaulty { .. } => {
                Some("改正文件，每行一个渠道：\"1048483\" = [\"当前密钥\", \"下一个密钥\"]")
            }
            Finding::BrokerNodeAway { .. } => Some("服务会使用其他节点；请检查该节点、amqp.url 和网络"),
            Finding::BrokerUnreachable { .. } => Some("检查 amqp.url、网络，以及 RabbitMQ 是否在运行"),
            Finding::ObjectMissing { .. } => Some("接收服务或处理服务启动时会自动声明"),
            Finding::ObjectDiffers { .. } => {
                Some("待队列中的消息处理完后停止服务，删除它，再由服务重新声明；见 docs/operations.md")
            }
            Finding::DatabaseUnreachable { .. } => Some("检查 database.url、网络，以及数据库是否在运行"),
            Finding::SchemaPending { .. } => Some("执行 xiebao migrate"),
            Finding::SchemaNewer { .. } => Some("本程序较旧：请升级到与数据库相应的版本"),
            Finding::ClocksDiffer { .. } => {
                Some("用 NTP（如 chrony）校准两边的时钟：等待期限按处理服务的时钟计算")
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

/// `（apply_failed 4，timed_out 2）`
fn counts(by_reason: &BTreeMap<String, usize>) -> String {
    if by_reason.is_empty() {
        return String::new();
    }
    let counts: Vec<String> = by_reason
        .iter()
        .map(|(reason, count)| format!("{} {count}", plain(reason)))
        .collect();
    format!("（{}）", counts.join("，"))
}
