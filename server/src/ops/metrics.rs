//! `/metrics`: counts for a time-series database, as OpenMetrics or Prometheus text.

use std::fmt;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{ACCEPT, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue, StatusCode};
use influxdb3_token_api::API_VERSION;
use influxdb3_tokens::{ChangeKind, ChangeOutcome, Distribution};
use influxdb3_tokens_server::Tls;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, MetricEncoder, NoLabelSet, prometheus_text, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::Ops;
use super::rendering::Rendering;

pub(super) fn routes() -> Router<Ops> {
    let (openmetrics, prometheus) = (Rendering::default(), Rendering::default());
    let metrics = async move |State(ops): State<Ops>, headers: HeaderMap| {
        if accepts_openmetrics(&headers) {
            let render = |shown: &mut String, registry: &Registry| text::encode(shown, registry);
            respond(&openmetrics, ops, "application/openmetrics-text; version=1.0.0; charset=utf-8", render).await
        } else {
            let render = |shown: &mut String, registry: &Registry| prometheus_text::encode(shown, registry);
            respond(&prometheus, ops, "text/plain; version=0.0.4; charset=utf-8", render).await
        }
    };
    Router::new().route("/metrics", get(metrics))
}

fn accepts_openmetrics(headers: &HeaderMap) -> bool {
    let accepts =
        |value: &HeaderValue| value.to_str().is_ok_and(|value| value.contains("application/openmetrics-text"));
    headers.get_all(ACCEPT).iter().any(accepts)
}

async fn respond(
    rendering: &Rendering,
    ops: Ops,
    content_type: &'static str,
    encode: impl FnOnce(&mut String, &Registry) -> fmt::Result + Send + 'static,
) -> Response {
    let render = move || {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Scrape(ops)));
        let mut shown = String::new();
        encode(&mut shown, &registry).map(|()| shown)
    };
    let headers = [(CONTENT_TYPE, HeaderValue::from_static(content_type)), (VARY, HeaderValue::from_static("accept"))];
    match rendering.get(render).await {
        Some(shown) => (headers, shown).into_response(),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Reads every count when it is asked to, so that a request only adds to atomic numbers.
#[derive(Debug)]
struct Scrape(Ops);

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut families = Families(&mut encoder);
        self.build(&mut families)?;
        self.requests(&mut families)?;
        self.tokens(&mut families)?;
        self.store(&mut families)?;
        self.copy(&mut families)?;
        self.connections(&mut families)?;
        self.process(&mut families)
    }
}

impl Scrape {
    fn build(&self, families: &mut Families<'_, '_>) -> fmt::Result {
        let labels = [("version", env!("CARGO_PKG_VERSION")), ("document_version", API_VERSION)];
        let mut metric = families.begin(
            "influxdb3_tokens_build",
            "The version of the server, and of the document that it implements",
            None,
            MetricType::Info,
        )?;
        metric.encode_info(&labels)?;
        families.gauge(
            "influxdb3_tokens_ready",
            "Whether the server accepts requests, and its tokens are not too old",
            u64::from(self.0.known_reasons().is_empty()),
        )?;
        families.gauge(
            "influxdb3_tokens_certificate_not_after_timestamp_seconds",
            "When the certificate of the server expires; 0 without TLS",
            self.certificate_not_after(),
        )?;
        families.counter(
            "influxdb3_tokens_log_lines_dropped",
            "Lines of the log that could not be written in time",
            self.0.sources.dropped_lines.count(),
        )
    }

    /// In seconds since the Unix epoch.
    fn certificate_not_after(&self) -> u64 {
        let ends = self.0.sources.tls.as_ref().and_then(Tls::not_after);
        ends.and_then(|ends| ends.duration_since(SystemTime::UNIX_EPOCH).ok()).map_or(0, |since| since.as_secs())
    }

