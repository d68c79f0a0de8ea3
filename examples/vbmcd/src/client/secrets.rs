//! Passwords and tokens on their way in: from a file, standard input, the terminal, or an argument.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::ClientError;
use crate::secret::{Secret, SecretError};

/// Where a secret comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    /// What it is called, for questions and warnings.
    pub(super) what: &'a str,
    pub(super) argument: Option<&'a str>,
    pub(super) file: Option<&'a Path>,
    pub(super) stdin: bool,
}

impl Source<'_> {
    /// The secret, if one was given.
    pub(super) fn read(self) -> Result<Option<Secret>, ClientError> {
        if let Some(secret) = self.argument {
            let what = self.what;
            // Nobody reads warnings if this fails.
            let _ = writeln!(
                io::stderr(),
                "warning: a {what} among the arguments is seen by everybody on this host: use a --{what}-file"
            );
            return Ok(Some(Secret::new(secret.to_owned())));
        }
        if let Some(path) = self.file {
            return Ok(Some(Secret::read(path)?));
        }
        if self.stdin {
            return first_line(&mut io::stdin().lock()).map(Some);
        }
        Ok(None)
    }

    /// The secret, asked for twice on the terminal if none was given and there is one.
    pub(super) fn read_or_ask(self) -> Result<Option<Secret>, ClientError> {
        if let Some(secret) = self.read()? {
            return Ok(Some(secret));
        }
        if !io::stdin().is_terminal() {
            return Ok(None);
        }
        let what = self.what;
        let ask = |question: String| {
            let answer = rpassword::prompt_password(question);
            answer.map(Secret::new).map_err(not_read)
        };
        loop {
            let secret = ask(format!("New {what}: "))?;
            let again = ask(format!("The same {what} again: "))?;
            if secret.expose() == again.expose() {
                return Ok(Some(secret));
            }
            let _ = writeln!(io::stderr(), "They differ. Once more:");
        }
    }
}

fn first_line(input: &mut impl BufRead) -> Result<Secret, ClientError> {
    let mut line = String::new();
    input.read_line(&mut line).map_err(not_read)?;
    let secret = Secret::new(line);
    let text = secret.expose().trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(SecretError::Empty {
            path: PathBuf::from("standard input"),
        }
        .into());
    }
    Ok(Secret::new(text.to_owned()))
}

fn not_read(source: io::Error) -> ClientError {
    let path = PathBuf::from("standard input");
    SecretError::Read { path, source }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_the_first_line_without_its_end() {
        let mut input: &[u8] = b"geheim \r\nmore\n";
        assert_eq!(first_line(&mut input).unwrap().expose(), "geheim ");
        let mut nothing: &[u8] = b"\n";
        assert!(first_line(&mut nothing).is_err());
    }
}
