//! Users, API tokens, the list of who may do what where, and tickets.

use std::collections::{BTreeMap, BTreeSet};

use super::answer::ApiError;
use super::random;
use super::roles;
use super::version::PveVersion;

/// Seconds that a ticket is good for.
const TICKET_LIFETIME: u64 = 2 * 60 * 60;
/// Tickets that are remembered; the oldest ones go first.
const TICKETS: usize = 10_000;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    /// As in `root@pam`.
    pub(super) user: String,
    /// The name of the API token, if it was one.
    pub(super) token: Option<String>,
}

impl Caller {
    /// As in `root@pam` or `root@pam!bmc`.
    pub(super) fn id(&self) -> String {
        match &self.token {
            Some(token) => format!("{}!{token}", self.user),
            None => self.user.clone(),
        }
    }

    /// `root@pam` with a ticket; what only root may do, its tokens may not.
    pub(super) fn is_root(&self) -> bool {
        self.user == "root@pam" && self.token.is_none()
    }
}

/// What the credentials of a request are.
#[derive(Debug, Default)]
pub(super) struct Credentials {
    /// What follows `PVEAPIToken=`.
    pub(super) token: Option<String>,
    /// The value of the cookie.
    pub(super) ticket: Option<String>,
    /// The header against forged requests.
    pub(super) csrf: Option<String>,
}

struct Token {
    secret: String,
    /// The token has only rights that it was given itself, too.
    separate: bool,
    /// Seconds since 1970; 0: never.
    expires: u64,
}

struct Rule {
    path: String,
    /// A user or a token.
    who: String,
    role: String,
    propagate: bool,
}

struct Ticket {
    user: String,
    csrf: String,
    issued: u64,
}

/// Everything about who may do what.
pub(super) struct Access {
    version: PveVersion,
    /// Passwords by user.
    users: BTreeMap<String, String>,
    tokens: BTreeMap<String, Token>,
    roles: BTreeMap<String, BTreeSet<String>>,
    rules: Vec<Rule>,
    tickets: BTreeMap<String, Ticket>,
}

impl Access {
    pub(super) fn new(version: PveVersion) -> Self {
        Self {
            version,
            users: BTreeMap::from([("root@pam".to_owned(), random::hex(16))]),
            tokens: BTreeMap::new(),
            roles: BTreeMap::new(),
            rules: Vec::new(),
            tickets: BTreeMap::new(),
        }
    }

    pub(super) fn set_user(&mut self, user: &str, password: &str) {
        self.users.insert(user.to_owned(), password.to_owned());
    }

    pub(super) fn set_token(&mut self, id: &str, secret: &str, separate: bool, expires: u64) {
        self.tokens.insert(
            id.to_owned(),
            Token {
                secret: secret.to_owned(),
                separate,
                expires,
            },
        );
    }

    pub(super) fn remove_token(&mut self, id: &str) {
        self.tokens.remove(id);
    }

    /// The tokens of a user: name, privilege separation, expiry.
    pub(super) fn tokens_of(&self, user: &str) -> Vec<(String, bool, u64)> {
        let prefix = format!("{user}!");
        let own = self.tokens.iter().filter_map(|(id, token)| {
            let name = id.strip_prefix(&prefix)?;
            Some((name.to_owned(), token.separate, token.expires))
        });
        own.collect()
    }

    pub(super) fn set_role(&mut self, role: &str, privileges: &[&str]) {
        self.roles.insert(
            role.to_owned(),
            privileges.iter().map(|&name| name.to_owned()).collect(),
        );
    }

    /// Gives `role` on `path` to a user or token, in the place of what it had there before.
    pub(super) fn grant(&mut self, path: &str, who: &str, role: &str, propagate: bool) {
        self.revoke(path, who);
        let rule = Rule {
            path: path.to_owned(),
            who: who.to_owned(),
            role: role.to_owned(),
            propagate,
        };
        self.rules.push(rule);
    }

    pub(super) fn revoke(&mut self, path: &str, who: &str) {
        self.rules.retain(|rule| rule.path != path || rule.who != who);
    }

    /// Forgets the rules of a guest that is gone, as destroying it does.
    pub(super) fn forget_path(&mut self, path: &str) {
        self.rules.retain(|rule| rule.path != path);
    }

    /// The paths that have rules.
    pub(super) fn paths(&self) -> BTreeSet<String> {
        self.rules.iter().map(|rule| rule.path.clone()).collect()
    }

