//! What stands at the other end of a console: the protocol that a terminal client speaks, and a shell that echoes.

/// What a client of a console sends, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// Bytes that were typed.
    Typed(Vec<u8>),
    /// A new size; it means nothing to a serial line.
    Resized,
    /// A sign of life.
    Ping,
}

/// Takes `0:LENGTH:BYTES`, `1:COLUMNS:ROWS:` and `2` from a stream, in pieces of any size.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    buffer: Vec<u8>,
}

/// Digits that a number in the protocol may have.
const DIGITS: usize = 8;

impl Decoder {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next message: `Err`: not the protocol; `Ok(None)`: not yet whole.
    pub(super) fn next(&mut self) -> Result<Option<Input>, ()> {
        let (input, used) = match self.buffer.first() {
            None => return Ok(None),
            Some(b'2') => (Input::Ping, 1),
            Some(b'1') => {
                let Some((_, at)) = self.number(2)? else {
                    return Ok(None);
                };
                let Some((_, end)) = self.number(at)? else {
                    return Ok(None);
                };
                (Input::Resized, end)
            }
            Some(b'0') => {
                let Some((length, at)) = self.number(2)? else {
                    return Ok(None);
                };
                let end = at + length;
                let Some(typed) = self.buffer.get(at..end) else {
                    return Ok(None);
                };
                (Input::Typed(typed.to_vec()), end)
            }
            Some(_) => return Err(()),
        };
        self.buffer.drain(..used);
        Ok(Some(input))
    }

    /// The number that begins at `at`, and where what follows its colon begins.
    fn number(&self, at: usize) -> Result<Option<(usize, usize)>, ()> {
        if self.buffer.get(1).is_some_and(|byte| *byte != b':') {
            return Err(());
        }
        let rest = self.buffer.get(at..).unwrap_or_default();
        let Some(digits) = rest.iter().position(|byte| *byte == b':') else {
            return if rest.len() > DIGITS { Err(()) } else { Ok(None) };
        };
        let text = rest
            .get(..digits)
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .ok_or(())?;
        let valid =
            !text.is_empty() && text.len() <= DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = valid.then(|| text.parse().ok()).flatten().ok_or(())?;
        Ok(Some((number, at + digits + 1)))
    }
}

/// A shell on a serial port: every byte comes back, and Enter gives a new line with a prompt.
#[derive(Debug)]
pub(super) struct Shell {
    prompt: String,
}

impl Shell {
    pub(super) fn new(name: &str) -> Self {
        Self {
            prompt: format!("{name}:~# "),
        }
    }

    /// What it prints when the machine has booted.
    pub(super) fn banner(&self, booted_from: &str) -> Vec<u8> {
        format!("\r\nbooted from {booted_from}\r\n{}", self.prompt).into_bytes()
    }

    /// What it prints for what was typed.
    pub(super) fn echo(&self, typed: &[u8]) -> Vec<u8> {
        let mut output = Vec::with_capacity(typed.len());
        for byte in typed {
            output.push(*byte);
            if *byte == b'\r' {
                output.push(b'\n');
                output.extend_from_slice(self.prompt.as_bytes());
            }
        }
        output
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_may_come_in_any_pieces() {
        let stream = b"0:5:he:lo1:80:24:20:1:x";
        let expected = [
            Input::Typed(b"he:lo".to_vec()),
            Input::Resized,
            Input::Ping,
            Input::Typed(b"x".to_vec()),
        ];
        for size in 1..=stream.len() {
            let mut decoder = Decoder::default();
            let mut found = Vec::new();
            for piece in stream.chunks(size) {
                decoder.push(piece);
                while let Some(input) = decoder.next().unwrap() {
                    found.push(input);
                }
            }
            assert_eq!(found, expected, "pieces of {size}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for wrong in [&b"x"[..], b"0;1", b"0:x:", b"0::", b"1:123456789"] {
            let mut decoder = Decoder::default();
            decoder.push(wrong);
            assert_eq!(decoder.next(), Err(()), "{wrong:?}");
        }
    }
}
