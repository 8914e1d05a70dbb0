//! The OpenAPI document: what all operations have in common.

use std::collections::BTreeMap;

use axum::http::Method;
use utoipa::ToSchema;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ArrayItems, ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    Components, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, ResponseBuilder,
};

use crate::idempotency::is_once;
use crate::problem::PROBLEM_JSON;

/// The document before any operation is in it.
pub(crate) fn base() -> OpenApi {
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Vigie")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(
                    "The desk of a managed service provider in a crisis. Times are RFC 3339, UTC. What one may not see \
                     does not exist: 404. What has a revision carries it as ETag, and changes name it as If-Match.",
                ))
                .license(Some(utoipa::openapi::License::new("MIT OR Apache-2.0")))
                .build(),
        )
        .build()
}

/// Adds to all operations what all have: problems, keys against repetition, ways to sign in.
pub(crate) fn complete(document: &mut OpenApi) {
    let components = document.components.get_or_insert_default();
    // What only headers, queries and these lines name is not collected by itself.
    add::<crate::problem::Problem>(components);
    add::<vigie_desk::board::Sort>(components);
    add::<crate::routes::events::Changed>(components);
    components.add_security_scheme(
        "session",
        SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
            crate::caller::COOKIE,
            "What POST /session sets. Changing requests carry X-CSRF-Token besides.",
        ))),
    );
    components.add_security_scheme("key", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    open_parts(components);
    document.security = Some(vec![
        SecurityRequirement::new("session", Vec::<String>::new()),
        SecurityRequirement::new("key", Vec::<String>::new()),
    ]);
    for (path, item) in &mut document.paths.paths {
        for operation in [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.delete,
            &mut item.patch,
        ]
        .into_iter()
        .flatten()
        {
            complete_operation(operation);
        }
        let changing = [
            (Method::POST, &mut item.post),
            (Method::PUT, &mut item.put),
            (Method::DELETE, &mut item.delete),
        ];
        let keyed = changing
            .into_iter()
            .filter(|(method, _)| is_once(method, path))
            .filter_map(|(_, operation)| operation.as_mut())
            .filter(|operation| operation.security.is_none());
        for operation in keyed {
            operation
                .parameters
                .get_or_insert_default()
                .push(RefOr::T(idempotency_key()));
        }
    }
}

/// What is sent refuses unknown fields, and its schema says so. Where it is a part of something that has more, the part stands
/// there without that.
fn open_parts(components: &mut Components) {
    let closed = components.schemas.clone();
    components
        .schemas
        .values_mut()
        .for_each(|schema| open_parts_of(schema, &closed));
}

fn open_parts_of(schema: &mut RefOr<Schema>, closed: &BTreeMap<String, RefOr<Schema>>) {
    let RefOr::T(schema) = schema else { return };
    match schema {
        Schema::AllOf(all) => {
            for item in &mut all.items {
                if let RefOr::Ref(reference) = &*item
                    && let Some(name) = reference.ref_location.rsplit('/').next()
                    && let Some(RefOr::T(Schema::Object(object))) = closed.get(name)
                {
                    let mut open = object.clone();
                    open.additional_properties = None;
                    *item = RefOr::T(Schema::Object(open));
                }
                open_parts_of(item, closed);
            }
        }
        Schema::Object(object) => {
            object
                .properties
                .values_mut()
                .for_each(|property| open_parts_of(property, closed));
        }
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                open_parts_of(items, closed);
            }
        }
        Schema::OneOf(one) => one.items.iter_mut().for_each(|item| open_parts_of(item, closed)),
        Schema::AnyOf(any) => any.items.iter_mut().for_each(|item| open_parts_of(item, closed)),
        _ => {}
    }
}

fn add<T: ToSchema>(components: &mut Components) {
    components.schemas.insert(T::name().into_owned(), T::schema());
}

fn complete_operation(operation: &mut Operation) {
    let tagged = operation
        .parameters
        .iter()
        .flatten()
        .any(|parameter| matches!(parameter, RefOr::T(parameter) if parameter.name == "If-Match"));
    if tagged {
        for response in operation.responses.responses.values_mut() {
            if let RefOr::T(response) = response {
                let header = HeaderBuilder::new().description(Some("Its revision.")).build();
                response.headers.insert("ETag".into(), header.into());
            }
        }
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            response.description = match status.as_str() {
                "201" => "It was made.",
                "202" => "It was taken on, and is done by and by.",
                "204" => "It was done.",
                _ => "The answer.",
            }
            .to_owned();
        }
    }
    let problem = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .build();
    operation.responses.responses.insert(
        "default".into(),
        ResponseBuilder::new()
            .description("What went wrong, and what to do.")
            .content(PROBLEM_JSON, problem)
            .build()
            .into(),
    );
}

fn idempotency_key() -> Parameter {
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .description(Some(
            "Anything that is new for each act: the same request with the same key is done once, within a day.",
        ))
        .schema(Some(
            ObjectBuilder::new()
                .schema_type(Type::String)
                .min_length(Some(1))
                .max_length(Some(255))
                .build(),
        ))
        .build()
}
