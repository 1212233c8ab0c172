//! `xiebao send`: signs notices and posts them as the platform does.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use serde::Serialize;
use tokio::time::sleep;
use xiebao_core::lang::Lang;
use xiebao_simulator::http::{Answer, Client, PostError, Target};
use xiebao_simulator::platform::{ContentType, ResendRule};

use crate::context::Context;
use crate::draft::Draft;
use crate::exit::{Exit, Failure};
use crate::output::{show, show_json};
use crate::{draft, input};

const EXAMPLES: &str = "\
A file holds one notice, an array of them, or one after the other:
  {\"notifyType\":1,\"data\":{\"partnerId\":1048483,\"insureNum\":\"20260723373797\",\"state\":true}}
A notice without \"sign\" is signed with the current key of its partner; one with it is sent as it is.

Exit code 1 if any was refused, 3 if no answer came.

Examples:
  xiebao send insured.json paid.json
  xiebao send --repeat 3 --url http://127.0.0.1:8080/notices notices.jsonl
  echo '{\"notifyType\":9,\"data\":{…}}' | xiebao send --resend --time-scale 3600 -";

/// Sign notices and post them, as the platform does
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Files of notices; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The URL to post to [default: receiver.listen and receiver.path]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// How often to send each notice
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
    /// Send unacknowledged notices again, as the platform does: after 3 s, then hourly, five times
    #[arg(long)]
    resend: bool,
    /// How many times faster the platform's clock runs
    #[arg(long, value_name = "F", default_value_t = 1.0, value_parser = crate::input::positive)]
    time_scale: f64,
    /// The partners' keys [default: keys_file of the configuration]
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Print the answers as JSON
    #[arg(long)]
    json: bool,
}

/// The outcome of one request.
#[derive(Debug, Clone, Serialize)]
struct Sent {
    notify_type: serde_json::Value,
    insure_num: Option<String>,
    /// The number of the try.
    attempt: u32,
    verdict: Option<String>,
    state: Option<bool>,
    #[serde(rename = "failMsg")]
    fail_msg: Option<String>,
    status: Option<u16>,
    error: Option<String>,
    #[serde(skip)]
    acknowledged: bool,
}

/// Runs the command.
pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let url = match &args.url {
        Some(url) => url.clone(),
        None => context.receiver_url()?,
    };
    let target = Target::parse(&url).map_err(|error| Failure::Usage(error.to_string()))?;
    let drafts = args.drafts(context)?;
    let mut sender = Sender {
        client: Client::new(target),
        rule: args.resend.then_some(ResendRule {
            time_scale: args.time_scale,
        }),
        show: (!args.json).then_some(context.lang),
        sent: Vec::new(),
    };
    let mut ends = Vec::new();
    for draft in &drafts {
        for _ in 0..args.repeat {
            ends.push(sender.send(draft).await?);
        }
    }
    if args.json {
        show_json(&sender.sent)?;
    }
    verdict(&url, &ends)
}

/// By the last request made for each notice.
fn verdict(url: &str, ends: &[Sent]) -> Result<Exit, Failure> {
    if let Some(error) = ends.iter().find_map(|sent| sent.error.as_ref()) {
        return Err(Failure::Unreachable(format!("{url}: {error}")));
    }
    Ok(if ends.iter().all(|sent| sent.acknowledged) {
        Exit::Done
    } else {
        Exit::No
    })
}

impl Args {
    fn drafts(&self, context: &Context) -> Result<Vec<Draft>, Failure> {
        let mut drafts = Vec::new();
        for path in &self.files {
            let wrong = |problem: String| Failure::Usage(format!("{}: {problem}", path.display()));
            let text = String::from_utf8(input::read(path)?).map_err(|_| wrong("is not UTF-8".to_owned()))?;
            let signer = |partner| context.signer(self.key_file.as_deref(), Some(partner));
            drafts.extend(draft::read(&text, &signer).map_err(|error| match error {
                draft::DraftError::Key(failure) => failure,
                other => wrong(other.to_string()),
            })?);
        }
        Ok(drafts)
    }
}

struct Sender {
    client: Client,
    rule: Option<ResendRule>,
    show: Option<Lang>,
    sent: Vec<Sent>,
}

impl Sender {
    /// Once, or by the platform's rule until it is acknowledged or given up. Returns the last request.
    async fn send(&mut self, draft: &Draft) -> Result<Sent, Failure> {
        for attempt in 1.. {
            let outcome = self.client.post(&draft.body, ContentType::Json).await;
            let sent = Sent::of(draft, attempt, outcome);
            if let Some(lang) = self.show {
                show(&format!("{}\n", sent.in_words(lang)))?;
            }
            self.sent.push(sent.clone());
            match self.rule.and_then(|rule| rule.delay_after(attempt)) {
                Some(delay) if !sent.acknowledged => sleep(delay).await,
                _ => return Ok(sent),
            }
        }
        unreachable!("the rule gives up")
    }
}

impl Sent {
    fn of(draft: &Draft, attempt: u32, outcome: Result<Answer, PostError>) -> Self {
        let acknowledged = outcome.as_ref().is_ok_and(Answer::is_acknowledgement);
        let error = outcome.as_ref().err().map(ToString::to_string);
        let answer = outcome.ok();
        Self {
            notify_type: draft
                .notify_type
                .parse::<i64>()
                .map_or_else(|_| draft.notify_type.as_str().into(), Into::into),
            insure_num: draft.insure_num.clone(),
            attempt,
            verdict: answer.as_ref().and_then(|answer| answer.verdict.clone()),
            state: answer.as_ref().and_then(|answer| answer.state),
            status: answer.as_ref().map(|answer| answer.status.as_u16()),
            fail_msg: answer.and_then(|answer| answer.fail_msg),
            error,
            acknowledged,
        }
    }

    fn in_words(&self, lang: Lang) -> String {
        let kind = lang.pick("类型", "type");
        let proposal = lang.pick("投保单", "proposal");
        let number = self.insure_num.as_deref().unwrap_or("-");
        let mut text = format!(
            "{kind} {:<3} {proposal} {number:<14}",
            self.notify_type.to_string()
        );
        if let Some(error) = &self.error {
            return format!("{text} {}: {error}", lang.pick("无应答", "no answer"));
        }
        let status = self
            .status
            .map(|status| format!("HTTP {status}"))
            .unwrap_or_default();
        text.push_str(&format!(" {:<13}", self.verdict.as_deref().unwrap_or(&status)));
        let state = self.state.map_or("-".to_owned(), |state| state.to_string());
        text.push_str(&format!(
            " state={state} {}",
            self.fail_msg.as_deref().unwrap_or_default()
        ));
        if self.attempt > 1 {
            text.push_str(&lang.pick(
                format!(" （第 {} 次）", self.attempt),
                format!(" (try {})", self.attempt),
            ));
        }
        text.trim_end().to_owned()
    }
}
