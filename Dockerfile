# The server alone: one static binary in an empty image. docs/packaging.md says how to run it.

FROM rust:1.95.0-bookworm AS build
# `gnu` links glibc instead of musl.
ARG LIBC=musl
RUN apt-get update && apt-get install --yes --no-install-recommends musl-tools python3-venv && rm -rf /var/lib/apt/lists/* \
    && rustup target add "$(uname -m)-unknown-linux-$LIBC"
WORKDIR /source
COPY . .
RUN mkdir -p /image/data \
    && cp "$(python3 -m tools.static_binary --release --target "$(uname -m)-unknown-linux-$LIBC")" /image/

FROM scratch
LABEL org.opencontainers.image.title="influxdb3-tokens" \
    org.opencontainers.image.description="A server for InfluxDB 3's token API" \
    org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /image/influxdb3-tokens /usr/bin/influxdb3-tokens
# A new volume takes the owner of this directory.
COPY --from=build --chown=65532:65532 /image/data /var/lib/influxdb3-tokens
# The data is in a directory below the volume, which the server makes and nobody else can read. Some volumes belong to
# root, or have modes that the server refuses.
ENV PATH=/usr/bin \
    INFLUXDB3_DB_DIR=/var/lib/influxdb3-tokens/data \
    INFLUXDB3_HTTP_BIND_ADDR=0.0.0.0:8181 \
    INFLUXDB3_TOKENS_OPS_BIND=0.0.0.0:8182
VOLUME /var/lib/influxdb3-tokens
EXPOSE 8181 8182
USER 65532:65532
HEALTHCHECK --interval=30s --timeout=10s --start-period=10s CMD ["influxdb3-tokens", "healthcheck"]
ENTRYPOINT ["influxdb3-tokens"]
CMD ["serve"]
