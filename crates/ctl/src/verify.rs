//! `xiebao verify`: which bytes of a notice were hashed, which key and form match, or why none does.

use std::path::PathBuf;

use bytes::Bytes;
use clap::Args as ClapArgs;
use xiebao_core::notice::RawNotice;
use xiebao_desk::verify::Examination;
use xiebao_runtime::keys;

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::input;
use crate::output::{show, show_json};

const EXAMPLES: &str = "\
The file holds the HTTP body, byte for byte, as the platform sent it; - is standard input.
Keys and expected signatures are never shown. Exit code 1 if the notice would not be applied.

Examples:
  xiebao verify body.json
  xiebao verify --key-file keys.toml --json - < body.json";

/// Show which bytes of a notice were hashed and which key and form match, or why none does
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The HTTP body; - is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The partners' keys [default: keys_file of the configuration]
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let body = Bytes::from(input::read(&args.file)?);
    let examination = match RawNotice::parse(&body) {
        Err(error) => Examination::malformed(&error),
        Ok(raw) => {
            let path = context.keys_file(args.key_file.as_deref())?;
            let wrong = |error: keys::KeysError| Failure::Usage(format!("{}: {error}", path.display()));
            let keys = keys::read(&path).map_err(wrong)?;
            let current = context.current_key(Some(&path), Some(raw.partner_id.0)).ok();
            Examination::of(raw, &body, &keys, current.as_ref().map(|(_, key)| key.as_str()))
        }
    };
    if args.json {
        show_json(&examination)?;
    } else {
        show(&examination.page(context.lang))?;
    }
    Ok(Exit::of_found(examination.is_sound()))
}
