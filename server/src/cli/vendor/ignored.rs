//! The names of InfluxDB 3's options that have no counterpart here.

/// How an option is written.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// `--option VALUE`
    Value,
    /// `--option` or `--option VALUE`
    OptionalValue,
    /// `--option` or `--option=VALUE`
    Flag,
}

/// Options of `influxdb3 serve`, Core and Enterprise, that have no counterpart here.
#[rustfmt::skip]
pub(super) const IGNORED: &[(Form, &[&str])] = &[
    (Form::Value, &[
        // Identity and cluster
        "node-id", "node-id-from-env", "node-identifier-prefix", "host-id", "writer-id", "cluster-id", "mode",
        "replication-interval", "catalog-sync-interval", "wait-for-running-ingestor", "conn-info", "internode-bind-addr",
        "compactor-id", "read-from-node-ids", "license-email", "license-file", "license-type", "num-cores",
        "num-io-threads", "num-database-limit", "num-table-limit", "num-total-columns-per-table-limit",
        "max-concurrent-queries",
        // Object store
        "object-store", "bucket", "aws-access-key-id", "aws-secret-access-key", "aws-default-region", "aws-endpoint",
        "aws-session-token", "aws-credentials-file", "google-service-account", "azure-storage-account",
        "azure-storage-access-key", "azure-endpoint", "object-store-connection-limit",
        "object-store-http2-max-frame-size", "object-store-request-timeout", "object-store-max-retries",
        "object-store-retry-timeout", "object-store-cache-endpoint", "object-store-tls-ca",
        // Users
        "disable-authz", "admin-token-recovery-tcp-listener-file-path", "tcp-listener-file-path", "jwt-key-id",
        "jwt-private-key", "jwt-issuer", "jwt-default-ttl-seconds", "oauth-issuer", "oauth-audience", "oauth-client-id",
        "oauth-scopes", "rbac-authoring-disabled", "create-databases",
        // Log, traces, telemetry
        "log-destination", "query-log-size", "traces-exporter", "traces-exporter-jaeger-agent-host",
        "traces-exporter-jaeger-agent-port", "traces-exporter-jaeger-service-name",
        "traces-exporter-jaeger-trace-context-header-name", "traces-jaeger-debug-name", "traces-jaeger-tags",
        "traces-jaeger-max-msgs-per-second", "telemetry-endpoint",
        // Queries, writes, memory
        "datafusion-num-threads", "datafusion-max-parquet-fanout", "datafusion-config", "datafusion-runtime-type",
        "datafusion-runtime-disable-lifo-slot", "datafusion-runtime-event-interval",
        "datafusion-runtime-global-queue-interval", "datafusion-runtime-max-blocking-threads",
        "datafusion-runtime-max-io-events-per-tick", "datafusion-runtime-thread-keep-alive",
        "datafusion-runtime-thread-priority", "query-file-limit", "max-http-request-size", "exec-mem-pool-bytes",
        "force-snapshot-mem-threshold", "buffer-mem-limit-mb", "wal-flush-interval", "wal-snapshot-size",
        "wal-files-per-snapshot", "wal-max-write-buffer-size", "wal-replay-concurrency-limit",
        "snapshotted-wal-files-to-keep", "checkpoint-interval", "gen1-duration", "gen1-lookback-duration",
        "level-0-duration", "retention-check-interval", "delete-grace-period", "hard-delete-default-duration",
        "compaction-row-limit", "compaction-max-num-files-per-plan", "compaction-gen2-duration",
        "compaction-multipliers", "compaction-cleanup-wait", "compaction-check-interval",
        "compacted-data-load-concurrency-limit",
        // Caches
        "preemptive-cache-age", "parquet-mem-cache-size", "parquet-mem-cache-size-mb",
        "parquet-mem-cache-prune-percentage", "parquet-mem-cache-prune-interval",
        "parquet-mem-cache-query-path-duration", "table-index-cache-max-entries",
        "table-index-cache-concurrency-limit", "last-cache-eviction-interval", "distinct-cache-eviction-interval",
        "meta-cache-eviction-interval",
        // The upgraded storage engine
        "engine-path-prefix", "max-total-columns", "auto-dvc-max-cardinality", "auto-dvc-refresh-interval",
        "upgrade-poll-interval", "wal-flush-concurrency", "wal-buffer-size", "wal-snapshots-to-keep", "snapshot-size",
        "snapshot-duration", "max-concurrent-snapshots", "merge-threshold-size", "gen0-max-rows-per-file",
        "gen0-max-file-size", "file-cache-size", "file-cache-recency", "file-cache-evict-after",
        "wal-replica-recovery-concurrency", "wal-replica-steady-concurrency", "wal-replica-queue-length",
        "wal-replica-recovery-tail-skip-limit", "replica-gen0-load-concurrency", "replica-max-buffer-size",
        "shard-count", "compactor-input-size-budget", "final-compaction-age", "compactor-cleanup-cooldown",
        "row-delete-min-age", "l1-tail-target-size", "l1-target-file-size", "l1-promotion-count", "l2-tail-target-size",
        "l2-target-file-size", "l2-promotion-count", "l3-tail-target-size", "l3-target-file-size", "l3-promotion-count",
        "l4-tail-target-size", "l4-target-file-size",
        // Plugins
        "plugin-dir", "plugin-repo", "virtual-env-location", "package-manager", "restrict-plugin-triggers-to",
    ]),
    (Form::OptionalValue, &["admin-token-recovery-http-bind", "without-user-auth", "enable-retention"]),
    (Form::Flag, &[
        "aws-allow-http", "aws-skip-signature", "azure-allow-http", "object-store-http2-only",
        "object-store-tls-allow-insecure", "disable-telemetry-upload", "datafusion-use-cached-parquet-loader",
        "wal-replay-fail-on-error", "disable-parquet-mem-cache", "last-value-cache-disable-from-history",
        "distinct-value-cache-disable-from-history", "plugin-dir-only", "use-pacha-tree", "upgrade-pacha-tree",
        "disable-hybrid-query", "enable-auto-dvc", "disable-file-cache", super::WITHOUT_AUTH,
    ]),
];