    /// Makes every ticket that was given out worthless.
    pub(super) fn expire_tickets(&mut self) {
        self.tickets.clear();
    }

    /// Whose credentials these are. `safe`: the method changes nothing and needs no header against forgery.
    ///
    /// # Errors
    /// 401 with the reason phrase that the version has.
    pub(super) fn authenticate(&self, given: &Credentials, safe: bool, now: u64) -> Result<Caller, ApiError> {
        // A cookie wins over a token.
        if let Some(text) = &given.ticket {
            let known = self
                .tickets
                .get(text)
                .filter(|ticket| now.saturating_sub(ticket.issued) < TICKET_LIFETIME);
            let Some(ticket) = known else {
                return Err(self.denied("permission denied - invalid PVE ticket"));
            };
            if !safe && given.csrf.as_ref() != Some(&ticket.csrf) {
                return Err(ApiError::bare(401, "Permission denied - invalid csrf token"));
            }
            return Ok(Caller {
                user: ticket.user.clone(),
                token: None,
            });
        }
        let Some(text) = &given.token else {
            return Err(ApiError::bare(401, "No ticket"));
        };
        let Some((id, secret)) = text.rsplit_once('=') else {
            return Err(self.denied("no tokenid specified"));
        };
        let Some((user, name)) = id.split_once('!') else {
            return Err(self.denied("no tokenid specified"));
        };
        if !self.users.contains_key(user) {
            return Err(self.denied(&format!("no such user ('{user}')")));
        }
        let Some(token) = self.tokens.get(id) else {
            return Err(self.denied(&format!("no such token '{name}' for user '{user}'")));
        };
        if token.expires != 0 && token.expires <= now {
            return Err(self.denied(&format!("token '{name}' access expired")));
        }
        if token.secret != secret {
            return Err(self.denied("invalid token value!"));
        }
        Ok(Caller {
            user: user.to_owned(),
            token: Some(name.to_owned()),
        })
    }

    fn denied(&self, reason: &str) -> ApiError {
        let hidden = self.version.hides_authentication_failure();
        ApiError::bare(401, if hidden { "Authentication failed!" } else { reason })
    }

    /// Logs a user in by password, or by a ticket that is still good: (ticket, header against forgery).
    pub(super) fn log_in(&mut self, user: &str, password: &str, now: u64) -> Option<(String, String)> {
        let renewed = self
            .tickets
            .get(password)
            .is_some_and(|old| old.user == user && now.saturating_sub(old.issued) < TICKET_LIFETIME);
        if !renewed && self.users.get(user).is_none_or(|known| known != password) {
            return None;
        }
        if self.tickets.len() >= TICKETS {
            let oldest = self
                .tickets
                .iter()
                .min_by_key(|(_, ticket)| ticket.issued)
                .map(|(text, _)| text.clone());
            self.tickets.remove(&oldest.unwrap_or_default());
        }
        let text = format!("PVE:{user}:{now:08X}::{}", random::base64(256));
        let csrf = format!("{now:08X}:{}", random::base64(32).trim_end_matches('='));
        self.tickets.insert(
            text.clone(),
            Ticket {
                user: user.to_owned(),
                csrf: csrf.clone(),
                issued: now,
            },
        );
        Some((text, csrf))
    }

    /// What `caller` may do on `path`: the privileges, each with whether it also holds below. `pool` is the pool of the
    /// guest that the path stands for.
    pub(super) fn permissions(
        &self,
        caller: &Caller,
        path: &str,
        pool: Option<&str>,
    ) -> BTreeMap<String, bool> {
        let user = self.of_subject(&caller.user, path, pool);
        let Some(_) = &caller.token else { return user };
        let id = caller.id();
        if self.tokens.get(&id).is_none_or(|token| !token.separate) {
            return user;
        }
        let mut own = self.of_subject(&id, path, pool);
        own.retain(|privilege, _| user.contains_key(privilege));
        own
    }

    fn of_subject(&self, who: &str, path: &str, pool: Option<&str>) -> BTreeMap<String, bool> {
        if who == "root@pam" {
            return roles::privileges(self.version)
                .into_iter()
                .map(|name| (name.to_owned(), true))
                .collect();
        }
        let mut privileges = self.on_path(who, path);
        if let Some(pool) = pool {
            for (name, propagate) in self.on_path(who, &format!("/pool/{pool}")) {
                privileges.entry(name).or_insert(propagate);
            }
        }
        privileges
    }

