# The image has the program, its libraries and CA certificates; no shell. It runs as user 65532 and writes to /data alone:
#
#   docker build -t livekit-airtable .
#   docker run --env-file .env --read-only --volume calls:/data --publish 127.0.0.1:8080:8080 --stop-timeout 15 livekit-airtable

FROM rust:1.95-bookworm AS build
WORKDIR /source
COPY . .
RUN cargo build --locked --profile dist --no-default-features && \
    deploy/image-tree target/dist/livekit-airtable /image

FROM scratch
LABEL org.opencontainers.image.title="livekit-airtable" \
      org.opencontainers.image.description="Records every LiveKit call, keeps the recording in your bucket, writes one Airtable row per call" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /image /
ENV MALLOC_MMAP_THRESHOLD_=262144 MALLOC_ARENA_MAX=2
USER 65532:65532
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=20s --start-period=30s CMD ["/usr/local/bin/livekit-airtable", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/livekit-airtable"]
CMD ["serve"]
