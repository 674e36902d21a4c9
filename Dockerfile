# Both bases get their digests from Renovate (renovate.json).

# Build: everything with a compiler and npm stays in this stage.
FROM node:24-trixie-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
# No install script is needed: the build is tsc, and dockerode's native parts are optional.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY src ./src
# What is only for compilers (types, source maps) or people is a third of node_modules.
RUN npm run build \
 && npm prune --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund \
 && find node_modules -type f \( -name '*.ts' -o -name '*.cts' -o -name '*.mts' -o -name '*.map' -o -name '*.md' \) -delete \
 && find node_modules -type d -empty -delete \
 && chmod +x dist/main.js

# The sidecar: Debian with Node's binary, iptables (legacy and nft), ipset, conntrack, iproute2, and nft, which tells of changes.
# No npm, no compiler.
FROM debian:trixie-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends iptables ipset conntrack iproute2 nftables \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=build /build/package.json /opt/dockwall/package.json
COPY --from=build /build/node_modules /opt/dockwall/node_modules
COPY --from=build /build/dist /opt/dockwall/dist
COPY LICENSE /opt/dockwall/LICENSE
RUN ln -s /opt/dockwall/dist/main.js /usr/local/bin/dockwall
# Left to itself, V8 takes 230 MB before it collects what a burst of containers has left behind; so, 130.
ENV NODE_OPTIONS="--max-semi-space-size=2 --max-old-space-size=256"
# Loading programs is most of what a verb takes; what V8 makes of them is kept, and every verb is there from the start.
ENV NODE_COMPILE_CACHE=/opt/dockwall/cache
RUN dockwall version && dockwall --help >/dev/null && cd /opt/dockwall/dist && node --input-type=module --eval " \
    for (const name of (await import('node:fs')).readdirSync('faces/cli')) await import('/opt/dockwall/dist/faces/cli/' + name); \
    await (await import('/opt/dockwall/dist/reach/docker/dockerode-client.js')).connectDocker(); \
    await import('/opt/dockwall/node_modules/execa/index.js');"
# What names and lists last meant, for the next container to start from.
VOLUME /var/lib/dockwall
# It is a host-network container like any other, and has no port that labels should speak for: with `listen` its page is a
# service of the host.
LABEL dockwall.ports="" dockwall.description="the firewall itself"
# Docker looks for the first time when an interval has passed, and before Docker 25 there is no shorter one for the start.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["dockwall", "health"]
ENTRYPOINT ["dockwall"]
CMD ["run"]
