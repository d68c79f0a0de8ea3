//! What a started program tells its user: where the BMCs are, and lines to paste.

use std::io::{self, Write};
use std::net::SocketAddr;

/// A BMC that listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listening {
    /// Its name.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// The user of the ready-to-paste lines.
    pub user: String,
}

/// How the user of the lines gets at the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordHint {
    /// It was made up: this is the only place where it is shown.
    Generated(String),
    /// The shell asks for it.
    Ask,
    /// It is the first line of a file.
    File(String),
    /// Each BMC may have its own: nothing is said.
    PerBmc,
}

/// Writes where the BMCs listen, one `NAME ADDRESS:PORT` per line with the lines to paste indented below, and
/// `Ready` at the end.
///
/// # Errors
/// If `output` cannot be written.
pub fn announce(output: &mut impl Write, bmcs: &[Listening], password: &PasswordHint) -> io::Result<()> {
    match password {
        PasswordHint::Generated(password) => {
            writeln!(output, "The password was made up for this run:")?;
            writeln!(output, "  export IPMITOOL_PASSWORD={}\n", shell_word(password))?;
        }
        PasswordHint::Ask => {
            writeln!(output, "For the lines below, give the shell the password:")?;
            writeln!(
                output,
                "  read -rs IPMITOOL_PASSWORD && export IPMITOOL_PASSWORD\n"
            )?;
        }
        PasswordHint::File(path) => {
            writeln!(output, "For the lines below, give the shell the password:")?;
            writeln!(
                output,
                "  export IPMITOOL_PASSWORD=\"$(head -n 1 {})\"\n",
                shell_word(path)
            )?;
        }
        PasswordHint::PerBmc => {
            writeln!(
                output,
                "The lines below expect the password in $IPMITOOL_PASSWORD.\n"
            )?;
        }
    }
    for Listening { name, address, user } in bmcs {
        let (ip, port, user) = (address.ip(), address.port(), shell_word(user));
        writeln!(output, "{name}  {address}")?;
        writeln!(
            output,
            "  ipmitool -I lanplus -H {ip} -p {port} -U {user} -E chassis power status"
        )?;
        writeln!(
            output,
            "  ipmipower -D LAN_2_0 -h {} -u {user} -p \"$IPMITOOL_PASSWORD\" --stat",
            shell_word(&address.to_string())
        )?;
    }
    writeln!(output, "\nReady. Ctrl-C ends it.")?;
    output.flush()
}

/// A text as one word of a shell.
fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.:/@%+".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bmc_has_its_address_and_lines_to_paste() {
        let bmcs = [
            Listening {
                name: "node1".into(),
                address: "127.0.0.1:6230".parse().unwrap(),
                user: "admin".into(),
            },
            Listening {
                name: "node2".into(),
                address: "[::1]:623".parse().unwrap(),
                user: "o'neil".into(),
            },
        ];
        let mut output = Vec::new();
        announce(&mut output, &bmcs, &PasswordHint::Generated("abc".into())).unwrap();
        assert_eq!(
            String::from_utf8(output).unwrap(),
            r#"The password was made up for this run:
  export IPMITOOL_PASSWORD=abc

node1  127.0.0.1:6230
  ipmitool -I lanplus -H 127.0.0.1 -p 6230 -U admin -E chassis power status
  ipmipower -D LAN_2_0 -h 127.0.0.1:6230 -u admin -p "$IPMITOOL_PASSWORD" --stat
node2  [::1]:623
  ipmitool -I lanplus -H ::1 -p 623 -U 'o'\''neil' -E chassis power status
  ipmipower -D LAN_2_0 -h '[::1]:623' -u 'o'\''neil' -p "$IPMITOOL_PASSWORD" --stat

Ready. Ctrl-C ends it.
"#
        );
    }
}