    fn requests(&self, families: &mut Families<'_, '_>) -> fmt::Result {
        let requests = &self.0.sources.requests;
        let mut metric = families.begin(
            "influxdb3_tokens_requests",
            "Responses to requests, by operation of the document and status",
            None,
            MetricType::Counter,
        )?;
        for (operation, status, count) in requests.responses() {
            let labels = [("operation", operation.to_owned()), ("status", status.to_string())];
            counter(&mut metric, &labels, count)?;
        }
        let mut metric = families.begin(
            "influxdb3_tokens_request_duration",
            "Time from the head of a request for an operation to its response",
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?;
        for (operation, durations) in requests.durations() {
            histogram(&mut metric, &[("operation", operation)], &durations, NANOSECOND)?;
        }
        let mut metric = families.begin(
            "influxdb3_tokens_authentications",
            "Requests for an operation whose credentials were accepted or rejected, and why",
            None,
            MetricType::Counter,
        )?;
        for (outcome, reason, count) in requests.authentications() {
            counter(&mut metric, &[("outcome", outcome), ("reason", reason)], count)?;
        }
        Ok(())
    }

    fn tokens(&self, families: &mut Families<'_, '_>) -> fmt::Result {
        let catalog = self.0.sources.api.catalog();
        families.gauge("influxdb3_tokens_live", "Tokens that are not deleted", catalog.live().len() as u64)?;
        let mut metric = families.begin(
            "influxdb3_tokens_changes",
            "Requested creations, deletions and regenerations, and what came of them",
            None,
            MetricType::Counter,
        )?;
        for kind in ChangeKind::ALL {
            for outcome in ChangeOutcome::ALL {
                let labels = [("change", kind.as_str()), ("outcome", outcome.as_str())];
                counter(&mut metric, &labels, catalog.changes(kind, outcome))?;
            }
        }
        Ok(())
    }

    fn store(&self, families: &mut Families<'_, '_>) -> fmt::Result {
        let store = self.0.sources.api.catalog().store_statistics();
        families.counter(
            "influxdb3_tokens_store_commits",
            "Durable transactions that changed tokens",
            store.commits,
        )?;
        families.counter(
            "influxdb3_tokens_store_failed_commits",
            "Transactions that failed, or may have failed",
            store.failed_commits,
        )?;
        families.gauge(
            "influxdb3_tokens_store_failing",
            "Whether the last transaction failed",
            u64::from(store.is_failing),
        )?;
        families.gauge("influxdb3_tokens_store_queue_depth", "Requests that wait for the store", store.queue_depth)?;
        families.gauge(
            "influxdb3_tokens_store_queue_capacity",
            "Requests that may wait for the store",
            store.queue_capacity,
        )?;
        let batches = "influxdb3_tokens_store_batch_size";
        let mut metric = families.begin(batches, "Changes in one transaction", None, MetricType::Histogram)?;
        histogram(&mut metric, NONE, &store.batch_sizes, 1.0)?;
        let mut metric = families.begin(
            "influxdb3_tokens_store_commit_duration",
            "Time of a transaction until it was durable",
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?;
        histogram(&mut metric, NONE, &store.commit_nanoseconds, NANOSECOND)
    }

    /// Without a cluster, the tokens in memory are those of the store, and nothing of this ever happens.
    fn copy(&self, families: &mut Families<'_, '_>) -> fmt::Result {
        let copy = self.0.sources.api.catalog().store_statistics().copy;
        let (is_fresh, staleness) =
            copy.as_ref().map_or((true, Some(Duration::ZERO)), |of| (of.is_fresh, of.staleness));
        let copy = copy.unwrap_or_default();
        families.gauge(
            "influxdb3_tokens_copy_fresh",
            "Whether the tokens in memory can be relied upon",
            u64::from(is_fresh),
        )?;
        let mut metric = families.begin(
            "influxdb3_tokens_copy_staleness",
            "How old the tokens in memory may be",
            Some(&Unit::Seconds),
            MetricType::Gauge,
        )?;
        if let Some(staleness) = staleness {
            metric.encode_gauge(&staleness.as_secs_f64())?;
        }
        let mut metric = families.begin(
            "influxdb3_tokens_copy_confirmations",
            "Reads that were to confirm that the tokens in memory have every change",
            None,
            MetricType::Counter,
        )?;
        counter(&mut metric, &[("outcome", "confirmed")], copy.confirmations)?;
        counter(&mut metric, &[("outcome", "failed")], copy.failed_confirmations)?;
        families.counter(
            "influxdb3_tokens_copy_watch_restarts",
            "Times that the stream of changes was begun again",
            copy.watch_restarts,
        )?;
        families.counter("influxdb3_tokens_copy_reloads", "Times that all tokens were loaded again", copy.reloads)?;
        families.counter(
            "influxdb3_tokens_copy_fallback_reads",
            "Authentications that a read in the store decided",
            copy.fallback_reads,
        )
    }

    fn connections(&self, families: &mut Families<'_, '_>) -> fmt::Result {
        let listeners = self.0.listeners();
        for (name, help, read) in [
            ("open", "Open connections", (|of| of.open) as fn(&influxdb3_tokens_server::Statistics) -> u64),
            ("max", "Connections that may be open", |of| of.capacity),
        ] {
            let name = format!("influxdb3_tokens_connections_{name}");
            let mut metric = families.begin(&name, help, None, MetricType::Gauge)?;
            for (listener, statistics) in &listeners {
                metric.encode_family(&[("listener", *listener)])?.encode_gauge(&read(statistics))?;
            }
        }
        for (name, help, read) in [
            (
                "connections_accepted",
                "Connections that were accepted",
                (|of| of.accepted) as fn(&influxdb3_tokens_server::Statistics) -> u64,
            ),
            ("connections_refused", "Connections that were closed at once, for lack of room", |of| of.refused),
            ("responses_delayed", "Responses 401 that were sent later, because an address got many", |of| of.delayed),
            ("sweeps", "Times that all connections were checked for limits", |of| of.sweeps),
        ] {
            let name = format!("influxdb3_tokens_{name}");
            let mut metric = families.begin(&name, help, None, MetricType::Counter)?;
            for (listener, statistics) in &listeners {
                counter(&mut metric, &[("listener", *listener)], read(statistics))?;
            }
        }
        let closed = "influxdb3_tokens_connections_closed";
        let mut metric = families.begin(closed, "Connections that a limit closed", None, MetricType::Counter)?;
        for (listener, statistics) in &listeners {
            for (limit, count) in statistics.closed {
                counter(&mut metric, &[("listener", *listener), ("limit", limit)], count)?;
            }
        }
        Ok(())
    }

    /// The names that Prometheus gives to what every process has.
    fn process(&self, families: &mut Families<'_, '_>) -> fmt::Result {
        let process = &self.0.sources.process;
        let started = self.0.started.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        families.gauge(
            "process_start_time_seconds",
            "When the server started, in seconds since 1970",
            started.as_secs_f64(),
        )?;
        families.counter("process_cpu_seconds", "Time for which the threads have run", process.cpu_seconds())?;
        for (name, help, value) in [
            ("process_resident_memory_bytes", "Memory in RAM", process.resident_bytes()),
            ("process_open_fds", "Open file descriptors", process.open_descriptors()),
            ("process_max_fds", "File descriptors that may be open", process.max_descriptors()),
        ] {
            if let Some(value) = value {
                families.gauge(name, help, value)?;
            }
        }
        Ok(())
    }
}

const NANOSECOND: f64 = 1e-9;

const NONE: &[(&str, &str)] = &[];

/// Where metrics are added.
struct Families<'f, 'e>(&'f mut DescriptorEncoder<'e>);

impl Families<'_, '_> {
    fn begin<'s>(
        &'s mut self,
        name: &'s str,
        help: &str,
        unit: Option<&'s Unit>,
        kind: MetricType,
    ) -> Result<MetricEncoder<'s>, fmt::Error> {
        self.0.encode_descriptor(name, &format!("{help}."), unit, kind)
    }

