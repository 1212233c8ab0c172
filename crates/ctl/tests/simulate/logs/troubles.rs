//! Refused requests, dead letters, and a database in trouble: a log line about an error may contain values.

use std::collections::BTreeMap;
use std::time::Duration;

use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use lapin::BasicProperties;
use lapin::options::BasicPublishOptions;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use xiebao_testkit::{KEY, PARTNER, Proxy, notice, post, signed};

use crate::services::Services;

pub const OTHER_PARTNER: i64 = 1_048_599;
/// Nobody's partner.
pub const STRANGER: i64 = 7_700_077;
pub const OTHER_KEY: &str = "another-k3y-for-tests";
const NUMBER: &str = "20991231000001";
/// The database takes neither of these persons, and says so with their names.
const TWICE: &str = "欧阳样例";
const NO_NUMBER: &str = "司徒'样例";

/// The sent bodies, and their expected outcomes.
#[derive(Debug, Default)]
pub struct Made {
    pub bodies: Vec<Vec<u8>>,
    /// Refused by the receiver, by verdict.
    pub refused: BTreeMap<&'static str, u64>,
    /// Dead by the worker's word, by reason.
    pub dead: BTreeMap<&'static str, u64>,
    /// Dead by the receiver's.
    nameless: u64,
    /// Stored and never decided, since the database refuses them.
    failing: u64,
    pub decided: u64,
}

impl Made {
    /// How many of the bodies the receiver took.
    pub fn stored(&self) -> u64 {
        self.dead.values().sum::<u64>() + self.nameless + self.failing + self.decided
    }
}

struct Troubles<'s> {
    services: &'s Services,
    made: Made,
}

/// Makes all of it, one after the other.
pub async fn make(services: &Services, proxy: &Proxy) -> Made {
    let mut troubles = Troubles {
        services,
        made: Made::default(),
    };
    troubles.refusals().await;
    troubles.deaths().await;
    troubles.values_in_the_databases_words().await;
    troubles.outage(proxy).await;
    troubles.no_notice_at_all().await;
    troubles.made
}

