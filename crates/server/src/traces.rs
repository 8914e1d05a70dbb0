//! Traces for OpenTelemetry, when an endpoint is configured: a span for each request, one for each time it waits for the
//! desk, and one for each job. Spans hold methods, routes' patterns and statuses; no path, query, body, header, name or
//! identifier is in them.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::HeaderMap;
use bytes::Bytes;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{FutureExt, Span, SpanKind, Status, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HeaderExtractor, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use ureq::Agent;

/// The variables that name where traces go.
const ENDPOINTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];
/// Time for one delivery.
const PATIENCE: Duration = Duration::from_secs(10);
/// Time for the last delivery, when the server stops.
const LAST: Duration = Duration::from_secs(3);
/// Bytes of an answer that are read.
const ANSWER: u64 = 1 << 20;

/// Where spans go. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Traces {
    tracer: SdkTracer,
    provider: SdkTracerProvider,
    propagator: Arc<TraceContextPropagator>,
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Traces")
    }
}

/// Why traces cannot be sent as configured.
#[derive(Debug, thiserror::Error)]
#[error("traces cannot be sent: {0}; look at the variables OTEL_EXPORTER_OTLP_*")]
pub struct TracesError(String);

impl Traces {
    /// What the environment configures, by the usual variables of OpenTelemetry; `None` when it names no endpoint.
    ///
    /// # Errors
    /// When what it configures cannot be.
    pub fn from_environment() -> Result<Option<Traces>, TracesError> {
        let set = |name: &&str| std::env::var(*name).is_ok_and(|value| !value.trim().is_empty());
        let disabled =
            std::env::var("OTEL_SDK_DISABLED").is_ok_and(|value| value.eq_ignore_ascii_case("true"));
        match ENDPOINTS.iter().any(set) && !disabled {
            true => Traces::build(None).map(Some),
            false => Ok(None),
        }
    }

    /// Sends them to an endpoint, `http://127.0.0.1:4318/v1/traces`.
    ///
    /// # Errors
    /// When it is no address.
    pub fn to(endpoint: &str) -> Result<Traces, TracesError> {
        Traces::build(Some(endpoint))
    }

    fn build(endpoint: Option<&str>) -> Result<Traces, TracesError> {
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client::new());
        if let Some(endpoint) = endpoint {
            exporter = exporter.with_endpoint(endpoint);
        }
        let exporter = exporter.build().map_err(|error| TracesError(error.to_string()))?;
        let mut resource = Resource::builder();
        if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
            resource = resource.with_service_name("vigie");
        }
        let provider = SdkTracerProvider::builder()
            .with_resource(
                resource
                    .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
                    .build(),
            )
            .with_batch_exporter(exporter)
            .build();
        Ok(Traces {
            tracer: provider.tracer("vigie"),
            provider,
            propagator: Arc::new(TraceContextPropagator::new()),
        })
    }

    /// Follows a request. `headers` are those of a proxy whose word is believed: its trace goes on.
    pub(crate) async fn follow(
        &self,
        method: &'static str,
        route: &str,
        headers: Option<&HeaderMap>,
        work: impl Future<Output = axum::response::Response>,
    ) -> axum::response::Response {
        let parent = headers.map_or_else(Context::new, |headers| {
            self.propagator
                .extract_with_context(&Context::new(), &HeaderExtractor(headers))
        });
        let span = self
            .tracer
            .span_builder(format!("{method} {route}"))
            .with_kind(SpanKind::Server)
            .with_attributes([
                KeyValue::new("http.request.method", method),
                KeyValue::new("http.route", route.to_owned()),
            ])
            .start_with_context(&self.tracer, &parent);
        let context = parent.with_span(span);
        let response = work.with_context(context.clone()).await;
        let status = response.status();
        let span = context.span();
        span.set_attribute(KeyValue::new(
            "http.response.status_code",
            i64::from(status.as_u16()),
        ));
        if status.is_server_error() {
            span.set_status(Status::error(""));
        }
        span.end();
        response
    }

    /// Begins to follow what a request waits for. It ends when it is dropped.
    pub(crate) fn wait(&self, name: &'static str) -> impl Span + Send + use<> {
        self.tracer.start_with_context(name, &Context::current())
    }

    /// Follows a job; `work` says whether it ended well.
    pub(crate) fn job<T>(&self, kind: &'static str, work: impl FnOnce() -> (T, bool)) -> T {
        let mut span = self
            .tracer
            .span_builder(format!("job {kind}"))
            .with_attributes([KeyValue::new("vigie.job.kind", kind)])
            .start_with_context(&self.tracer, &Context::new());
        let (done, well) = work();
        if !well {
            span.set_status(Status::error(""));
        }
        span.end();
        done
    }

    /// Sends what is left, and no more.
    pub fn stop(&self) {
        if let Err(error) = self.provider.shutdown_with_timeout(LAST) {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// Delivers spans. It blocks, on the one thread that does nothing else.
#[derive(Debug)]
struct Client {
    agent: Agent,
    failed: AtomicU64,
}

impl Client {
    fn new() -> Client {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(PATIENCE))
            .build();
        Client {
            agent: config.into(),
            failed: AtomicU64::new(0),
        }
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let request = Request::from_parts(parts, body.to_vec());
        let mut response = self.agent.run(request)?;
        let body = response.body_mut().with_config().limit(ANSWER).read_to_vec()?;
        let (parts, _) = response.into_parts();
        Ok(Response::from_parts(parts, body.into()))
    }

    /// Says that a delivery failed: the first time, and each time there are twice as many.
    fn note(&self, outcome: &Result<Response<Bytes>, HttpError>) {
        let why = match outcome {
            Ok(response) if response.status().is_success() => return,
            Ok(response) => format!("the collector answers {}", response.status()),
            Err(error) => error.to_string(),
        };
        let failed = self.failed.fetch_add(1, Ordering::Relaxed) + 1;
        if failed.is_power_of_two() {
            tracing::warn!(why, failed, "traces could not be delivered");
        }
    }
}

impl HttpClient for Client {
    // What `async_trait` makes of `async fn send_bytes`.
    fn send_bytes<'client, 'future>(
        &'client self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'future>>
    where
        'client: 'future,
        Self: 'future,
    {
        Box::pin(async move {
            let outcome = self.send(request);
            self.note(&outcome);
            outcome
        })
    }
}
