# One image, one binary, roles by subcommand: `serve`, `index`, `demo`, `chain verify`.
#
#   docker build -t apogee .
#   docker run --rm -p 8480:8480 apogee demo --listen 0.0.0.0:8480
#
# Any image of Debian 12 with Rust builds it, any image of Debian 12 runs it. deploy/image.sh makes both from Debian's packages.
ARG BUILDER=docker.io/library/rust:1.95-slim-bookworm
ARG BASE=docker.io/library/debian:bookworm-slim

FROM ${BUILDER} AS build
ARG DEBIAN_FRONTEND=noninteractive
RUN apt-get update \
 && apt-get install --yes --no-install-recommends gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package apogee-server \
 && install -D target/release/apogee /out/apogee

FROM ${BASE}
ARG DEBIAN_FRONTEND=noninteractive
LABEL org.opencontainers.image.title="Apogee" \
      org.opencontainers.image.description="Testnet competitions on numbers that anyone can check" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
# Endpoints behind TLS are checked against the system's certificates.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt \
 && useradd --uid 10001 --user-group --home-dir /var/lib/apogee --no-create-home --shell /usr/sbin/nologin apogee \
 && install --directory --owner apogee --group apogee --mode 0700 /var/lib/apogee
COPY --from=build /out/apogee /usr/local/bin/apogee
# `demo` looks for the recording below the folder it runs in.
COPY examples/devnet-a /usr/share/apogee/examples/devnet-a
COPY examples/sr1-history/sr1-history.apogee.zst /usr/share/apogee/examples/sr1-history/
COPY deploy/apogee.toml /etc/apogee/apogee.toml
COPY LICENSE-MIT LICENSE-APACHE /usr/share/doc/apogee/
# The container's own loopback is of no use to anybody.
ENV APOGEE_LISTEN=0.0.0.0:8480
WORKDIR /usr/share/apogee
USER 10001:10001
VOLUME /var/lib/apogee
EXPOSE 8480
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s CMD ["apogee", "health"]
ENTRYPOINT ["apogee"]
CMD ["serve", "--config", "/etc/apogee/apogee.toml"]
