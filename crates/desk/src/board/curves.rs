//! How what is known grew over time.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Word;
use crate::cells::{Stage, Truth};
use crate::db::Sql;
use crate::{Access, CampaignId, Desk, Result, Time, Verb, campaigns};

/// Points of a curve, at most.
const POINTS: i64 = 240;
/// Microseconds of an hour.
const HOUR: i64 = 3_600_000_000;

/// The curves of a campaign, by stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Curves {
    /// The campaign.
    pub campaign_id: CampaignId,
    /// Points in order of time, evenly spaced; the last is now, or the end of the campaign.
    pub points: Vec<Point>,
}

/// One moment of one stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Point {
    /// The moment: the end of an hour.
    pub at: Time,
    /// The stage.
    pub stage: Stage,
    /// Servers in the campaign then: the denominator.
    pub servers: i64,
    /// How many had an answer.
    pub known: i64,
    /// How many said yes.
    pub yes: i64,
    /// How many said which word.
    pub words: Vec<Word>,
}

/// The curves of what one may see of a campaign. An answer counts from the hour in which it was given until the hour in
/// which another took its place or it became too old.
pub fn curves(desk: &Desk, access: &Access, campaign: &CampaignId) -> Result<Curves> {
    access.require(Verb::Read)?;
    let (found, steps, now) = desk.read(|tx| {
        let found = campaigns::find(tx, access, campaign)?;
        let mut sql = Sql::new(
            "SELECT hour, stage, state, detail, CAST(SUM(delta) AS BIGINT) FROM curve WHERE campaign_id = ",
        );
        sql.bind(campaign).push(" AND ").tenants("tenant_id", access);
        sql.push(" GROUP BY hour, stage, state, detail ORDER BY hour");
        let mut steps: Vec<Step> = Vec::new();
        for row in tx.rows(&sql)? {
            let mut row = row.reader();
            steps.push(Step {
                hour: row.get()?,
                key: (row.get()?, row.get()?, row.get()?),
                delta: row.get()?,
            });
        }
        Ok((found, steps, tx.now))
    })?;
    let end = found.closed_at.unwrap_or(now).micros().div_euclid(HOUR) + 1;
    let start = steps.first().map_or(end, |first| first.hour + 1);
    let stride = (end - start) / POINTS + 1;
    let mut points = Vec::new();
    let mut stands: BTreeMap<(Stage, Truth, String), i64> = BTreeMap::new();
    let mut steps = steps.into_iter().peekable();
    // The last point is the end, the others stand before it at even distances.
    let first = end - (end - start) / stride * stride;
    for at in (0..)
        .map(|index| first + index * stride)
        .take_while(|at| *at <= end)
    {
        while let Some(step) = steps.next_if(|step| step.hour < at) {
            *stands.entry(step.key).or_default() += step.delta;
        }
        points.extend(
            Stage::ALL
                .iter()
                .map(|stage| point(Time(at * HOUR), *stage, &stands)),
        );
    }
    Ok(Curves {
        campaign_id: campaign.clone(),
        points,
    })
}

struct Step {
    hour: i64,
    key: (Stage, Truth, String),
    delta: i64,
}

fn point(at: Time, stage: Stage, stands: &BTreeMap<(Stage, Truth, String), i64>) -> Point {
    let mut point = Point {
        at,
        stage,
        servers: 0,
        known: 0,
        yes: 0,
        words: Vec::new(),
    };
    for ((_, truth, detail), count) in stands
        .iter()
        .filter(|((of, ..), count)| *of == stage && **count != 0)
    {
        point.servers += count;
        point.known += if *truth == Truth::Unknown { 0 } else { *count };
        point.yes += if *truth == Truth::Yes { *count } else { 0 };
        point.words.push(Word {
            detail: detail.clone(),
            count: *count,
        });
    }
    point
}