    fn gauge<V: prometheus_client::encoding::EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        value: V,
    ) -> fmt::Result {
        self.begin(name, help, None, MetricType::Gauge)?.encode_gauge(&value)
    }

    fn counter<V>(&mut self, name: &str, help: &str, value: V) -> fmt::Result
    where
        V: prometheus_client::encoding::EncodeCounterValue,
    {
        self.begin(name, help, None, MetricType::Counter)?.encode_counter::<NoLabelSet, _, u64>(&value, None)
    }
}

fn counter(metric: &mut MetricEncoder<'_>, labels: &impl EncodeLabelSet, value: u64) -> fmt::Result {
    metric.encode_family(labels)?.encode_counter::<NoLabelSet, _, u64>(&value, None)
}

/// A histogram of values in this unit.
fn histogram<'l>(
    metric: &mut MetricEncoder<'_>,
    labels: &'l [(&'l str, &'l str)],
    values: &Distribution,
    unit: f64,
) -> fmt::Result {
    let bounds = values.bounds.iter().map(|bound| *bound as f64 * unit).chain([f64::INFINITY]);
    let buckets: Vec<_> = bounds.zip(values.counts.iter().copied().chain([0])).collect();
    let count = values.counts.iter().sum();
    metric.encode_family(&labels)?.encode_histogram::<NoLabelSet>(values.sum as f64 * unit, count, &buckets, None)
}