impl Troubles<'_> {
    async fn refusals(&mut self) {
        let data = json!({
            "partnerId": PARTNER, "insureNum": NUMBER, "state": true, "partnerUniqueKey": "13800138000",
            "policys": [{ "policyNum": "BD-refused-1", "applicant": "诸葛样例", "insurant": "上官样例,样例甲乙" }],
        });
        let whole = notice(3, &data, KEY);
        let text = data.to_string();
        let mut cases = vec![("bad_signature", notice(3, &data, "no such key"))];
        let mut unknown = data.clone();
        unknown["partnerId"] = json!(STRANGER);
        cases.push(("unknown_partner", notice(3, &unknown, KEY)));
        cases.push(("malformed", whole[..whole.len() - 3].to_vec()));
        cases.push(("malformed", format!("insurant=诸葛样例&data={text}").into_bytes()));
        cases.push((
            "malformed",
            format!(r#"{{"notifyType":3,"sign":"诸葛样例","sign":"x","data":{text}}}"#).into_bytes(),
        ));
        cases.push(("malformed", signed(3, "\"诸葛样例\"", KEY)));
        cases.push(("malformed", [&whole[..], &[0xff, 0xfe]].concat()));
        let mut large = data.clone();
        large["otherInfo"] = json!({ "phone": "13900139000", "filling": " ".repeat(1 << 20) });
        cases.push(("too_large", notice(3, &large, KEY)));
        for (verdict, body) in cases {
            self.post(body, verdict).await;
            *self.made.refused.entry(verdict).or_default() += 1;
        }
    }

    async fn deaths(&mut self) {
        let with = |stated: Value| {
            let mut data =
                json!({ "partnerId": PARTNER, "insureNum": NUMBER, "partnerUniqueKey": "13700137000" });
            let all = data.as_object_mut().expect("an object");
            all.extend(stated.as_object().expect("an object").clone());
            data
        };
        let insured = with(json!({ "state": true }));
        self.post(notice(1, &insured, KEY), "accepted").await;
        self.made.decided += 1;
        let policy = |applicant: &str| json!({ "state": true, "policys": [{ "policyNum": "BD-dead-1", "applicant": applicant }] });
        let mut of_another = with(policy("慕容样例"));
        of_another["partnerId"] = json!(OTHER_PARTNER);
        let cases = [
            ("partner_mismatch", notice(3, &of_another, OTHER_KEY)),
            (
                "invalid_field",
                notice(
                    2,
                    &with(json!({ "state": true, "price": "八千元", "payTime": "2026-07-23 09:15:02" })),
                    KEY,
                ),
            ),
            (
                "incomplete",
                notice(2, &with(json!({ "state": true, "failMsg": "样例说明" })), KEY),
            ),
            ("too_long", notice(3, &with(policy(&"样例".repeat(600))), KEY)),
            (
                "invalid_field",
                signed(
                    1,
                    &format!(
                        r#"{{"partnerId":{PARTNER},"insureNum":"{NUMBER}","state":true,"otherInfo":{{"长孙样例":1,"长孙样例":2}}}}"#
                    ),
                    KEY,
                ),
            ),
        ];
        for (reason, body) in cases {
            self.post(body, "accepted").await;
            *self.made.dead.entry(reason).or_default() += 1;
        }
        let nameless = json!({ "partnerId": PARTNER, "state": true, "partnerUniqueKey": "用户·无号" });
        self.post(notice(1, &nameless, KEY), "dead_lettered").await;
        self.made.nameless += 1;
        self.until("five dead letters and one of the receiver's", async |services| {
            services.count("dead_letters").await == 6
        })
        .await;
    }

    /// Triggers that let the server itself complain of a person's name.
    async fn values_in_the_databases_words(&mut self) {
        let quoted = NO_NUMBER.replace('\'', "''");
        let statements = [
            "CREATE TABLE seen (name VARCHAR(200) PRIMARY KEY, number BIGINT NOT NULL DEFAULT 0)".to_owned(),
            format!(
                "CREATE TRIGGER speaks AFTER INSERT ON policies FOR EACH ROW BEGIN \
                 IF NEW.applicant = '{TWICE}' THEN INSERT INTO seen (name) VALUES (NEW.applicant), (NEW.applicant); END IF; \
                 IF NEW.applicant = '{quoted}' THEN INSERT INTO seen (name, number) VALUES ('', NEW.applicant); END IF; END"
            ),
        ];
        let mut connection = self.services.database.connect().await;
        connection
            .batch_execute("SET SESSION sql_mode = 'STRICT_ALL_TABLES'")
            .await
            .expect("a mode");
        for statement in statements {
            diesel::sql_query(&statement)
                .execute(&mut connection)
                .await
                .expect(&statement);
        }
        for (number, applicant) in [("20991231000021", TWICE), ("20991231000022", NO_NUMBER)] {
            let data = |stated: Value| {
                let mut data = json!({ "partnerId": PARTNER, "insureNum": number, "state": true });
                data.as_object_mut()
                    .expect("an object")
                    .extend(stated.as_object().expect("an object").clone());
                data
            };
            self.post(notice(1, &data(json!({})), KEY), "accepted").await;
            self.post(
                notice(
                    2,
                    &data(json!({ "price": 8_570_042, "payTime": "2026-07-23 09:15:02" })),
                    KEY,
                ),
                "accepted",
            )
            .await;
            self.made.decided += 2;
            let policies = json!([{ "policyNum": format!("BD{number}"), "applicant": applicant }]);
            self.post(notice(3, &data(json!({ "policys": policies })), KEY), "accepted")
                .await;
            self.made.failing += 1;
        }
        for words in ["Duplicate entry '", "Incorrect integer value: '"] {
            self.until(words, async |services| {
                services
                    .processes()
                    .iter()
                    .any(|process| process.log().contains(words))
            })
            .await;
        }
    }

    async fn outage(&mut self, proxy: &Proxy) {
        proxy.cut();
        let data = json!({ "partnerId": PARTNER, "insureNum": "20991231000031", "state": true, "caseCode": "QX-in-the-outage" });
        self.post(notice(1, &data, KEY), "accepted").await;
        self.made.decided += 1;
        self.until("a worker that waits", async |services| {
            services
                .processes()
                .iter()
                .any(|process| process.log().contains("\"waiting for the database\""))
        })
        .await;
        proxy.resume();
        let query = "SELECT COUNT(*) FROM proposals WHERE insure_num = '20991231000031'";
        let url = self.services.database.url();
        self.until("the notice in its row", async |_| {
            xiebao_testkit::number(&url, query).await.expect("a count") == 1
        })
        .await;
    }

    /// Somebody publishes by hand.
    async fn no_notice_at_all(&mut self) {
        let body = "令狐样例 13600136000".as_bytes().to_vec();
        let (_connection, channel) = self.services.broker.channel().await;
        let published = channel.basic_publish(
            "".into(),
            "xiebao.notices".into(),
            BasicPublishOptions::default(),
            &body,
            BasicProperties::default(),
        );
        published
            .await
            .expect("it is published")
            .await
            .expect("it is sent");
        self.made.bodies.push(body);
        self.until("seven dead letters", async |services| {
            services.count("dead_letters").await == 7
        })
        .await;
    }

    async fn post(&mut self, body: Vec<u8>, verdict: &str) {
        let answer = post(self.services.url(), body.clone()).await;
        assert_eq!(answer.verdict(), verdict, "{}", String::from_utf8_lossy(&body));
        self.made.bodies.push(body);
    }

    async fn until(&self, what: &str, reached: impl AsyncFn(&Services) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !reached(self.services).await {
            assert!(Instant::now() < deadline, "no {what}");
            sleep(Duration::from_millis(20)).await;
        }
    }
}
