use super::Chinese;
use crate::finding::concern::{Concern, KeyDoubt};
use crate::words::DoctorWords;

impl DoctorWords for Chinese {
    fn concern(&self, concern: &Concern) -> String {
        match concern {
            Concern::ShutdownTooShort { is_ms, needed_ms } => {
                format!("设置：receiver.shutdown_timeout_ms 为 {is_ms}，处理完在途请求需要 {needed_ms}")
            }
            Concern::AnyoneMayPost => {
                "设置：任何人都可推送：receiver.allow 为空，且 receiver.path 为默认值".to_owned()
            }
            Concern::PoolTooSmall { is, needed } => {
                format!("设置：database.pool_size 为 {is}，各通道和其他任务需要 {needed}")
            }
            Concern::NotEncrypted { key, address } => format!("设置：{key}：{address} 未加密"),
            Concern::KeysReadableByAll { path, mode } => {
                format!("密钥文件：{path} 的权限为 {mode}，本机任何人可读")
            }
            Concern::KeySuspicious { partner, number, why } => {
                let why = match why {
                    KeyDoubt::Short => "过短",
                    KeyDoubt::Framed => "首尾有空白或引号",
                    KeyDoubt::Placeholder => "像是示例",
                    KeyDoubt::Repeated => "重复出现",
                };
                format!("密钥文件：渠道 {partner} 的第 {number} 个密钥{why}")
            }
            Concern::DatabaseTooOld { version, needed } => {
                format!("数据库：{version} 过旧，需要 {needed} 或更新")
            }
            Concern::DatabaseSetting { name, is, wanted } => {
                format!("数据库：{name} 现为 {is}，应为 {wanted}")
            }
            Concern::ConnectionsScarce { free, needed } => {
                format!("数据库：空闲连接 {free} 个，一个处理服务最多用 {needed} 个")
            }
            Concern::SchemaDrifted { missing, unexpected } => {
                let list = |title: &str, lines: &[String]| match lines {
                    [] => String::new(),
                    lines => format!("；{title}：{}", lines.join("、")),
                };
                format!(
                    "数据库：表结构与迁移脚本所建不一致{}{}",
                    list("缺少", missing),
                    list("多出或不同", unexpected)
                )
            }
            Concern::SchemaAsMigrated => "数据库：表结构与迁移脚本所建一致".to_owned(),
            Concern::PoliciesUnknown { problem } => format!("消息队列：无法得知 policy：{problem}"),
            Concern::PoliciesSafe => "消息队列：没有会丢失通知的 policy".to_owned(),
            Concern::PolicyLoses { queue, key, value } => {
                format!("消息队列：有 policy 把队列 {queue} 的 {key} 设为 {value}")
            }
            Concern::RecordMissing { object } => {
                format!("消息队列：没有 {object}；它只用于被拒请求的记录，不影响通知")
            }
            Concern::RecordDiffers { object, difference } => {
                format!("消息队列：{object} 与要求不符：{difference}；不影响通知")
            }
            Concern::ServiceReady { url } => format!("服务：{url} 就绪"),
            Concern::ServiceNotReady { url, why } => format!("服务：{url}：{why}"),
            Concern::ServiceNotReached { url, problem } => format!("服务：从本机无法连接 {url}：{problem}"),
        }
    }

    fn remedy(&self, concern: &Concern) -> Option<&'static str> {
        Some(match concern {
            Concern::ShutdownTooShort { .. } => {
                "请调大，并相应延长停止接收服务时的宽限期，否则在途请求会被切断"
            }
            Concern::AnyoneMayPost => "填写平台的来源网段，或选一个无法猜到的路径；见 docs/security.md",
            Concern::PoolTooSmall { .. } => "至少调到 worker.lanes 加 4，否则各任务会互相等待",
            Concern::NotEncrypted { .. } => "使用 amqps:// 或 ?require_ssl=true，除非是自有网络",
            Concern::KeysReadableByAll { .. } => "chmod 0600，所有者设为接收服务的用户",
            Concern::KeySuspicious { .. } => "与平台提供的密钥核对；xiebao verify FILE 会指出哪个密钥相符",
            Concern::DatabaseTooOld { .. } => "请升级数据库",
            Concern::DatabaseSetting { .. } => "请在数据库配置中修改：否则已确认的数据可能丢失，或通知被拒绝",
            Concern::ConnectionsScarce { .. } => "调大 max_connections，或调小 database.pool_size",
            Concern::SchemaDrifted { .. } => "有人手工改过表：缺少的请按迁移脚本补回；多出的由您自行决定",
            Concern::PoliciesUnknown { .. } => {
                "请设置 amqp.management_url，或自行确认没有 policy 设置 message-ttl、expires 或 delivery-limit"
            }
            Concern::PolicyLoses { .. } => "请让该 policy 不再匹配此队列，否则会丢失通知",
            Concern::RecordMissing { .. } => "接收服务或处理服务启动时会自动声明（需有权限）",
            Concern::RecordDiffers { .. } => {
                "修复之前，被拒的请求只见于接收服务的日志：请授予服务用户声明的权限，或删除后由服务重新声明"
            }
            Concern::ServiceNotReady { .. } => "详见其日志；xiebao status 显示它在等什么",
            Concern::ServiceNotReached { .. } => {
                "请启动它，或指定其所在地址查询：xiebao status --service URL"
            }
            Concern::SchemaAsMigrated | Concern::PoliciesSafe | Concern::ServiceReady { .. } => return None,
        })
    }
}
