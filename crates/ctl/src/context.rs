//! The context of every command: configuration, language, and person.

use std::path::{Path, PathBuf};

use xiebao_core::id::PartnerId;
use xiebao_core::lang::Lang;
use xiebao_core::rules::Rules;
use xiebao_desk::operation::Authority;
use xiebao_desk::words::Words;
use xiebao_runtime::config::{Config, Environment, Needs};
use xiebao_runtime::{clock, host, keys};
use xiebao_simulator::platform::Signer;

use crate::exit::Failure;

/// The context of a command.
#[derive(Debug, Clone)]
pub struct Context {
    config_file: Option<PathBuf>,
    environment: Environment,
    /// The name that `--as` gives.
    named_actor: Option<String>,
    /// The language of what a person reads.
    pub lang: Lang,
}

impl Context {
    /// The context of these arguments and of the environment.
    pub fn new(config_file: Option<PathBuf>, lang: Option<Lang>, named_actor: Option<String>) -> Self {
        let environment = Environment::of_process();
        let config_file = config_file.or_else(|| environment.get("XIEBAO_CONFIG").map(PathBuf::from));
        Self {
            config_file,
            environment,
            named_actor,
            lang: lang.unwrap_or_else(locale),
        }
    }

    /// The configuration of the services. Only the settings that `needs` names must exist.
    ///
    /// # Errors
    /// The configuration is wrong.
    pub fn config(&self, needs: Needs) -> Result<Config, Failure> {
        Ok(Config::load(
            self.config_file.as_deref(),
            &self.environment,
            needs,
        )?)
    }

    /// The texts of the language.
    pub fn words(&self) -> &'static dyn Words {
        xiebao_desk::words::of(self.lang)
    }

    /// The authority of a decision, by the clock of this machine.
    pub fn authority<'a>(&self, rules: &'a Rules, actor: &'a str) -> Authority<'a> {
        let clock = clock::now;
        Authority { rules, actor, clock }
    }

    /// Who decides, for the log of operations: the name that `--as` gives, else user and host.
    pub fn actor(&self) -> String {
        if let Some(name) = &self.named_actor {
            return name.clone();
        }
        format!("{}@{}", user(), host::name())
    }

    /// The URL at which the receiver of this configuration takes notices.
    ///
    /// # Errors
    /// The configuration is wrong.
    pub fn receiver_url(&self) -> Result<String, Failure> {
        let receiver = self.config(Needs::NOTHING)?.receiver;
        Ok(format!("http://{}{}", receiver.listen, receiver.path))
    }

    /// The keys file: the named one, or that of the configuration.
    ///
    /// # Errors
    /// The configuration is wrong, or names none.
    pub fn keys_file(&self, named: Option<&Path>) -> Result<PathBuf, Failure> {
        match named {
            Some(path) => Ok(path.to_owned()),
            None => Ok(self.config(Needs::NOTHING)?.require_keys_file()?.to_owned()),
        }
    }

    /// Signs for the partner, or for the first one in the file, with its current key.
    ///
    /// # Errors
    /// The file cannot be read, or has no key of the partner.
    pub fn signer(&self, keys_file: Option<&Path>, partner: Option<i64>) -> Result<Signer, Failure> {
        let (partner, key) = self.current_key(keys_file, partner)?;
        Ok(Signer::new(partner, key))
    }

    /// The current key of the partner, or of the first one in the file.
    ///
    /// # Errors
    /// The file cannot be read, or has no key of the partner.
    pub fn current_key(
        &self,
        keys_file: Option<&Path>,
        partner: Option<i64>,
    ) -> Result<(PartnerId, String), Failure> {
        let path = self.keys_file(keys_file)?;
        let wrong = |problem: String| Failure::Usage(format!("{}: {problem}", path.display()));
        let checked = keys::read(&path).map_err(|error| wrong(error.to_string()))?;
        let first = checked.0.keys().next().copied();
        let partner_id = partner
            .map(PartnerId)
            .or(first)
            .ok_or_else(|| wrong("names no partner".to_owned()))?;
        // Checked keys do not reveal their text, but this program also plays the platform, which signs.
        let text = std::fs::read_to_string(&path).map_err(|error| wrong(error.to_string()))?;
        let key = current_key(&text, partner_id);
        let key = key.ok_or_else(|| wrong(format!("has no key of partner {partner_id}")))?;
        Ok((partner_id, key))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the locale is no setting of the product"
)]
fn locale() -> Lang {
    let variables = ["LC_ALL", "LC_MESSAGES", "LANG"];
    Lang::of_locale(variables.into_iter().filter_map(|name| std::env::var(name).ok()))
}

/// The name of the person at the terminal, before any `sudo`.
#[expect(
    clippy::disallowed_methods,
    reason = "who is at the terminal is no setting of the product"
)]
fn user() -> String {
    let names = ["SUDO_USER", "USER", "LOGNAME"].iter();
    let mut users = names.filter_map(|name| std::env::var(name).ok());
    users
        .find(|user| !user.is_empty())
        .unwrap_or_else(|| "unknown".to_owned())
}

fn current_key(text: &str, partner: PartnerId) -> Option<String> {
    let table: toml::Table = toml::from_str(text).ok()?;
    let keys = table
        .iter()
        .find(|(name, _)| name.parse() == Ok(partner.0))?
        .1
        .as_array()?;
    Some(keys.first()?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_key_of_the_partner_is_the_current_one() {
        let text = "\"7\" = [\"a\", \"b\"]\n\"8\" = [\"c\"]\n";
        assert_eq!(current_key(text, PartnerId(7)).as_deref(), Some("a"));
        assert_eq!(current_key(text, PartnerId(8)).as_deref(), Some("c"));
        assert_eq!(current_key(text, PartnerId(9)), None);
    }
}
