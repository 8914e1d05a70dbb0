//! The everyday life of a mail server: users, probes, mail, services, and the Internet's noise.
//!
//! The proportions follow production captures: 13.5 % of the proxied requests come from people, the rest from
//! Exchange watching itself.

mod daily;
mod web;
mod windows;

use vigie_event::{MICROS_PER_DAY, Timestamp};

use crate::exchange::Message;
use crate::machine::Machine;
use crate::plan::SimulateError;
use crate::rng::Rng;

pub(crate) use web::Shape;

pub(crate) const HOUR: i64 = MICROS_PER_DAY / 24;

/// How busy the server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Load {
    /// As little as proves that the logs were being written: one or two requests an hour.
    Thin,
    /// About this many bytes of logs over the whole time.
    Bytes(u64),
}

/// One thing that happens in the background.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Action {
    Web(Shape),
    Mail,
    Windows,
}

/// How busy an hour is, in parts of the day's sum: people work by day and on weekdays, probes always.
pub(crate) fn weight(hour: Timestamp) -> u64 {
    let of_day = hour.rem_euclid(MICROS_PER_DAY) / HOUR;
    // 1970-01-01 was a Thursday.
    let weekend = matches!((hour.div_euclid(MICROS_PER_DAY) + 4).rem_euclid(7), 0 | 6);
    match of_day {
        _ if weekend => 28,
        7..=10 | 13..=15 => 68,
        11..=12 | 16..=17 => 52,
        6 | 18..=19 => 38,
        _ => 28,
    }
}

/// The background of one server, hour by hour.
pub(crate) struct Background {
    load: Load,
    /// Sum of the weights of the hours still to come, this one included.
    weight_left: u64,
    actions: u64,
    mail_server: bool,
}

impl Background {
    pub(crate) fn new(load: Load, from: Timestamp, to: Timestamp, mail_server: bool) -> Background {
        Background {
            load,
            weight_left: hours(from, to).map(weight).sum(),
            actions: 0,
            mail_server,
        }
    }

    /// What happens in the hour, in order, at evenly spread times.
    pub(crate) fn plan(&mut self, machine: &mut Machine, hour: Timestamp) -> Vec<(Timestamp, Action)> {
        let share = weight(hour);
        let mut rng = machine.rng.clone();
        let actions = match self.load {
            Load::Thin => thin_hour(&mut rng, hour, self.mail_server),
            Load::Bytes(total) => {
                // What is still to be written, spread over the hours left; one action's size from experience.
                let left = total.saturating_sub(machine.bytes());
                let per_action = if self.actions > 500 {
                    (machine.bytes() / self.actions).max(300)
                } else {
                    2_000
                };
                let target = u128::from(left) * u128::from(share) / u128::from(self.weight_left.max(1));
                let count = (target as u64 / per_action).max(2);
                (0..count).map(|n| busy_action(&mut rng, hour, n == 0)).collect()
            }
        };
        self.weight_left -= share.min(self.weight_left);
        self.actions += actions.len() as u64;
        let count = actions.len().max(1) as i64;
        let slot = HOUR / count;
        let timed = actions
            .into_iter()
            .enumerate()
            .map(|(n, action)| (hour + slot * n as i64 + rng.below(slot as u64) as i64, action))
            .collect();
        machine.rng = rng;
        timed
    }
}

/// The full hours of a span.
pub(crate) fn hours(from: Timestamp, to: Timestamp) -> impl Iterator<Item = Timestamp> {
    let first = from.div_euclid(HOUR) * HOUR;
    (0..)
        .map(move |n| first + n * HOUR)
        .take_while(move |hour| *hour < to)
}

/// One protocol an hour, so that a quiet server does not fill the disk with the headers of hourly files.
fn thin_hour(rng: &mut Rng, hour: Timestamp, mail_server: bool) -> Vec<Action> {
    let of_day = hour.rem_euclid(MICROS_PER_DAY) / HOUR;
    let busy = weight(hour) > 50;
    let mut actions = Vec::new();
    if mail_server {
        let shape = Shape::draw(rng, hour);
        actions.push(Action::Web(shape));
        if busy {
            actions.push(Action::Web(shape));
        }
        if busy && of_day % 4 == 1 {
            actions.push(Action::Mail);
        }
    }
    if of_day % 3 == 0 || (busy && of_day % 2 == 0) {
        actions.push(Action::Windows);
    }
    actions
}

fn busy_action(rng: &mut Rng, hour: Timestamp, first: bool) -> Action {
    match rng.below(1_000) {
        _ if first => Action::Web(Shape::draw(rng, hour)),
        0..750 => Action::Web(Shape::draw(rng, hour)),
        750..840 => Action::Mail,
        _ => Action::Windows,
    }
}

impl Machine {
    /// Lets one thing of the background happen.
    pub(crate) fn background(&mut self, time: Timestamp, action: Action) -> Result<(), SimulateError> {
        match action {
            Action::Web(shape) => self.background_request(time, shape),
            Action::Mail => self.background_mail(time),
            Action::Windows => self.background_windows(time),
        }
    }

    fn background_mail(&mut self, time: Timestamp) -> Result<(), SimulateError> {
        let outside = [
            "commande@fournisseur.example",
            "newsletter@annonces.example",
            "contact@partenaire.example",
            "no-reply@transport.example",
        ];
        let user = self.rng.pick(&self.host.users).mail.clone();
        let other = *self.rng.pick(&outside);
        let incoming = self.rng.chance(600);
        let peer = format!("192.0.2.{}", self.rng.between(200, 240));
        let message = Message {
            from: if incoming { other } else { &user },
            to: if incoming { &user } else { other },
            incoming,
            peer: &peer,
            bytes: self.rng.between(3_000, 400_000),
        };
        self.message(time, &message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_busier_than_nights_and_weekends() {
        // 2021-03-03 was a Wednesday.
        let wednesday = 1_614_729_600_000_000;
        assert!(weight(wednesday + 9 * HOUR) > weight(wednesday + 3 * HOUR));
        assert!(weight(wednesday + 9 * HOUR) > weight(wednesday + 3 * MICROS_PER_DAY + 9 * HOUR));
        assert_eq!(hours(wednesday + 1, wednesday + MICROS_PER_DAY).count(), 24);
    }
}
