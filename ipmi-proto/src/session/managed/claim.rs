//! Who a console says it is, before it has proven that: the user of RAKP 1 and the privilege of the session.

use rand_core::CryptoRng;

use super::Arrival;
use super::half_open::{AwaitRakp1, Claim};
use crate::crypto::{Password, RakpTranscript};
use crate::ipmb::Privilege;
use crate::packet::RmcpPlusStatus;
use crate::packet::rakp::{MAX_USER_NAME, Rakp1};
use crate::session::{Directory, LoginFailure, UserId, UserLookup, UserRecord};

/// Why RAKP 1 is refused: what the console is told, and what is known.
type Refusal = (RmcpPlusStatus, Option<UserId>, LoginFailure);

/// Finds the user of RAKP 1 and the privilege that the session may take. Takes as long for a name that does not
/// exist as for one that does.
pub(super) fn claim<D: Directory, R: CryptoRng>(
    arrival: &Arrival<'_, D, R>,
    opened: &AwaitRakp1,
    rakp1: &Rakp1,
) -> Result<Claim, Refusal> {
    if usize::from(rakp1.name_length) > MAX_USER_NAME {
        return Err((
            RmcpPlusStatus::INVALID_NAME_LENGTH,
            None,
            LoginFailure::UnknownUser,
        ));
    }
    let wanted = rakp1.role.privilege();
    if wanted != Privilege::UNSPECIFIED && !wanted.is_level() {
        return Err((RmcpPlusStatus::INVALID_ROLE, None, LoginFailure::Privilege));
    }
    let directory = arrival.directory;
    // Without a proof there is nothing that could fail later.
    let hides = directory.hides_unknown_users() && !opened.suite.is_unauthenticated();
    let at_least = (!rakp1.role.is_name_only_lookup() && wanted.is_level()).then_some(wanted);
    let lookup = UserLookup {
        name: trim_name(&rakp1.name),
        at_least,
    };
    let user = directory
        .user(lookup)
        .filter(|user| user.privilege_limit.is_level());
    let failure = match &user {
        None => Some(LoginFailure::UnknownUser),
        Some(user) if !directory.login_allowed(user.id, arrival.peer, arrival.now) => {
            Some(LoginFailure::LockedOut)
        }
        Some(_) => None,
    };
    // One that is hidden is found out at the end, from the proof.
    if let Some(failure) = failure.filter(|_| !hides) {
        spend_as_for_a_user(directory, opened, rakp1);
        let id = user.map(|user| user.id);
        return Err((RmcpPlusStatus::UNAUTHORIZED_NAME, id, failure));
    }
    let Some(user) = user else {
        let limit = Some(opened.granted);
        return Ok(Claim { user: None, limit });
    };
    let limit = limit_of(&user, opened, directory.channel().privilege_limit);
    let limit = match wanted {
        Privilege::UNSPECIFIED => Some(limit),
        wanted if wanted > limit => None,
        wanted => Some(wanted),
    };
    if limit.is_none() && !hides {
        return Err((
            RmcpPlusStatus::UNAUTHORIZED_ROLE,
            Some(user.id),
            LoginFailure::Privilege,
        ));
    }
    let user = Some(user.id);
    Ok(Claim { user, limit })
}

/// Computes what an answer to a user would hold, so that it takes as long.
fn spend_as_for_a_user(directory: &impl Directory, opened: &AwaitRakp1, rakp1: &Rakp1) {
    let transcript = RakpTranscript {
        console_session: opened.console_session,
        bmc_session: rakp1.bmc_session,
        console_random: &rakp1.console_random,
        bmc_random: &[0; 16],
        guid: directory.system_guid(),
        role: rakp1.role.0,
        user_name: &rakp1.name,
    };
    let code = transcript.rakp2_code(opened.suite.authentication, &Password::empty());
    core::hint::black_box(&code);
}

fn limit_of(user: &UserRecord<'_>, opened: &AwaitRakp1, channel: Privilege) -> Privilege {
    user.privilege_limit.min(opened.granted).min(channel)
}

/// A name without the NULs that some clients count in.
fn trim_name(name: &[u8]) -> &[u8] {
    let length = name
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1);
    name.get(..length).unwrap_or_default()
}