    /// Walks down the path: what stands lower replaces what stands higher.
    fn on_path(&self, who: &str, path: &str) -> BTreeMap<String, bool> {
        let mut found = BTreeMap::new();
        for rule in self.effective(who, path) {
            let privileges = roles::privileges(self.version).into_iter();
            let own = privileges.filter(|privilege| self.role_has(&rule.role, privilege));
            found.extend(own.map(|name| (name.to_owned(), rule.propagate)));
        }
        found
    }

    /// The rules that count on a path: those of its lowest part that has any.
    fn effective<'a>(&'a self, who: &'a str, path: &'a str) -> impl Iterator<Item = &'a Rule> {
        let depth = |rule: &Rule| if rule.path == "/" { 0 } else { rule.path.len() };
        let counts = move |rule: &&Rule| {
            let below = rule.path == "/"
                || path
                    .strip_prefix(rule.path.as_str())
                    .is_some_and(|rest| rest.starts_with('/'));
            rule.who == who && (rule.path == path || (rule.propagate && below))
        };
        let lowest = self.rules.iter().filter(counts).map(depth).max();
        self.rules
            .iter()
            .filter(counts)
            .filter(move |rule| Some(depth(rule)) == lowest)
    }

    fn role_has(&self, role: &str, privilege: &str) -> bool {
        match self.roles.get(role) {
            Some(privileges) => privileges.contains(privilege),
            None => roles::has(role, privilege, self.version),
        }
    }

    /// Whether `caller` has one privilege on `path`; as [`Self::permissions`], without writing them all down.
    pub(super) fn allows(&self, caller: &Caller, path: &str, pool: Option<&str>, privilege: &str) -> bool {
        if !self.subject_has(&caller.user, path, pool, privilege) {
            return false;
        }
        if caller.token.is_none() {
            return true;
        }
        let id = caller.id();
        let separate = self.tokens.get(&id).is_some_and(|token| token.separate);
        !separate || self.subject_has(&id, path, pool, privilege)
    }

    fn subject_has(&self, who: &str, path: &str, pool: Option<&str>, privilege: &str) -> bool {
        if who == "root@pam" {
            return roles::exists(privilege, self.version);
        }
        let has = |path: &str| {
            self.effective(who, path)
                .any(|rule| self.role_has(&rule.role, privilege))
        };
        has(path) || pool.is_some_and(|pool| has(&format!("/pool/{pool}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(access: &Access, caller: &Caller, path: &str) -> Vec<String> {
        access.permissions(caller, path, None).into_keys().collect()
    }

    #[test]
    fn lower_rules_replace_higher_ones_and_tokens_have_the_intersection() {
        let mut access = Access::new(PveVersion::V9);
        access.set_user("bmc@pve", "secret");
        access.set_token("bmc@pve!sep", "s", true, 0);
        access.set_role("Power", &["VM.PowerMgmt", "VM.Audit"]);
        access.set_role("Look", &["VM.Audit", "VM.Console"]);
        access.grant("/vms", "bmc@pve", "Power", true);
        access.grant("/vms/101", "bmc@pve", "NoAccess", true);
        let user = Caller {
            user: "bmc@pve".to_owned(),
            token: None,
        };
        let token = Caller {
            user: "bmc@pve".to_owned(),
            token: Some("sep".to_owned()),
        };
        assert_eq!(names(&access, &user, "/vms/100"), ["VM.Audit", "VM.PowerMgmt"]);
        assert!(names(&access, &user, "/vms/101").is_empty());
        assert!(names(&access, &user, "/nodes/pve1").is_empty());
        assert!(names(&access, &token, "/vms/100").is_empty());
        access.grant("/", "bmc@pve!sep", "Look", true);
        for privilege in roles::privileges(PveVersion::V9) {
            for (caller, path) in [
                (&user, "/vms/100"),
                (&user, "/vms/101"),
                (&token, "/vms/100"),
                (&user, "/vmsx"),
            ] {
                let written = access.permissions(caller, path, None).contains_key(privilege);
                assert_eq!(
                    access.allows(caller, path, None, privilege),
                    written,
                    "{privilege} on {path}"
                );
            }
        }
        assert_eq!(names(&access, &token, "/vms/100"), ["VM.Audit"]);
    }
}
