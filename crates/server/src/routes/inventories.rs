//! Inventories: files of offices, tools and hunts, brought in as observations.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vigie_desk::observations::{self, ImportOptions, ImportReport};
use vigie_desk::{PageRequest, TenantId, Verb, campaigns, exposure, packs};
use vigie_exposure::inventory::{self, Column, Mappings, Vantage};
use vigie_pack::Product;

use crate::IMPORT_LIMIT;
use crate::app::App;
use crate::caller::Caller;
use crate::input::{Query, too_large};
use crate::output::Answer;
use crate::problem::Problem;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(import_inventory))
        .layer(axum::extract::DefaultBodyLimit::max(IMPORT_LIMIT))
}

/// How to read a file and where to put what it says.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Import {
    /// The file's name: what it says is recorded as coming from there.
    file_name: String,
    /// Whose everything is, whatever the file says.
    tenant: Option<TenantId>,
    /// Whether tenants that are named and unknown are entered. Only whoever is there for all tenants can.
    #[serde(default)]
    new_tenants: bool,
    /// Whether servers that are named and unknown are entered.
    #[serde(default)]
    new_servers: bool,
    /// Whether `03/04/2021` is the 3rd of April; without, the file decides.
    day_first: Option<bool>,
    /// A column whose header is unknown: `HEADER=MEANING`, as often as needed.
    #[serde(default)]
    map: Vec<String>,
    /// Whether a scan was made from the Internet: only then what it found open is published.
    #[serde(default)]
    outside: bool,
}

/// What a file held, and what became of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Imported {
    /// What recognised it: `csv`, `xlsx`, `hunt`, `healthchecker`, `nmap`, ...
    format: String,
    /// Rows with something in them.
    rows: u64,
    /// Rows without anything.
    empty_rows: u64,
    /// What could not be understood, at most the first thousand. Everything else of the row stands.
    problems: Vec<NotUnderstood>,
    /// How many more problems there were.
    more_problems: u64,
    /// How its columns were understood.
    columns: Vec<ColumnOf>,
    /// What was decided for the file as a whole.
    notes: Vec<Sentence>,
    /// What became of its observations.
    report: ImportReport,
    /// Cells of open campaigns that say something else now.
    changed_cells: usize,
}

/// Something that could not be understood.
#[derive(Serialize, ToSchema)]
pub(crate) struct NotUnderstood {
    /// Where.
    place: Sentence,
    /// Why.
    why: Sentence,
}

/// A column.
#[derive(Serialize, ToSchema)]
pub(crate) struct ColumnOf {
    /// Its header as written.
    header: String,
    /// What it is taken for; `null`: it is not used.
    meaning: Option<String>,
}

/// A sentence in both languages.
#[derive(Serialize, ToSchema)]
pub(crate) struct Sentence {
    /// English.
    en: String,
    /// French.
    fr: String,
}

impl From<vigie_exposure::Said> for Sentence {
    fn from(said: vigie_exposure::Said) -> Sentence {
        Sentence {
            en: said.en,
            fr: said.fr,
        }
    }
}

/// Brings an inventory in, of any format that `vigie exposure inventory` reads. Then the exposure of all
/// open campaigns is worked out anew.
#[utoipa::path(post, path = "/inventories", tag = "servers", params(Import),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = Imported)))]
pub(crate) async fn import_inventory(
    caller: Caller,
    Query(how): Query<Import>,
    body: Result<Bytes, BytesRejection>,
) -> Answer<Imported> {
    let bytes = body.map_err(|error| too_large(&error))?;
    caller
        .block(move |desk, access| {
            if !access.may(Verb::Inventory) {
                return Err(vigie_desk::Error::Forbidden {
                    verb: Verb::Inventory,
                    role: access.role(),
                }
                .into());
            }
            let reading = inventory::read(&how.file_name, &bytes, &options(&how)?)
                .map_err(|error| Problem::invalid("file", &error.to_string()))?;
            let placing = ImportOptions {
                tenant_id: how.tenant,
                new_tenants: how.new_tenants,
                new_servers: how.new_servers,
            };
            let report = observations::import(desk, access, &reading.observations, &placing)?;
            let mut changed_cells = 0;
            let open = campaigns::list(desk, access, &PageRequest::first(1_000))?;
            for campaign in open.items.iter().filter(|campaign| campaign.closed_at.is_none()) {
                let pack = packs::load(desk, &campaign.pack)?;
                changed_cells += exposure::assess(desk, access, &campaign.id, &pack)?.changed;
            }
            Ok(Imported {
                format: reading.format.id().to_owned(),
                rows: reading.rows,
                empty_rows: reading.empty_rows,
                problems: reading
                    .problems
                    .into_iter()
                    .map(|problem| NotUnderstood {
                        place: problem.place.into(),
                        why: problem.why.into(),
                    })
                    .collect(),
                more_problems: reading.more_problems,
                columns: reading
                    .tables
                    .into_iter()
                    .flat_map(|table| table.columns)
                    .map(|column| ColumnOf {
                        header: column.header,
                        meaning: column.meaning.map(|meaning| meaning.id().to_owned()),
                    })
                    .collect(),
                notes: reading.notes.into_iter().map(Sentence::from).collect(),
                report,
                changed_cells,
            })
        })
        .await
        .map(Json)
}

fn options(how: &Import) -> Result<inventory::Options, Problem> {
    let mapping = how.map.iter().map(|pair| {
        let (header, meaning) = pair
            .rsplit_once('=')
            .ok_or_else(|| Problem::invalid("map", "it is not HEADER=MEANING"))?;
        let column = Column::from_id(meaning)
            .ok_or_else(|| Problem::invalid("map", &format!("{meaning:?} is no meaning of a column")))?;
        Ok((header.to_owned(), column))
    });
    Ok(inventory::Options {
        products: Product::embedded().map_err(|_| Problem::internal("the products cannot be read"))?,
        day_first: how.day_first,
        mapping: mapping.collect::<Result<_, Problem>>()?,
        mappings: Mappings::default(),
        vantage: how.outside.then_some(Vantage::Outside),
    })
}
