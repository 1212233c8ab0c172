//! Names and texts in stories. Every name is invented: the placeholders of Chinese textbooks and counting words.

/// Names of persons; long and rare characters, Latin ones and a middle dot among them.
pub const PERSONS: &[&str] = &[
    "张三",
    "李四",
    "王五",
    "赵六",
    "孙七",
    "周八",
    "吴九",
    "郑十",
    "钱甲一",
    "冯乙二",
    "陈丙三",
    "褚丁四",
    "卫戊五",
    "蒋己六",
    "沈庚七",
    "韩辛八",
    "杨壬九",
    "朱癸十",
    "甲某",
    "乙某",
    "丙某",
    "测试·样例",
    "示例·古丽·某",
    "𠮷野某",
    "Test Person",
    "O'Example",
    "名字特别特别特别特别长的某某某",
];

pub const PRODUCTS: &[(i64, &str)] = &[
    (104_151, "示例一号·个人意外综合保障计划"),
    (104_152, "示例二号·家庭医疗保险"),
    (98_001, "样例旅行险(境内)"),
    (3, "A"),
    (9_007_199_254_740_993, "编号很大的产品"),
];

pub const PLANS: &[(i64, &str)] = &[(128_707, "尊享版"), (128_708, "基础版"), (1, "\"引号\"版")];

pub const CASE_CODES: &[&str] = &["QX000000138656", "QX000000138657", "QX000000000001", "0000123"];

pub const FAILURES: &[&str] = &[
    "核保不通过:职业类别不符",
    "余额不足",
    "保险公司返回超时",
    "a/b 张\t\"引号\" \\ 反斜杠",
    "第一行\n第二行",
    "🙂 表情",
    "z",
];

pub const CANCEL_REASONS: &[&str] = &["客户申请", "重复投保", "信息有误，退保重出"];

pub const REMARKS: &[&str] = &["更正证件号", "更正姓名", "变更受益人", "增加被保人"];

/// Gateways documented and seen, and two that nobody has seen. A reissue's own (-3, -12) are in here too.
pub const GATEWAYS: &[i64] = &[
    1,
    3,
    14,
    21,
    -11,
    0,
    2,
    10,
    12,
    13,
    15,
    16,
    17,
    19,
    -1,
    -2,
    -4,
    -10,
    -5,
    -14,
    -3,
    -12,
    77,
    -123_456_789_012,
];

/// By these the cancelled proposal pays for the one issued in its stead: no new money.
pub const REISSUE_GATEWAYS: &[i64] = &[-3, -12];

/// Numbers that nobody has documented.
pub const UNKNOWN_TYPES: &[i64] = &[6, 7, 8, 10, 31, 99, 100_001];

/// Between names in `insurant`, with the blanks that are seen around them.
pub const SEPARATORS: &[&str] = &[",", "，", "、", ", ", " 、", " ， "];

/// Values of `otherInfo`, as compact JSON texts with sorted keys; spellings of numbers that a signature must not lose.
pub const OTHER_VALUES: &[&str] = &[
    "\"abc\"",
    "1",
    "0.050",
    "1E3",
    "null",
    "true",
    "[1,2.0]",
    "{\"a\":[],\"b\":1}",
];
