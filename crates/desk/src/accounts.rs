//! Accounts: who may sign in, as what, and for which tenants.
//!
//! Passwords are kept as argon2id. A second factor (TOTP) can be added by everybody for themselves, with recovery codes.
//! Attempts to sign in are counted before anything is looked at, by login and by address (`throttle`). What signing in
//! gives is a session ([`sessions`]); programs have keys ([`crate::keys`]). Who comes from an identity provider is known
//! by issuer and subject ([`oidc`]).

mod links;
pub mod oidc;
mod password;
pub mod sessions;
mod sign_in;
mod store;
mod throttle;
mod totp;

pub use links::{LinkPurpose, create_first_admin, first_admin_link, invite, use_link};
pub use sign_in::{Attempt, sign_in};
pub(crate) use store::find;
pub use store::{
    Account, AccountFields, Person, change, change_password, create, get, list, people, set_disabled,
    set_preferences,
};
pub(crate) use totp::own as own_account;
pub use totp::{Enrolment, confirm_totp, drop_totp, enrol_totp};

#[cfg(test)]
mod tests;
