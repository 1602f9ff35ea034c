# syntax=docker/dockerfile:1
# Two images from one build: the controller, without a shell or a package manager, and the agent, which
# has nsenter besides, because mdadm, mkfs and mount are the host's own.
#
#   docker buildx build --target controller --platform linux/amd64,linux/arm64 -t …/poolkeeper .
#   docker buildx build --target agent      --platform linux/amd64,linux/arm64 -t …/poolkeeper-agent .
#
# The same sources give the same files: the lock file fixes every package, SOURCE_DATE_EPOCH their times
# (`--build-arg SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) --output …,rewrite-timestamp=true`). For a
# release, pin the base images by digest in NODE_IMAGE, CONTROLLER_BASE and AGENT_BASE; `--sbom=true
# --provenance=true` attaches what is inside.
ARG NODE_IMAGE=docker.io/library/node:24-trixie-slim
ARG CONTROLLER_BASE=gcr.io/distroless/cc-debian13:nonroot
ARG AGENT_BASE=docker.io/library/debian:trixie-slim

# The bundle is the same on every platform, so it is built once, on the builder's own.
FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS build
WORKDIR /source
ENV npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false
COPY package.json package-lock.json ./
# The lock file names a Node.js of its own for development; the image has one already.
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts
COPY tsconfig.json ./
COPY scripts scripts
COPY src src
RUN node scripts/build.ts \
 && node dist/poolkeeper.mjs --help 2>&1 | grep -q controller \
 && node --liftoff-only --max-semi-space-size=1 dist/poolkeeper.mjs --help 2>&1 | grep -q agent \
 && mkdir -p /bundle && cp dist/*.mjs dist/*.txt /bundle/

# The licences of what is inside, where scanners look for them.
FROM ${NODE_IMAGE} AS runtime
RUN mkdir -p /runtime/usr/local/bin /runtime/usr/share/licenses/node \
 && cp /usr/local/bin/node /runtime/usr/local/bin/ \
 && if [ -f /usr/local/LICENSE ]; then cp /usr/local/LICENSE /runtime/usr/share/licenses/node/; fi

FROM ${CONTROLLER_BASE} AS controller
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Poolkeeper controller" \
      org.opencontainers.image.description="Keeps pools of Azure VMs and disks warm" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/poolkeeper/poolkeeper" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=runtime /runtime/ /
COPY --from=build /bundle/ /app/
COPY LICENSE package-lock.json /app/
ENV NODE_ENV=production NODE_COMPILE_CACHE=/tmp/node-compile-cache
USER 65532:65532
EXPOSE 8080 8443
ENTRYPOINT ["/usr/local/bin/node", "/app/poolkeeper.mjs"]
CMD ["controller"]

FROM ${AGENT_BASE} AS agent
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Poolkeeper agent" \
      org.opencontainers.image.description="Makes the storage of a Kubernetes node real" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/poolkeeper/poolkeeper" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# util-linux, which every Debian has, brings nsenter; a base image without it fails here, not on a node.
RUN nsenter --version
COPY --from=runtime /runtime/ /
COPY --from=build /bundle/ /app/
COPY LICENSE package-lock.json /app/
ENV NODE_ENV=production NODE_COMPILE_CACHE=/tmp/node-compile-cache
# Root, and privileged by the chart: entering the host takes nothing less.
USER 0:0
EXPOSE 8080
# It runs on every node and idles: 82 instead of 104 MB, most of it by not compiling the HTTP client's
# WebAssembly for speed. (The build has tried these flags.)
ENV MALLOC_ARENA_MAX=1
ENTRYPOINT ["/usr/local/bin/node", "--liftoff-only", "--max-semi-space-size=1", "/app/poolkeeper.mjs"]
CMD ["agent"]
