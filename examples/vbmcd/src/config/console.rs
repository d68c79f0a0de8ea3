//! The keys of a BMC's serial console.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;

use super::ConfigError;
use super::options::Options;
use super::text::Text;
use crate::plan::ConsolePlan;

/// Largest scrollback: with thousands of BMCs even this is a lot.
const LARGEST_SCROLLBACK: u32 = 16 * 1024 * 1024;

/// The serial console of the BMC named `name`.
pub(super) fn plan(
    text: &Text,
    name: &Spanned<String>,
    form: &Options,
    defaults: &Options,
) -> Result<ConsolePlan, ConfigError> {
    let scrollback = form
        .console_scrollback
        .as_ref()
        .or(defaults.console_scrollback.as_ref());
    if let Some(place) = scrollback.filter(|place| *place.get_ref() > LARGEST_SCROLLBACK) {
        let message = format!("`console_scrollback` is more than {LARGEST_SCROLLBACK} characters");
        return Err(text.mistake(place, message));
    }
    let directory = form
        .console_transcripts
        .as_ref()
        .or(defaults.console_transcripts.as_ref());
    if directory.is_some() && !is_file_name(name.get_ref()) {
        let message = format!(
            "`name`: `{}` cannot be the name of a file, as `console_transcripts` needs",
            name.get_ref()
        );
        return Err(text.mistake(name, message));
    }
    let seconds = |seconds: NonZeroU32| Duration::from_secs(seconds.get().into());
    let idle = form.console_idle_timeout.or(defaults.console_idle_timeout);
    let absolute = form
        .console_absolute_timeout
        .or(defaults.console_absolute_timeout);
    Ok(ConsolePlan {
        scrollback: scrollback.and_then(|place| usize::try_from(*place.get_ref()).ok()),
        always_open: form.console_always_open.or(defaults.console_always_open),
        idle_timeout: idle.map(seconds),
        absolute_timeout: absolute.map(seconds),
        transcripts: directory.map(|directory: &PathBuf| text.relative(directory)),
    })
}

/// Whether this stays in its directory.
fn is_file_name(name: &str) -> bool {
    !name.starts_with('.') && !name.contains(['/', '\0'])
}
